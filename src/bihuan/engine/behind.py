"""Who is behind a number: for every question that can tell, a second question that lists those people, and a list kept of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field, create_model

from bihuan.engine.ask import Engine
from bihuan.engine.errors import QuestionError
from bihuan.engine.meta import Warning_, listed_warning
from bihuan.engine.periods import Period
from bihuan.engine.question import Column, Headline, Question, Rows, Scope, Spec, Statement, Table, no_chart
from bihuan.engine.visible import DOTS

S = TypeVar("S", bound=Spec)
C = TypeVar("C", bound=Spec)

SUFFIX = "_people"


class Behind(Spec, Generic[S, C]):
    """The people behind the part `cell` of the answer to `of`, in the order of their numbers: at most `limit` of those whose number
    is greater than `after`."""

    of: S
    cell: C
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 100


@dataclass(frozen=True)
class Member:
    """A person of the list: `name` is the best that is known of them ("": nothing), `ids` are theirs, `first_seen` when the first of
    these came (aware; None: unknown)."""

    number: int
    name: str
    email: str
    ids: tuple[str, ...]
    first_seen: datetime | None


@dataclass(frozen=True)
class Members:
    """A page of a list: `total` counts all of it; `next_after` is where the next page begins (None: there is none). Behind a number that
    is estimated from a `sample` are its people alone."""

    people: tuple[Member, ...]
    total: int
    next_after: int | None
    sample: float | None = None

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        return listed_warning(self.sample)


@cache
def behind(question: Question[Any, Any]) -> Question[Any, Members]:
    """The question that lists the people behind a part of an answer to `question`, which must have `cell` and `people`."""
    if question.cell is None or question.people is None:
        raise QuestionError("The question {name} does not tell who is behind its numbers.", name=question.name)
    spec = create_model(f"{question.spec.__name__}People", __base__=Behind[question.spec, question.cell])  # type: ignore[name-defined]
    return Question(
        name=question.name + SUFFIX,
        title="The people behind a number",
        purpose="Who they are, one by one.",
        icon="users",
        group=question.group,
        spec=spec,
        reads=lambda spec, scope: _reads(question, spec, scope),
        compile=lambda spec, scope: _listed(question, spec, scope),
        shape=_shape,
        table=_table,
        chart=no_chart,
        headlines=lambda result: (Headline("People", result.total),),
        example=lambda: spec(of=question.example(), cell=question.cell()),  # type: ignore[misc]
        listed=False,
        right=question.right,
    )


def keep(engine: Engine, question: Question[S, Any], spec: S, cell: Spec, scope: Scope) -> tuple[str, int]:
    """Keep the people behind `cell` as a list that stays as it is; returns the list's name for `filters.InList`, and their number."""
    assert question.people is not None
    name = secrets.token_hex(8)
    people = question.people(spec, cell, scope)
    distinct = Statement(f"SELECT DISTINCT person FROM ({people.sql.strip()}) WHERE person != 0", people.params)
    whole = engine.whole(question.name, distinct, question.reads(spec, scope), scope)
    store = engine.store
    store.command(
        "INSERT INTO people_kept (project_id, list, person_id, kept_at) "
        f"SELECT {{kept_project:UInt32}}, {{kept_list:String}}, person, now64(3, 'UTC') FROM ({whole.sql})",
        {**whole.params, "kept_project": scope.project_id, "kept_list": name},
        settings=engine.settings() | {"readonly": 0},
    )
    counted = store.fetch(
        "SELECT uniqExact(person_id) AS people FROM people_kept WHERE project_id = {project:UInt32} AND list = {list:String}",
        {"project": scope.project_id, "list": name},
    )
    return name, int(counted.rows[0]["people"])


def _reads(question: Question[Any, Any], spec: Behind[Any, Any], scope: Scope) -> Period:
    return question.reads(spec.of, scope)


def _listed(question: Question[Any, Any], spec: Behind[Any, Any], scope: Scope) -> Statement:
    """A row for each person of the page, with the size of the whole list; one row of person 0 when the page is empty."""
    assert question.people is not None
    people = question.people(spec.of, spec.cell, scope)
    sql = f"""
WITH members AS MATERIALIZED (
  SELECT DISTINCT person FROM ({people.sql.strip()}) WHERE person != 0
),
page AS MATERIALIZED (
  SELECT person FROM members WHERE person > {{list_after:UInt32}} ORDER BY person LIMIT {{list_limit:UInt32}}
),
named AS (
  SELECT person, anyIf(JSONExtractString(value), name = 'name') AS its_name, anyIf(JSONExtractString(value), name = 'email') AS its_email
  FROM traits_now
  WHERE name IN ('name', 'email') AND person IN (SELECT person FROM page)
  GROUP BY person
),
known AS (
  SELECT person, arraySort(one -> (one.1 != 'user', one.2), groupArray((id_type, id))) AS its_ids, min(first_seen) AS since
  FROM ids
  WHERE person IN (SELECT person FROM page)
  GROUP BY person
)
SELECT page.person AS person, named.its_name AS name, named.its_email AS email, known.its_ids AS ids, known.since AS first_seen,
  (SELECT count() FROM members) AS total
FROM page LEFT JOIN named ON page.person = named.person LEFT JOIN known ON page.person = known.person
UNION ALL
SELECT 0, '', '', [], toDateTime64(0, 3, 'UTC'), count() FROM members"""
    return Statement(sql, {**people.params, "list_after": spec.after, "list_limit": spec.limit})


def _shape(spec: Behind[Any, Any], scope: Scope, rows: Rows) -> Members:
    total = next(int(row["total"]) for row in rows if not row["person"])
    people = tuple(
        Member(
            number=int(row["person"]),
            name=row["name"] or row["email"] or next((text for _, text in row["ids"] if text != DOTS), ""),
            email=row["email"],
            ids=tuple(text for _, text in row["ids"]),
            first_seen=row["first_seen"] if row["ids"] else None,
        )
        for row in sorted(rows, key=lambda row: int(row["person"]))
        if row["person"]
    )
    full = len(people) == spec.limit
    return Members(people, total, people[-1].number if full and people else None, getattr(spec.of, "sample", None))


def _table(result: Members) -> Table:
    columns = (
        Column("person", "Person", "person"),
        Column("name", "Name"),
        Column("email", "E-mail"),
        Column("ids", "Ids"),
        Column("first_seen", "First seen", "time"),
    )
    return Table(columns, tuple((one.number, one.name, one.email, list(one.ids), one.first_seen) for one in result.people))
