"""Persons, metric series and costs into the real store: exact with what comes live, and the same again changes nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.collect.events import Event
from bihuan.collect.imports.errors import ImportProblem, Reject
from bihuan.collect.imports.plan import make_plan
from bihuan.collect.imports.run import Tally, run_import
from bihuan.collect.imports.sinks import measured, written
from bihuan.collect.imports.tests.conftest import FIRST_PERSON, ZONE, Write
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

NOON = 1_773_547_200_000  # 2026-03-15 12:00 in Shanghai
HOUR = 3_600_000


@dataclass
class Done:
    tally: Tally
    rejects: list[Reject]


Bring = Callable[..., Done]


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    with Writer(store, lambda _project: ZoneInfo(ZONE), first_person=FIRST_PERSON + 50_000) as opened:
        yield opened


@pytest.fixture
def bring(store: Store, scope: Scope, writer: Writer) -> Bring:
    """`bring(path, stamp=…, **mapping)`: import into the test's project."""

    def run(path: Path, *, stamp: int | None = None, **given: Any) -> Done:
        rejects: list[Reject] = []
        plan = make_plan(path, given, guess=True)
        of_persons = plan.mapping.kind == "persons"
        sink = written(writer, project_id=scope.project_id, kind="persons") if of_persons else measured(store, project_id=scope.project_id)
        tally = run_import(
            plan, project_id=scope.project_id, zone=ZONE, currency="CNY", sink=sink, reject=rejects.append, stamp=stamp or NOON
        )
        return Done(tally, rejects)

    return run


def traits(store: Store, scope: Scope) -> dict[str, Any]:
    sql = """
      SELECT id, name, argMax(value, (NOT once, rank)) AS value FROM traits AS t
      INNER JOIN (SELECT person_id, any(id) AS id FROM person_ids WHERE project_id = {project:UInt32} GROUP BY person_id) AS i
      USING person_id
      WHERE project_id = {project:UInt32} GROUP BY id, name"""
    rows = store.fetch(sql, {"project": scope.project_id}).rows
    return {f"{row['id']}.{row['name']}": json.loads(row["value"]) for row in rows}


def values(store: Store, scope: Scope) -> list[tuple[Any, ...]]:
    sql = """
      SELECT metric, toString(day) AS day, dimensions, argMax(value, version) AS value FROM metric_values
      WHERE project_id = {project:UInt32} GROUP BY metric, day, at, dimensions ORDER BY metric, at, dimensions"""
    return [tuple(row.values()) for row in store.fetch(sql, {"project": scope.project_id}).rows]


def test_persons_get_typed_properties_and_the_newest_row_wins(file: Write, bring: Bring, store: Store, scope: Scope) -> None:
    path = file(
        "crm.csv",
        "用户ID,更新时间,等级,积分,是否会员,首单渠道\n"
        "u1,2026-03-10 10:00:00,gold,0012,是,ads\n"
        "u1,2026-03-01 10:00:00,silver,7,否,mail\n"
        "u2,2026-03-10 10:00:00,,,否,\n"
        ",2026-03-10 10:00:00,x,1,是,x\n"
        "u3,2026-03-10 10:00:00,x,1,perhaps,x\n",
    )
    mapping = {
        "kind": "persons",
        "traits": {
            "level": "等级",
            "points": {"value": "积分", "type": "number"},
            "member": {"value": "是否会员", "type": "boolean"},
            "first_channel": {"value": "首单渠道", "once": True},
        },
    }
    done = bring(path, **mapping)
    assert (done.tally.read, done.tally.stored, done.tally.rejected) == (5, 3, 2)
    assert [(one.line, str(one.reason)) for one in done.rejects] == [
        (5, "The row has no id of a person."),
        (6, "是否会员 is neither yes nor no: “perhaps”."),
    ]
    wanted = {"u1.level": "gold", "u1.points": 12, "u1.member": True, "u1.first_channel": "mail", "u2.member": False}
    assert traits(store, scope) == wanted
    bring(path, stamp=NOON + HOUR, **mapping)
    assert traits(store, scope) == wanted


def test_a_live_property_wins_over_an_older_row_and_loses_to_a_newer_one(
    file: Write, bring: Bring, writer: Writer, store: Store, scope: Scope
) -> None:
    def live(level: str, at: int) -> None:
        event = Event(project_id=scope.project_id, key=str(at), source="t", at=at, user_id="u1", traits={"level": level}, store=False)
        writer.submit([event]).result(60)

    live("live", NOON - HOUR)
    path = file("a.csv", "user_id,updated_at,level\nu1,2026-03-15 10:00:00,older\n")
    bring(path, kind="persons")
    assert traits(store, scope) == {"u1.level": "live"}
    bring(file("b.csv", "user_id,updated_at,level\nu1,2026-03-15 11:30:00,newer\n"), kind="persons")
    assert traits(store, scope) == {"u1.level": "newer"}
    live("last", NOON - HOUR // 4)
    bring(path, kind="persons")
    assert traits(store, scope) == {"u1.level": "last"}


def test_all_ids_of_a_row_belong_to_one_person(file: Write, bring: Bring, store: Store, scope: Scope) -> None:
    path = file("a.csv", "user_id,邮箱,wx,vip\nu1,a@b.cn,o1,yes\n,c@d.cn,,no\n")
    bring(path, kind="persons", ids={"email": "邮箱", "openid": "wx"}, traits={"vip": "vip"})
    sql = """
      SELECT id, dictGetOrDefault('person_map', 'person', toUInt64(person_id), person_id) AS person
      FROM person_ids WHERE project_id = {project:UInt32}"""
    deadline = time.monotonic() + 10
    while True:
        of = {row["id"]: row["person"] for row in store.fetch(sql, {"project": scope.project_id}).rows}
        if len(of) == 4 and of["u1"] == of["a@b.cn"] == of["o1"] != of["c@d.cn"]:
            return
        assert time.monotonic() < deadline, of
        time.sleep(0.05)


def test_numbers_are_kept_by_day_and_dimensions_and_a_later_import_corrects_them(
    file: Write, bring: Bring, store: Store, scope: Scope
) -> None:
    path = file("erp.csv", '日期,仓库,数值\n2026-03-12,SH,10\n2026-03-12,BJ,3.5\n2026/3/13,SH,"1,200"\n20260313,SH,4\n2026-03-14,SH,much\n')
    done = bring(path, kind="metrics", series="stock")
    assert (done.tally.stored, done.tally.rejected) == (3, 2)
    assert [one.line for one in done.rejects] == [5, 6]
    assert "An earlier row has the same series" in str(done.rejects[0].reason)
    wanted = [
        ("stock", "2026-03-12", '{"仓库":"BJ"}', 3.5),
        ("stock", "2026-03-12", '{"仓库":"SH"}', 10.0),
        ("stock", "2026-03-13", '{"仓库":"SH"}', 1200.0),
    ]
    assert values(store, scope) == wanted
    bring(path, kind="metrics", series="stock")
    assert values(store, scope) == wanted
    bring(file("b.csv", "日期,仓库,数值\n2026-03-12,SH,11\n"), kind="metrics", series="stock")
    assert values(store, scope)[1] == ("stock", "2026-03-12", '{"仓库":"SH"}', 11.0)


def test_hours_of_a_day_with_two_equal_ones_stay_apart(file: Write, bring: Bring, store: Store, scope: Scope) -> None:
    lines = [f"2025-10-26T{hour:02}:00:00{offset},{hour}\n" for hour, offset in ((2, "+02:00"), (2, "+01:00"), (3, "+01:00"))]
    done = bring(file("t.csv", "time,value\n" + "".join(lines)), kind="metrics", series="warm", grain="hour")
    assert done.tally.stored == 3
    assert len(values(store, scope)) == 3


def test_costs_are_three_series_with_the_dimensions_of_channels(file: Write, bring: Bring, store: Store, scope: Scope) -> None:
    path = file("ads.csv", "日期;渠道;计划;消耗;展现量;点击量\n2026-03-12;巨量;春季;￥1,234.50;10000;\n2026-03-12;腾讯;春季;8;1;2\n")
    assert bring(path, kind="costs").tally.stored == 2
    about = '{"campaign":"春季","channel":"巨量","currency":"CNY"}'
    other = '{"campaign":"春季","channel":"腾讯","currency":"CNY"}'
    assert values(store, scope) == [
        ("clicks", "2026-03-12", other, 2.0),
        ("cost", "2026-03-12", about, 1234.5),
        ("cost", "2026-03-12", other, 8.0),
        ("impressions", "2026-03-12", about, 10000.0),
        ("impressions", "2026-03-12", other, 1.0),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "people"}, "no kind of data called “people”"),
        ({"kind": "persons"}, "Which column holds the id of the person"),
        ({"kind": "metrics"}, "Which numbers are these"),
        ({"kind": "metrics", "series": "x"}, r"Which column holds the number \(value\)"),
        ({"kind": "costs"}, "Which column holds the cost"),
        ({"kind": "costs", "cost": "a", "currency": "yuan"}, "currency: String should match"),
        ({"kind": "persons", "person": "a", "ids": {"E-Mail": "a"}}, "ids"),
    ],
)
def test_what_is_missing_is_asked_for(file: Write, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ImportProblem, match=said):
        make_plan(file("a.csv", "a,date\n1,2026-03-12\n"), given, guess=True)
