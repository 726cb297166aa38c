"""Two published data sets, imported by the mappings in `examples/`, give their published numbers through `ask`; so does a second import."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.collect.imports.chosen import read_mapping
from bihuan.collect.imports.errors import Reject
from bihuan.collect.imports.plan import make_plan
from bihuan.collect.imports.run import Tally, run_import
from bihuan.collect.writer import Writer
from bihuan.console.questions import by_name
from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.see.boards.spec import BoardSpec, Tile

Ask = Callable[..., list[float | None]]
pytestmark = pytest.mark.shared_data
ROOT = Path(__file__).parents[1]
NOBODY_AND_REPEATS = """
SELECT countIf(person_id = 0) AS nobody, uniqExact(event_key) AS keys,
  count() - uniqExact(ts, person_id, country, revenue, props) AS repeats
FROM events WHERE project_id = {project:UInt32}"""
DATA = Path(os.environ.get("BIHUAN_SHARED_DATA") or ROOT.parent / "shared" / "data")


def imported(store: Store, scope: Scope, data: str, mapping: str) -> Tally:
    path = DATA / data
    if not path.exists():
        pytest.skip(f"{data} is not shipped with Bihuan; it was looked for in {DATA} (see BIHUAN_SHARED_DATA)")
    rejects: list[Reject] = []
    plan = make_plan(path, read_mapping((ROOT / "examples" / mapping).read_text()), guess=False)
    with Writer(store, lambda _project: ZoneInfo(scope.zone), first_person=3_000_000) as writer:

        def sink(events: Any) -> Any:
            return writer.submit_columns(events, project_id=scope.project_id, source="import").result(120)

        tally = run_import(plan, project_id=scope.project_id, zone=scope.zone, sink=sink, reject=rejects.append)
    assert not rejects
    return tally


def answer_of(engine: Engine, scope: Scope, tile: Tile) -> Any:
    question = by_name(tile.question)
    return engine.ask(question, question.spec.model_validate(tile.spec), scope).result


@pytest.fixture
def ask(engine: Engine, scope: Scope) -> Ask:
    """`ask(since, until, (event, measure[, property]), …)`: each number over the whole period."""

    def total(since: date, until: date, *series: tuple[str, ...]) -> list[float | None]:
        trend = by_name("trend")
        asked = [dict(zip(("event", "measure", "property"), one, strict=False)) for one in series]
        spec = trend.spec.model_validate({"series": asked, "period": {"since": since, "until": until}, "unit": "month"})
        return [line.total for line in engine.ask(trend, spec, scope).result.lines]

    return total


@pytest.mark.slow
def test_online_retail_gives_its_published_numbers_and_nobody_is_no_person(store: Store, engine: Engine, scope: Scope, ask: Ask) -> None:
    first = imported(store, scope, "online_retail/online_retail.parquet", "online_retail.yaml")
    assert (first.read, first.stored, first.duplicates, first.nobody) == (541_909, 541_909, 0, 135_080)
    series = [("purchase",), ("purchase", "people"), ("purchase", "sum", "revenue"), ("purchase", "distinct", "invoice")]
    period = (date(2010, 12, 1), date(2011, 12, 9))
    expected = [541_909, 4_372, pytest.approx(9_747_747.93, abs=0.005), 25_900]
    assert ask(*period, *series) == expected
    board = BoardSpec.model_validate(json.loads((ROOT / "examples/online_retail_board.json").read_text())["spec"])
    answers = [answer_of(engine, scope, tile) for tile in board.tiles]
    assert [line.total for line in answers[0].lines] == expected
    (row,) = store.fetch(NOBODY_AND_REPEATS, {"project": scope.project_id}).rows
    assert row == {"nobody": 135_080, "keys": 541_909, "repeats": 5_268}
    second = imported(store, scope, "online_retail/online_retail.parquet", "online_retail.yaml")
    assert (second.stored, second.duplicates) == (0, 541_909)
    assert ask(*period, *series) == expected


def test_the_ecom_click_stream_gives_its_numbers(store: Store, scope: Scope, ask: Ask) -> None:
    first = imported(store, scope, "retentioneering_ecom/ecom.csv.gz", "retentioneering_ecom.yaml")
    assert (first.read, first.stored, first.nobody) == (31_106, 31_106, 0)
    series = [("*",), ("*", "people"), ("purchase",), ("add_to_cart",), ("*", "distinct", "session")]
    assert ask(date(2024, 1, 1), date(2024, 6, 30), *series) == [31_106, 600, 470, 1_346, 3_605]
    second = imported(store, scope, "retentioneering_ecom/ecom.csv.gz", "retentioneering_ecom.yaml")
    assert (second.stored, second.duplicates) == (0, 31_106)
