"""From the spec of composition to its one statement: people, their values, and how many have which."""

from __future__ import annotations

from bihuan.analyse.composition.scan import compile_scan, people_scan
from bihuan.analyse.composition.spec import ByDate, ByElement, CompositionCell, CompositionSpec
from bihuan.analyse.composition.who import people_sql, side_of, tests_of, text_of, traits_sql
from bihuan.engine import compare
from bihuan.engine.breakdowns import ByChannel, ByNumber, ByPerson, BySegment, ranged, split
from bihuan.engine.conditions import time_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import HIDDEN, Binder, json_text

FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
SIDES = ("in_target", "in_base", "in_other")
ELSE = "*"  # all values that are not shown alone


def reads_composition(spec: CompositionSpec, scope: Scope) -> Period:
    period = scope.period(spec.period)
    return compare.reads(period, compare.baseline(spec.compare, period, scope))


def compile_composition(spec: CompositionSpec, scope: Scope) -> Statement:
    """A row for each part (`whole` 0) with its `values` ("=" and a text, or "*"): how many people of `who` (`target`), of the base, and of
    both; and of each side of how many the number is known, its sum and its median. `whole` 1 is everybody, and there `hidden` says how many
    values of each property are not shown alone. With a comparison also how many of the other people (`other`), and of both (`again`)."""
    if not spec.by:
        return compile_scan(spec, scope)
    binder = Binder()
    columns = _columns(spec)
    hidden = ", ".join(f"uniqExactIf(v{place}, g{place} = '{ELSE}' AND size_{place} > 0)" for place, _ in enumerate(columns, 1))
    merged = _Lists() if _lists(spec) else _Counts()
    sql = f"""
WITH {_valued(spec, scope, binder)},
combined AS (
  SELECT {", ".join(f"v{place}" for place, _ in enumerate(columns, 1))}, {merged.gather(spec)}
  FROM valued
  GROUP BY ALL
),
{_shown(spec, binder, "combined", merged.size(spec))}
SELECT toUInt8(grouping({columns[0]})) AS whole, [{", ".join(columns)}] AS values, {merged.total(spec)}, [{hidden}] AS hidden
FROM shown
GROUP BY GROUPING SETS (({", ".join(columns)}), ())
"""
    return Statement(sql, binder.params)


def people_composition(spec: CompositionSpec, cell: CompositionCell, scope: Scope) -> Statement:
    """Who is in a part."""
    if not spec.by:
        return people_scan(spec, cell, scope)
    if cell.name is not None or any(value is not None for value in cell.values[len(spec.by) :]):
        raise QuestionError("There is no such part in this answer.")
    binder = Binder()
    tests = [side_of(spec, cell)]
    tests += [f"g{place} = {binder.bind(value, 'String')}" for place, value in enumerate(cell.values, 1) if value is not None]
    size = " + ".join(f"uniqExactIf(person, {side})" if _lists(spec) else f"countIf({side})" for side in _sized(spec))
    sql = f"""
WITH {_valued(spec, scope, binder)},
{_shown(spec, binder, "valued", size)}
SELECT DISTINCT person FROM shown WHERE {" AND ".join(tests)}"""
    return Statement(sql, binder.params)


def _sides(spec: CompositionSpec) -> tuple[str, ...]:
    return SIDES if spec.compare is not None else SIDES[:2]


def _sized(spec: CompositionSpec) -> tuple[str, ...]:
    """Whose number decides which values are shown alone."""
    return ("in_target", "in_other") if spec.compare is not None else ("in_target",)


class _Counts:
    """How parts are summed up where everybody is in one: by adding."""

    def size(self, spec: CompositionSpec) -> str:
        return "sum(target) + sum(other)" if spec.compare is not None else "sum(target)"

    def gather(self, spec: CompositionSpec) -> str:
        numbers = "".join(
            f""",
    countIf({side} AND number IS NOT NULL) AS {side}_known, sumIf(assumeNotNull(number), {side} AND number IS NOT NULL) AS {side}_sum,
    quantileExactInclusiveStateIf(0.5)(assumeNotNull(number), {side} AND number IS NOT NULL) AS {side}_median"""
            for side in _sides(spec)
        )
        counts = ", ".join(f"countIf({test}) AS {name}" for name, test in tests_of(spec).items())
        return counts + (numbers if spec.value is not None else "")

    def total(self, spec: CompositionSpec) -> str:
        numbers = [
            f"[toFloat64(sum({side}_known)), sum({side}_sum), quantileExactInclusiveMerge(0.5)({side}_median)] AS {side}_numbers"
            if spec.value is not None
            else f"[0., 0., 0.] AS {side}_numbers"
            for side in _sides(spec)
        ]
        return ", ".join([*(f"sum({name}) AS of_{name}" for name in tests_of(spec)), *numbers])


class _Lists:
    """How they are where people are in several parts: by who they are."""

    def size(self, spec: CompositionSpec) -> str:
        return "groupBitmapMerge(target) + groupBitmapMerge(other)" if spec.compare is not None else "groupBitmapMerge(target)"

    def gather(self, spec: CompositionSpec) -> str:
        numbers = "".join(
            f", groupUniqArrayIf((person, assumeNotNull(number)), {side} AND number IS NOT NULL) AS {side}_told" for side in _sides(spec)
        )
        counts = ", ".join(f"groupBitmapStateIf(person, {test}) AS {name}" for name, test in tests_of(spec).items())
        return counts + (numbers if spec.value is not None else "")

    def total(self, spec: CompositionSpec) -> str:
        numbers = []
        for side in _sides(spec):
            told = f"arrayMap(one -> one.2, groupUniqArrayArray({side}_told))"
            three = f"[toFloat64(length({told})), arraySum({told}), arrayReduce('quantileExactInclusive(0.5)', {told})]"
            numbers.append(f"{three if spec.value is not None else '[0., 0., 0.]'} AS {side}_numbers")
        counts = ", ".join(f"groupBitmapMerge({name}) AS of_{name}" for name in tests_of(spec))
        return f"{counts}, {', '.join(numbers)}"


def _shown(spec: CompositionSpec, binder: Binder, rows: str, size: str) -> str:
    """`shown`: the `rows` with `g1` …, the values that are shown. Each CTE is named once: the store reads it as often as it is named."""
    top = binder.bind(spec.top, "UInt64")
    places = range(1, len(spec.by) + 1)
    sizes = ", ".join(f"{_over(size, f'(PARTITION BY v{place})')} AS size_{place}" for place in places)
    ranks = ", ".join(f"dense_rank() OVER (ORDER BY v{place} = '', size_{place} DESC, v{place}) AS rank_{place}" for place in places)
    alone = ", ".join(
        f"if(v{place} = '' OR (rank_{place} <= {top} AND size_{place} > 0), concat('=', v{place}), '{ELSE}') AS g{place}"
        for place in places
    )
    return f"""sized AS (SELECT *, {sizes} FROM {rows}),
ranked AS (SELECT *, {ranks} FROM sized),
shown AS (SELECT *, {alone} FROM ranked)"""


def _over(size: str, window: str) -> str:
    return " + ".join(f"{each} OVER {window}" for each in size.split(" + "))


def _columns(spec: CompositionSpec) -> list[str]:
    return [f"g{place}" for place in range(1, len(spec.by) + 1)]


def _lists(spec: CompositionSpec) -> bool:
    return any(isinstance(one, ByElement) for one in spec.by)


def _valued(spec: CompositionSpec, scope: Scope, binder: Binder) -> str:
    """`valued`: a row for each person and combination of their values, `v1` …"""
    names = _names(spec)
    for name in names:
        if name in scope.hidden:
            raise QuestionError(HIDDEN, name=name, where=name)
    place_of = {name: f"text_{place}" for place, name in enumerate(names, 1)}
    parts_of_people = any(isinstance(one, BySegment | ByChannel) for one in spec.by)
    ctes = [f"people AS {'MATERIALIZED ' if parts_of_people else ''}({people_sql(spec, scope, binder)}\n)"]
    joins = ""
    if names:
        texts = [f"anyIf({json_text('value')}, name = {binder.bind(name, 'String')}) AS {column}" for name, column in place_of.items()]
        wanted = f"name IN {binder.bind(names, 'Array(String)')}"
        traits = traits_sql(spec, scope, binder, wanted)
        again = any(isinstance(one, ByNumber) and one.quantiles for one in spec.by)
        ctes.append(
            f"known AS {'MATERIALIZED ' if again else ''}(\n  SELECT person AS whose, {', '.join(texts)} FROM ({traits}) GROUP BY person\n)"
        )
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
    ctes.append(f"""valued AS (
  SELECT person, {", ".join(_sides(spec))}, CAST({number}, 'Nullable(Float64)') AS number,
    {valued}
  FROM people{joins}
)""")
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
