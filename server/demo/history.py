"""The demo company's whole history as sendings, oldest first."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import chain

from server.demo.cases import case_sendings
from server.demo.failures import draw_failures
from server.demo.master import company
from server.demo.period import first_day
from server.demo.sending import Sending
from server.demo.trips import trip_sendings
from server.demo.voices import feedback_sendings, survey_sendings


def demo_answers(seed: int, until: date, *, start: date | None = None) -> Iterator[Sending]:
    """
    Everything the company's people sent from *start* (36 months before) to *until*.

    The same arguments give the same history; a later *start* gives a part of it.
    """
    people = company(seed, until)
    draw = random.Random(f"cases {seed}")
    failures = draw_failures(people, seed, until)
    cases = chain.from_iterable(case_sendings(f, people, draw, until) for f in failures)
    others = chain(
        trip_sendings(people, seed, until, failures),
        survey_sendings(people, seed, until),
        feedback_sendings(people, seed, until),
    )
    first = datetime.combine(start or first_day(until), time())
    begun: dict[str, bool] = {}
    found = sorted(chain(cases, others), key=lambda sending: sending.received_at)
    for sending in found:
        # An object that began before *start* is left out whole: its later revisions would hang in the air.
        begun.setdefault(sending.trip or sending.instance, sending.received_at >= first)
        if begun[sending.trip or sending.instance]:
            yield sending
