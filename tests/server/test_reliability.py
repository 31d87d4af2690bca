"""What must hold for any data: sums, order, units, trains without failures, too few data, no data."""

from datetime import datetime, timedelta
from itertools import pairwise
from math import inf, log
from subprocess import run
from sys import executable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.statistics.cases import Case, Stage, repeats
from server.statistics.reliability import growth, minimums
from server.statistics.reliability.availability import down_hours, inherent, inherent_limits, merged, operational
from server.statistics.reliability.effectiveness import EFFECTIVE, INCONCLUSIVE, UNCHANGED, compare_rates, effect
from server.statistics.reliability.growth import crow_amsaa, duane, goodness_of_fit, grouped
from server.statistics.reliability.life import Life, kaplan_meier, weibull
from server.statistics.reliability.loop import dwell, spans, waiting
from server.statistics.reliability.mcf import by_cause, mean_cumulative
from server.statistics.reliability.rates import between_failures, control_chart, exact_share, failure_rate
from server.statistics.reliability.repair import down_times, repair_times
from server.statistics.reliability.repeats import Level, chains, place, repeat_share, repeats_at
from server.statistics.reliability.spares import forecast, spares
from server.statistics.reliability.systems import System
from server.statistics.reliability.trend import adjusted, laplace, lewis_robinson, trend

COUNTS = st.integers(0, 60)
EXPOSURES = st.floats(1.0, 1e7)
FEW = settings(max_examples=15, deadline=None)
FLEETS = st.lists(
    st.tuples(st.lists(st.floats(1.0, 99.0), max_size=6, unique=True), st.floats(0.0, 0.9)), min_size=3, max_size=6
)
NOON = datetime(2026, 3, 1, 12)


def systems(fleet: list[tuple[list[float], float]], unit: float = 1.0) -> list[System]:
    """Trains seen from their start to 100, all in *unit*."""
    return [
        System(tuple(t * unit for t in sorted(times) if t > start), 100 * unit, start * unit) for times, start in fleet
    ]


def case(number: str, day: float, *, hours: float = 2, train: str = "T1", **known: object) -> Case:
    """A failure *day* days after the start, repaired *hours* later."""
    at = NOON + timedelta(days=day)
    default = {"car": "1", "part": "P", "failure_mode": "F", "repaired_at": at + timedelta(hours=hours)}
    return Case(number=number, station="CZ", occurred_at=at, reported_at=at, vehicle=train, **(default | known))  # type: ignore[arg-type]


@given(COUNTS, EXPOSURES)
def test_rate_and_distance_are_inverse_and_inside_their_limits(failures: int, exposure: float) -> None:
    """Also in another unit: a rate per 10 000 km is the hundredth of one per million."""
    found, small = failure_rate(failures, exposure, per=1e6), failure_rate(failures, exposure, per=1e4)
    assert found.limits is not None
    assert found.limits.upper is not None
    assert found.rate is not None
    assert small.rate == pytest.approx(found.rate / 100)
    assert found.limits.lower <= found.rate <= found.limits.upper
    assert (found.between is None) is (failures == 0)
    if found.between is not None:
        assert found.between * found.rate == pytest.approx(1e6)


@given(COUNTS, EXPOSURES, st.floats(1.0, 1e6))
def test_train_without_failures_lowers_the_rate(failures: int, exposure: float, more: float) -> None:
    """Its kilometres count."""
    assert (failure_rate(failures, exposure + more).rate or 0) <= (failure_rate(failures, exposure).rate or 0)


def test_without_exposure_there_is_no_rate_and_a_reason() -> None:
    """Not 0 per million km."""
    found = failure_rate(0, 0.0)

    assert (found.rate, found.limits, found.reason) == (None, None, minimums.NO_EXPOSURE)
    with pytest.raises(ValueError):
        between_failures(100, 0, ended="failure")
    assert exact_share(0, 0) is None
    assert failure_rate(3, 100, estimated=0.21).italic
    assert not failure_rate(3, 100, estimated=0.2).italic


def test_month_is_outside_only_for_its_own_exposure() -> None:
    """Ten failures in a tenth of the usual kilometres are news, in the usual ones they are not."""
    chart = control_chart([10, 9, 11, 10], [100, 100, 100, 10])

    assert [point.outside for point in chart] == [False, False, False, True]
    assert control_chart([0], [0])[0].rate is None
    assert control_chart([5, 0], [100, 0])[1].upper is None


@FEW
@given(FLEETS, st.randoms())
def test_mcf_does_not_depend_on_order_or_unit(fleet: list[tuple[list[float], float]], draw) -> None:
    """The curve of shuffled trains in metres is that of the trains in kilometres."""
    shuffled = fleet[:]
    draw.shuffle(shuffled)
    one, other = mean_cumulative(systems(fleet)), mean_cumulative(systems(shuffled, 1000.0))

    assert [point.x * 1000 for point in one.points] == pytest.approx([point.x for point in other.points])
    assert [point.mcf for point in one.points] == pytest.approx([point.mcf for point in other.points])
    assert [point.variance for point in one.points] == pytest.approx([p.variance for p in other.points], abs=1e-9)
    assert [point.mcf for point in one.points] == sorted(point.mcf for point in one.points)


@FEW
@given(FLEETS)
def test_train_without_failures_lowers_the_mcf(fleet: list[tuple[list[float], float]]) -> None:
    """And the fewer than five trains have a curve without limits."""
    one = mean_cumulative(systems(fleet))
    more = mean_cumulative([*systems(fleet), System((), 100.0)])

    assert all(after.mcf <= before.mcf + 1e-12 for before, after in zip(one.points, more.points, strict=True))
    assert (one.reason is None) is (len(fleet) >= 5 or not one.points)


def test_curves_of_causes_add_up_to_the_whole() -> None:
    """Every failure has one cause."""
    fleet = [System((3.0, 9.0, 40.0), 60.0), System((11.0,), 50.0, 5.0), System((), 30.0)]
    parts = by_cause(fleet, [["a", "b", "a"], ["b"], []])
    whole = mean_cumulative(fleet)
    last = {name: curve.points[-1].mcf for name, curve in parts.items()}

    assert sum(last.values()) == pytest.approx(whole.points[-1].mcf)
    assert whole.at(10.0) == whole.points[1]
    assert whole.at(1.0) is None
    assert mean_cumulative([]).points == ()


def test_power_law_is_found_again() -> None:
    """Failures at expected times of N(t) = (t/100)^0.5 give a shape near 0.5, and growth is called growth."""
    times = [100 * (k - 0.5) ** 2 for k in range(1, 31)]
    found = crow_amsaa([System(tuple(times), 100 * 30.0**2)])
    assert found.beta_limits is not None
    assert found.current_limits is not None
    assert found.current_limits.upper is not None
    assert found.current is not None

    assert found.beta == pytest.approx(0.5, abs=0.05)
    assert found.verdict.en == "reliability grows"
    assert found.current_limits.lower < found.current < found.current_limits.upper
    assert found.growth_rate == pytest.approx(1 - (found.beta or 0))
    assert found.reaches_cumulative(found.cumulative or 0) == pytest.approx(found.exposure)


def test_growth_is_not_shown_where_it_means_nothing() -> None:
    """Four failures are too few; failures in bunches are no power law, and then only the MCF is to be read."""
    few = crow_amsaa([System((1.0, 5.0, 9.0, 20.0), 100.0)])
    bunches = [50 + k / 10 for k in range(12)] + [1.0]
    odd = crow_amsaa([System(tuple(bunches), 100.0)])

    assert (few.beta, few.verdict.zh) == (None, "数据不足（4 次，至少 5 次）")
    assert odd.verdict is minimums.MODEL_REJECTED


def test_windows_that_end_apart_have_limits_too() -> None:
    """By the delta method: Crow's exact limits need one common end."""
    found = crow_amsaa([System((3.0, 20.0, 41.0), 50.0), System((10.0, 30.0, 77.0), 90.0)])
    assert found.current_limits is not None
    assert found.current is not None

    assert found.current_limits.lower < found.current


def test_monthly_counts_give_nearly_the_same_shape() -> None:
    """Counts of ten intervals instead of thirty times."""
    times = [100 * (k - 0.5) ** 2 for k in range(1, 31)]
    edges = [100 * 30.0**2 * part / 10 for part in range(11)]
    counts = [sum(low < t <= high for t in times) for low, high in pairwise(edges)]
    beta, lam = grouped(edges, counts)

    assert beta == pytest.approx(crow_amsaa([System(tuple(times), edges[-1])]).beta, abs=0.06)
    assert lam * edges[-1] ** beta == pytest.approx(30, rel=0.01)


@pytest.mark.parametrize(("m", "expected"), [(2, 0.1747), (60, 0.2191), (65, (0.2191 + 0.2208) / 2), (5000, 0.2208)])
def test_critical_values_are_those_of_the_table(m: int, expected: float) -> None:
    """Between its rows linearly, beyond its end the last one."""
    assert growth.critical_value(m) == pytest.approx(expected)
    assert growth.critical_value(1) is None
    assert goodness_of_fit([System((50.0,), 100.0)], 1.0).fits is None


@given(st.lists(st.floats(1, 1e6), min_size=2, max_size=20, unique=True), st.floats(0.01, 100))
def test_duane_slope_has_no_unit(times: list[float], unit: float) -> None:
    one, other = duane(times), duane([t * unit for t in times])

    assert one.alpha == pytest.approx(other.alpha, abs=1e-6)


def test_trend_pools_trains_in_their_own_windows() -> None:
    """Failures late in each window lean to more, whatever the window; too few give a reason."""
    late = [System((80.0, 90.0, 95.0), 100.0, 50.0), System((300.0, 310.0), 320.0, 100.0), System((), 40.0)]
    found, few = trend(late), trend(late[1:])
    assert found.laplace is not None

    assert (found.direction, found.laplace.statistic > 2) == ("more", True)
    assert found.lewis_robinson is None
    assert (few.laplace, few.n, few.reason is not None) == (None, 2, True)


@FEW
@given(st.lists(st.floats(1.0, 99.0), min_size=4, max_size=12, unique=True), st.floats(0.1, 1000))
def test_trend_has_no_unit(times: list[float], unit: float) -> None:
    one, other = System(tuple(times), 100.0), System(tuple(t * unit for t in times), 100.0 * unit)

    assert laplace([one]).statistic == pytest.approx(laplace([other]).statistic, abs=1e-6)


def test_regular_gaps_make_lewis_robinson_sharper() -> None:
    """Gaps more regular than chance: the same lean is stronger evidence; equal gaps prove nothing."""
    regular = System((30.0, 55.0, 75.0, 90.0, 99.0), 100.0)
    found = lewis_robinson(regular)
    assert found is not None

    assert abs(found.statistic) > abs(laplace([regular]).statistic)
    assert lewis_robinson(System((10.0, 20.0, 30.0), 40.0)) is None


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_adjusted_p_values_never_fall_below_the_plain_ones(p_values: list[float | None]) -> None:
    """They keep their order, and None stays None."""
    found = adjusted(p_values)
    pairs = [(p, a) for p, a in zip(p_values, found, strict=True) if p is not None and a is not None]

    assert [a is None for a in found] == [p is None for p in p_values]
    assert all(p <= a + 1e-12 and a <= 1 for p, a in pairs)
    assert [a for _, a in sorted(pairs)] == sorted(a for _, a in pairs)


def test_adjusted_p_values_are_those_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p_values = [0.001, 0.2, 0.04, 0.012, 0.9, 0.03]

    assert adjusted(p_values) == pytest.approx(list(multipletests(p_values, method="fdr_bh")[1]))


def test_weibull_knows_its_minimum_and_its_tail() -> None:
    """Fewer than five failures: Kaplan-Meier only; half of the lives censored beyond the last failure: a warning."""
    few = weibull([Life(age, True) for age in (5, 7, 9, 11)])
    lives = [Life(age, True) for age in (5, 7, 9, 11, 14)]
    tail = weibull([*lives, Life(50, False, count=20)])

    assert (few.shape, few.reason) == (None, minimums.CURVE_WITHOUT_FIT)
    assert tail.warning is not None
    assert weibull(lives).warning is None


def test_late_entry_raises_the_life() -> None:
    """Parts that were old when the records began cannot have been seen failing young: ignoring it shortens lives."""
    early = [Life(age, True) for age in (40.0, 55.0, 61.0, 70.0, 82.0, 90.0)]
    late = [Life(life.age, True, entry=35.0) for life in early]
    one, other = weibull(early), weibull(late)

    assert one.scale != pytest.approx(other.scale)
    assert other.failures == 6


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=25), st.randoms())
def test_kaplan_meier_falls_from_one_whatever_the_order(rows: list[tuple[int, bool]], draw) -> None:
    """Without censored lives the median is that of the ages."""
    shuffled = rows[:]
    draw.shuffle(shuffled)
    found = kaplan_meier(Life(age, failed) for age, failed in rows)
    survivals = [1.0, *(step.survival for step in found.steps)]

    assert found == kaplan_meier(Life(age, failed) for age, failed in shuffled)
    assert survivals == sorted(survivals, reverse=True)
    assert survivals[-1] >= -1e-12
    if all(failed for _, failed in rows):
        ages = sorted(age for age, _ in rows)
        assert found.quantile(0.5) == ages[(len(ages) - 1) // 2]


def test_kaplan_meier_counts_late_entries_from_then_on() -> None:
    """At age 2 only two were watched: the third came at 3."""
    found = kaplan_meier([Life(2.0, True), Life(5.0, True), Life(6.0, False, entry=3.0)])

    assert [(step.at_risk, step.failed) for step in found.steps] == [(2, 1), (2, 1)]
    assert kaplan_meier([]).quantile(0.5) is None


def test_repairs_without_data_are_none() -> None:
    """And a repair of no time is a typing error."""
    assert repair_times([]).mean is None
    assert repair_times([0.0]).n == 0
    assert repair_times([]).lognormal_quantile(0.9) is None
    assert repair_times([1.0, 3.0]).mean == 2.0
    found = down_times([(1.0, 2.0, 3.0), (0.0, 4.0, 1.0)])
    assert found.total == pytest.approx((found.administrative or 0) + (found.logistic or 0) + (found.active or 0))
    assert down_times([]).total is None


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=12))
def test_downtime_never_counts_an_hour_twice(spans_: list[tuple[int, int]]) -> None:
    """Merged downtimes are at most their sum, at least their longest, and lie apart."""
    begin = datetime(2026, 1, 1)
    downs = [(begin + timedelta(hours=a), begin + timedelta(hours=a + b)) for a, b in spans_]
    total = down_hours(downs, begin, begin + timedelta(hours=300))
    hours = {a + k for a, b in spans_ for k in range(b)}

    assert total == len(hours)
    assert all(one[1] < other[0] for one, other in zip(merged(downs), merged(downs)[1:], strict=False))


def test_availability_lies_in_its_interval() -> None:
    """And there is none without failures or repairs."""
    limits = inherent_limits(500, 4, 10)
    assert limits is not None
    assert limits.upper is not None

    assert limits.lower < (inherent(500, 4) or 0) < limits.upper
    assert (inherent(None, 4), inherent_limits(500, 4, 0), operational(0, 0)) == (None, None, None)
    assert operational(5, 100) == 0.95


def test_open_fault_reported_twice_is_no_repeat() -> None:
    """A→B→C are two repeats of one chain; D, reported before C was repaired, is a duplicate; E comes too late."""
    found = [case("A", 0), case("B", 10), case("C", 20, hours=72), case("D", 21), case("E", 70), case("F", 100)]
    links = chains(found, place, Level.PLACE, 30)

    assert [(link.before.number, link.after.number, link.chain) for link in links] == [
        ("A", "B", "A"),
        ("B", "C", "A"),
        ("E", "F", "E"),
    ]
    assert {link.after.number for link in links} == repeats(found).repeated


@given(
    st.lists(st.tuples(st.floats(0, 120), st.floats(0.1, 900), st.sampled_from(["T1", "T2"])), max_size=15),
    st.sampled_from([30, 60, 90]),
)
def test_links_are_the_repeats_every_other_figure_counts(rows: list[tuple[float, float, str]], window: int) -> None:
    """The same pairs as in the case rows and on the first screen."""
    found = [case(f"{n:02d}", day, hours=hours, train=train) for n, (day, hours, train) in enumerate(rows)]
    links, counted = chains(found, place, Level.PLACE, window), repeats(found, window)

    assert {link.after.number for link in links} == counted.repeated
    assert {link.before.number for link in links} == counted.followed


def test_wider_windows_hold_more_repeats() -> None:
    """30, 60 and 90 days."""
    found = [case("A", 0), case("B", 50), case("C", 125), case("X", 3, car=None)]
    counts = [len(repeats_at(Level.PLACE, found, window)) for window in (30, 60, 90)]
    share = repeat_share(Level.PLACE, found, 60, NOON + timedelta(days=150))

    assert counts == [0, 1, 2]
    assert (share.watched, share.followed, share.immature, share.undecided) == (2, 1, 1, 1)


def test_three_levels_of_repeats() -> None:
    """Elsewhere after the action was done, and the same serial on another train."""
    done = (NOON + timedelta(days=5)).date()
    found = [
        case("A", 0, serial_no="S1", completed_on=done),
        case("B", 15, train="T2", serial_no="S1 "),
        case("C", 2, train="T3", serial_no="S2"),
    ]

    assert [link.after.number for link in repeats_at(Level.ACTION, found, 30)] == ["B"]
    assert [link.after.number for link in repeats_at(Level.SERIAL, found, 90)] == ["B"]
    assert repeats_at(Level.PLACE, found, 90) == []
    assert repeats_at(Level.SERIAL, found, 90)[0].kilometres is None


def test_dwell_counts_open_cases_as_censored() -> None:
    """Two analysed after 4 and 6 days, two waiting for 20: the median is not 5."""
    day = NOON.date()
    found = [
        case("A", 0, analysed_on=day + timedelta(days=4)),
        case("B", 0, analysed_on=day + timedelta(days=6)),
        case("C", 0),
        case("D", 0),
    ]
    steps = {step.step: step for step in dwell(found, NOON + timedelta(days=20))}

    assert (steps["analysis"].n, steps["analysis"].open) == (4, 2)
    assert steps["analysis"].median == pytest.approx(6, abs=0.2)
    assert steps["analysis"].ninety is None
    assert (steps["action"].n, steps["action"].median) == (0, None)


def test_steps_of_a_case_follow_each_other() -> None:
    """Each ends where the next begins, the last one is open, and what was never planned is no step."""
    day = NOON.date()
    one = case(
        "A", 0, responded_at=NOON + timedelta(minutes=20), arrived_at=NOON + timedelta(hours=1),
        analysed_on=day + timedelta(days=3), planned_on=day + timedelta(days=30), completed_on=day + timedelta(days=20),
    )  # fmt: skip
    found = list(spans(one))

    assert [step for step, *_ in found] == ["response", "arrival", "repair", "analysis", "action", "verification"]
    assert all(a[2] == b[1] for a, b in pairwise(found))
    assert found[-1][2] is None
    assert [s for s, *_ in spans(case("B", 0, analysed_on=day))][-1] == "close_out"
    assert waiting([one], NOON + timedelta(days=25)) == {(Stage.VERIFICATION, 1): 1}


def test_action_that_works_and_one_that_does_not() -> None:
    """A tenth of the failures afterwards is effective; as many as before, with little exposure, proves nothing."""
    fleet = [System(tuple(range(1, 50, 2)), 100.0) for _ in range(3)]
    works = effect([System((*s.events, 90.0), s.end) for s in fleet], [50.0] * 3)
    short = effect([System((10.0, 30.0, 52.0), 60.0)], [50.0])
    same = effect([System(tuple(range(1, 200, 2)), 200.0) for _ in range(2)], [100.0] * 2)
    assert works.limits is not None
    assert works.limits.upper is not None
    assert works.ratio is not None

    assert (works.verdict, works.events_after, works.limits.upper < 1) == (EFFECTIVE, 3, True)
    assert works.limits.lower < works.ratio < works.limits.upper
    assert short.verdict is INCONCLUSIVE
    assert same.verdict is UNCHANGED
    assert same.needed == 0


def test_bad_month_that_made_people_act_counts_before() -> None:
    """Failures at the very moment of the action are before it; a train never changed has no after."""
    found = effect([System((10.0, 50.0, 50.0, 80.0), 100.0), System((5.0,), 100.0)], [50.0, inf], pooled=True)

    assert (found.events_before, found.events_after) == (4, 1)
    assert (found.exposure_before, found.exposure_after) == (150.0, 50.0)


def test_nothing_to_compare_is_said() -> None:
    """No exposure afterwards: neither ratio nor p, and no kilometres that would be enough."""
    found = effect([System((10.0,), 100.0)], [100.0])

    assert (found.ratio, found.p_value, found.limits, found.needed, found.verdict) == (None,) * 4 + (INCONCLUSIVE,)
    assert min(len(found.note.zh), len(found.note.en)) > 5


def test_exact_test_of_two_rates_is_the_binomial_tail() -> None:
    """Given 10 failures in equal exposures, two or fewer after: 56 of 1024."""
    ratio, p = compare_rates((8, 2), (100.0, 100.0))

    assert (ratio, p) == (0.25, pytest.approx(56 / 1024))
    assert compare_rates((0, 2), (100.0, 100.0))[0] is None


@given(COUNTS, EXPOSURES, EXPOSURES)
def test_stock_grows_with_demand_and_with_doubt(failures: int, exposure: float, future: float) -> None:
    """The predictive stock covers at least the expected demand; more future needs no less."""
    one, more = spares(failures, exposure, future), spares(failures, exposure, future * 2)
    assert one.predictive is not None
    assert more.predictive is not None
    assert one.expected is not None

    assert more.predictive >= one.predictive
    assert one.expected == pytest.approx(failures * future / exposure)
    found = forecast(failures, exposure, future)
    assert found is not None
    assert found[1].upper is not None
    assert found[1].lower <= found[1].upper


def test_no_exposure_gives_no_stock() -> None:
    """And no forecast."""
    assert (spares(3, 0, 10).predictive, forecast(3, 0, 10)) == (None, None)


def test_starting_up_imports_no_library_of_statistics() -> None:
    """The server and the command line start without surpyval, statsmodels and pandas."""
    code = (
        "import sys, server.app, server.cli, server.statistics.datasets\n"
        "assert not {'surpyval', 'statsmodels', 'pandas'} & set(sys.modules)"
    )

    assert run([executable, "-c", code], check=False).returncode == 0


def test_exponential_lives_have_shape_one() -> None:
    """Quantiles of the exponential distribution: B10 is about a tenth of the mean."""
    found = weibull([Life(-log(1 - (k - 0.5) / 40) * 100, True) for k in range(1, 41)])
    assert found.b10 is not None
    assert found.mean is not None
    assert found.b10_limits is not None

    assert found.shape == pytest.approx(1, abs=0.1)
    assert found.b10 / found.mean == pytest.approx(0.105, abs=0.03)
    assert found.b10_limits.lower < found.b10
