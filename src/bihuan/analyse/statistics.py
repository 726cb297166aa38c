"""Statistics that several questions need: intervals and tests of shares, and what is left of chance after many of them.

Everything takes sums, never rows. Two shares are compared by the score test of Miettinen and Nurminen (at no difference: chi-square with
the factor (N-1)/N); both intervals, of the difference and of the ratio, are that same test turned round, so p < 0.05 and "0 is outside"
never contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

ALPHA = 0.05
NORMAL = NormalDist()


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


NOBODY = Share(0, 0)


def share_difference(treated: Share, held: Share, alpha: float = ALPHA) -> Interval | None:
    """treated rate - held rate with the Miettinen-Nurminen score interval; None without people in both arms."""
    if not treated.people or not held.people:
        return None
    limit = _chi_square_limit(alpha)
    estimate = treated.rate - held.rate

    def outside(delta: float) -> bool:
        return _score_difference(treated, held, delta) > limit

    return Interval(estimate, _last_inside(outside, estimate, -1.0), _last_inside(outside, estimate, 1.0))


def difference(mine: Share, theirs: Share, both: Share) -> tuple[Interval | None, float | None]:
    """The one share less the other, and how likely chance makes as much.

    `both` are those who are in the two. Of two groups apart by the score (Miettinen and Nurminen). Where one is a part of the other it is
    compared with the rest: the difference is then that to the rest, times the part that the rest is (without a rest they are the same,
    for certain; None where the numbers cannot be those of a part). Where they overlap those in both are the same on both sides,
    so they take from the variance what they have in common (their covariance); one person with the values and one without are added to
    each side, by which the interval holds for small shares, too (Agresti and Caffo).
    """
    if not mine.people or not theirs.people:
        return None, None
    if not both.people:
        return share_difference(mine, theirs), share_p_value(mine, theirs)
    if both.people == mine.people or both.people == theirs.people:
        return _of_a_part(mine, theirs, both)
    change = mine.rate - theirs.rate
    one, other = (Share(side.converted + 1, side.people + 2) for side in (mine, theirs))
    covariance = both.converted - (one.rate + other.rate) * both.converted + both.people * one.rate * other.rate
    covariance /= one.people * other.people
    variance = sum(side.rate * (1 - side.rate) / side.people for side in (one, other)) - 2 * covariance
    error = math.sqrt(max(variance, 0.0))
    middle = one.rate - other.rate
    if not error:
        return Interval(change, change, change), 1.0
    half = NORMAL.inv_cdf(1 - ALPHA / 2) * error
    low, high = min(change, max(-1.0, middle - half)), max(change, min(1.0, middle + half))
    return Interval(change, low, high), math.erfc(abs(middle) / error / math.sqrt(2))


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


def wilson(share: Share, alpha: float = ALPHA) -> Interval | None:
    """The share with Wilson's score interval (1927), never outside 0 … 1; None of nobody."""
    if not share.people:
        return None
    square = _chi_square_limit(alpha)
    middle = (share.converted + square / 2) / (share.people + square)
    variance = share.converted * (share.people - share.converted) / share.people + square / 4
    half = math.sqrt(square * variance) / (share.people + square)
    return Interval(share.rate, max(0.0, middle - half), min(1.0, middle + half))


def odds_ratio(treated: Share, held: Share, alpha: float = ALPHA) -> Interval | None:
    """The odds of the one divided by those of the other with Woolf's interval (1955) on the log scale; a half is added to each of the
    four numbers where one of them is 0 (Haldane and Anscombe). None without people on both sides."""
    if not treated.people or not held.people:
        return None
    cells = [float(n) for one in (treated, held) for n in (one.converted, one.people - one.converted)]
    if 0 in cells:
        cells = [cell + 0.5 for cell in cells]
    yes, no, held_yes, held_no = cells
    ratio = yes * held_no / (no * held_yes)
    factor = math.exp(NORMAL.inv_cdf(1 - alpha / 2) * math.sqrt(sum(1 / cell for cell in cells)))
    return Interval(ratio, ratio / factor, ratio * factor)


def index(part: Share, whole: Share, both: Share, alpha: float = ALPHA) -> Interval | None:
    """The share in `part` divided by the share in `whole`: 1 where they are alike; None where the whole has none of it or is empty.

    `both` are those who are in the part and in the whole too: all of the part where it is a part indeed, nobody where the two are apart.
    The interval is that of Katz et al. (1978), by the delta method on the logarithm, with the covariance that those in both make: a
    part that is nearly the whole cannot differ from it by much. Where the part has none of it, a half takes its place.
    """
    if not part.people or not whole.converted:
        return None
    mine = max(part.converted, 0.5) / part.people
    shared = both.converted if part.converted else 0.5 * both.people / part.people
    covariance = shared / (mine * whole.rate) - shared / mine - shared / whole.rate + both.people
    variance = (1 - mine) / (mine * part.people) + (1 - whole.rate) / whole.converted
    variance -= 2 * covariance / (part.people * whole.people)
    factor = math.exp(NORMAL.inv_cdf(1 - alpha / 2) * math.sqrt(max(0.0, variance)))
    ratio, estimate = mine / whole.rate, part.rate / whole.rate
    high = ratio * factor
    if both.people == part.people:  # everybody who has it could be in the part, but no more
        high = max(estimate, min(high, whole.people / part.people))
    return Interval(estimate, ratio / factor if part.converted else 0.0, high)


def independence_p_value(together: int, first: int, second: int, total: int) -> float:
    """Two-sided p-value of "the two have nothing to do with each other": of `total`, so many are `first`, `second`, and `together` both.

    Pearson's chi-square with the factor (N-1)/N; where a number that chance would give is under 5 (Cochran's rule), Fisher's exact test,
    twice its smaller tail.
    """
    rest = total - first
    if not 0 < first < total or not 0 < second < total:
        return 1.0
    if min(first, rest) * min(second, total - second) / total < 5:
        return exact_p_value(together, first, second, total)
    gap = together * total - first * second
    return math.erfc(math.sqrt(gap * gap * (total - 1) / (2 * first * rest * second * (total - second)))) if gap else 1.0


def exact_p_value(together: int, first: int, second: int, total: int) -> float:
    """Fisher's exact test of the same, two-sided by twice the smaller tail."""
    upper = hypergeometric_tail(together, first, second, total)
    lower = hypergeometric_tail(first - together, first, total - second, total)
    return min(1.0, 2 * min(upper, lower))


def hypergeometric_tail(together: int, first: int, second: int, total: int) -> float:
    """How likely chance alone makes at least `together` of the `first` belong to the `second` as well, out of `total`."""
    least, most = max(0, first + second - total), min(first, second)
    if together <= least:
        return 1.0
    if together > most:
        return 0.0
    if together * total < first * second:  # the other tail has fewer terms
        return 1.0 - hypergeometric_tail(first - together + 1, first, total - second, total)
    logarithm = _log_choose(second, together) + _log_choose(total - second, first - together) - _log_choose(total, first)
    term = tail = 1.0
    for k in range(together, most):
        term *= (first - k) * (second - k) / ((k + 1) * (total - first - second + k + 1))
        tail += term
        if term < 1e-17 * tail:
            break
    return min(1.0, math.exp(logarithm) * tail)


def chi_square_tail(value: float, freedom: int) -> float:
    """P(X >= value) of the chi-square distribution: the regularised upper incomplete gamma function at half of both."""
    shape, x = freedom / 2, value / 2
    if x <= 0 or freedom < 1:
        return 1.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        n = shape
        while term > 1e-17 * total:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1.0 - front * total)
    b, c = x + 1 - shape, 1e300  # Lentz's continued fraction
    d = fraction = 1 / b
    for i in range(1, 10_000):
        step = -i * (i - shape)
        b += 2
        d = 1 / (step * d + b)
        c = b + step / c
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return front * fraction


def benjamini_hochberg(p_values: Sequence[float], among: int = 0) -> list[float]:
    """Each p-value adjusted for how many there are, in the order given (Benjamini and Hochberg, 1995): of all that are called more than
    chance because theirs is at most 0.05, on average at most 5 % are not. They may be the smallest `among` more that were looked at."""
    adjusted = [1.0] * len(p_values)
    number = max(len(p_values), among)
    least = 1.0
    for rank, place in reversed(list(enumerate(sorted(range(len(p_values)), key=p_values.__getitem__), 1))):
        least = min(least, p_values[place] * number / rank)
        adjusted[place] = least
    return adjusted


def bisect(reached: Callable[[float], bool], low: float, high: float) -> float:
    """Where between `low` and `high` `reached` begins to be true."""
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _of_a_part(mine: Share, theirs: Share, both: Share) -> tuple[Interval | None, float | None]:
    inside, whole = (mine, theirs) if both.people == mine.people else (theirs, mine)
    rest = Share(whole.converted - inside.converted, whole.people - inside.people)
    if not 0 <= rest.converted <= rest.people:
        return None, None
    if not rest.people:
        return Interval(0.0, 0.0, 0.0), 1.0
    found = share_difference(inside, rest) if inside is mine else share_difference(rest, inside)
    return found.times(rest.people / whole.people) if found else None, share_p_value(inside, rest)


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


def _chi_square_limit(alpha: float) -> float:
    return NORMAL.inv_cdf(1 - alpha / 2) ** 2


def _last_inside(outside: Callable[[float], bool], inside: float, bound: float) -> float:
    """The point between `inside` and `bound` where `outside` begins; `bound` if it never does."""
    if not outside(bound):
        return bound
    step = bound - inside
    return inside + step * bisect(lambda share: outside(inside + step * share), 0.0, 1.0)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
