"""Did a corrective action work: failure rates before and after it, each train split at its own day."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from scipy.special import bdtr

from server.statistics.measures import Limits, ratio
from server.statistics.reliability.minimums import POWER_REQUIRED
from server.statistics.reliability.systems import System, rows
from workbooks.form import Text

EFFECTIVE = Text("有效", "effective")
UNCHANGED = Text("无变化", "no change")
INCONCLUSIVE = Text("证据不足", "not enough evidence")

UNITS = Text("单位里程", "units of exposure")

RateTest = Literal["exact-cond", "wald", "score", "wald-log", "score-log", "sqrt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """
    Failures and exposure *before* and *after*, their rate *ratio* with its interval, one-sided *p_value* of a decrease.

    *power* is the chance to have seen a rate that was halved; *needed* the exposure that
    is still missing for a power of 80 % (None: more would not help).
    """

    events_before: int
    events_after: int
    exposure_before: float
    exposure_after: float
    ratio: float | None
    limits: Limits | None
    p_value: float | None
    power: float | None
    needed: float | None
    verdict: Text
    note: Text

    @property
    def rate_before(self) -> float | None:
        return ratio(self.events_before, self.exposure_before)

    @property
    def rate_after(self) -> float | None:
        return ratio(self.events_after, self.exposure_after)


def effect(
    systems: Sequence[System],
    changed: Sequence[float],
    *,
    confidence: float = 0.9,
    pooled: bool = False,
    unit: Text = UNITS,
) -> Effect:
    """
    The exact conditional test of Poisson rates before and after *changed*, one value per system in its own scale.

    What failed at the very moment counts before, and so does the bad month that made people
    act: counted after, any action would look effective. A value beyond the end is a train
    not changed yet, one before the start a train that came with the change. Each train
    keeps its own level unless they are *pooled*, which is stronger where one level fits
    all. The interval is two-sided at *confidence*; the exact p is the smaller tail alone.
    """
    found = _tested(
        systems, changed, pooled, alternative="decrease", alpha_ci=(1 - confidence) / 2, power=POWER_REQUIRED
    )
    two_sided = _two_sided(systems, changed, confidence, pooled) if isfinite(found.ratio) else None
    needed = found.additional_exposure
    p_value = float(found.p_value) if isfinite(found.p_value) else None
    power = float(found.power) if isfinite(found.power) else None
    verdict = _verdict(p_value, power)
    missing = float(needed) if isfinite(needed) and power is not None else None
    return Effect(
        events_before=int(found.events_before),
        events_after=int(found.events_after),
        exposure_before=float(found.exposure_before),
        exposure_after=float(found.exposure_after),
        ratio=float(found.ratio) if isfinite(found.ratio) else None,
        limits=two_sided,
        p_value=p_value,
        power=power,
        needed=missing,
        verdict=verdict,
        note=_note(verdict, power, missing, unit),
    )


def _tested(systems: Sequence[System], changed: Sequence[float], pooled: bool, **options: Any) -> Any:
    """surpyval's test of the systems before and after *changed*."""
    from surpyval.recurrent import intervention_test

    data = rows(systems)
    return intervention_test(
        data.x,
        data.i,
        c=data.c,
        tl={number: system.start for number, system in enumerate(systems)},
        intervention=dict(enumerate(changed)),
        baseline="common" if pooled else "per-system",
        **options,
    )


def _two_sided(systems: Sequence[System], changed: Sequence[float], confidence: float, pooled: bool) -> Limits:
    """Both tails: a one-sided test leaves the other limit at 0."""
    found = _tested(systems, changed, pooled, alpha_ci=1 - confidence)
    lower, upper = (float(value) for value in found.ratio_cb)
    return Limits(lower, upper if isfinite(upper) else None)


def _verdict(p_value: float | None, power: float | None) -> Text:
    if p_value is not None and p_value < 0.05:
        return EFFECTIVE
    return UNCHANGED if power is not None and power >= POWER_REQUIRED else INCONCLUSIVE


def _note(verdict: Text, power: float | None, needed: float | None, unit: Text) -> Text:
    if verdict is EFFECTIVE:
        return Text("措施后故障率显著下降", "the rate fell by more than chance")
    if verdict is UNCHANGED:
        return Text("里程足够，仍看不出下降", "there was enough exposure, and no decrease")
    if power is None:
        return Text("措施前后没有可比的故障或里程", "nothing to compare before or after the action")
    share = f"{power:.0%}"
    if needed is None:
        return Text(
            f"故障率减半也只有 {share} 的把握看出；措施前故障太少，再跑也不够",
            f"a halved rate would be seen with {share} only; too few failures before for any exposure to help",
        )
    return Text(
        f"故障率减半只有 {share} 的把握看出，还需约 {needed:,.0f} {unit.zh}",
        f"a halved rate would be seen with {share} only; about {needed:,.0f} {unit.en} more are needed",
    )


def compare_rates(
    events: tuple[int, int], exposure: tuple[float, float], method: RateTest = "exact-cond"
) -> tuple[float | None, float | None]:
    """
    (ratio after ÷ before, one-sided p of a decrease) of two pooled Poisson rates.

    *events* and *exposure* are (before, after). The exact p is the lower tail of the
    binomial, given all failures; the approximate tests give half of their two-sided p, and
    None without any failure before.
    """
    (before, after), (exposure_before, exposure_after) = events, exposure
    rate_before, rate_after = ratio(before, exposure_before), ratio(after, exposure_after)
    if rate_before is None or rate_after is None:
        return None, None
    found = rate_after / rate_before if rate_before else None
    if method == "exact-cond":
        share = exposure_after / (exposure_before + exposure_after)
        return found, float(bdtr(after, before + after, share))
    if found is None:
        return None, None
    from statsmodels.stats.rates import test_poisson_2indep

    p_value = test_poisson_2indep(after, exposure_after, before, exposure_before, method=method).pvalue
    return found, float(p_value) / 2
