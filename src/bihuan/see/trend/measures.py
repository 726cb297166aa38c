"""What a trend measures, as SQL over `marked` events (`is0` … says of which series each is, `of0` … holds what it measures): in one
aggregation, or as states that are combined afterwards, so that events are looked at once however often their numbers are added up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bihuan.see.trend.spec import Series

_FUNCTION = re.compile(r"(\w+)(\([\d.]+\))?\((.*)\)$")  # its name, its parameters, its arguments


@dataclass(frozen=True)
class Measure:
    """`formula` over the aggregates {0}, {1} …, each `calls` of one function; `{test}` and `{of}` stand in them for the series' columns."""

    formula: str
    calls: tuple[str, ...]

    def whole(self, number: int) -> str:
        """SQL of the series with this number, over `marked`."""
        return self.formula.format(*(_of(call, number) for call in self.calls))

    def states(self, number: int, prefix: str = "") -> Iterator[tuple[str, str]]:
        """SQL of what is counted of the series, to be combined, with a name for each."""
        for place, call in enumerate(self.calls):
            function, parameters, arguments = _taken_apart(_of(call, number))
            yield f"{prefix}a{number}_{place}", f"{function}State{parameters}({arguments})"

    def combined(self, number: int, prefix: str = "", *, only: str = "", over: str = "") -> str:
        """SQL of the series, from the states of that name; with `only` (SQL) from those of which it is true, `over` a window."""
        combined = []
        for place, call in enumerate(self.calls):
            function, parameters, _ = _taken_apart(_of(call, number))
            state = f"{prefix}a{number}_{place}"
            combined.append(
                f"{function}Merge{'If' if only else ''}{parameters}({state}{f', {only}' if only else ''}){f' OVER {over}' if over else ''}"
            )
        return self.formula.format(*combined)


def _of(call: str, number: int) -> str:
    return call.format(test=f"is{number}", of=f"of{number}")


def _taken_apart(call: str) -> tuple[str, str, str]:
    found = _FUNCTION.match(call)
    if found is None:
        raise ValueError(f"{call} is not the call of one function.")
    return found[1], found[2] or "", found[3]


def _one(call: str) -> Measure:
    return Measure("{0}", (call,))


MEASURES: Mapping[str, Measure] = {
    "events": _one("countIf({test})"),
    "people": _one("uniqExactIf(person, {test} AND person != 0)"),
    "per_person": Measure("{0} / {1}", ("countIf({test} AND person != 0)", "uniqExactIf(person, {test} AND person != 0)")),
    "first_time": _one("countIf({test})"),
    "sum": Measure("ifNull({0}, 0)", ("sumKahanIf({of}, {test})",)),  # of events without a number it is 0, which is more than -2
    "average": Measure("{0} / {1}", ("sumKahanIf({of}, {test})", "countIf({of} IS NOT NULL AND {test})")),
    "min": _one("minOrNullIf({of}, {test})"),
    "max": _one("maxOrNullIf({of}, {test})"),
    "median": _one("quantileExactInclusiveIf(0.5)({of}, {test})"),
    "p75": _one("quantileExactInclusiveIf(0.75)({of}, {test})"),
    "p90": _one("quantileExactInclusiveIf(0.9)({of}, {test})"),
    "p95": _one("quantileExactInclusiveIf(0.95)({of}, {test})"),
    "p99": _one("quantileExactInclusiveIf(0.99)({of}, {test})"),
    "distinct": _one("uniqExactIf({of}, {test} AND {of} != '')"),
}
# The same from days that are counted already.
DAILY: Mapping[str, Measure] = {
    "events": _one("sumIf(events, {test})"),
    "people": _one("groupBitmapMergeIf(persons, {test})"),
    "per_person": Measure("{0} / {1}", ("sumIf(events - anonymous, {test})", "groupBitmapMergeIf(persons, {test})")),
}
# The same for parts that are few, so that many people are in each: bitmaps of them take little memory and are quickly combined. Of
# thousands of parts with some people each they are slower than sets.
OF_FEW: Mapping[str, Measure] = {
    **MEASURES,
    "people": _one("groupBitmapIf(person, {test} AND person != 0)"),
    "per_person": Measure("{0} / {1}", ("countIf({test} AND person != 0)", "groupBitmapIf(person, {test} AND person != 0)")),
}
# The sum over people of the square of what each adds, for the intervals of a sample; for numbers of people that is the number itself.
SQUARES: Mapping[str, Measure] = {
    "events": Measure("arraySum(each -> each * each, {0}.2)", ("sumMapIf([unit], [toUInt64(1)], {test})",)),
    "sum": Measure("arraySum(each -> each * each, {0}.2)", ("sumMapIf([unit], [ifNull({of}, 0.)], {test})",)),
}


def measure(series: Series, measures: Mapping[str, Measure] = MEASURES) -> Measure:
    """What the series measures; of one that is counted apart (over 7 or 30 days) its people."""
    return measures.get(series.measure, measures["people"])
