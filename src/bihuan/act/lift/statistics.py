"""The statistics of a campaign with a held-out group: how much it changed, how sure that is, and what could be seen at all.

Everything takes sums, never rows. The methods (chosen by the exact error rates and coverage that the tests measure):

- shares: the score test of Miettinen and Nurminen (at no difference: chi-square with the factor (N-1)/N); both intervals, of the
  difference and of the ratio, are that same test turned round, so p < 0.05 and "0 is outside" never contradict each other;
- values (revenue per person): Student's t test with the variance of both arms together; its ratio by Fieller, again the same test
  turned round. Not Welch's: money per person is so skewed, and a held-out arm so small, that Welch called 9 to 19 % of campaigns
  significant that changed nothing, because an arm that happens to have few buyers also looks as if it varied little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

ALPHA = 0.05
POWER = 0.80
SRM_ALARM = 0.001
_NORMAL = NormalDist()


class Interval(NamedTuple):
    """An estimate with its 95 % interval; a bound is None where the data set no bound."""

    estimate: float
    low: float | None
    high: float | None

    def times(self, factor: float) -> Interval:
        """The same in another unit."""
        return Interval(self.estimate * factor, *(None if bound is None else bound * factor for bound in (self.low, self.high)))


@dataclass(frozen=True)
class Share:
    """`converted` of `people` did it."""

    converted: int
    people: int

    @property
    def rate(self) -> float:
        return self.converted / self.people if self.people else 0.0


@dataclass(frozen=True)
class Mean:
    """`people` have on average `mean` of a value, with sample variance `variance` (n - 1), zeros included."""

    people: int
    mean: float
    variance: float


def share_difference(treated: Share, held: Share, alpha: float = ALPHA) -> Interval | None:
    """treated rate - held rate with the Miettinen-Nurminen score interval; None without people in both arms."""
    if not treated.people or not held.people:
        return None
    limit = _chi_square_limit(alpha)
    estimate = treated.rate - held.rate

    def outside(delta: float) -> bool:
        return _score_difference(treated, held, delta) > limit

    return Interval(estimate, _last_inside(outside, estimate, -1.0), _last_inside(outside, estimate, 1.0))


def share_ratio(treated: Share, held: Share, alpha: float = ALPHA) -> Interval | None:
    """treated rate / held rate - 1 with the score interval; None when nobody who was held out converted."""
    if not treated.people or not held.people or not held.converted:
        return None
    limit = _chi_square_limit(alpha)
    ratio = treated.rate / held.rate

    def outside(log_ratio: float) -> bool:
        return _score_ratio(treated, held, math.exp(log_ratio)) > limit

    low = -1.0 if not treated.converted else math.exp(_last_inside(outside, math.log(ratio), -40.0)) - 1
    start = math.log(ratio) if treated.converted else math.log(1e-12)
    return Interval(ratio - 1, low, math.exp(_last_inside(outside, start, 40.0)) - 1)


def share_p_value(treated: Share, held: Share) -> float | None:
    """Two-sided p-value of "both arms convert alike": the score test."""
    if not treated.people or not held.people:
        return None
    return math.erfc(math.sqrt(_score_difference(treated, held, 0.0) / 2))


def mean_difference(treated: Mean, held: Mean, alpha: float = ALPHA) -> Interval | None:
    """treated mean - held mean with Student's interval; None with fewer than two people in an arm or no variation at all."""
    error, freedom = _pooled(treated, held)
    if not error:
        return None
    half = student_quantile(1 - alpha / 2, freedom) * error
    estimate = treated.mean - held.mean
    return Interval(estimate, estimate - half, estimate + half)


def mean_ratio(treated: Mean, held: Mean, alpha: float = ALPHA) -> Interval | None:
    """treated mean / held mean - 1 with Fieller's interval; a bound is None where the held mean could as well be 0."""
    error, freedom = _pooled(treated, held)
    if not error or held.mean <= 0:
        return None
    variance = error**2 / (1 / treated.people + 1 / held.people)
    quantile = student_quantile(1 - alpha / 2, freedom) ** 2
    above, below = quantile * variance / treated.people, quantile * variance / held.people
    ratio = treated.mean / held.mean
    a, b, c = held.mean**2 - below, -2 * treated.mean * held.mean, treated.mean**2 - above
    root = b * b - 4 * a * c
    if a <= 0 or root < 0:
        return Interval(ratio - 1, None, None)
    return Interval(ratio - 1, (-b - math.sqrt(root)) / (2 * a) - 1, (-b + math.sqrt(root)) / (2 * a) - 1)


def mean_p_value(treated: Mean, held: Mean) -> float | None:
    """Two-sided p-value of "the values of both arms have the same distribution": Student's t test."""
    error, freedom = _pooled(treated, held)
    return 2 * (1 - student_cdf(abs(treated.mean - held.mean) / error, freedom)) if error else None


def sample_ratio_p_value(treated: int, held: int, holdout: float) -> float | None:
    """Chi-square p-value of "people fell into the arms as intended"; below `SRM_ALARM` the numbers cannot be trusted."""
    total = treated + held
    if not total or not 0 < holdout < 1:
        return None
    expected = total * holdout
    square = (held - expected) ** 2 / expected + (held - expected) ** 2 / (total - expected)
    return math.erfc(math.sqrt(square / 2))


def smallest_visible_lift(people: int, holdout: float, rate: float) -> float | None:
    """The smallest absolute lift above `rate` that would be called significant four times out of five; None if none would be."""
    treated, held = people * (1 - holdout), people * holdout
    if treated < 2 or held < 2 or not 0 <= rate < 1:
        return None
    if _power(treated, held, rate, 1.0) < POWER:
        return None
    return _bisect(lambda lifted: _power(treated, held, rate, lifted) >= POWER, rate, 1.0) - rate


def smallest_visible_difference(treated: Mean, held: Mean) -> float | None:
    """The same for a mean: from the variances seen."""
    error, _ = _pooled(treated, held)
    return (_NORMAL.inv_cdf(1 - ALPHA / 2) + _NORMAL.inv_cdf(POWER)) * error if error else None


def student_cdf(t: float, freedom: float) -> float:
    """P(T <= t) of Student's distribution."""
    tail = _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return tail if t < 0 else 1 - tail


def student_quantile(p: float, freedom: float) -> float:
    """The t with P(T <= t) = p, for p above one half."""
    high = 2.0
    while student_cdf(high, freedom) < p:
        high *= 2
    return _bisect(lambda t: student_cdf(t, freedom) >= p, 0.0, high)


def _score_difference(treated: Share, held: Share, delta: float) -> float:
    """The Miettinen-Nurminen statistic (chi-square, 1 degree of freedom) of "the rates differ by `delta`"."""
    n1, n0 = treated.people, held.people
    p1, p0 = _rates_that_differ_by(treated, held, delta)
    variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * (n1 + n0) / max(1, n1 + n0 - 1)
    return _square(treated.rate - held.rate - delta, variance)


def _rates_that_differ_by(treated: Share, held: Share, delta: float) -> tuple[float, float]:
    """The most likely rates with difference `delta`: the root of a cubic, in closed form (Farrington and Manning, 1990)."""
    n1, n0 = treated.people, held.people
    theta = n0 / n1
    a = 1 + theta
    b = -(1 + theta + treated.rate + theta * held.rate + delta * (theta + 2))
    c = delta * delta + delta * (2 * treated.rate + theta + 1) + treated.rate + theta * held.rate
    d = -treated.rate * delta * (1 + delta)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a * a) + d / (2 * a)
    u = math.copysign(math.sqrt(max(0.0, (b / (3 * a)) ** 2 - c / (3 * a))), v)
    cosine = v / u**3 if u else 0.0
    angle = (math.pi + math.acos(min(1.0, max(-1.0, cosine)))) / 3
    p1 = min(1.0, max(0.0, 2 * u * math.cos(angle) - b / (3 * a)))
    return p1, min(1.0, max(0.0, p1 - delta))


def _score_ratio(treated: Share, held: Share, ratio: float) -> float:
    """The Miettinen-Nurminen statistic of "the rates have this ratio"."""
    n1, n0 = treated.people, held.people
    a = (n1 + n0) * ratio
    b = -(n1 * ratio + treated.converted + n0 + held.converted * ratio)
    c = treated.converted + held.converted
    p0 = min(1.0, max(0.0, (-b - math.sqrt(max(0.0, b * b - 4 * a * c))) / (2 * a)))
    p1 = min(1.0, ratio * p0)
    variance = (p1 * (1 - p1) / n1 + ratio**2 * p0 * (1 - p0) / n0) * (n1 + n0) / max(1, n1 + n0 - 1)
    return _square(treated.rate - ratio * held.rate, variance)


def _square(gap: float, variance: float) -> float:
    if variance > 0:
        return gap * gap / variance
    return 0.0 if abs(gap) < 1e-12 else math.inf


def _pooled(treated: Mean, held: Mean) -> tuple[float, float]:
    """The standard error of the difference and its degrees of freedom; (0, 0) where they do not exist."""
    if treated.people < 2 or held.people < 2:
        return 0.0, 0.0
    freedom = treated.people + held.people - 2
    variance = ((treated.people - 1) * treated.variance + (held.people - 1) * held.variance) / freedom
    return math.sqrt(variance * (1 / treated.people + 1 / held.people)), float(freedom)


def _power(treated: float, held: float, rate: float, lifted: float) -> float:
    pooled = (treated * lifted + held * rate) / (treated + held)
    under_none = math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / held))
    under_lift = math.sqrt(lifted * (1 - lifted) / treated + rate * (1 - rate) / held)
    if under_lift == 0:
        return 1.0 if lifted > rate else 0.0
    return _NORMAL.cdf((lifted - rate - _NORMAL.inv_cdf(1 - ALPHA / 2) * under_none) / under_lift)


def _chi_square_limit(alpha: float) -> float:
    return _NORMAL.inv_cdf(1 - alpha / 2) ** 2


def _last_inside(outside: Callable[[float], bool], inside: float, bound: float) -> float:
    """The point between `inside` and `bound` where `outside` begins; `bound` if it never does."""
    if not outside(bound):
        return bound
    step = bound - inside
    return inside + step * _bisect(lambda share: outside(inside + step * share), 0.0, 1.0)


def _bisect(reached: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by Lentz's continued fraction."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return front * fraction


def _not_zero(value: float) -> float:
    return value if abs(value) > 1e-300 else 1e-300
