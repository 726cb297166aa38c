"""How numbers spread: their quantiles, and how many of them fall into bars that begin where a reader would let them begin."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bihuan.engine.meta import scaled
from bihuan.engine.question import Reader
from bihuan.engine.visible import Binder

MOST_CUTS = 50
MOST_BARS = 12  # between the first edge and the last, where nobody says where bars begin
QUANTILES = "0, 0.1, 0.25, 0.5, 0.75, 0.9, 1"

# How wide a bar may be, as fractions: 0.3 is 3/10 and no sum of tenths.
TENTHS = tuple((digit, 10**zeros) for zeros in range(6, 0, -1) for digit in (1, 2, 5))
WHOLE = tuple((digit * 10**zeros, 1) for zeros in range(18) for digit in (1, 2, 5))
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
TIMES = tuple(
    (milliseconds, 1)
    for milliseconds in (
        *(1, 2, 5, 10, 20, 50, 100, 200, 500),
        *(each * SECOND for each in (1, 2, 5, 10, 15, 30)),
        *(each * MINUTE for each in (1, 2, 5, 10, 15, 30)),
        *(each * HOUR for each in (1, 2, 3, 6, 12)),
        *(each * DAY for each in (1, 2, 7, 14, 30, 60)),
    )
)


def _typed(given: object) -> object:
    """Numbers typed into one field, with commas or spaces between."""
    return tuple(filter(None, re.split(r"[,，、;；\s]+", given))) if isinstance(given, str) else given


def _rising(cuts: tuple[float, ...]) -> tuple[float, ...]:
    if list(cuts) != sorted(set(cuts)) or not all(map(math.isfinite, cuts)):
        raise ValueError("The bars must begin at numbers that rise.")
    return cuts


Cuts = Annotated[tuple[float, ...], BeforeValidator(_typed), Field(max_length=MOST_CUTS), AfterValidator(_rising)]
Steps = Sequence[tuple[int, int]]
Range = tuple[float | None, float | None]  # from, and up to but not including; None: without end
Reads = Literal["whole", "number", "seconds"]


@dataclass(frozen=True)
class Spread:
    """`many` numbers of `people` people (a person may have several).

    `least`, `p10` … `p90` and `greatest` are quantiles: of n numbers in order, the one in place (n - 1) × q counted from 0, and between two
    places the point as far between their numbers. `mean` is the sum by `many`. (All None when there are no numbers.) `bars` is how many
    numbers fall into each bar, `bar_people` of how many people they are.
    """

    many: int = 0
    people: int = 0
    least: float | None = None
    p10: float | None = None
    p25: float | None = None
    median: float | None = None
    p75: float | None = None
    p90: float | None = None
    greatest: float | None = None
    mean: float | None = None
    bars: tuple[int, ...] = ()
    bar_people: tuple[int, ...] = ()

    @property
    def shares(self) -> tuple[float | None, ...]:
        """Each bar's part of all numbers."""
        return tuple(many / self.many if self.many else None for many in self.bars)

    @property
    def quarters(self) -> tuple[Range, ...]:
        """The ranges that the quartiles part the numbers into."""
        return ((self.least, self.p25), (self.p25, self.median), (self.median, self.p75), (self.p75, self.greatest))


def spread_of(row: Mapping[str, Any] | None, bars: int, *, per: float = 1, sample: float | None = None) -> Spread:
    """A row of `columns_sql`, with `bars` bars; its numbers are in units of which `per` make one of the result's. From a sample, all
    counts are estimates of those of everybody."""
    if row is None or not row["many"]:
        return Spread(bars=(0,) * bars, bar_people=(0,) * bars)
    many, people = _estimated([row["many"], row["people"]], sample)
    counts = _estimated(row["bars"][:bars], sample), _estimated(row["bar_people"][:bars], sample)
    if row["total"] is None:  # of texts
        return Spread(many, people, bars=counts[0], bar_people=counts[1])
    least, p10, p25, median, p75, p90, greatest = (float(each) / per for each in row["quantiles"])
    mean = float(row["total"]) / int(row["many"]) / per
    return Spread(many, people, least, p10, p25, median, p75, p90, greatest, mean, *counts)


def _estimated(counts: Sequence[int], sample: float | None) -> tuple[int, ...]:
    return tuple(round(scaled(count, sample) or 0) for count in counts)


def ranges(edges: Sequence[float]) -> tuple[Range, ...]:
    """The bars that begin at `edges`; the first is everything below them."""
    return tuple(pairwise((None, *edges, None)))


def used(spreads: Sequence[Spread]) -> range:
    """The bars to show: without empty ones at both ends."""
    filled = [place for spread in spreads for place, many in enumerate(spread.bars) if many]
    return range(min(filled), max(filled) + 1) if filled else range(0)


def range_said(bar: Range, reads: Reads, reader: Reader) -> str:
    """How a reader calls a bar; of whole numbers, 3 to 5 is "3–5" though it ends before 6."""
    low, high = bar
    if reads == "seconds":
        if not low:
            return reader.say("under {time}", time=reader.show(high, "seconds"))
        if high is None:
            return reader.say("from {time}", time=reader.show(low, "seconds"))
        return f"{reader.show(low, 'seconds')} – {reader.show(high, 'seconds')}"
    if high is None:
        return reader.say("{number} or more", number=reader.show(low, "number"))
    whole = reads == "whole" and float(high).is_integer() and (low is None or float(low).is_integer())
    if low is None:
        return "0" if whole and high == 1 else reader.say("under {number}", number=reader.show(high, "number"))
    if whole:
        return reader.show(low, "number") if high - low == 1 else f"{reader.show(low, 'number')}–{reader.show(high - 1, 'number')}"
    return f"{reader.show(low, 'number')} – {reader.show(high, 'number')}"


def change(now: float | None, before: float | None) -> float | None:
    """By what part of what was before it is more or less now."""
    return None if now is None or not before else now / before - 1


# --- SQL ------------------------------------------------------------------------------------------------------------------------------


def columns_sql(number: str | None, bars: int, *, once: bool = False) -> str:
    """Aggregates over rows of (`person`, `number`, `bar`) with `bars` bars at most: what `spread_of` reads. The person NULL is nobody;
    there is no number where texts are counted. `once`: each person has one row, so that counting rows counts them."""
    numbers = "[] AS quantiles, NULL AS total"
    if number is not None:
        numbers = f"quantilesExactInclusive({QUANTILES})({number}) AS quantiles, sumKahan(toFloat64({number})) AS total"
    people, bar_people = "uniqExact(person)", f"uniqExactResample(0, {bars}, 1)(person, bar)"
    if once:
        people, bar_people = "many", "bars"
    return f"""count() AS many, {people} AS people, {numbers},
  countResample(0, {bars}, 1)(1, bar) AS bars, {bar_people} AS bar_people"""


def edges_sql(source: str, number: str, steps: Steps, binder: Binder, *, begin: int = 0, cuts: Sequence[float] = ()) -> str:
    """SELECT of one row: `edges`, where the bars begin. These are `cuts`; or `begin` and whole steps from it, the smallest of `steps` by
    which the numbers of `source` between the 5th and the 95th of a hundred lie in `MOST_BARS` bars."""
    if cuts:
        return f"SELECT {binder.bind(list(cuts), 'Array(Float64)')} AS edges"
    wides = binder.bind([float(wide) for wide, _ in steps], "Array(Float64)")
    all_parts = binder.bind([float(parts) for _, parts in steps], "Array(Float64)")
    last = len(steps)
    fits = f"floor(high * parts / wide) - floor(low * parts / wide) < {MOST_BARS} OR place = {last}"
    return f"""SELECT arrayDistinct(arrayMap(
    i -> (first + i) * wide / parts + {begin}, range(toUInt32(least(greatest(last - first, 0), {MOST_BARS - 1})) + 2)
  )) AS edges
  FROM (
    SELECT wide, parts, floor(low * parts / wide) AS first, floor(high * parts / wide) AS last
    FROM (
      SELECT low, high, {wides}[step] AS wide, {all_parts}[step] AS parts
      FROM (
        SELECT low, high, arrayFirstIndex((wide, parts, place) -> {fits}, {wides}, {all_parts}, range(1, {last + 1})) AS step
        FROM (
          SELECT ifNotFinite({"greatest(ends[1] - 1, 0)" if begin else "ends[1]"}, 0) AS low, ifNotFinite(ends[2] - {begin}, 0) AS high
          FROM (SELECT quantilesExact(0.05, 0.95)(toFloat64({number})) AS ends FROM {source})
        )
      )
    )
  )"""


def bar_sql(number: str, edges: str) -> str:
    """In which bar a number is, from 0."""
    return f"arrayCount(edge -> edge <= {number}, {edges})"


def within_sql(number: str, least: float | None, below: float | None, binder: Binder) -> Iterator[str]:
    """Conditions that a number lies in a bar."""
    if least is not None:
        yield f"{number} >= {binder.bind(least, 'Float64')}"
    if below is not None:
        yield f"{number} < {binder.bind(below, 'Float64')}"
