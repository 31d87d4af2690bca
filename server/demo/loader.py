"""Loads the demo company into a site: master data, one user per role, and its history through the intake."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from server.access.people import create_user, find_user
from server.access.visibility import Viewer
from server.demo.catalogue import STATIONS
from server.demo.history import demo_answers
from server.demo.master import demo_master
from server.demo.measured import demo_measured
from server.demo.sending import Sending
from server.intake.receive import Answers, Outcome, Receipt, receive_values_many
from server.site import Site
from workbooks.master import MEASURED
from workbooks.master_workbook import write_master

SEED = 1
# In this order: a plan names the number its failure got, a loan and a summary that of their plan.
_ROUNDS = (("fracas", "feedback", "survey"), ("trip_plan",), ("trip_loan", "trip_summary"))

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in to the demo; the password was drawn at random and is kept nowhere."""

    username: str
    password: str
    roles: tuple[str, ...]
    station: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSummary:
    """
    What was loaded: records per form, later revisions, and sendings that were turned down as meant.

    *surprises* are receipts that are not as the history expects them; there should be none.
    """

    accounts: tuple[Account, ...]
    records: Mapping[str, int]
    revisions: int
    rejected: int
    surprises: tuple[Receipt, ...]
    until: date
    seconds: float


class DemoError(Exception):
    """The demo company cannot be loaded; the text says why."""


def load_demo(
    site: Site, *, progress: Progress | None = None, start: date | None = None, until: date | None = None
) -> DemoSummary:
    """
    Load the whole demo company; its history ends with *until*, by default yesterday.

    A later *start* loads a part of the history. *progress* is called with (done, total).

    Raises:
        DemoError: The site is in use already: the demo's master data would retire its own.
    """
    began = time.perf_counter()
    with site.session(read_only=True) as session:
        if find_user(session, "admin") is not None:
            raise DemoError("this installation is in use: it has a user called admin")
    until = until or site.now().date() - timedelta(days=1)
    imported = site.import_master(write_master(demo_master(SEED, until), "zh"), by=Viewer.operator())
    if imported.findings:
        raise DemoError("; ".join(finding.message("en") for finding in imported.findings))
    measured = write_master(demo_measured(SEED, until), "zh", MEASURED)
    imported = site.import_master(measured, by=Viewer.operator())
    if imported.findings:
        raise DemoError("; ".join(finding.message("en") for finding in imported.findings))
    accounts = _accounts(site)
    sendings = list(demo_answers(SEED, until, start=start))
    done = _Tally(len(sendings), progress)
    for forms in _ROUNDS:
        done.add(_send(site, [s for s in sendings if s.form_id in forms], done))
    return DemoSummary(
        accounts=accounts,
        records=dict(done.records),
        revisions=done.revisions,
        rejected=done.rejected,
        surprises=tuple(done.surprises),
        until=until,
        seconds=time.perf_counter() - began,
    )


class _Tally:
    """Counts receipts as they come in, and remembers the numbers of failures and trip plans."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.records: Counter[str] = Counter()
        self.revisions = self.rejected = 0
        self.surprises: list[Receipt] = []
        self.plans: dict[str, str] = {}
        self.failures: dict[str, str] = {}
        self._done, self._total, self._progress = 0, total, progress

    def add(self, receipts: Iterable[tuple[Sending, Receipt]]) -> None:
        for sending, receipt in receipts:
            self._count(sending, receipt)
            self._done += 1
            if self._progress is not None and (self._done % 50 == 0 or self._done == self._total):
                self._progress(self._done, self._total)

    def _count(self, sending: Sending, receipt: Receipt) -> None:
        if (receipt.outcome is Outcome.REJECTED) != (sending.expected == "rejected"):
            self.surprises.append(receipt)
        if receipt.outcome is Outcome.REJECTED:
            self.rejected += 1
        elif receipt.outcome is Outcome.RECORDED:
            self.records[sending.form_id] += 1
        else:
            self.revisions += receipt.outcome is Outcome.REVISED
        if sending.form_id == "trip_plan" and receipt.record_number is not None:
            self.plans[sending.trip] = receipt.record_number
        if sending.form_id == "fracas" and receipt.record_number is not None:
            self.failures[sending.instance] = receipt.record_number


def _send(site: Site, sendings: list[Sending], done: _Tally) -> Iterator[tuple[Sending, Receipt]]:
    items = [_item(site, sending, done) for sending in sendings]
    yield from zip(sendings, receive_values_many(site, items), strict=True)


def _item(site: Site, sending: Sending, done: _Tally) -> Answers:
    answers = dict(sending.answers)
    if sending.trip in done.plans:
        answers["plan_no"] = done.plans[sending.trip]
    if sending.about in done.failures:
        answers["failure_no"] = done.failures[sending.about]
    return Answers(
        form_id=sending.form_id,
        answers={name: value for name, value in answers.items() if value is not None and value != []},
        channel="web" if sending.role in ("engineer", "quality") else "mail",
        sender=_sender(sending),
        instance_id=sending.instance,
        reason=sending.reason,
        received_at=_aware(sending.received_at, site),
    )


def _sender(sending: Sending) -> Viewer:
    bound = sending.station if sending.role == "station" else None
    return Viewer(
        user_id=None,
        username=f"demo-{sending.role}",
        display_name=sending.person,
        roles=frozenset({sending.role}),
        station=bound,
    )


def _aware(local: datetime, site: Site) -> datetime:
    return local.replace(tzinfo=site.zone)


def _accounts(site: Site) -> tuple[Account, ...]:
    """One user per role, with passwords nobody knows before."""
    wanted = (
        ("admin", ("admin",), None, "系统管理员"),
        ("manager", ("manager",), None, "售后部经理"),
        ("engineer", ("engineer",), None, "责任工程师"),
        ("quality", ("quality",), None, "质量工程师"),
        ("station", ("station",), STATIONS[0].code, f"{STATIONS[0].city.zh}站站长"),
    )
    accounts: list[Account] = []
    with site.session() as session:
        for username, roles, station, name in wanted:
            password = secrets.token_urlsafe(12)
            create_user(session, username=username, password=password, display_name=name, roles=roles, station=station)
            accounts.append(Account(username=username, password=password, roles=roles, station=station))
    return tuple(accounts)
