"""Measures against published figures, and what must hold for any figures."""

from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from server.statistics.measures import (
    Coverage,
    Limits,
    WeightError,
    customer_total,
    mean,
    mean_between_failures,
    net_promoter_score,
    pareto,
    poisson_band,
    poisson_limits,
    quantile,
    ratio,
    round_half_up,
    satisfaction,
    wilson,
)

COUNTS = st.dictionaries(st.text(min_size=1, max_size=5), st.integers(0, 200), max_size=12)


def test_mean_between_failures_has_the_published_limits() -> None:
    """Two-sided χ² limits of data that end at a time (case NIST-8.4.5.1-HPP: 800 h, 2 failures, 90 %)."""
    point, limits = mean_between_failures(800, 2, 0.90)

    assert point == 400
    assert limits.lower == pytest.approx(127.069, abs=5e-5)
    assert limits.upper == pytest.approx(2251.229, abs=5e-4)


def test_lower_limit_is_that_of_the_test_planner() -> None:
    """Case RELDOC-test-planner, example 1: 19 520 h, 7 failures, 80 % two-sided."""
    _, limits = mean_between_failures(19_520, 7, 0.80)

    assert limits.lower == pytest.approx(1658.3248534993454, abs=1e-6)


@pytest.mark.parametrize(
    ("exposure", "confidence", "lower"),
    [
        (2995.7, 0.95, pytest.approx(1000.0, abs=0.05)),  # case SURPYVAL-DOC-MTBF
        (125_000, 0.95, pytest.approx(41726.02508691676)),  # definition vector "mtbf_zero_failures"
    ],
)
def test_no_failure_gives_no_point_and_a_one_sided_limit(exposure: float, confidence: float, lower: float) -> None:
    """Without a failure the mean is unknown, not infinite."""
    point, limits = mean_between_failures(exposure, 0, confidence)

    assert point is None
    assert limits.lower == lower
    assert limits.upper is None


def test_failure_rate_has_exact_poisson_limits() -> None:
    """Definition vector "rate_per_Mkm": 7 failures in 1.85 million km."""
    assert pytest.approx(3.7837837837837838) == 7 / 1.85
    assert poisson_limits(7, 1.85, 0.9) == pytest.approx((1.775846319943065, 7.107088541855197))


def test_wilson_interval_is_that_of_r_binom() -> None:
    """Case R-BINOM-18-20: 18 of 20 at 95 %."""
    assert wilson(18, 20) == pytest.approx((0.6989663547715128, 0.972133518786232), abs=1e-9)
    assert wilson(0, 0) is None


def test_pareto_is_that_of_qcc() -> None:
    """Case QCC-PARETO: five causes of 300 defects; the first three reach exactly 80 %."""
    counts = {"price code": 80, "schedule date": 27, "supplier code": 66, "contact num.": 94, "part num.": 33}
    rows = pareto(counts)

    assert [row.name for row in rows] == ["contact num.", "price code", "supplier code", "part num.", "schedule date"]
    assert [100 * row.share for row in rows] == pytest.approx([31.33333, 26.66667, 22.0, 11.0, 9.0], abs=5e-6)
    assert [100 * row.cumulative for row in rows] == pytest.approx([31.33333, 58.0, 80.0, 91.0, 100.0], abs=5e-6)
    assert [row.vital for row in rows] == [True, True, True, False, False]


def test_other_stands_last_in_a_pareto() -> None:
    """“Other” is no cause anybody can work on, however many there are."""
    rows = pareto({"other": 50, "leak": 10, "drift": 10})

    assert [row.name for row in rows] == ["drift", "leak", "other"]


WEIGHTS = {"质量": 0.3, "价格": 0.15, "交货期": 0.2, "包装": 0.1, "售后服务": 0.25}


@pytest.mark.parametrize(
    ("scores", "total"),
    [((90, 80, 85, 95, 88), 87.5), ((80, 75, 90, 85, 82), 82.25), ((85, 85, 85, 85, 85), 85.0)],
)
def test_customer_total_is_the_weighted_sum(scores: tuple[float, ...], total: float) -> None:
    """Definition vector "csi"."""
    assert customer_total(dict(zip(WEIGHTS, scores, strict=True)), WEIGHTS) == pytest.approx(total)


def test_satisfaction_compares_before_rounding() -> None:
    """Definition vector "csi": two of three customers are satisfied while the index, shown as 84.9, is not."""
    found = satisfaction([87.5, 82.25, 85.0])

    assert found.index == pytest.approx(84.91666666666667)
    assert found.reached is False
    assert (found.satisfied, found.n) == (2, 3)
    assert found.satisfied_share == pytest.approx(0.6666666666666666)
    assert round_half_up(found.index or 0, 1) == 84.9


def test_weights_that_do_not_add_up_are_refused() -> None:
    """The weights .25 .20 .20 .15 .10 of document 004 add up to 0.90."""
    weights = dict(zip("abcde", (0.25, 0.20, 0.20, 0.15, 0.10), strict=True))
    with pytest.raises(WeightError):
        customer_total(dict.fromkeys(weights, 80.0), weights)


def test_coverage_times_return_is_returned_over_frame() -> None:
    """Definition vector "coverage_return": 88 of 120 customers miss the 75 %, 90 reach it."""
    campaign = Coverage(frame=120, sent=110, returned=88)

    assert campaign.coverage == pytest.approx(0.9166666666666666)
    assert campaign.returned_share == pytest.approx(0.8)
    assert campaign.product == pytest.approx(0.7333333333333333)
    assert campaign.product == pytest.approx((campaign.coverage or 0) * (campaign.returned_share or 0))
    assert campaign.reaches() is False
    assert Coverage(frame=120, sent=110, returned=90).reaches() is True


def test_empty_frame_gives_no_figure() -> None:
    """No customers is no data, not 0 %."""
    nobody = Coverage(frame=0, sent=0, returned=0)

    assert (nobody.coverage, nobody.returned_share, nobody.product, nobody.reaches()) == (None, None, None, None)
    assert satisfaction([]).index is None
    assert satisfaction([]).reached is None


def test_net_promoter_score_has_the_adjusted_wald_interval() -> None:
    """Definition vector "nps": 15 promoters, 9 passives, 6 detractors."""
    found = net_promoter_score([10] * 8 + [9] * 7 + [8] * 5 + [7] * 4 + [6] * 3 + [0] * 3)

    assert found is not None
    assert found[0] == 30.0
    assert found[1] == pytest.approx((0.68127201140043, 53.864182534054116))
    assert net_promoter_score([]) is None


def test_mean_repair_time_is_twice_its_median() -> None:
    """Case TRANSCEIVER-MTTR: 46 repair times with mean 3.607 h and median 1.75 h; both are shown."""
    hours = [
        0.2, 0.3, 0.5, 0.5, 0.5, 0.5, 0.6, 0.6, 0.7, 0.7, 0.7, 0.8, 0.8, 1.0, 1.0, 1.0, 1.0, 1.1, 1.3, 1.5, 1.5, 1.5,
        1.5, 2.0, 2.0, 2.2, 2.5, 2.7, 3.0, 3.0, 3.3, 3.3, 4.0, 4.0, 4.5, 4.7, 5.0, 5.4, 5.4, 7.0, 7.5, 8.8, 9.0, 10.3,
        22.0, 24.5,
    ]  # fmt: skip

    assert mean(hours) == pytest.approx(3.607, abs=5e-4)
    assert quantile(hours, 0.5) == pytest.approx(1.75)


@pytest.mark.parametrize(
    ("value", "digits", "shown"), [(2.5, 0, 3.0), (0.125, 2, 0.13), (2.675, 2, 2.68), (-2.5, 0, -3.0), (84.95, 1, 85.0)]
)
def test_rounding_is_that_of_excel(value: float, digits: int, shown: float) -> None:
    """Half goes away from zero, as in the user's sheet; Python's round would give 2, 0.12, 2.67 and -2."""
    assert round_half_up(value, digits) == shown


def test_no_data_is_not_zero() -> None:
    """Nothing measured gives nothing, never 0 or 100 %."""
    assert (mean([]), quantile([], 0.5), ratio(3, 0)) == (None, None, None)


@given(st.integers(0, 400), st.floats(0.1, 1e4), st.floats(0.5, 0.99))
def test_rate_limits_enclose_the_rate(count: int, exposure: float, confidence: float) -> None:
    """The limits stand on both sides of the rate, and more confidence never narrows them."""
    limits = poisson_limits(count, exposure, confidence)
    wider = poisson_limits(count, exposure, (1 + confidence) / 2)

    assert limits.upper is not None
    assert wider.upper is not None
    assert limits.lower <= count / exposure <= limits.upper
    assert wider.lower <= limits.lower
    assert limits.upper <= wider.upper


@given(st.integers(1, 300), st.floats(0.5, 1e3), st.floats(1.0, 1e4))
def test_rate_scales_with_its_unit(count: int, exposure: float, unit: float) -> None:
    """A rate per 10⁴ km says the same as one per km."""
    per_one, per_unit = poisson_limits(count, exposure), poisson_limits(count, exposure / unit)

    assert per_unit == pytest.approx((per_one.lower * unit, (per_one.upper or 0) * unit))


@given(st.floats(0.0, 300.0))
def test_band_holds_at_least_the_confidence(expected: float) -> None:
    """A month as usual falls into the band in 95 of 100 cases."""
    lower, upper = poisson_band(expected)
    inside = poisson.cdf(upper, expected) - poisson.cdf(lower - 1, expected)

    assert lower <= expected + 1
    assert inside >= 0.95 - 1e-9
    assert poisson.cdf(lower - 1, expected) <= 0.025 + 1e-9


@given(COUNTS)
def test_pareto_shares_add_up(counts: Mapping[str, int]) -> None:
    """Counts and shares sum to the whole, whatever the counts; the vital few are the shortest head with 80 %."""
    rows = pareto(counts)
    total = sum(counts.values())

    assert sum(row.count for row in rows) == total
    if rows:
        assert sum(row.share for row in rows) == pytest.approx(1)
        assert rows[-1].cumulative == pytest.approx(1)
        head = [row for row in rows if row.vital]
        assert rows[: len(head)] == tuple(head)
        assert sum(row.count for row in head) >= 0.8 * total - 1e-9
        assert sum(row.count for row in head[:-1]) < 0.8 * total


def test_pareto_does_not_depend_on_the_order_of_rows() -> None:
    """The same counts in any order give the same table."""
    counts = {"a": 3, "b": 3, "c": 1, "other": 9}

    assert len({pareto(dict(order)) for order in permutations(counts.items())}) == 1


@given(st.lists(st.floats(0, 100), max_size=30))
def test_index_lies_between_the_totals(totals: list[float]) -> None:
    """The index is a mean; counting again in another order changes nothing."""
    found, backwards = satisfaction(totals), satisfaction(totals[::-1])

    assert (found.n, found.satisfied) == (backwards.n, backwards.satisfied)
    if totals:
        assert found.index == pytest.approx(backwards.index)
        assert min(totals) - 1e-9 <= (found.index or 0) <= max(totals) + 1e-9


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_encloses_the_share(successes: int, failures: int) -> None:
    """The interval stays between 0 and 1 and holds the share."""
    n = successes + failures
    limits = wilson(successes, n)
    if n == 0:
        assert limits is None
        return

    assert limits is not None
    assert 0 <= limits.lower <= successes / n + 1e-12
    assert successes / n - 1e-12 <= (limits.upper or 0) <= 1


def test_limits_of_nothing_start_at_zero() -> None:
    """No failure seen: the rate may be zero, and the upper limit says how large it may still be."""
    assert poisson_limits(0, 1.0, 0.9) == Limits(0.0, pytest.approx(2.995732273553991))
