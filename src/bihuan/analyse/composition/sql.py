"""From the spec of composition to its one statement: people, their values, and how many have which."""

from __future__ import annotations

from bihuan.analyse.composition.scan import compile_scan, people_scan
from bihuan.analyse.composition.spec import ByDate, ByElement, CompositionCell, CompositionSpec
from bihuan.analyse.composition.who import people_sql, text_of, traits_sql
from bihuan.engine.breakdowns import ByNumber, ByPerson, ranged, split
from bihuan.engine.conditions import time_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import HIDDEN, Binder, json_text

FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
ELSE = "*"  # all values that are not shown alone


def reads_composition(spec: CompositionSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def compile_composition(spec: CompositionSpec, scope: Scope) -> Statement:
    """A row for each part (`place` 1) with its `values` ("=" and a text, or "*"): how many people of `who` (`target`), of the base, and of
    both; and of each side of how many the number is known, its sum and its median. Place 0 is the whole, `hidden` how many values of each
    property are not shown alone."""
    if not spec.by:
        return compile_scan(spec, scope)
    binder = Binder()
    columns = [f"g{place}" for place in range(1, len(spec.by) + 1)]
    hidden = ", ".join(
        f"(SELECT uniqExactIf(v{place}, in_target AND v{place} != '' AND v{place} NOT IN (SELECT value FROM top_{place})) FROM valued)"
        for place in range(1, len(spec.by) + 1)
    )
    counts = f"""countIf(in_target) AS target, countIf(in_base) AS base, countIf(in_target AND in_base) AS both,
  {_numbers(spec, "in_target")} AS target_numbers, {_numbers(spec, "in_base")} AS base_numbers"""
    sql = f"""
WITH {_shown(spec, scope, binder)}
SELECT 1 AS place, [{", ".join(columns)}] AS values, {counts}, CAST([], 'Array(UInt64)') AS hidden
FROM shown GROUP BY {", ".join(columns)}
UNION ALL
SELECT 0, CAST([], 'Array(String)'), {counts}, [{hidden}]
FROM (SELECT DISTINCT person, in_target, in_base, number FROM valued)
"""
    return Statement(sql, binder.params)


def people_composition(spec: CompositionSpec, cell: CompositionCell, scope: Scope) -> Statement:
    """Who is in a part."""
    if not spec.by:
        return people_scan(spec, cell, scope)
    if cell.name is not None or any(value is not None for value in cell.values[len(spec.by) :]):
        raise QuestionError("There is no such part in this answer.")
    binder = Binder()
    shown = _shown(spec, scope, binder)
    tests = ["in_base" if cell.base else "in_target"]
    tests += [f"g{place} = {binder.bind(value, 'String')}" for place, value in enumerate(cell.values, 1) if value is not None]
    return Statement(f"WITH {shown}\nSELECT DISTINCT person FROM shown WHERE {' AND '.join(tests)}", binder.params)


def _numbers(spec: CompositionSpec, side: str) -> str:
    if spec.value is None:
        return "[0., 0., 0.]"
    told = f"{side} AND number IS NOT NULL"
    known = "assumeNotNull(number)"
    return f"[toFloat64(countIf({told})), sumIf({known}, {told}), quantileExactInclusiveIf(0.5)({known}, {told})]"


def _shown(spec: CompositionSpec, scope: Scope, binder: Binder) -> str:
    """`people`, `valued` (a row for each person and combination of values) and `shown`: the same, with the rare ones as one."""
    names = _names(spec)
    for name in names:
        if name in scope.hidden:
            raise QuestionError(HIDDEN, name=name, where=name)
    place_of = {name: f"text_{place}" for place, name in enumerate(names, 1)}
    ctes = [f"people AS MATERIALIZED ({people_sql(spec, scope, binder)}\n)"]
    joins = ""
    if names:
        texts = [f"anyIf({json_text('value')}, name = {binder.bind(name, 'String')}) AS {column}" for name, column in place_of.items()]
        wanted = f"name IN {binder.bind(names, 'Array(String)')}"
        traits = traits_sql(spec, scope, binder, wanted)
        ctes.append(f"known AS MATERIALIZED (\n  SELECT person AS whose, {', '.join(texts)} FROM ({traits}) GROUP BY person\n)")
        joins = " LEFT JOIN known ON person = known.whose"
    values = []
    for place, one in enumerate(spec.by, 1):
        match one:
            case ByPerson():
                values.append(place_of[one.person])
            case ByNumber():
                column = place_of[one.number]
                number = _number(column)
                values.append(ranged(one, number, f"SELECT groupArray({number}) FROM known", binder, place))
            case ByDate():
                column, zone = place_of[one.date], binder.bind(scope.zone, "String")
                moment = time_of(column, f"toFloat64OrNull({column})", zone)
                at = f"fromUnixTimestamp64Milli(assumeNotNull({moment}), {zone})"
                values.append(f"if({moment} IS NULL, '', formatDateTime({at}, '{FORMATS[one.unit]}'))")
            case ByElement():
                values.append(f"arrayJoin({text_of(place_of[one.elements])})")
            case _:
                parts = split((one,), scope, binder, source="people")
                ctes.append(f"part_of_{place} AS (\n  SELECT person AS whose, {parts.value} AS text FROM {parts.source}\n)")
                joins += f" LEFT JOIN part_of_{place} ON person = part_of_{place}.whose"
                values.append(f"part_of_{place}.text")
    number = _number(place_of[spec.value]) if spec.value is not None else "NULL"
    valued = ",\n    ".join(f"{value} AS v{place}" for place, value in enumerate(values, 1))
    ctes.append(f"""valued AS MATERIALIZED (
  SELECT person, in_target, in_base, CAST({number}, 'Nullable(Float64)') AS number,
    {valued}
  FROM people{joins}
)""")
    several = sum(isinstance(one, ByElement) for one in spec.by)
    top = binder.bind(spec.top, "UInt64")
    for place in range(1, len(spec.by) + 1):
        counted = "uniqExact(person)" if several else "count()"
        ctes.append(
            f"top_{place} AS (\n  SELECT v{place} AS value FROM valued WHERE in_target AND v{place} != ''\n"
            f"  GROUP BY v{place} ORDER BY {counted} DESC, v{place} LIMIT {top}\n)"
        )
    alone = ", ".join(
        f"if(v{place} = '' OR v{place} IN (SELECT value FROM top_{place}), concat('=', v{place}), '{ELSE}') AS g{place}"
        for place in range(1, len(spec.by) + 1)
    )
    ctes.append(f"shown AS (\n  SELECT {'DISTINCT ' if several else ''}person, in_target, in_base, number, {alone} FROM valued\n)")
    return ",\n".join(ctes)


def _number(text: str) -> str:
    return f"if(isFinite(toFloat64OrNull({text})), toFloat64OrNull({text}), NULL)"


def _names(spec: CompositionSpec) -> list[str]:
    """The properties of persons that the statement looks at, each once."""
    found = [spec.value] if spec.value is not None else []
    for one in spec.by:
        match one:
            case ByPerson():
                found.append(one.person)
            case ByNumber():
                found.append(one.number)
            case ByDate():
                found.append(one.date)
            case ByElement():
                found.append(one.elements)
    return list(dict.fromkeys(found))
