"""What tells people apart: the measures against scipy, the verdicts by hand, and a difference that was planted."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from scipy import stats

from bihuan.analyse.composition import COMPOSITION
from bihuan.analyse.composition.result import shape_composition
from bihuan.analyse.composition.spec import CompositionSpec
from bihuan.analyse.composition.surprise import NOTHING, of_elements, of_values
from bihuan.analyse.composition.table import table_composition
from bihuan.analyse.composition.tests.reference import IDS


def test_the_surprise_of_values_is_chi_square_and_cramers_v_without_bias():
    table = np.array([[40, 25, 35], [20, 60, 70]])
    found = of_values(table[0].tolist(), table[1].tolist())
    assert found.p_value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    n, square = table.sum(), stats.chi2_contingency(table, correction=False).statistic
    corrected = max(0, square / n - 2 / (n - 1)) / (min(3 - 4 / (n - 1), 2 - 1 / (n - 1)) - 1)
    assert found.v == pytest.approx(corrected**0.5)


def test_rare_values_count_as_one_but_two_remain():
    assert of_values([40, 25, 1, 2], [40, 25, 1, 0]) == pytest.approx(of_values([40, 28], [40, 26]))
    both = stats.fisher_exact([[8, 1], [1, 8]], alternative="greater").pvalue * 2
    assert of_values([8, 1], [1, 8]).p_value == pytest.approx(both)
    assert of_values([5, 3], [0, 0]) == of_values([], []) == NOTHING


def test_of_a_list_the_most_telling_element_counts():
    found = of_elements([80, 50], [20, 50], 100, 100)
    assert found.v == of_values([80, 20], [20, 80]).v
    square = stats.chi2_contingency([[80, 20], [20, 80]], correction=False).statistic * 199 / 200
    assert found.p_value == pytest.approx(stats.chi2.sf(square, 1) * 2)


def row(value: str, target: int, base: int, both: int, *, whole: bool = False) -> dict[str, object]:
    numbers = {"in_target_numbers": [0.0, 0.0, 0.0], "in_base_numbers": [0.0, 0.0, 0.0]}
    return {"whole": int(whole), "values": [value], "of_target": target, "of_base": base, "of_both": both, "hidden": [0], **numbers}


def test_a_value_is_marked_only_where_it_is_more_than_chance_among_all_that_are_looked_at(scope):
    spec = CompositionSpec.model_validate({"who": {"segment": "x"}, "by": [{"person": "city"}]})
    rows = [row("", 100, 1000, 100, whole=True), row("=a", 60, 300, 60), row("=b", 30, 600, 30), row("=", 10, 100, 10)]
    result = shape_composition(spec, scope, rows)
    assert [(part.values, part.verdict) for part in result.parts] == [(("=a",), "more"), (("=b",), "less"), (("=",), "")]
    assert result.parts[0].index is not None
    assert result.parts[0].index.estimate == pytest.approx(200)
    assert result.parts[0].p_value == pytest.approx(
        stats.chi2.sf(stats.chi2_contingency([[60, 40], [240, 660]], correction=False).statistic * 999 / 1000, 1) * 3
    )
    assert table_composition(result).rows[2][:5] == ("(none)", 10, 0.1, 100, 0.1)


def test_where_everybody_of_the_base_is_asked_about_nothing_is_said(scope):
    spec = CompositionSpec.model_validate({"who": {"segment": "x"}, "by": [{"person": "city"}]})
    result = shape_composition(spec, scope, [row("", 9, 9, 9, whole=True), row("=a", 9, 9, 9)])
    assert [(part.p_value, part.verdict) for part in result.parts] == [(None, "")]


def test_what_was_planted_is_found_among_thirty_properties_that_say_nothing(engine, scope, write, first_person):
    draw = random.Random(11)
    people = range(first_person, first_person + 400)
    buyers = set(draw.sample(people, 120))
    ids = [(scope.project_id, "user", f"u{number}", number, scope.now) for number in people]
    told = [
        (number, name, value)
        for number in people
        for name, value in {
            "member": "gold" if draw.random() < (0.6 if number in buyers else 0.25) else "plain",
            "age": draw.gauss(45 if number in buyers else 35, 10),
            "phone": f"13{number}",
            **{f"noise_{place}": draw.choice("abcd") for place in range(30)},
        }.items()
    ]
    traits = [(scope.project_id, name, number, False, json.dumps(value), 1_000) for number, name, value in told]
    types = ["UInt32", "LowCardinality(String)", "UInt32", "Bool", "String", "Int64"]
    engine.store.insert("person_ids", list(IDS), [list(column) for column in zip(*ids, strict=True)], list(IDS.values()))
    names = ["project_id", "name", "person_id", "once", "value", "rank"]
    engine.store.insert("traits", names, [list(column) for column in zip(*traits, strict=True)], types)
    write(*((number, "Buy", "2026-03-10") for number in buyers))
    result = engine.ask(COMPOSITION, CompositionSpec.model_validate({"who": {"did": {"event": "Buy"}}}), scope).result
    assert {one.name for one in result.properties[:2]} == {"member", "age"}
    assert sum(one.differs for one in result.properties) <= 3  # on average one in twenty of these is chance
    assert {one.name: one.kind for one in result.properties if one.kind != "text"} == {"age": "number", "phone": "unique"}
    gold = next(part for one in result.properties if one.name == "member" for part in one.parts if part.values == ("=gold",))
    assert gold.verdict == "more"
    assert gold.index is not None
    assert gold.index.low is not None
    assert gold.index.low > 120
