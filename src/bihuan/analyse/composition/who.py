"""SQL for the people that composition asks about and those beside them, and for what is known of them."""

from __future__ import annotations

from bihuan.analyse.composition.spec import CompositionCell, CompositionSpec, Who
from bihuan.engine.compare import Groups, baseline, groups
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EventProperty, InSegment, about_event
from bihuan.engine.meta import sampled
from bihuan.engine.question import Scope
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, json_text


def people_sql(spec: CompositionSpec, scope: Scope, binder: Binder) -> str:
    """SELECT (person, in_target, in_base): everybody who is in either; with a comparison also `in_other`, whom they are compared with."""
    if spec.compare is not None:
        return _compared(spec, scope, binder)
    target = _who(spec, spec.who, scope, binder)
    if not spec.compared:
        return f"\n  SELECT person, true AS in_target, true AS in_base FROM ({target})"
    return f"""
  SELECT person, max(target) = 1 AS in_target, max(base) = 1 AS in_base
  FROM (
    SELECT person, 1 AS target, 0 AS base FROM ({target})
    UNION ALL
    SELECT person, 0, 1 FROM ({_who(spec, spec.base, scope, binder)})
  )
  GROUP BY person"""


def side_of(spec: CompositionSpec, cell: CompositionCell) -> str:
    """SQL: a person is on the side that the cell means."""
    if cell.before and spec.compare is None:
        raise QuestionError("There is no such part in this answer.")
    return "in_other" if cell.before else "in_base" if cell.base else "in_target"


def tests_of(spec: CompositionSpec) -> dict[str, str]:
    """What is counted, by its name."""
    found = {"target": "in_target", "base": "in_base", "both": "in_target AND in_base"}
    return {**found, "other": "in_other", "again": "in_target AND in_other"} if spec.compare is not None else found


def _compared(spec: CompositionSpec, scope: Scope, binder: Binder) -> str:
    if isinstance(spec.compare, Groups):
        segment, against = groups(spec.compare, scope, binder, over="history")
        both = f"SELECT person, toUInt8({segment}) AS target, toUInt8({against}) AS other FROM ({_who(spec, spec.who, scope, binder)})"
        mine = "1"
    else:
        mine, theirs = _days(spec, scope, binder)
        both = _who(spec, spec.who, scope, binder, sides=f", max({mine}) AS target, max({theirs}) AS other")
    if not spec.compared:
        base = "in_target AS in_base"
        people = f"SELECT person, target = 1 AS in_target, {base}, other = 1 AS in_other FROM ({both})"
    else:
        people = f"""SELECT person, max(target) = 1 AS in_target, max(base) = 1 AS in_base, max(other) = 1 AS in_other
  FROM (
    SELECT person, target, 0 AS base, other FROM ({both})
    UNION ALL
    SELECT person, 0, 1, 0 FROM ({_who(spec, spec.base, scope, binder, days=mine)})
  )
  GROUP BY person"""
    return f"\n  {people}"


def _days(spec: CompositionSpec, scope: Scope, binder: Binder) -> tuple[str, str]:
    """SQL: an event is of the period; and of the one that it is compared with."""
    period = scope.period(spec.period)
    other = baseline(spec.compare, period, scope)
    assert other is not None
    mine, theirs = (
        f"day BETWEEN {binder.bind(each.since, 'Date')} AND {binder.bind(each.until, 'Date')}" for each in (period, other.period)
    )
    if not other.whole:
        theirs += f" AND ts < fromUnixTimestamp64Milli({binder.bind(round(other.until.timestamp() * 1000), 'Int64')}, 'UTC')"
    return mine, theirs


def traits_sql(spec: CompositionSpec, scope: Scope, binder: Binder, wanted: str) -> str:
    """SELECT (person, name, value), the value as JSON text: the properties of which `wanted` is true, now or at the period's end."""
    if spec.as_of == "now":
        return f"SELECT person, name, value FROM traits_now WHERE {wanted}"
    end = binder.bind(round(scope.period(spec.period).end.timestamp() * 1000), "Int64")
    return f"SELECT person, name, argMax(value, at) AS value FROM traits_past WHERE {wanted} AND at < {end} GROUP BY person, name"


def text_of(column: str) -> str:
    """SQL for the elements of a text that may be a list, each once; [''] when there are none."""
    elements = f"arrayDistinct(arrayFilter(x -> x != '', arrayMap(raw -> {json_text('raw')}, JSONExtractArrayRaw({column}))))"
    return f"if(startsWith({column}, '['), if(empty({elements}), [''], {elements}), [{column}])"


def _who(spec: CompositionSpec, who: Who, scope: Scope, binder: Binder, *, days: str = "1", sides: str = "") -> str:
    """SELECT person, of events of which `days` is true; `sides` are columns over the events of each."""
    found = about_event(who.filter)
    if found is not None:
        raise QuestionError(
            "Composition is about people: “{property}” is a property of events. Ask who did the event instead.",
            property=found.property if isinstance(found, EventProperty) else found.person,
            where="filter",
        )
    source = "ids WHERE person != 0"
    if who.did is not None:
        source = f"visible WHERE person != 0 AND {has_name_of([who.did], binder)} AND {is_one_of(who.did, scope, binder)}"
        source += f" AND {days}" if days != "1" else ""
    tests = [condition(who.filter, scope, binder)]
    if spec.sample is not None:
        tests.append(sampled(spec.sample, binder, nobody=None))
    if who.segment is not None:
        tests.append(condition(InSegment(segment=who.segment), scope, binder))
    if sides:
        tests.append("(target OR other)")
        people, names = f"SELECT person{sides} FROM {source} GROUP BY person", ", target, other"
    else:
        people, names = f"SELECT DISTINCT person FROM {source}", ""
    return f"SELECT person{names} FROM ({people}) WHERE {' AND '.join(tests)}"
