"""What people do write is understood, and answered with the numbers that the statement means."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from bihuan.analyse.sql import SQL
from bihuan.analyse.sql.chart import chart_sql
from bihuan.analyse.sql.spec import SqlSpec

QUERIES = {
    "SELECT day, count() AS n FROM visible GROUP BY day ORDER BY day": ((date(2026, 3, 10), 2), (date(2026, 3, 12), 1)),
    "select Event, COUNT(*) c from (select event as Event from visible) group by 1 order by 2 desc": (("Buy", 2), ("View", 1)),
    "SELECT uniqExact(person) AS 人数 FROM visible WHERE person != 0": ((2,),),
    "SELECT sumIf(revenue, event = 'Buy'), quantileExact(0.5)(revenue) FROM visible": ((42.0, 40.0),),
    "SELECT event FROM visible WHERE city IN ('上海', 'x') AND person IN (SELECT person FROM visible WHERE event = 'View')": (("View",),),
    "WITH firsts AS (SELECT person, min(ts) AS t FROM visible GROUP BY person) SELECT count() FROM firsts AS f WHERE f.t > '2000-01-01'": (
        (2,),
    ),
    "SELECT arrayMap(x -> x * 2, [1, 2]) AS a, a[1], tupleElement((1, 'b'), 2)": (("[2, 4]", 2, "b"),),
    "SELECT multiIf(revenue > 30, 'much', revenue > 0, 'some', 'none') AS s, count() FROM visible GROUP BY s ORDER BY s": (
        ("much", 1),
        ("none", 1),
        ("some", 1),
    ),
    "SELECT CASE WHEN event LIKE 'B%' THEN 1 ELSE 0 END AS b, row_number() OVER (ORDER BY ts) AS r FROM visible ORDER BY r LIMIT 1": (
        (0, 1),
    ),
    "SELECT n FROM (SELECT 1 AS n UNION ALL SELECT 2) ORDER BY n": ((1,), (2,)),
    "SELECT toDate(ts + INTERVAL 1 DAY) AS d, dateDiff('day', toDate('2026-03-01'), d), CAST(revenue AS Nullable(String)) FROM visible"
    " WHERE event = 'Buy' ORDER BY ts LIMIT 1": ((date(2026, 3, 11), 10, "40"),),
    "SELECT count(DISTINCT event), countIf(event BETWEEN 'A' AND 'C'), max(day) >= '2026-03-12' FROM visible": ((2, 2, 1),),
    "SELECT v.event, t.name FROM visible AS v LEFT JOIN traits_now AS t ON v.person = t.person ORDER BY v.ts LIMIT 1": (("View", ""),),
    "SELECT event, tag FROM visible ARRAY JOIN ['a'] AS tag WHERE event = 'View'": (("View", "a"),),
    "SELECT NULL, 1 / 0, -1.5e3, NOT 1, true": ((None, None, -1500.0, 0, "True"),),
}


class Plain:
    """A reader of plain English."""

    language, zone, currency = "en", "UTC", "USD"

    def say(self, msgid: str, **values: Any) -> str:
        return msgid.format(**values)

    def counted(self, one: str, several: str, count: int, **values: Any) -> str:
        return self.say(one if count == 1 else several, count=count, **values)

    def show(self, value: Any, kind: str) -> str:
        return str(value)


@pytest.mark.parametrize("query", QUERIES)
def test_it_is_answered(engine, scope, write, first_person, query):
    write(
        (first_person, "View", "2026-03-10 09:00", {"city": "上海"}),
        (first_person, "Buy", "2026-03-10 10:00", {"revenue": 40.0}),
        (first_person + 1, "Buy", "2026-03-12 10:00", {"revenue": 2.0}),
    )
    answer = engine.ask(SQL, SqlSpec(query=query), scope)
    assert answer.table.rows == QUERIES[query]
    json.dumps(answer.table.rows, default=str, allow_nan=False)


def test_a_chart_is_drawn_where_rows_have_its_shape(engine, scope, write, first_person):
    write((first_person, "View", "2026-03-10 09:00"), (first_person + 1, "Buy", "2026-03-12 10:00"))

    def chart(query: str):
        return chart_sql(engine.ask(SQL, SqlSpec(query=query), scope).result, Plain())

    assert chart("SELECT day, count() AS n FROM visible GROUP BY day")["series"][0]["type"] == "line"
    assert chart("SELECT event, count() AS n FROM visible GROUP BY event")["series"][0] == {"type": "bar", "name": "n", "data": [1, 1]}
    assert chart("SELECT count() FROM visible") is None
    assert chart("SELECT event FROM visible WHERE 0") is None
