"""What composition answers, each number defined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Literal

from bihuan.analyse.composition import surprise
from bihuan.analyse.composition.beside import Beside, Verdict, beside, tested
from bihuan.analyse.composition.spec import By, ByDate, ByElement, CompositionSpec
from bihuan.analyse.parts import Estimated
from bihuan.analyse.statistics import ALPHA, Interval, Share, benjamini_hochberg, independence_p_value, index
from bihuan.engine.breakdowns import (
    NONE,
    OTHER,
    ByNumber,
    breakdown_said,
    order_key,
    ordered,
    value_said,
)
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import Warning_, hidden_warning, sample_warning
from bihuan.engine.question import Headline, Rows, Scope

ELSE = "*"
_RANGES = ByNumber(number="any", of="person", quantiles=2)
PLACES = ("first", "second", "third")
MEASURES = {"sum": "Sum of {name}", "avg": "{name} per person", "median": "Median of {name}"}
Kind = Literal["text", "number", "time", "list", "unique"]


@dataclass(frozen=True)
class Part:
    """People with the same `values`: "=" and the text of each ("=" alone: none), "*" one of the `others` that are not shown alone.

    `people` of those asked about have them, `base_people` of those beside them, and `shared` of those who are both; `share` and
    `base_share` are these of all. `index` is the one share divided by the other, times 100 (TGI), with its 95 % interval (None where
    nobody of the base has them). `p_value` is of "it is chance that those asked about have them more or less often than the rest of the
    base", adjusted for all parts of the answer; `verdict` says where that is at most 0.05. `number` and `base_number` are the sum,
    average or median asked for (None: nobody has a number). `beside` are the other people that it is compared with.
    """

    values: tuple[str, ...]
    people: int
    base_people: int
    shared: int
    share: float | None
    base_share: float | None
    index: Interval | None = None
    p_value: float | None = None
    verdict: Verdict = ""
    number: float | None = None
    base_number: float | None = None
    others: int = 0
    beside: Beside | None = None


@dataclass(frozen=True)
class Property:
    """One of all properties: `name`, of what `kind` its values are, how many `people` (and of the base) have it, its `parts`, and of
    how many `distinct` values. Of a `unique` one, like a phone number, no parts are shown.

    `v` is Cramér's V: how well it tells those asked about from the rest of the base, from 0 to 1. `p_value` is of "it tells nothing",
    adjusted for all properties; None where nothing is compared or could be.
    """

    name: str
    kind: Kind
    people: int
    base_people: int
    parts: tuple[Part, ...]
    distinct: int
    v: float | None = None
    p_value: float | None = None

    @property
    def differs(self) -> bool:
        return self.p_value is not None and self.p_value <= ALPHA


@dataclass(frozen=True)
class CompositionResult(Estimated):
    """`people` are asked about, `base_people` beside them (the same where nothing is `compared`), `shared` in both. `parts` by `by`, or the
    `properties` that were looked through, those that tell most first. `whole` and `base_whole` are the number of everybody.

    With a comparison `said` is what it is compared with: `other_people`, whose number is `other_whole`.

    Of a `sample`, numbers of people and sums are estimates for everybody; shares, averages, medians, intervals and tests are those of the
    sample, and so is how many different values there are."""

    by: tuple[By, ...]
    compared: bool
    people: int
    base_people: int
    shared: int
    parts: tuple[Part, ...]
    properties: tuple[Property, ...]
    value: str | None
    measure: str
    whole: float | None
    base_whole: float | None
    hidden: tuple[int, ...]
    names: Mapping[str, str]
    as_of: str
    warnings: tuple[Warning_, ...] = ()
    said: Said | None = None
    other_people: int = 0
    other_whole: float | None = None
    sample: float | None = None

    @property
    def scanned(self) -> bool:
        return not self.by


def shape_composition(spec: CompositionSpec, scope: Scope, rows: Rows) -> CompositionResult:
    if not spec.by:
        total = next((row for row in rows if not row["name"]), {})
        sizes = _counts(total)
    else:
        total = next(row for row in rows if row["whole"])
        sizes = _counts(total, "of_")
    result = CompositionResult(
        by=spec.by,
        compared=spec.compared,
        people=sizes.target,
        base_people=sizes.base,
        shared=sizes.both,
        parts=(),
        properties=(),
        value=spec.value,
        measure=spec.measure,
        whole=None,
        base_whole=None,
        hidden=(),
        names=scope.segment_names,
        as_of=spec.as_of,
        said=compare_said(spec.compare, scope) if spec.compare else None,
        other_people=sizes.other,
    )
    if not spec.by:
        return replace(result, properties=_properties(spec, sizes, rows), warnings=_warnings(spec, ()))
    hidden = tuple(int(number) for number in total["hidden"])
    parts = [_part(spec, sizes, row, hidden) for row in rows if not row["whole"]]
    parts = _tested(parts, sizes) if spec.compared else parts
    return replace(
        result,
        parts=tuple(_ordered(_changed(parts), spec)),
        whole=_number(spec, total["in_target_numbers"]),
        base_whole=_number(spec, total["in_base_numbers"]) if spec.compared else None,
        other_whole=_number(spec, total["in_other_numbers"]) if spec.compare else None,
        hidden=hidden,
        warnings=_warnings(spec, hidden),
    )


@dataclass(frozen=True)
class Sizes:
    """How many people are asked about (`target`), beside them (`base`), and in both; with a comparison how many `other` people there are,
    and how many are asked about `again`."""

    target: int
    base: int
    both: int
    other: int = 0
    again: int = 0

    @property
    def rest(self) -> int:
        return self.base - self.both

    def less(self, some: Sizes) -> Sizes:
        return Sizes(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(some), strict=True)))


def _counts(row: Mapping[str, Any], before: str = "") -> Sizes:
    return Sizes(*(int(row.get(before + name, 0)) for name in ("target", "base", "both", "other", "again")))


def _counted(values: tuple[str, ...], sizes: Sizes, counts: Sizes, spec: CompositionSpec, others: int = 0) -> Part:
    target, base, both = counts.target, counts.base, counts.both
    part = Part(
        values=values,
        people=target,
        base_people=base,
        shared=both,
        share=target / sizes.target if sizes.target else None,
        base_share=base / sizes.base if sizes.base else None,
        others=others,
    )
    if spec.compare is not None:
        sides = Share(target, sizes.target), Share(counts.other, sizes.other), Share(counts.again, sizes.again)
        part = replace(part, beside=beside(*sides))
    if not spec.compared:
        return part
    found = index(Share(target, sizes.target), Share(base, sizes.base), Share(both, sizes.both))
    hundred = Interval(*(None if each is None else each * 100 for each in found)) if found else None  # type: ignore[arg-type]
    rest = base - both
    p_value = independence_p_value(target, sizes.target, target + rest, sizes.target + sizes.rest)
    return replace(part, index=hundred, p_value=p_value)


def _part(spec: CompositionSpec, sizes: Sizes, row: Mapping[str, Any], hidden: Sequence[int]) -> Part:
    values = tuple(row["values"])
    others = sum(number for value, number in zip(values, hidden, strict=True) if value == ELSE)
    part = _counted(values, sizes, _counts(row, "of_"), spec, others)
    if part.beside is not None:
        part = replace(part, beside=replace(part.beside, number=_number(spec, row["in_other_numbers"])))
    base_number = _number(spec, row["in_base_numbers"]) if spec.compared else None
    return replace(part, number=_number(spec, row["in_target_numbers"]), base_number=base_number)


def _number(spec: CompositionSpec, numbers: Sequence[float]) -> float | None:
    known, total, median = numbers
    if spec.value is None or not known:
        return None
    return {"sum": total, "avg": total / known, "median": median}[spec.measure]


def _tested(parts: Sequence[Part], sizes: Sizes) -> list[Part]:
    """The parts with p-values adjusted for how many they are, and what these say. Without a rest of the base nothing can be said."""
    if not sizes.rest:
        return [replace(part, p_value=None) for part in parts]
    adjusted = benjamini_hochberg([part.p_value if part.p_value is not None else 1.0 for part in parts])
    return [replace(part, p_value=p, verdict=_verdict(part, p, sizes)) for part, p in zip(parts, adjusted, strict=True)]


def _changed(parts: Sequence[Part]) -> list[Part]:
    """The parts with what is said of their differences from those compared with."""
    found = iter(tested([part.beside for part in parts if part.beside is not None]))
    return [replace(part, beside=next(found)) if part.beside is not None else part for part in parts]


def _verdict(part: Part, p_value: float, sizes: Sizes) -> Verdict:
    if p_value > ALPHA:
        return ""
    return "more" if (part.share or 0.0) > (part.base_share or 0.0) else "less"


def _ordered(parts: Iterable[Part], spec: CompositionSpec) -> list[Part]:
    """Ranges and times as they follow each other, anything else by its people; those without a value, then all others, at the end."""
    people: dict[tuple[int, str], int] = defaultdict(int)
    for part in parts:
        for place, value in enumerate(part.values):
            people[place, value] += part.people

    def key(part: Part) -> tuple[Any, ...]:
        found: list[Any] = []
        for place, (value, one) in enumerate(zip(part.values, spec.by, strict=True)):
            rank: tuple[Any, ...] = (0,) if in_order(one) else (-people[place, value],)
            text = value.removeprefix("=")
            along = order_key(text, (one,)) if isinstance(one, ByNumber) else text
            found.append((value == ELSE, value == "=", rank, along))
        return tuple(found)

    return sorted(parts, key=key)


def in_order(one: By) -> bool:
    """Whether readers expect its values in the order of what they are."""
    return isinstance(one, ByDate) or (isinstance(one, ByNumber) and ordered((one,)))


# --- All properties ---------------------------------------------------------------------------------------------------------------------


def _properties(spec: CompositionSpec, sizes: Sizes, rows: Rows) -> tuple[Property, ...]:
    values: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["name"]:
            values[row["name"]].append(row)
    found = [_property(spec, sizes, mine) for mine in values.values()]
    changed = iter(_changed([part for one in found for part in one.parts]))
    found = [replace(one, parts=tuple(next(changed) for _ in one.parts)) for one in found]
    if spec.compared and sizes.rest and sizes.target:
        found = _judged(found, sizes)
    return tuple(sorted(found, key=lambda one: (not one.differs, -(one.v or 0.0), one.kind == "unique", -one.people, one.name)))


def _property(spec: CompositionSpec, sizes: Sizes, rows: Sequence[Mapping[str, Any]]) -> Property:
    kind: Kind = rows[0]["kind"]
    holders = _counts(rows[0], "has_")
    parts = []
    for value in sorted(rows, key=lambda value: _along(kind, value)):
        text = value["part"]
        if kind == "unique" or (kind == "list" and text == ELSE):  # how many people have any of several elements is not known
            continue
        parts.append(_counted((text,), sizes, _counts(value), spec, int(value["values"]) if text == ELSE else 0))
    nothing = sizes.less(holders)
    if kind != "unique" and (nothing.target or nothing.base or nothing.other):
        parts.append(_counted(("=",), sizes, nothing, spec))
    return Property(rows[0]["name"], kind, holders.target, holders.base, tuple(parts), int(rows[0]["distinct"]))


def _along(kind: Kind, value: Mapping[str, Any]) -> tuple[Any, ...]:
    text = value["part"]
    if kind == "number" and text != ELSE:
        return (False, *order_key(text.removeprefix("="), (_RANGES,)))
    return (text == ELSE, text) if kind == "time" else (text == ELSE, -int(value["target"]), -int(value["base"]), text)


def _judged(properties: Sequence[Property], sizes: Sizes) -> list[Property]:
    """Each property's power to tell, and each part's p-value, adjusted for all that were looked at."""
    told = [_surprise(one, sizes) for one in properties]
    adjusted = benjamini_hochberg([each.p_value for each in told])
    parts = iter(_tested([part for one in properties for part in one.parts], sizes))
    judged = []
    for one, each, p_value in zip(properties, told, adjusted, strict=True):
        mine = tuple(next(parts) for _ in one.parts)
        judged.append(one if one.kind == "unique" else replace(one, parts=mine, v=each.v, p_value=p_value))
    return judged


def _surprise(one: Property, sizes: Sizes) -> surprise.Surprise:
    target = [part.people for part in one.parts]
    rest = [part.base_people - part.shared for part in one.parts]  # of the base, who is not asked about
    if one.kind == "unique":
        return surprise.NOTHING
    if one.kind == "list":
        return surprise.of_elements(target, rest, sizes.target, sizes.rest)
    return surprise.of_values(target, rest)


# --- Shown ------------------------------------------------------------------------------------------------------------------------------


def by_said(one: By) -> tuple[str, Mapping[str, Any]]:
    """What people are told apart by, as a heading."""
    match one:
        case ByDate(unit="day"):
            return "{name}, by day", {"name": one.date}
        case ByDate(unit="year"):
            return "{name}, by year", {"name": one.date}
        case ByDate():
            return "{name}, by month", {"name": one.date}
        case ByElement():
            return "{name}, each element", {"name": one.elements}
    return breakdown_said(one)


def said(value: str, one: By, names: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
    """A part's value of one property."""
    if value == ELSE:
        return OTHER_VALUES
    text = value.removeprefix("=")
    if isinstance(one, ByDate | ByElement):
        return ("{value}", {"value": text}) if text else NONE
    return value_said(text, one, names)


OTHER_VALUES: tuple[str, Mapping[str, Any]] = (OTHER, {})


def cell_of(part: Part, *, base: bool = False, before: bool = False, name: str | None = None) -> Mapping[str, Any] | None:
    """Who is behind a part; None where that cannot be told."""
    if name is not None and part.values == (ELSE,):
        return None
    cell = dict(zip(PLACES, part.values, strict=False))
    return {
        **({"name": name} if name is not None else {}),
        **cell,
        **({"base": True} if base else {}),
        **({"before": True} if before else {}),
    }


def headlines_composition(result: CompositionResult) -> tuple[Headline, ...]:
    growth = result.seen(result.people) / result.seen(result.other_people) - 1 if result.said is not None and result.other_people else None
    found = [Headline("People", result.people, change=growth)]
    if result.said is not None:
        parts = result.parts or tuple(part for one in result.properties for part in one.parts)
        found.append(Headline("People compared with", result.other_people))
        found.append(
            Headline("Shares that differ from those compared with", sum(bool(part.beside and part.beside.verdict) for part in parts))
        )
    if result.compared:
        found.append(Headline("People of the base", result.base_people))
    if result.scanned:
        found.append(Headline("Properties looked through", len(result.properties)))
        if result.compared:
            found.append(Headline("Properties that differ", sum(one.differs for one in result.properties)))
    elif result.compared:
        found.append(Headline("Parts that differ", sum(bool(part.verdict) for part in result.parts)))
    if result.value is not None and not result.scanned:
        change = (
            result.whole / result.base_whole - 1 if result.whole is not None and result.base_whole and result.measure != "sum" else None
        )
        found.append(Headline(MEASURES[result.measure], result.whole, "number", change, {"name": result.value}))
    return tuple(found)


def _warnings(spec: CompositionSpec, hidden: Sequence[int]) -> tuple[Warning_, ...]:
    found = [*sample_warning(spec.sample), *hidden_warning(sum(hidden))]
    if any(isinstance(one, ByElement) for one in spec.by):
        found.append(("A person is counted with each element of a list: the parts together are more than everybody.", {}))
    if spec.as_of == "end":
        found.append(("Properties are those of the period's end; who belongs to a segment is as of now.", {}))
    return tuple(found)
