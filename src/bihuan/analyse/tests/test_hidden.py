"""Properties that are hidden from a reader: an answer refuses them by name, or has nothing of them, and neither has who is behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bihuan.analyse.ltv import LTV
from bihuan.analyse.ltv.spec import LtvSpec
from bihuan.analyse.paths import PATHS
from bihuan.analyse.paths.result import PathsResult
from bihuan.analyse.paths.spec import PathsSpec
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import Did, EventProperty
from bihuan.engine.question import Scope
from bihuan.engine.tests.worlds import Event, Trait, World, load

BOUGHT: dict[str, Any] = {"purchase": {"event": "Buy"}, "period": {"since": "2026-03-01", "until": "2026-03-14"}, "unit": "day"}
WAYS: dict[str, Any] = {"period": {"since": "2026-03-14", "until": "2026-03-14"}, "compare": {"segment": "rich", "against": "!"}}
RICH = Did(did="View", where=EventProperty(property="salary", op="is", values=("9000",)))


@pytest.fixture
def hiding(engine: Engine, scope: Scope):
    """`hiding(name)`: the scope of who may not see `name`, with two customers and what they did."""
    at = scope.now.replace(day=14, hour=10)
    events = [
        Event(person, name, at, {"utm_medium": medium, "salary": salary, "city": f"{medium}-town"}, 2 * person + (name == "Buy"))
        for person, medium, salary in ((1, "email", "9000"), (2, "cpc", "100"))
        for name in ("View", "Buy")
    ]
    known = ((1, "plan", "gold"), (2, "plan", "tin"), (1, "age", 7), (2, "age", 7))
    traits = tuple(Trait(person, name, value, False, 1) for person, name, value in known)

    def make(*names: str) -> Scope:
        (loaded,) = load(engine.store, World(scope.zone, scope.now, tuple(events), traits=traits))
        segments = {"rich": RICH, "golden": RICH}
        return replace(loaded, segments=segments, segment_names={"rich": "Rich"}, hidden=frozenset(names), rights=scope.rights)

    return make


def refused(engine: Engine, question: Any, spec: Any, scope: Scope, **cell: Any) -> None:
    """Neither the answer is given, nor who is behind it."""
    with pytest.raises(QuestionError, match="is hidden from you"):
        engine.ask(question, spec, scope)
    asked = behind(question)
    with pytest.raises(QuestionError, match="is hidden from you"):
        engine.ask(asked, asked.spec.model_validate({"of": spec, "cell": cell}), scope)


@pytest.mark.parametrize(
    ("hidden", "breakdown"),
    [
        ("plan", {"person": "plan"}),
        ("plan", [{"channel": "first"}, {"person": "plan"}]),
        ("age", {"number": "age", "of": "person", "cuts": "18"}),
        ("age", {"number": "age", "of": "person", "quantiles": 2}),
    ],
)
def test_lifetime_value_is_not_broken_down_by_what_is_hidden(engine: Engine, hiding, hidden: str, breakdown: Any) -> None:
    spec = LtvSpec.model_validate({**BOUGHT, "breakdown": breakdown})
    assert engine.ask(LTV, spec, hiding()).result.parts
    refused(engine, LTV, spec, hiding(hidden), place=1)


def test_lifetime_value_by_channel_knows_no_channel_where_what_tells_it_is_hidden(engine: Engine, hiding) -> None:
    spec = LtvSpec.model_validate({**BOUGHT, "breakdown": {"channel": "first"}})
    assert {part.value for part in engine.ask(LTV, spec, hiding()).result.parts} == {"email", "paid_other"}
    result = engine.ask(LTV, spec, hiding("utm_medium")).result
    assert not {part.value for part in result.parts} & {"email", "paid_other"}
    assert (result.customers, sum(part.customers for part in result.parts)) == (2, 2)


def test_a_saved_segment_has_its_members_in_lifetime_value_whoever_looks(engine: Engine, hiding) -> None:
    spec = LtvSpec.model_validate({**BOUGHT, "breakdown": {"segments": ["rich"]}})
    for scope in (hiding(), hiding("salary")):
        assert {part.value: part.customers for part in engine.ask(LTV, spec, scope).result.parts} == {"rich": 1, "": 1}


@pytest.mark.parametrize("against", ["!", "*", "golden"])
@pytest.mark.parametrize("by", ["city", "salary"])
def test_ways_of_groups_have_no_nodes_of_what_is_hidden(engine: Engine, hiding, against: str, by: str) -> None:
    asked = {**WAYS, "compare": {"segment": "rich", "against": against}}
    spec = PathsSpec.model_validate({**asked, "by": by})
    assert engine.ask(PATHS, spec, hiding()).result.nodes
    refused(engine, PATHS, spec, hiding(by), place=1, before=True)
    filtered = PathsSpec.model_validate({**asked, "filter": {"property": by, "op": "set"}})
    refused(engine, PATHS, filtered, hiding(by), before=True)


@pytest.mark.parametrize("by", [None, "city"])
def test_groups_of_ways_are_the_saved_ones_and_nothing_of_their_conditions_is_shown(engine: Engine, hiding, by: str | None) -> None:
    spec = PathsSpec.model_validate({**WAYS, "by": by})
    seen, unseen = (engine.ask(PATHS, spec, scope) for scope in (hiding(), hiding("salary")))
    assert unseen.result == seen.result
    result: PathsResult = unseen.result
    assert result.before is not None
    assert (result.people, result.before.people) == (1, 1)
    assert "9000" not in repr((unseen.result, unseen.table))
