"""Composition of a sample: that of its people alone, its numbers scaled up; on random worlds against plain Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.composition import COMPOSITION
from bihuan.analyse.composition.estimates import shape_estimated
from bihuan.analyse.composition.result import cell_of, shape_composition
from bihuan.analyse.composition.spec import CompositionCell, CompositionSpec
from bihuan.analyse.composition.tests import reference
from bihuan.analyse.composition.tests.reference import everybody, load_with_ids, measured, parts
from bihuan.analyse.composition.tests.test_exact import cases
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.tests.asked_in_part import between
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World

SAMPLES = (0.5, 0.5, 0.3, 0.85)


def kept_of(engine: Engine, numbers: Any, sample: float) -> set[int]:
    """Those of these people who are in the sample."""
    rows = engine.store.fetch(
        "SELECT person FROM (SELECT toUInt32(arrayJoin({people:Array(UInt32)})) AS person) "
        "WHERE cityHash64('sample', toUInt64(person)) % 1000000 < {share:UInt32}",
        {"people": list(numbers), "share": round(sample * 1_000_000)},
    ).rows
    return {int(row["person"]) for row in rows}


@exactly(4)
@given(st.lists(st.tuples(cases(), st.sampled_from(SAMPLES)), min_size=3, max_size=4))
def test_a_sample_is_made_up_of_its_people(engine: Engine, several: list[tuple[tuple[World, CompositionSpec], float]]) -> None:
    loaded = load_with_ids(engine.store, *(world for (world, _), _ in several))
    question = behind(COMPOSITION)
    for ((world, plain), sample), (scope, numbers) in zip(several, loaded, strict=True):
        spec = plain.model_copy(update={"sample": sample})
        kept = kept_of(engine, numbers, sample)
        asked = {person for person in everybody(world) if numbers[person] in kept}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reference, "everybody", lambda _, asked=asked: set(asked))
            found, hidden, target, base = parts(world, spec, scope)
        answer = engine.ask(COMPOSITION, spec, scope)
        result = answer.result
        assert (result.people, result.base_people) == (round(len(target) / sample), round(len(base) / sample))
        assert list(result.hidden) == hidden
        assert {part.values for part in result.parts} == set(found)
        names = [column.name for column in answer.table.columns]
        for part, row in zip(result.parts, answer.table.rows or [None] * len(result.parts), strict=True):
            mine, theirs = found[part.values].target, found[part.values].base
            assert (part.people, part.base_people) == (round(len(mine) / sample), round(len(theirs) / sample))
            assert part.share == (len(mine) / len(target) if target else None)
            number = measured(world, spec, scope, mine) if spec.value is not None else None
            if number is not None and spec.measure == "sum":
                number /= sample
            assert part.number == (number if number is None else pytest.approx(number))
            if row is not None:
                told = dict(zip(names, row, strict=True))
                surely = between(mine, sample)
                bounds = (surely.low, surely.high) if surely else (None, None)
                assert (told["people_low"], told["people_high"]) == pytest.approx(bounds)
        for part in result.parts[:1]:
            cell = CompositionCell.model_validate(cell_of(part))
            people = engine.ask(question, question.spec.model_validate({"of": spec, "cell": cell}), scope).result.people
            assert {numbers.index(one.number) for one in people} == found[part.values].target


@exactly(2)
@given(st.lists(st.tuples(cases(scan=True), st.sampled_from(SAMPLES)), min_size=3, max_size=4))
def test_all_properties_of_a_sample_are_those_of_its_people(
    engine: Engine, several: list[tuple[tuple[World, CompositionSpec], float]]
) -> None:
    loaded = load_with_ids(engine.store, *(world for (world, _), _ in several))
    for ((world, plain), sample), (scope, numbers) in zip(several, loaded, strict=True):
        spec = plain.model_copy(update={"sample": sample})
        kept = kept_of(engine, numbers, sample)
        asked = {person for person in everybody(world) if numbers[person] in kept}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reference, "everybody", lambda _, asked=asked: set(asked))
            expected = reference.scanned(world, spec, scope)
        told = {
            one.name: (one.kind, {part.values[0]: (part.people, part.base_people) for part in one.parts}, one.people, one.base_people)
            for one in engine.ask(COMPOSITION, spec, scope).result.properties
        }
        assert told == {
            name: (
                kind,
                {value: (round(mine / sample), round(theirs / sample)) for value, (mine, theirs) in values.items()},
                round(people / sample),
                round(base / sample),
            )
            for name, (kind, values, people, base) in expected.items()
        }


@pytest.mark.parametrize("document", [{"by": [{"person": "city"}]}, {}])
def test_tests_of_a_sample_know_of_no_more_people_than_were_asked(scope: Any, document: dict[str, Any]) -> None:
    spec = CompositionSpec.model_validate({**document, "who": {"segment": "fans"}, "sample": 0.1})
    of = {"of_target": 30, "of_base": 100, "of_both": 30} if spec.by else {"target": 30, "base": 100, "both": 30}
    part = {"of_target": 20, "of_base": 40, "of_both": 20} if spec.by else {"target": 20, "base": 40, "both": 20}
    numbers = {f"in_{side}_numbers": [0.0, 0.0, 0.0] for side in ("target", "base")}
    has = {"has_target": 20, "has_base": 40, "has_both": 20, "kind": "text", "distinct": 1, "values": 1}
    rows: list[Any] = [
        {"whole": 1, "values": ["*"], "hidden": [0], **of, **numbers} if spec.by else {"name": "", **of},
        {"whole": 0, "values": ["=上海"], **part, **numbers} if spec.by else {"name": "city", "part": "=上海", **part, **has},
    ]
    seen, told = shape_composition(spec, scope, rows), shape_estimated(spec, scope, rows)
    before, after = (one.parts[0] if spec.by else one.properties[0].parts[0] for one in (seen, told))
    assert (after.people, after.base_people, told.people, told.base_people) == (200, 400, 300, 1000)
    assert (after.share, after.index, after.p_value, after.verdict) == (before.share, before.index, before.p_value, before.verdict)
    assert told.seen(after.people) == 20
    assert told.warnings[0] == ("Estimated from {percent} % of the people.", {"percent": 10.0})


def test_without_a_sample_the_statement_and_the_table_know_of_none(engine: Engine, scope: Any) -> None:
    spec = CompositionSpec.model_validate({"by": [{"person": "city"}]})
    assert "cityHash64('sample'" not in COMPOSITION.compile(spec, scope).sql
    columns = [column.name for column in engine.ask(COMPOSITION, spec, scope).table.columns]
    assert columns == ["value", "people", "share"]
