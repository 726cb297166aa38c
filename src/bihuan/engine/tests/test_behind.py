"""Who is behind a number, page by page, and lists kept of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind, keep
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import InList, PersonProperty
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Headline, Question, Rows, Scope, Spec, Statement, Table, no_chart
from bihuan.engine.visible import Binder


class Lovers(Spec):
    """People who did `event`; or those of whom a filter is true."""

    event: str = "Buy"
    filter: PersonProperty | InList | None = None


class Often(Spec):
    times: int = 1


def reads(spec: Lovers, scope: Scope) -> Period:
    return scope.period(Last(last=30))


def people(spec: Lovers, cell: Often, scope: Scope) -> Statement:
    binder = Binder()
    where = condition(spec.filter, scope, binder) if spec.filter else "1"
    sql = f"""
WITH counted AS (SELECT person, count() AS n FROM visible WHERE event = {binder.bind(spec.event, "String")} AND {where} GROUP BY person)
SELECT person FROM counted WHERE n >= {binder.bind(cell.times, "UInt64")}"""
    return Statement(sql, binder.params)


LOVERS: Question[Lovers, int] = Question(
    name="lovers",
    title="Lovers",
    purpose="For these tests.",
    icon="heart",
    group="see",
    spec=Lovers,
    reads=reads,
    compile=lambda spec, scope: Statement("SELECT count() AS n FROM visible"),
    shape=lambda spec, scope, rows: int(_first(rows)),
    table=lambda result: Table((), ()),
    chart=no_chart,
    headlines=lambda result: (Headline("People", result),),
    example=Lovers,
    cell=Often,
    people=people,
)


def _first(rows: Rows) -> int:
    return int(rows[0]["n"])


@pytest.fixture
def ada(store, scope, write, first_person):
    """Ada (first) bought twice, Bo once with two ids, the third never; somebody unknown bought too. Returns Ada's number."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    ids = [("user", "ada", 0), ("user", "bo", 1), ("anonymous", "bo-device", 2), ("user", "cy", 3)]
    store.insert(
        "person_ids",
        ["project_id", "id_type", "id", "person_id", "first_seen"],
        [list(column) for column in zip(*((scope.project_id, kind, text, first_person + n, now) for kind, text, n in ids), strict=True)],
        ["UInt32", "LowCardinality(String)", "String", "UInt32", "DateTime64(3, 'UTC')"],
    )
    names = ["project_id", "name", "person_id", "once", "value", "rank"]
    traits = [
        [scope.project_id] * 2,
        ["name", "email"],
        [first_person] * 2,
        [False] * 2,
        [json.dumps("Ada"), json.dumps("ada@example.org")],
        [1, 1],
    ]
    store.insert("traits", names, traits, ["UInt32", "LowCardinality(String)", "UInt32", "Bool", "String", "Int64"])
    write((first_person, "Buy", "2026-03-10"), (first_person, "Buy", "2026-03-11"), (first_person + 1, "Buy", "2026-03-12"))
    write((0, "Buy", "2026-03-12"), (first_person + 3, "View", "2026-03-12"))
    return first_person


def listed(engine: Engine, scope: Scope, **spec):
    question = behind(LOVERS)
    return engine.ask(question, question.spec.model_validate({"of": {}, "cell": {}, **spec}), scope).result


def test_the_people_behind_a_number_are_listed_with_what_names_them(engine, scope, ada):
    found = listed(engine, scope)
    assert [(one.number - ada, one.name, one.email, one.ids) for one in found.people] == [
        (0, "Ada", "ada@example.org", ("ada",)),
        (1, "bo", "", ("bo",)),
    ]
    assert (found.total, found.next_after) == (2, None)
    assert listed(engine, scope, cell={"times": 2}).total == 1


def test_a_hidden_name_stays_hidden(engine, ada, scope):
    found = listed(engine, replace(scope, hidden=frozenset({"name", "email"})))
    assert (found.people[0].name, found.people[0].email) == ("ada", "")


def test_a_long_list_comes_page_by_page_and_always_says_how_long_it_is(engine, scope, ada):
    first = listed(engine, scope, limit=1)
    second = listed(engine, scope, limit=1, after=first.next_after)
    beyond = listed(engine, scope, after=second.next_after)
    assert [[one.number - ada for one in page.people] for page in (first, second, beyond)] == [[0], [1], []]
    assert [page.total for page in (first, second, beyond)] == [2, 2, 2]


def test_nobody_behind_a_number_is_an_empty_list(engine, scope, ada):
    found = listed(engine, scope, cell={"times": 3})
    assert (found.people, found.total, found.next_after) == ((), 0, None)


def test_a_kept_list_stays_as_it_was(engine, scope, write, ada):
    name, people = keep(engine, LOVERS, Lovers(), Often(), scope)
    assert people == 2
    write((ada + 3, "Buy", "2026-03-13"))
    assert listed(engine, scope).total == 3
    kept = listed(engine, scope, of={"filter": {"list": name}})
    assert [one.number - ada for one in kept.people] == [0, 1]


def test_a_list_of_another_project_is_empty_here(engine, scope, ada):
    name, _ = keep(engine, LOVERS, Lovers(), Often(), scope)
    assert listed(engine, replace(scope, project_id=scope.project_id + 1_000_000_000), of={"filter": {"list": name}}).total == 0


def test_a_question_that_cannot_tell_says_so():
    with pytest.raises(QuestionError, match="does not tell"):
        behind(replace(LOVERS, people=None))
