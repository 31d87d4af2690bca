"""Kilometres, hours and parts: from readings of forms and returns, trains that never failed included."""

from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.statistics.exposure import FittedParts, Fleet, TrainLife
from server.statistics.meters import Readings, plausible

NEW_YEAR = date(2026, 1, 1)


def day(number: int) -> date:
    """The day with this number; the first of January is 0."""
    return NEW_YEAR + timedelta(days=number)


def train(code: str = "0101", **known: object) -> TrainLife:
    """A train that runs 100 km a day, read on day 0 and day 100."""
    default = {"type": "B", "begin": NEW_YEAR, "readings": ((day(0), 0.0), (day(100), 10_000.0))}
    life: dict[str, Any] = default | known
    read = {meter: Readings.of(life[meter]) for meter in ("readings", "hours") if meter in life}
    return TrainLife(code=code, **(life | read))


def test_own_mean_goes_on_for_45_days_and_then_the_types() -> None:
    """Days 101 to 145 are measured; from 146 on it is estimated."""
    other = train("0102", readings=((day(0), 0.0), (day(100), 30_000.0)))
    fleet = Fleet([train(), other])
    within, beyond = fleet.kilometres(day(101), day(145), ["0101"]), fleet.kilometres(day(146), day(155), ["0101"])

    assert (within.km, within.estimated) == (pytest.approx(4_500), 0)
    assert (beyond.km, beyond.estimated) == (pytest.approx(2_000), pytest.approx(2_000))  # 200 km a day on average
    assert beyond.estimated_share == pytest.approx(1)


def test_retired_train_stops_and_a_late_one_begins() -> None:
    """Observation runs from the acceptance to the retirement."""
    fleet = Fleet([train(begin=day(10), end=day(19))])

    assert fleet.kilometres(day(0), day(365)).km == pytest.approx(1_000)
    assert fleet.kilometres(day(20), day(365)).km == 0
    assert Fleet([train(begin=day(10), end=day(5))]).kilometres(day(0), day(365)).km == 0


def test_what_falls_out_is_on_the_error_list() -> None:
    """A reading that goes back and one with a digit too many, each with its reason; another train's do not count."""
    wrong = train(
        readings=((day(0), 5_000.0), (day(50), 10_000.0), (day(70), 1_200.0), (day(90), 140_000.0), (day(99), 14_900.0))
    )
    found = Fleet([wrong]).odd_readings()

    assert [(odd.day, odd.value, odd.reason.en.split()[0]) for odd in found] == [
        (day(70), 1_200, "lower"),
        (day(90), 140_000, "more"),
    ]
    assert Fleet([wrong], counted=[]).odd_readings() == ()


def test_hours_come_from_their_own_meter() -> None:
    """17 hours a day; a type whose hours nobody read has none, which is no data."""
    read = train(hours=((day(0), 100.0), (day(100), 1_800.0)))
    fleet = Fleet([read, train("0201", type="A")])

    assert fleet.hours(day(1), day(10), ["0101"]).amount == pytest.approx(170)
    assert fleet.hours(day(1), day(10), ["0201"]).amount == 0
    assert fleet.hours(day(1), day(10), ["0201"]).estimated_share is None


def test_age_counts_what_a_train_ran_before_anybody_kept_records() -> None:
    """Accepted 200 days before the records began."""
    fleet = Fleet([train(accepted_on=day(-200))])

    assert fleet.age("0101", day(0).toordinal() - 1) == pytest.approx(20_000, rel=0.02)
    assert fleet.run("0101", day(9).toordinal()) == pytest.approx(1_000)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6, unique=True))
def test_parts_of_a_period_add_up_to_the_whole(cuts: list[int]) -> None:
    """However a year is cut into months."""
    fleet = Fleet([train(), train("0102", readings=())])
    edges = [0, *sorted(cuts), 401]
    parts = [fleet.kilometres(day(low), day(high - 1)).km for low, high in pairwise(edges)]

    assert sum(parts) == pytest.approx(fleet.kilometres(day(0), day(400)).km)


@given(st.permutations([(day(n * 20), n * 2_000.0) for n in range(6)]))
def test_order_of_readings_does_not_matter(readings: list[tuple[date, float]]) -> None:
    assert Fleet([train(readings=tuple(readings))]).kilometres(day(1), day(60)).km == pytest.approx(6_000)


def test_two_readings_of_one_day_are_both_right() -> None:
    """The form of the morning and the return of the evening."""
    readings = [(day(0), 0.0), (day(30), 3_000.0), (day(30), 3_080.0), (day(60), 6_000.0)]

    kept, out = plausible(Readings.of(readings))

    assert list(zip(kept.days, kept.values, strict=True)) == [(day.toordinal(), km) for day, km in readings]
    assert not len(out.days)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from((0, 500, 900, 2_000, 9_000))), max_size=9))
def test_longest_run_of_what_can_be_right_is_kept(pairs: list[tuple[int, int]]) -> None:
    """Of all runs that never go down or too fast, found by trying every one, none is longer."""
    readings = Readings.of([(day(number), float(km)) for number, km in pairs])
    kept, out = plausible(readings, most_per_day=1_000)

    def follow(run: tuple[tuple[int, int], ...]) -> bool:
        return all(0 <= after[1] - one[1] <= 1_000 * max(after[0] - one[0], 1) for one, after in pairwise(run))

    ordered = sorted(set(pairs))
    runs = (run for size in range(len(ordered) + 1) for run in combinations(ordered, size) if follow(run))
    assert len(kept.days) == max(map(len, runs))
    right, wrong = (
        [(number - NEW_YEAR.toordinal(), int(km)) for number, km in zip(*map(list, some), strict=True)]
        for some in (kept, out)
    )
    assert follow(tuple(right))
    assert sorted(right + wrong) == ordered


def test_parts_run_with_their_trains_by_configuration() -> None:
    """Six a train, eight from day 50 on; a part nobody has counted has no kilometres, not 0."""
    fleet = Fleet([train()])
    parts = FittedParts({("B", "BCU"): ((None, 6), (day(50), 8))})
    found = parts.kilometres(fleet, "BCU", day(1), day(100))
    assert found is not None

    assert found.amount == pytest.approx(49 * 100 * 6 + 51 * 100 * 8)
    assert parts.kilometres(fleet, "PAD", day(1), day(100)) is None
    assert (parts.of("B", "BCU", day(49)), parts.of("B", "BCU", day(50)), parts.of("A", "BCU", day(0))) == (6, 8, None)
