"""Reliability growth: Crow-AMSAA with exact limits and its test of fit, grouped counts, Duane, shapes compared."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, isfinite, log, sqrt

from scipy.special import gammaincinv, ndtri

from server.statistics.measures import Limits
from server.statistics.reliability.minimums import FAILURES_FOR_GROWTH, MODEL_REJECTED, too_few
from server.statistics.reliability.systems import Ended, System, events, rows
from workbooks.form import Text

_VERDICTS = {
    "growing": Text("可靠性增长", "reliability grows"),
    "worsening": Text("可靠性下降", "reliability declines"),
    "steady": Text("无明显变化", "no clear change"),
}


@dataclass(frozen=True, slots=True)
class Fit:
    """The Cramér-von Mises statistic C² of *m* failures against its 5 % critical value."""

    statistic: float
    m: int
    critical: float | None

    @property
    def fits(self) -> bool | None:
        return None if self.critical is None else self.statistic <= self.critical


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """
    A power law N(t) = λ·t^β of failures: β below 1 means fewer and fewer.

    People are shown *current* (the mean between failures at the end, with Crow's exact
    limits) and β; λ has the unit failures per (unit of t)^β and means little to anybody.
    *reason* stands where there is no figure.
    """

    n: int
    exposure: float
    beta: float | None = None
    lam: float | None = None
    beta_unbiased: float | None = None
    beta_conditional: float | None = None
    beta_limits: Limits | None = None
    cumulative: float | None = None
    current: float | None = None
    current_limits: Limits | None = None
    fit: Fit | None = None
    reason: Text | None = None

    @property
    def scale(self) -> float | None:
        """λ^(−1/β), which surpyval, JMP and Minitab call alpha."""
        return None if self.lam is None or self.beta is None else self.lam ** (-1 / self.beta)

    @property
    def growth_rate(self) -> float | None:
        return None if self.beta is None else 1 - self.beta

    def reaches_cumulative(self, mean: float) -> float | None:
        """At which t the mean between failures counted from the beginning reaches *mean*; None when it never does."""
        if self.beta is None or self.lam is None or self.beta >= 1:
            return None
        return float((mean * self.lam) ** (1 / (1 - self.beta)))

    @property
    def verdict(self) -> Text:
        """What to make of it: the reason where there is no model, else whether β differs from 1."""
        if self.reason is not None:
            return self.reason
        if self.fit is not None and self.fit.fits is False:
            return MODEL_REJECTED
        assert self.beta_limits is not None
        upper = self.beta_limits.upper
        if upper is not None and upper < 1:
            return _VERDICTS["growing"]
        return _VERDICTS["worsening" if self.beta_limits.lower > 1 else "steady"]


def crow_amsaa(systems: Sequence[System], *, ended: Ended = "time", confidence: float = 0.9) -> Growth:
    """
    The maximum-likelihood power law of *systems*, each observed from 0 to its end.

    Limits of the current mean are Crow's exact ones where all systems end together, else
    by the delta method.
    """
    n, exposure = events(systems), sum(system.end for system in systems)
    if n < FAILURES_FOR_GROWTH:
        return Growth(n=n, exposure=exposure, reason=too_few(n, FAILURES_FOR_GROWTH))
    from surpyval.recurrent import CrowAMSAA

    data = rows(systems, ended)
    model = CrowAMSAA.fit(data.x, i=data.i, c=data.c)
    alpha, beta = (float(value) for value in model.params)
    m = n if ended == "time" else n - len(systems)
    spread = sum(log(system.end / at) for system in systems for at in system.events)
    unbiased = (m - 1) / spread
    end = max(system.end for system in systems)
    lower, upper = _current_limits(model, end, confidence)
    return Growth(
        n=n,
        exposure=exposure,
        beta=beta,
        lam=alpha**-beta,
        beta_unbiased=unbiased,
        beta_conditional=m / spread,
        beta_limits=_beta_limits(beta, n, ended, confidence),
        cumulative=exposure / n,
        current=float(model.mtbf(end)),
        current_limits=Limits(lower, upper if isfinite(upper) else None),
        fit=goodness_of_fit(systems, unbiased, ended),
    )


def _current_limits(model: object, end: float, confidence: float) -> tuple[float, float]:
    """Crow's exact limits, or the delta method's where windows end apart."""
    try:
        found = model.mtbf_cb(end, method="crow", alpha_ci=1 - confidence)  # type: ignore[attr-defined]
    except ValueError:
        found = model.mtbf_cb(end, alpha_ci=1 - confidence)  # type: ignore[attr-defined]
    lower, upper = (float(value) for value in found.ravel())
    return lower, upper


def _beta_limits(beta: float, n: int, ended: Ended, confidence: float) -> Limits:
    """β·χ²/2N with 2N degrees of freedom; 2(N−1) for data that end with a failure."""
    tail, half = (1 - confidence) / 2, n if ended == "time" else n - 1
    return Limits(beta * float(gammaincinv(half, tail)) / n, beta * float(gammaincinv(half, 1 - tail)) / n)


def grouped(edges: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """(β, λ) of failures known only as *counts* between *edges* (one edge more than counts, the first 0)."""
    from surpyval.recurrent import CrowAMSAA

    held = [(low, high, k) for low, high, k in zip(edges[:-1], edges[1:], counts, strict=True) if k]
    x = [[low, high] for low, high, _ in held] + [[edges[-1], edges[-1]]]
    model = CrowAMSAA.fit(x=x, c=[2] * len(held) + [1], n=[k for *_, k in held] + [1])
    alpha, beta = (float(value) for value in model.params)
    return beta, alpha**-beta


def goodness_of_fit(systems: Sequence[System], beta: float, ended: Ended = "time") -> Fit:
    """
    Crow's C² with the *unbiased* beta, as AMSAA TR-138 and MIL-HDBK-189 have it.

    The p value scipy and surpyval give with it is wrong here: beta was estimated from the
    same data. The critical values are simulated for exactly this case.
    """
    used = [
        at / system.end
        for system in systems
        for at in (system.events if ended == "time" else sorted(system.events)[:-1])
    ]
    uniforms = sorted(ratio**beta for ratio in used)
    m = len(uniforms)
    statistic = 1 / (12 * m) + sum((u - (2 * k - 1) / (2 * m)) ** 2 for k, u in enumerate(uniforms, start=1))
    return Fit(statistic, m, critical_value(m))


@cache
def _critical_values() -> tuple[tuple[float, ...], dict[int, list[float]]]:
    text = files("server.statistics.reliability").joinpath("cvm_critical_values.json").read_text(encoding="utf-8")
    table = json.loads(text)
    return tuple(table["levels"]), {int(m): values for m, values in table["critical"].items()}


def critical_value(m: int, level: float = 0.05) -> float | None:
    """The value C² of *m* failures exceeds by chance with probability *level*; None below 2 failures."""
    levels, table = _critical_values()
    if m < 2:
        return None
    column = levels.index(level)
    below = max(key for key in table if key <= m)
    above = min((key for key in table if key >= m), default=below)
    if above == below:
        return table[below][column]
    share = (m - below) / (above - below)
    return table[below][column] + share * (table[above][column] - table[below][column])


@dataclass(frozen=True, slots=True)
class Duane:
    """The straight line ln(t/k) = α·ln t − ln A by least squares; *points* are (t, t/k)."""

    alpha: float
    a: float
    points: tuple[tuple[float, float], ...]

    def cumulative(self, t: float) -> float:
        return float(t**self.alpha / self.a)

    def instantaneous(self, t: float) -> float:
        return float(self.cumulative(t) / (1 - self.alpha))

    def reaches_cumulative(self, mean: float) -> float:
        return float((mean * self.a) ** (1 / self.alpha))


def duane(times: Sequence[float]) -> Duane:
    """
    The Duane plot of one system's failure *times*.

    surpyval's Duane is a maximum-likelihood process and another thing.
    """
    points = [(t, t / k) for k, t in enumerate(sorted(times), start=1)]
    xs, ys = [log(t) for t, _ in points], [log(mean) for _, mean in points]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    squares = sum((x - middle_x) ** 2 for x in xs)
    products = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    alpha = products / squares if squares else 0.0
    return Duane(alpha, exp(alpha * middle_x - middle_y), tuple(points))


@dataclass(frozen=True, slots=True)
class Modified:
    """NIST's variant: bias-corrected shape *b*, factor *a*, current mean with approximate limits."""

    b: float
    a: float
    current: float
    limits: Limits


def modified_power_law(system: System, confidence: float = 0.8) -> Modified:
    """
    The power law as the NIST handbook (8.4.5.2) has it: (r−1)/Σln(T/t), and approximate limits.

    Another right answer beside `crow_amsaa`: shown only where somebody compares with NIST.
    """
    r, end = len(system.events), system.end
    b = (r - 1) / sum(log(end / at) for at in system.events)
    current = end / (r * b)
    z = float(ndtri((1 + confidence) / 2))
    lower = current * r * (r - 1) / (r + z * z / 4 + sqrt(r * z * z / 2 + z**4 / 16)) ** 2
    upper = current * r * (r - 1) / (r - z * sqrt(r / 2)) ** 2
    return Modified(b, r / end**b, current, Limits(lower, upper))


def common_shape(systems: Sequence[System]) -> tuple[float, float]:
    """(D, p) of the hypothesis that all *systems*, observed to a time, share one β (AMSAA TR-138)."""
    from scipy.special import gammaincc

    held = [(len(s.events), sum(log(s.end / at) for at in s.events)) for s in systems]
    total = sum(n for n, _ in held)
    shapes = [(n, n / spread) for n, spread in held]
    joint = total / sum(n / shape for n, shape in shapes)
    likelihood = sum(n * log(shape) for n, shape in shapes) - total * log(joint)
    k = len(held)
    bartlett = 1 + (sum(1 / n for n, _ in held) - 1 / total) / (6 * (k - 1))
    d = 2 * likelihood / bartlett
    return d, float(gammaincc((k - 1) / 2, d / 2))
