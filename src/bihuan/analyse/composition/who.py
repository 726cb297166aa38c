"""SQL for the people that composition asks about and those beside them, and for what is known of them."""

from __future__ import annotations

from bihuan.analyse.composition.spec import CompositionSpec, Who
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EventProperty, InSegment, about_event
from bihuan.engine.question import Scope
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, json_text


def people_sql(spec: CompositionSpec, scope: Scope, binder: Binder) -> str:
    """SELECT (person, in_target, in_base): everybody who is in either."""
    target = _who(spec.who, scope, binder)
    if not spec.compared:
        return f"\n  SELECT person, true AS in_target, true AS in_base FROM ({target})"
    return f"""
  SELECT person, max(target) = 1 AS in_target, max(base) = 1 AS in_base
  FROM (
    SELECT person, 1 AS target, 0 AS base FROM ({target})
    UNION ALL
    SELECT person, 0, 1 FROM ({_who(spec.base, scope, binder)})
  )
  GROUP BY person"""


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


def _who(who: Who, scope: Scope, binder: Binder) -> str:
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
    tests = [condition(who.filter, scope, binder)]
    if who.segment is not None:
        tests.append(condition(InSegment(segment=who.segment), scope, binder))
    return f"SELECT person FROM (SELECT DISTINCT person FROM {source}) WHERE {' AND '.join(tests)}"
