"""Whether shares that stand beside each other differ by more than chance would make: each with its interval, the difference, and a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bihuan.analyse.statistics import ALPHA, NOBODY, Interval, Share, benjamini_hochberg, difference, wilson
from bihuan.engine.question import Column, Reader

SMALL_P = 0.001
CHANGE = (  # columns of what changed: the difference of two shares and how sure it is
    Column("change", "Difference of shares", "share"),
    Column("change_low", "Difference of shares, at least", "share"),
    Column("change_high", "Difference of shares, at most", "share"),
    Column("change_p_value", "p of the difference, adjusted", "number"),
    Column("change_verdict", "Difference more than chance"),
)


@dataclass(frozen=True)
class Difference:
    """One share on both sides: that of the step (or column) `step`, or (None) of the whole.

    `now` and `before` have Wilson's intervals, `change` (now - before) that of Miettinen and Nurminen. `p_value` is that of the test that
    the interval of the change is turned round from (None: there is nobody to compare, or nothing to test); `adjusted` is it for how many
    steps, columns or values are compared at once, by Benjamini and Hochberg.
    """

    step: int | None
    now: Interval | None
    before: Interval | None
    change: Interval | None
    p_value: float | None
    adjusted: float | None

    @property
    def clear(self) -> bool:
        """Whether it is more than chance would make."""
        return self.adjusted is not None and self.adjusted < ALPHA


def compared(step: int | None, now: Share, before: Share, overlapping: bool) -> Difference:
    """`overlapping`: those of `before` are everybody, those of `now` among them."""
    change, p_value = difference(now, before, now if overlapping else NOBODY)
    return Difference(step, wilson(now), wilson(before), change, p_value, p_value)


def adjusted(several: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same, their p-values for how many there are."""
    tested = [one.p_value for one in several if one.p_value is not None]
    values = iter(benjamini_hochberg(tested))
    return tuple(one if one.p_value is None else replace(one, adjusted=next(values)) for one in several)


# --- For readers ------------------------------------------------------------------------------------------------------------------------


def with_bounds(interval: Interval | None, reader: Reader) -> str:
    """A share with its interval: 12.3% (10.1% – 14.8%)."""
    if interval is None:
        return reader.show(None, "share")
    if interval.low is None:
        return reader.show(interval.estimate, "share")
    low, high = (reader.show(bound, "share") for bound in interval[1:])
    return f"{reader.show(interval.estimate, 'share')} ({low} – {high})"


def points(interval: Interval | None, reader: Reader) -> str:
    """A difference of shares in percentage points, with its interval."""
    if interval is None:
        return reader.show(None, "share")
    change, low, high = (_signed(bound, reader) for bound in interval)
    return reader.say("{change} percentage points (95 %: {low} to {high})", change=change, low=low, high=high)


def short_points(interval: Interval | None, reader: Reader) -> str:
    """The same for a table, without an interval where there is none."""
    if interval is None:
        return reader.show(None, "share")
    if interval.low is None:
        return _signed(interval.estimate, reader)
    change, low, high = (_signed(bound, reader) for bound in interval)
    return f"{change} ({low} … {high})"


def _signed(bound: float | None, reader: Reader) -> str:
    number = round((bound or 0.0) * 100, 1)
    return f"{'+' if number > 0 else ''}{reader.show(number, 'number')}"


def p_said(p_value: float | None, reader: Reader) -> str:
    """= 0.04, or < 0.001."""
    if p_value is None:
        return reader.show(None, "number")
    return f"< {reader.show(SMALL_P, 'number')}" if p_value < SMALL_P else f"= {reader.show(round(p_value, 3), 'number')}"
