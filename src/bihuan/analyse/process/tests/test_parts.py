"""A process broken down, on the real engine against plain Python; how it is shown, and who is behind it."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.process import PROCESS, PROCESS_CASES
from bihuan.analyse.process.listing.spec import ProcessCasesSpec
from bihuan.analyse.process.parts import Part
from bihuan.analyse.process.result import ProcessResult
from bihuan.analyse.process.spec import ProcessCell, ProcessSpec
from bihuan.analyse.process.tests.reference import Case, cases, quantile
from bihuan.analyse.process.tests.test_exact import HOUR, asked, check, check_whole, near
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.errors import QuestionError
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load
from bihuan.govern.forms import parse_dotted

Took = dict[tuple[str, str | None], list[int]]


def took(some: list[Case]) -> Took:
    """The times at each connection, and of each activity."""
    found: Took = defaultdict(list)
    for case in some:
        for (name, following), wait in zip(pairwise(case.names), case.waits, strict=True):
            found[name, following].append(wait)
        for done in case.done:
            if done.service is not None:
                found[done.activity, None].append(done.service)
    return found


def check_parts(spec: ProcessSpec, result: ProcessResult, all_cases: list[Case]) -> None:
    mine = [case for case in all_cases if case.side == 0]
    sizes = Counter(case.value for case in mine)
    ranked = sorted({case.value for case in all_cases}, key=lambda text: (-sizes[text], text.encode()))
    shown: list[str | None] = [*ranked[: spec.top], *([None] if len(ranked) > spec.top else [])]
    assert {part.value for part in result.parts} == set(shown)
    assert len(result.parts) == len(shown)
    for part in result.parts:
        assert part.other == (len(ranked) - spec.top if part.value is None else 0)
        kept = set(ranked[spec.top :]) if part.value is None else {part.value}
        check_part(spec, part, [case for case in all_cases if case.value in kept], took(mine))


def check_part(spec: ProcessSpec, part: Part, some: list[Case], of_all: Took) -> None:
    here, there = [case for case in some if case.side == 0], [case for case in some if case.side == 1]
    check_whole(part.whole, here)
    assert (part.before is None) == (spec.compare is None)
    if part.before is not None:
        check_whole(part.before, there)
    for ways, its in ((part.ways, here), (part.before_ways, there)):
        assert {names: number for names, number in ways.items() if number} == Counter(case.names for case in its)
    assert part.keeping == (sum(not case.deviations for case in here) if spec.order else None)
    mine = took(here)
    assert {link for link, spent in part.spent.items() if spent.number} == {link for link, times in mine.items() if times}
    for link, times in mine.items():
        allowed = quantile(of_all[link], 0.5) if spec.target is None or link[1] is None else spec.target * 60_000
        spent = part.spent[link]
        assert (spent.number, spent.median) == (len(times), near(quantile(times, 0.5) / 1000))
        assert spent.lost == near(sum(max(one - allowed, 0) for one in times) / HOUR)


@st.composite
def asked_in_parts(draw: st.DrawFn) -> tuple[World, ProcessSpec]:
    world, spec = draw(asked())
    by = draw(breakdowns().filter(bool))
    return world, ProcessSpec.model_validate({**spec.model_dump(), "breakdown": by, "top": draw(st.sampled_from((1, 2, 6)))})


@exactly(2)
@given(st.lists(asked_in_parts(), min_size=3, max_size=4))
def test_every_number_of_a_part_is_that_of_plain_python(engine: Engine, several: list[tuple[World, ProcessSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result, known = engine.ask(PROCESS, spec, scope).result, cases(world, spec, scope)
        check(spec, result, known)
        check_parts(spec, result, known)
        for part in result.parts[:1]:
            cell = ProcessCell(other=True) if part.value is None else ProcessCell(value=part.value or None, none=not part.value)
            people = behind(PROCESS)
            assert engine.ask(people, people.spec.model_validate({"of": spec, "cell": cell}), scope).result.total == part.whole.people


ORDERS = {"o0": ("web", "abc"), "o1": ("web", "abc"), "o2": ("shop", "abc"), "o3": ("shop", "ac"), "o4": ("", "ac"), "o5": ("phone", "ac")}


@pytest.fixture
def orders(write, first_person):
    """Six orders, each of a person of its own, an hour from step to step; the second step says by which channel."""
    for number, (order, (channel, trace)) in enumerate(ORDERS.items()):
        for hour, step in enumerate(trace):
            props = {"order": order, **({"channel": channel} if hour == 1 else {})}
            write((first_person + number, step, f"2026-03-10 {9 + hour * (1 + number):02}:00", props))
    return first_person


def spec(**asked: Any) -> ProcessSpec:
    by = [{"property": "channel"}]
    return ProcessSpec.model_validate({"case": "property", "id": "order", "breakdown": by, "top": 3, **asked})


def test_a_case_is_of_the_first_value_that_one_of_its_events_has(engine, scope, orders):
    parts = engine.ask(PROCESS, spec(), scope).result.parts
    assert [(part.value, part.other, part.whole.cases) for part in parts] == [("shop", 0, 2), ("web", 0, 2), ("", 0, 1), (None, 1, 1)]
    assert parts[1].ways == {tuple("abc"): 2, tuple("ac"): 0}


def test_hours_lost_by_parts_add_up_to_those_of_all(engine, scope, orders):
    result = engine.ask(PROCESS, spec(), scope).result
    assert sum(part.lost for part in result.parts) == pytest.approx(sum(one.times.lost for one in result.bottlenecks))
    ways = {one.name + (one.next or ""): [part.spent[one.name, one.next].lost for part in result.parts] for one in result.bottlenecks}
    assert ways == {"ab": [1, 0, 0, 0], "bc": [1, 0, 0, 0], "ac": [0, 0, 0, 1]}  # beyond 2, 2 and 5 hours


def test_a_number_of_a_part_in_the_table_is_that_of_its_list(engine, scope, orders):
    table = engine.ask(PROCESS, spec(), scope).table
    assert [column.name for column in table.columns][:3] == ["value", "part", "activity"]
    people = behind(PROCESS)
    told = [(row, cells[6]) for row, cells in zip(table.rows, table.cells, strict=True) if row[1] == "cases"]
    assert [row[0] for row, _ in told] == ["shop", "web", "", "(other)"]
    for row, cell in told:
        asked = people.spec.model_validate({"of": spec(), **parse_dotted([(f"cell.{name}", str(value)) for name, value in cell.items()])})
        assert engine.ask(people, asked, scope).result.total == row[6]


def test_parts_stand_side_by_side_and_lead_to_their_cases(engine, scope, orders):
    panel = (PROCESS.panel(engine.ask(PROCESS, spec(), scope).result, Plain()) if PROCESS.panel else {})["parts"]
    assert [row["query"] for row in panel["rows"]] == ["cell.value=shop", "cell.value=web", "cell.none=true", "cell.other=true"]
    (first, second) = panel["ways"]
    assert [cell["query"] for cell in first["cells"]][:2] == [
        f"cell.variant.0=a&cell.variant.1=b&cell.variant.2=c&cell.value={value}" for value in ("shop", "web")
    ]
    assert [cell["query"] for cell in first["cells"]][2:] == ["", ""]
    assert [step["name"] for step in second["steps"]] == ["a", "c"]
    cell = dict(part.split("=") for part in second["cells"][2]["query"].split("&"))
    asked = ProcessCasesSpec.model_validate({**spec().model_dump(), **parse_dotted(list(cell.items()))})
    assert [case.id for case in engine.ask(PROCESS_CASES, asked, scope).result.cases] == ["o4"]


def test_a_part_of_what_is_not_broken_down_is_refused(engine, scope):
    people = behind(PROCESS)
    with pytest.raises(QuestionError, match="no such part"):
        engine.ask(people, people.spec.model_validate({"of": spec(breakdown=[]), "cell": {"other": True}}), scope)


def kept_of(engine: Engine, texts: str) -> int:
    """How many of the SQL values `texts` are in a sample of a half."""
    return int(
        engine.store.fetch(f"SELECT countIf(cityHash64('sample', one) % 1000000 < 500000) AS kept FROM (SELECT {texts} AS one)").rows[0][
            "kept"
        ]
    )


@pytest.mark.parametrize("by", [(), ({"property": "channel"},)])
def test_a_sample_of_people_estimates_the_numbers_of_all(engine, scope, write, first_person, by):
    """Two hundred people, each with two visits of two steps, half an hour from one to the next."""
    people = range(first_person, first_person + 200)
    for hour in (1, 6):
        write(*((one, "a", f"2026-03-10 {hour:02}:00", {"channel": "web" if one % 2 else "shop"}) for one in people))
        write(*((one, "b", f"2026-03-10 {hour:02}:20", {}) for one in people))
    asked = ProcessSpec.model_validate({"sample": 0.5, "breakdown": by, "top": 1})
    result = engine.ask(PROCESS, asked, scope).result
    kept = kept_of(engine, f"arrayJoin(arrayMap(one -> toUInt64(one), range({first_person}, {first_person + 200})))")
    whole = result.whole
    assert (whole.cases, whole.people, whole.executions, whole.variants) == (4 * kept, 2 * kept, 8 * kept, 1)
    assert (whole.mean, whole.median, whole.waiting) == (1200, 1200, pytest.approx(4 * kept / 3))
    error = 1.959964 * (0.5 * 4 * kept) ** 0.5 / 0.5  # each person adds two cases
    assert (whole.sure.low, whole.sure.high) == (pytest.approx(4 * kept - error), pytest.approx(4 * kept + error))
    (edge,) = result.edges
    assert (edge.gone, edge.waiting.mean, edge.waiting.median) == (4 * kept, 1200, 1200)
    assert [way.cases for way in result.variants] == [4 * kept]
    assert sum(part.whole.cases for part in result.parts) == (4 * kept if by else 0)
    assert next(text for text, _ in result.warnings) == "Estimated from {percent} % of the people."


def test_a_sample_of_cases_has_all_who_take_part_in_them(engine, scope, write, first_person):
    """A hundred orders, each of two people."""
    for number in range(100):
        props = {"order": f"o{number}"}
        write((first_person, "a", "2026-03-10 09:00", props), (first_person + 1 + number, "b", "2026-03-10 10:00", props))
    asked = ProcessSpec.model_validate({"case": "property", "id": "order", "sample": 0.5})
    result = engine.ask(PROCESS, asked, scope).result
    kept = kept_of(engine, "arrayJoin(arrayMap(one -> concat('o', toString(one)), range(0, 100)))")
    assert (result.whole.cases, [way.names for way in result.variants]) == (2 * kept, [("a", "b")])
    assert next(text for text, _ in result.warnings) == "Estimated from {percent} % of the cases."
