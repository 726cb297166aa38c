"""What an answer is broken down by, up to three things at once, and the SQL for the value of each row.

Several breakdowns make one text of a row's values, so that a statement groups by one column whatever is asked: `split` gives the SQL,
`values_of` takes the text apart again, `part_said` calls it by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bihuan.engine.channels import COLUMNS, TITLES, channel_sql
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import InSegment, Name
from bihuan.engine.question import Column, Reader, Scope
from bihuan.engine.schema import COLUMNS as COLUMN_NAMES
from bihuan.engine.visible import HIDDEN, Binder, json_text, property_number, property_text

MOST = 3
SEPARATOR = "\x1f"  # between the values of one row
FEW = frozenset(COLUMN_NAMES) - {"path", "host", "referrer", "city"}  # columns of events with hardly ever thousands of values
OTHER = "(other)"  # how a table names all values that are not shown alone

Said = tuple[str, Mapping[str, Any]]  # an English msgid and what its places hold


def _split(given: object) -> object:
    """Numbers typed into one field, with commas or spaces between."""
    return tuple(filter(None, re.split(r"[,，、;；\s]+", given))) if isinstance(given, str) else given


class _By(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ByProperty(_By):
    """Each value of the event's property `property`, as text; '' when the event has none."""

    property: Name


class ByPerson(_By):
    """Each value of the person's property `person`, as text; '' when the person has none: the present one, or (`as_of` "event") what it was
    when the event happened."""

    person: Name
    as_of: Literal["now", "event"] = "now"


class BySegment(_By):
    """The first of the saved segments `segments` that the person belongs to (its key); '' when to none. With one segment: in it or not."""

    segments: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(min_length=1, max_length=20)]


class ByNumber(_By):
    """The range that a number falls into: the event's property `number`, or with `of` "person" the person's present one; '' without one.

    Give `cuts` (the ranges begin there, the first one below them all), or the `width` of each range, or `quantiles`: so many ranges with
    equally many of the numbers (as far as equal numbers allow), of the events asked about or of all people who have the property.
    """

    number: Name
    of: Literal["event", "person"] = "event"
    cuts: Annotated[tuple[float, ...], BeforeValidator(_split), Field(max_length=50)] = ()
    width: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    quantiles: Annotated[int, Field(ge=2, le=20)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ByNumber:
        if sum((bool(self.cuts), self.width is not None, self.quantiles is not None)) != 1:
            raise ValueError("Say where the ranges begin, or how wide they are, or how many there are: one of these.")
        if list(self.cuts) != sorted(set(self.cuts)) or not all(map(math.isfinite, self.cuts)):
            raise ValueError("The ranges must begin at numbers that rise.")
        return self


class ByTime(_By):
    """When the event happened, on the project's clock: the `hour` of the day (00 to 23), the `weekday` (1 Monday to 7), the `day` of the
    month (01 to 31) or the `month` of the year (01 to 12)."""

    time: Literal["hour", "weekday", "day", "month"]


class ByChannel(_By):
    """Which channel brought the person (see `engine.channels`): the `first` that ever did; or the `last` that was not direct, in the `days`
    days of 24 hours before the event or with it, else "direct". '' for nobody, and for people who never came by a page."""

    channel: Literal["first", "last"]
    days: Annotated[int, Field(ge=1, le=365)] = 30


Breakdown = ByProperty | ByPerson | BySegment | ByNumber | ByTime | ByChannel


def _listed(given: object) -> object:
    """One breakdown alone is a list of one; no breakdown an empty list."""
    if given is None:
        return ()
    return (given,) if isinstance(given, Mapping | BaseModel) else given


Breakdowns = Annotated[tuple[Breakdown, ...], BeforeValidator(_listed), Field(max_length=MOST)]


@dataclass(frozen=True)
class Split:
    """SQL: `value` is one text for each row of `source` (SELECT … `value` … FROM `source`); '' for all when nothing is broken down."""

    value: str
    source: str


def split(breakdowns: Sequence[Breakdown], scope: Scope, binder: Binder, *, source: str = "visible", among: str = "1") -> Split:
    """What the rows of `source` are broken down by: `visible` or `history`; or, where `of_people` is true, whatever has a column `person`.

    `among` is a SQL condition on `source`: quantiles are those of its rows.
    """
    values, joins = [], []
    for place, breakdown in enumerate(breakdowns):
        value, join = _one(breakdown, place, scope, binder, source, among)
        values.append(value)
        joins.append(join)
    joined = "".join(f"\n  {join}" for join in joins if join)
    if len(values) == 1:
        return Split(values[0], source + joined)
    return Split(f"arrayStringConcat([{', '.join(values)}], '{SEPARATOR}')" if values else "''", source + joined)


def split_people(
    breakdowns: Sequence[Breakdown], scope: Scope, binder: Binder, *, people: str, value: str, events: str = "visible", among: str = "1"
) -> tuple[Split, Split]:
    """The same for a statement that first sums up `events` by person, into `people`: the split of each. What is the same for all events of
    a person is found after summing up, which is quicker; anything else at the events, and `value` is the column of `people` that keeps
    the text of the event that counts."""
    if of_people(breakdowns) and breakdowns:
        return Split("''", events), split(breakdowns, scope, binder, source=people)
    return split(breakdowns, scope, binder, source=events, among=among), Split(value, people)


def of_people(breakdowns: Sequence[Breakdown]) -> bool:
    """Whether the values are the same for all events of a person, so that they can be found after the events are summed up by person.
    True when nothing is broken down."""
    return all(_of_person(breakdown) for breakdown in breakdowns)


def few(breakdowns: Sequence[Breakdown]) -> bool:
    """Whether there are rather dozens of parts than thousands, as far as what they are made of tells."""
    many = [each for each in breakdowns if isinstance(each, ByPerson) or (isinstance(each, ByProperty) and each.property not in FEW)]
    return not many


def values_of(text: str, breakdowns: Sequence[Breakdown]) -> tuple[str, ...]:
    """The value of each breakdown in what `split` made of a row."""
    if len(breakdowns) < 2:
        return (text,) * len(breakdowns)
    found = text.split(SEPARATOR, len(breakdowns) - 1)
    return (*found, *("",) * (len(breakdowns) - len(found)))


def order_key(text: str, breakdowns: Sequence[Breakdown]) -> tuple[Any, ...]:
    """Sorts parts by what they are: ranges, hours, weekdays and months as they follow each other, texts by letter, nothing last."""
    return tuple(_order(value, breakdown) for value, breakdown in zip(values_of(text, breakdowns), breakdowns, strict=True))


def ordered(breakdowns: Sequence[Breakdown]) -> bool:
    """Whether readers expect the parts in the order of what they are, not by size."""
    return bool(breakdowns) and all(isinstance(breakdown, ByNumber | ByTime) for breakdown in breakdowns)


# --- What they are called -------------------------------------------------------------------------------------------------------------

TIMES = {"hour": "Hour of the day", "weekday": "Weekday", "day": "Day of the month", "month": "Month of the year"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
NONE: Said = ("(none)", {})


def breakdown_said(breakdown: Breakdown) -> Said:
    """What one is broken down by, as a heading."""
    match breakdown:
        case ByProperty():
            return "{name}", {"name": breakdown.property}
        case ByPerson(as_of="event"):
            return "{name} (at the time)", {"name": breakdown.person}
        case ByPerson():
            return "{name}", {"name": breakdown.person}
        case BySegment():
            return "Segment", {}
        case ByNumber():
            return "{name}", {"name": breakdown.number}
        case ByTime():
            return TIMES[breakdown.time], {}
        case ByChannel(channel="first"):
            return "First channel", {}
        case ByChannel():
            return "Last channel, not direct, within {days} days", {"days": breakdown.days}


def value_said(value: str, breakdown: Breakdown, names: Mapping[str, str] | None = None) -> Said:
    """One value of it; `names` are the segments' by key."""
    if isinstance(breakdown, BySegment):
        key = value or breakdown.segments[0]
        segment = {"segment": (names or {}).get(key, key)}
        if value:
            return "{segment}", segment
        return ("Not in “{segment}”", segment) if len(breakdown.segments) == 1 else ("In none of them", {})
    if not value:
        return NONE
    if isinstance(breakdown, ByChannel):
        return TITLES.get(value, value), {}
    if isinstance(breakdown, ByTime) and breakdown.time in ("weekday", "month"):
        return (WEEKDAYS if breakdown.time == "weekday" else MONTHS)[int(value) - 1], {}
    if isinstance(breakdown, ByTime) and breakdown.time == "hour":
        return "{value}", {"value": f"{value}:00"}
    return "{value}", {"value": value}


def heading(breakdowns: Sequence[Breakdown], reader: Reader) -> str:
    """What the answer is broken down by, for the reader."""
    return " · ".join(reader.say(msgid, **values) for msgid, values in map(breakdown_said, breakdowns))


def part_said(text: str, breakdowns: Sequence[Breakdown], reader: Reader, names: Mapping[str, str] | None = None) -> str:
    """What `split` made of a row, for the reader."""
    said = (value_said(value, breakdown, names) for value, breakdown in zip(values_of(text, breakdowns), breakdowns, strict=True))
    return " · ".join(reader.say(msgid, **values) for msgid, values in said)


def columns_of(breakdowns: Sequence[Breakdown]) -> tuple[Column, ...]:
    """A table's columns for the values: "value", or "value_1", "value_2" … for several."""
    alone = len(breakdowns) == 1
    return tuple(
        Column("value" if alone else f"value_{place}", msgid, "text", values)
        for place, (msgid, values) in enumerate(map(breakdown_said, breakdowns), 1)
    )


def cells_of(text: str | None, breakdowns: Sequence[Breakdown]) -> tuple[str, ...]:
    """The same row's cells; None: all other values."""
    return (OTHER,) * len(breakdowns) if text is None else values_of(text, breakdowns)


# --- SQL ------------------------------------------------------------------------------------------------------------------------------


def _of_person(breakdown: Breakdown) -> bool:
    match breakdown:
        case ByPerson():
            return breakdown.as_of == "now"
        case BySegment():
            return True
        case ByNumber():
            return breakdown.of == "person"
        case ByChannel():
            return breakdown.channel == "first"
    return False


def _one(breakdown: Breakdown, place: int, scope: Scope, binder: Binder, source: str, among: str) -> tuple[str, str]:
    """SQL for the value, and for the join that it needs ('': none)."""
    match breakdown:
        case ByProperty():
            return property_text(breakdown.property, scope, binder), ""
        case ByPerson(as_of="now"):
            return f"part_{place}", _join_people(_present(breakdown.person, scope, binder), place)
        case ByPerson():
            past = f"SELECT person AS whose_{place}, at AS since_{place}, {json_text('value')} AS part_{place} FROM traits_past"
            name = binder.bind(_seen(breakdown.person, scope), "String")
            return f"part_{place}", _join_times(f"{past} WHERE name = {name}", place)
        case BySegment():
            tests = [
                (condition(InSegment(segment=key), scope, binder, over=source), binder.bind(key, "String")) for key in breakdown.segments
            ]
            return f"multiIf({', '.join(f'{test}, {key}' for test, key in tests)}, '')", ""
        case ByNumber():
            return _number(breakdown, place, scope, binder, source, among)
        case ByTime():
            return _time(breakdown, scope, binder), ""
        case ByChannel(channel="first"):
            first = f"SELECT person, argMin(channel, (ts, event_key)) AS value FROM ({_arrivals('1')}) WHERE channel != '' GROUP BY person"
            return f"part_{place}", _join_people(first, place)
        case ByChannel():
            return _last_channel(breakdown, place, binder)


def _join_people(values: str, place: int) -> str:
    """`values` is a SELECT of (person, value), a row for each person who has one."""
    return f"LEFT JOIN (SELECT person AS whose_{place}, value AS part_{place} FROM ({values})) AS known_{place} ON person = whose_{place}"


def _join_times(steps: str, place: int) -> str:
    return f"ASOF LEFT JOIN ({steps}) AS known_{place} ON person = whose_{place} AND toUnixTimestamp64Milli(ts) >= since_{place}"


def _seen(name: str, scope: Scope) -> str:
    """The name of a person's property that the reader may see."""
    if name in scope.hidden:
        raise QuestionError(HIDDEN, name=name, where=name)
    return name


def _present(name: str, scope: Scope, binder: Binder) -> str:
    return f"SELECT person, {json_text('value')} AS value FROM traits_now WHERE name = {binder.bind(_seen(name, scope), 'String')}"


def _time(breakdown: ByTime, scope: Scope, binder: Binder) -> str:
    match breakdown.time:
        case "hour":
            return f"leftPad(toString(toHour(ts, {binder.bind(scope.zone, 'String')})), 2, '0')"
        case "weekday":
            return "toString(toDayOfWeek(day))"
        case "day":
            return "leftPad(toString(toDayOfMonth(day)), 2, '0')"
        case "month":
            return "leftPad(toString(toMonth(day)), 2, '0')"


def _number(breakdown: ByNumber, place: int, scope: Scope, binder: Binder, source: str, among: str) -> tuple[str, str]:
    join = ""
    if breakdown.of == "event":
        number = property_number(breakdown.number, scope, binder)
        all_of_them = f"SELECT groupArray({number}) FROM {source} WHERE {among}"
    else:
        known = _present(breakdown.number, scope, binder)
        number = f"if(isFinite(toFloat64OrNull(part_{place})), toFloat64OrNull(part_{place}), NULL)"
        join = _join_people(known, place)
        of_all = number.replace(f"part_{place}", "value")
        all_of_them = f"SELECT groupArray({of_all}) FROM ({known})"
    return ranged(breakdown, number, all_of_them, binder, place), join


def ranged(breakdown: ByNumber, number: str, all_of_them: str, binder: Binder, place: int = 1) -> str:
    """SQL for the name of the range that `number` (SQL, Nullable) falls into, '' without one; quantiles are those of the array that the
    SELECT `all_of_them` gives. `place` tells several in one SELECT apart."""
    if breakdown.cuts:
        cuts, labels = binder.bind(list(breakdown.cuts), "Array(Float64)"), binder.bind(ranges(breakdown.cuts), "Array(String)")
        named = f"{labels}[arrayCount(cut -> cut <= assumeNotNull({number}), {cuts}) + 1]"
    elif breakdown.width is not None:
        width = binder.bind(breakdown.width, "Float64")
        begin = f"(floor(assumeNotNull({number}) / {width}) * {width} + 0)"
        named = f"concat('[', toString(round({begin}, 6)), ', ', toString(round({begin} + {width}, 6)), ')')"
    else:
        named = _quantile(f"assumeNotNull({number})", all_of_them, breakdown.quantiles or 2, place)
    return f"if({number} IS NULL, '', {named})"


def _quantile(number: str, all_of_them: str, pieces: int, place: int) -> str:
    """Ranges that begin at the number in place i/pieces of all, and end with the greatest."""
    begins = f"arrayDistinct(arrayMap(i -> sorted[intDiv(i * length(sorted), {pieces}) + 1], range({pieces})))"
    edges = f"(SELECT arrayMap(sorted -> if(empty(sorted), ([0.], 0.), ({begins}, sorted[-1])), [arraySort(({all_of_them}))])[1])"
    # Each part is named where it is said first: the store reads a statement faster the shorter it is.
    at = f"(greatest(arrayCount(edge -> edge <= ({number} AS number_{place}), ({edges} AS edges_{place}).1), 1) AS at_{place})"
    upper = f"if(at_{place} = length(edges_{place}.1), concat(toString(edges_{place}.2), ']'),"
    return f"concat('[', toString(edges_{place}.1[{at}]), ', ', {upper} concat(toString(edges_{place}.1[at_{place} + 1]), ')')))"


def ranges(cuts: Sequence[float]) -> list[str]:
    """How the ranges that begin at `cuts` are written; the first is everything below them."""
    texts = [str(int(cut)) if cut.is_integer() else repr(cut) for cut in cuts]
    return [f"(-∞, {texts[0]})", *(f"[{low}, {high})" for low, high in pairwise(texts)), f"[{texts[-1]}, ∞)"]


def _arrivals(during: str) -> str:
    """Events that say by which channel somebody came, '' where they came from the site itself."""
    known = " OR ".join(f"{name} != ''" for name in COLUMNS)
    return channel_sql("person, ts, event_key", f"history WHERE person != 0 AND source != 'ledger' AND ({known}) AND {during}")


def _last_channel(breakdown: ByChannel, place: int, binder: Binder) -> tuple[str, str]:
    days = binder.bind(breakdown.days, "UInt16")
    arrivals = _arrivals(f"day BETWEEN {{scope_since:Date}} - {days} - 1 AND {{scope_until:Date}}")
    steps = f"""SELECT person AS whose_{place}, toUnixTimestamp64Milli(ts) AS since_{place}, argMax(channel, event_key) AS part_{place}
    FROM ({arrivals}) WHERE channel NOT IN ('', 'direct') GROUP BY person, ts"""
    recent = f"toUnixTimestamp64Milli(ts) - since_{place} <= {days} * 86400000"
    return f"multiIf(person = 0, '', part_{place} != '' AND {recent}, part_{place}, 'direct')", _join_times(steps, place)


def _order(value: str, breakdown: Breakdown) -> tuple[bool, float, str]:
    number = 0.0
    if isinstance(breakdown, ByNumber) and value[:1] in ("[", "(") and value != OTHER:
        number = float(value[1:].partition(",")[0].replace("∞", "inf"))
    return (not value, number, value)
