"""The statistics of a campaign with a held-out group: how much it changed, how sure that is, and what could be seen at all.

Everything takes sums, never rows. The methods (chosen by the exact error rates and coverage that the tests measure):

- shares: the score test of Miettinen and Nurminen (`analyse.statistics`); both intervals, of the
  difference and of the ratio, are that same test turned round, so p < 0.05 and "0 is outside" never contradict each other;
- values (revenue per person): Student's t test with the variance of both arms together; its ratio by Fieller, again the same test
  turned round. Not Welch's: money per person is so skewed, and a held-out arm so small, that Welch called 9 to 19 % of campaigns
  significant that changed nothing, because an arm that happens to have few buyers also looks as if it varied little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bihuan.analyse.statistics import ALPHA, NORMAL, Interval, Share, bisect, share_difference, share_p_value, share_ratio

__all__ = [
    "ALPHA",
    "Interval",
    "Mean",
    "Share",
    "mean_difference",
    "mean_p_value",
    "mean_ratio",
    "sample_ratio_p_value",
    "share_difference",
    "share_p_value",
    "share_ratio",
    "smallest_visible_difference",
    "smallest_visible_lift",
]

POWER = 0.80
SRM_ALARM = 0.001


@dataclass(frozen=True)
class Mean:
    """`people` have on average `mean` of a value, with sample variance `variance` (n - 1), zeros included."""

    people: int
    mean: float
    variance: float


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
    return bisect(lambda lifted: _power(treated, held, rate, lifted) >= POWER, rate, 1.0) - rate


def smallest_visible_difference(treated: Mean, held: Mean) -> float | None:
    """The same for a mean: from the variances seen."""
    error, _ = _pooled(treated, held)
    return (NORMAL.inv_cdf(1 - ALPHA / 2) + NORMAL.inv_cdf(POWER)) * error if error else None


def student_cdf(t: float, freedom: float) -> float:
    """P(T <= t) of Student's distribution."""
    tail = _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return tail if t < 0 else 1 - tail


def student_quantile(p: float, freedom: float) -> float:
    """The t with P(T <= t) = p, for p above one half."""
    high = 2.0
    while student_cdf(high, freedom) < p:
        high *= 2
    return bisect(lambda t: student_cdf(t, freedom) >= p, 0.0, high)


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
    return NORMAL.cdf((lifted - rate - NORMAL.inv_cdf(1 - ALPHA / 2) * under_none) / under_lift)


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
