"""What is measured: each question as Bihuan asks it, as a peer does, as plain SQL, and the reading alone; and how their answers are
compared.

The plain table is what one would make without thinking further: one row an event, ordered by day, event and person, the properties
as JSON text. People are merged in it for good (Bihuan and the peer look each person up), and it is asked for no totals over the whole
period and no shares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench import peer
from bench.events import LAST_DAY, NAMES, OTHERS, STEPS
from bihuan.analyse.attribution import ATTRIBUTION
from bihuan.analyse.basket import BASKET
from bihuan.analyse.composition import COMPOSITION
from bihuan.analyse.distribution import DISTRIBUTION
from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.interval import INTERVAL
from bihuan.analyse.lifecycle import LIFECYCLE
from bihuan.analyse.lifecycle.result import STATES
from bihuan.analyse.ltv import LTV
from bihuan.analyse.paths import PATHS
from bihuan.analyse.process import PROCESS
from bihuan.analyse.retention import RETENTION
from bihuan.analyse.rfm import RFM
from bihuan.analyse.root_cause import ROOT_CAUSE
from bihuan.analyse.sessions import SESSIONS
from bihuan.analyse.stickiness import STICKINESS
from bihuan.catalog.segment_size import SEGMENT_SIZE
from bihuan.engine.question import Question, Rows
from bihuan.see.person import PERSON
from bihuan.see.trend import TREND

PLAIN = """
CREATE TABLE plain (
  project_id UInt32, day Date, event String, person_id UInt32, ts DateTime64(3, 'UTC'), properties String
) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY (project_id, day, event, person_id)
"""
FILL_PLAIN = """
INSERT INTO plain SELECT project_id, day, event, dictGetOrDefault('person_map', 'person', toUInt64(person_id), person_id), ts,
  concat('{"path":', toJSONString(path), ',"utm_source":', toJSONString(utm_source), ',"country":', toJSONString(country),
    ',"device":', toJSONString(device), if(revenue IS NULL, '', concat(',"revenue":', toString(revenue))), ',', substring(props, 2))
FROM events
"""
Answer = Any


@dataclass(frozen=True)
class Case:
    """`ours` and `theirs` turn the two answers into what must be equal. `floor` reads what must be read, and does nothing with it."""

    name: str
    question: Question[Any, Any]
    spec: dict[str, Any]
    plain: str
    floor: str
    ours: Callable[[Any], Answer]
    theirs: Callable[[Rows], Answer]
    peer: str = ""
    alike: bool = True  # whether the peer means the same


def since(days: int) -> str:
    return f"day BETWEEN '{LAST_DAY - timedelta(days=days - 1)}' AND '{LAST_DAY}'"


def daily(rows: Rows) -> Answer:
    return [row["n"] for row in sorted(rows, key=lambda row: str(row["day"]))]


def first_line(result: Any) -> Answer:
    return list(result.lines[0].values)


def parts(result: Any) -> Answer:
    return {(line.part, day.date()): n for line in result.lines for day, n in zip(result.buckets, line.values, strict=True) if n}


def trend(
    name: str, plain: str, columns: str, where: str, *, asked: str = "", ours: Any = first_line, theirs: Any = daily, **spec: Any
) -> Case:
    floor = f"SELECT count() FROM events WHERE project_id = 1 AND {where} AND NOT ignore({columns})"
    return Case(name, TREND, spec, plain, floor, ours, theirs, asked)


def funnel(name: str, steps: Sequence[str], days: int, window: int = 14) -> Case:
    steps = tuple(steps)
    return Case(
        name,
        FUNNEL,
        {"steps": [{"event": step} for step in steps], "period": {"last": days}, "window": {"n": window, "unit": "day"}},
        f"""SELECT level, count() AS n FROM (
          SELECT person_id, windowFunnel({window * 86_400_000 + 1})(toUInt64(toUnixTimestamp64Milli(ts)),
            {", ".join(f"event = '{step}'" for step in steps)}) AS level
          FROM plain WHERE project_id = 1 AND event IN {steps!r} AND {since(days)} GROUP BY person_id)
        GROUP BY level""",
        f"SELECT count() FROM events WHERE project_id = 1 AND event IN {steps!r} AND {since(days)} AND NOT ignore(ts, person_id)",
        lambda result: [step.people for step in result.everybody.steps],
        lambda rows: [sum(row["n"] for row in rows if row["level"] >= step) for step in range(1, len(steps) + 1)],
        peer.funnel(steps, days, window),
    )


def stages(rows: Rows) -> Answer:
    named = {"resurrecting": "resurrected"}
    return {(row["day"], named.get(row["status"], row["status"])): row["n"] for row in rows}


VIEWED, BOUGHT = STEPS[1], STEPS[4]
RETURNED = 7
# Questions whose plain SQL would be as long as Bihuan's own: beside the reading of what they need. (question, days, columns, events, spec)
TIMED: tuple[tuple[Question[Any, Any], int, str, str, dict[str, Any]], ...] = (
    (PATHS, 7, "ts, person_id", "1", {}),
    (SESSIONS, 30, "ts, person_id", "1", {}),
    (INTERVAL, 30, "ts, person_id", f"event IN ('{VIEWED}', '{BOUGHT}')", {"start": {"event": VIEWED}, "end": {"event": BOUGHT}}),
    (DISTRIBUTION, 30, "person_id", f"event = '{VIEWED}'", {"counted": {"event": VIEWED}}),
    (COMPOSITION, 30, "person_id", f"event = '{BOUGHT}'", {"who": {"did": {"event": BOUGHT}}, "by": [{"person": "plan"}]}),
    (BASKET, 30, "ts, person_id, path", f"event = '{VIEWED}'", {"of": {"event": VIEWED}, "item": "path", "basket": "session"}),
    (ATTRIBUTION, 30, "ts, person_id, utm_source, utm_medium, referrer", "1", {"conversion": {"event": BOUGHT}, "model": "markov"}),
    (PROCESS, 7, "ts, person_id", "1", {"case": "person"}),
    (ROOT_CAUSE, 28, "revenue, country, device, utm_source", f"event = '{BOUGHT}'", {"of": {"event": BOUGHT}, "measure": "revenue"}),
    (RFM, 90, "ts, person_id, revenue", f"event = '{BOUGHT}'", {"purchase": {"event": BOUGHT}, "days": 90}),
    (LTV, 90, "ts, person_id, revenue", f"event = '{BOUGHT}'", {"purchase": {"event": BOUGHT}}),
)


def timed(question: Question[Any, Any], days: int, columns: str, where: str, spec: dict[str, Any]) -> Case:
    asked = spec if question in (RFM,) else spec | {"period": {"last": days}}
    floor = f"SELECT count() FROM events WHERE project_id = 1 AND {where} AND {since(days)} AND NOT ignore({columns})"
    theirs = peer.paths(days) if question is PATHS else ""  # only timed: a visit is not cut where the period begins, as theirs is
    return Case(f"{question.name}, {days} days", question, asked, "", floor, lambda _: None, lambda _: None, theirs, alike=False)


CASES = (
    trend(
        "events per day, 90 days",
        f"SELECT day, count() AS n FROM plain WHERE project_id = 1 AND event = '{VIEWED}' AND {since(90)} GROUP BY day",
        "day",
        f"event = '{VIEWED}' AND {since(90)}",
        series=[{"event": VIEWED}],
        period={"last": 90},
        asked=peer.counts(VIEWED, 90),
    ),
    trend(
        "people per day, 90 days",
        f"SELECT day, uniqExact(person_id) AS n FROM plain WHERE project_id = 1 AND event = '{VIEWED}' AND {since(90)} GROUP BY day",
        "day, person_id",
        f"event = '{VIEWED}' AND {since(90)}",
        series=[{"event": VIEWED, "measure": "people"}],
        period={"last": 90},
        asked=peer.people(90, event=VIEWED),
    ),
    trend(
        "people of any event, 30 days",
        f"SELECT day, uniqExact(person_id) AS n FROM plain WHERE project_id = 1 AND {since(30)} GROUP BY day",
        "day, person_id",
        since(30),
        series=[{"event": "*", "measure": "people"}],
        period={"last": 30},
        asked=peer.people(30),
    ),
    trend(
        "revenue per day, 90 days",
        f"""SELECT day, round(sum(JSONExtractFloat(properties, 'revenue')), 2) AS n FROM plain
        WHERE project_id = 1 AND event = '{BOUGHT}' AND {since(90)} GROUP BY day""",
        "day, revenue",
        f"event = '{BOUGHT}' AND {since(90)}",
        ours=lambda result: [round(n, 2) for n in result.lines[0].values],
        series=[{"event": BOUGHT, "measure": "sum", "property": "revenue"}],
        period={"last": 90},
    ),
    trend(
        "people by country, 30 days",
        f"""SELECT day, JSONExtractString(properties, 'country') AS part, uniqExact(person_id) AS n FROM plain
        WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)} GROUP BY day, part""",
        "day, person_id, country",
        f"event = '{VIEWED}' AND {since(30)}",
        ours=parts,
        theirs=lambda rows: {(row["part"], row["day"]): row["n"] for row in rows},
        series=[{"event": VIEWED, "measure": "people"}],
        breakdown={"property": "country"},
        top=50,
        period={"last": 30},
        asked=peer.people(30, event=VIEWED, part="country"),
    ),
    trend(
        "events by a JSON property, 30 days",
        f"""SELECT day, JSONExtractString(properties, 'plan') AS part, count() AS n FROM plain
        WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)} GROUP BY day, part""",
        "day, props",
        f"event = '{VIEWED}' AND {since(30)}",
        ours=parts,
        theirs=lambda rows: {(row["part"], row["day"]): row["n"] for row in rows},
        series=[{"event": VIEWED}],
        breakdown={"property": "plan"},
        period={"last": 30},
    ),
    trend(
        "people, only one country, 30 days",
        f"""SELECT day, uniqExact(person_id) AS n FROM plain WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)}
        AND JSONExtractString(properties, 'country') = 'DE' GROUP BY day""",
        "day, person_id, country",
        f"event = '{VIEWED}' AND {since(30)}",
        series=[{"event": VIEWED, "measure": "people"}],
        filter={"property": "country", "values": ["DE"]},
        period={"last": 30},
        asked=peer.people(30, event=VIEWED, where="replaceRegexpAll(JSONExtractRaw(properties, 'country'), '^\"|\"$', '') = 'DE'"),
    ),
    funnel("funnel, 4 steps, 30 days", STEPS[1:], 30),
    funnel("funnel, 4 steps, 90 days", STEPS[1:], 90),
    funnel("funnel, 4 rare steps, 90 days", OTHERS[-4:], 90),
    Case(
        "retention, 30 cohorts of a day, 7 days",
        RETENTION,
        {
            "start": {"event": VIEWED},
            "return": {"event": BOUGHT},
            "mode": "recurring",
            "periods": RETURNED,
            "period": {"last": 30},
        },
        f"""SELECT first.day AS day, dateDiff('day', first.day, again.day) AS after, uniqExact(person_id) AS n
        FROM (SELECT DISTINCT person_id, day FROM plain WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)}) AS first
        JOIN (SELECT DISTINCT person_id, day FROM plain WHERE project_id = 1 AND event = '{BOUGHT}' AND {since(30)}) AS again
        USING person_id
        WHERE after BETWEEN 0 AND {RETURNED} GROUP BY day, after""",
        f"""SELECT count() FROM events
        WHERE project_id = 1 AND event IN ('{VIEWED}', '{BOUGHT}') AND {since(30)} AND NOT ignore(day, person_id)""",
        lambda result: {(c.day, k): cell.people for c in result.everybody.cohorts for k, cell in enumerate(c.cells) if cell.people},
        lambda rows: {(row["day"], row["after"]): row["n"] for row in rows},
        peer.retention(VIEWED, BOUGHT, 30, RETURNED),
    ),
    Case(
        "retention, 30 cohorts of a day, 7 days, same event",
        RETENTION,
        {
            "start": {"event": VIEWED},
            "return": {"event": VIEWED},
            "mode": "recurring",
            "periods": RETURNED,
            "period": {"last": 30},
        },
        f"""SELECT first.day AS day, dateDiff('day', first.day, again.day) AS after, uniqExact(person_id) AS n
        FROM (SELECT DISTINCT person_id, day FROM plain WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)}) AS first
        JOIN (SELECT DISTINCT person_id, day FROM plain WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)}) AS again
        USING person_id
        WHERE after BETWEEN 0 AND {RETURNED} GROUP BY day, after""",
        f"SELECT count() FROM events WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)} AND NOT ignore(day, person_id)",
        lambda result: {(c.day, k): cell.people for c in result.everybody.cohorts for k, cell in enumerate(c.cells) if cell.people},
        lambda rows: {(row["day"], row["after"]): row["n"] for row in rows},
        peer.retention(VIEWED, VIEWED, 30, RETURNED),
    ),
    Case(
        "lifecycle, 30 days",
        LIFECYCLE,
        {"active": {"event": VIEWED}, "unit": "day", "period": {"last": 30}},
        f"""WITH days AS (SELECT DISTINCT person_id, day FROM plain WHERE project_id = 1 AND event = '{VIEWED}')
        SELECT day, status, count() AS n FROM (
          SELECT person_id, day, multiIf(
            before = toDate('1970-01-01'), 'new', before = day - 1, 'returning', 'resurrected') AS status
          FROM (SELECT person_id, day, lagInFrame(day) OVER (PARTITION BY person_id ORDER BY day) AS before FROM days)
          UNION ALL
          SELECT person_id, day + 1, 'dormant' FROM days WHERE (person_id, day + 1) NOT IN (SELECT person_id, day FROM days)
        ) WHERE {since(30)} GROUP BY day, status""",
        f"SELECT count() FROM events WHERE project_id = 1 AND event = '{VIEWED}' AND NOT ignore(day, person_id)",
        lambda result: {(stage.day, state): n for stage in result.everybody.stages for state in STATES if (n := getattr(stage, state))},
        stages,
        # The peer's own answer differs where somebody was known before their first such event, so it is only timed.
        peer.lifecycle(VIEWED, 30),
        alike=False,
    ),
    Case(
        "stickiness, 30 days",
        STICKINESS,
        {"active": {"event": VIEWED}, "period": {"last": 30}},
        f"""SELECT times, count() AS n FROM (
          SELECT person_id, uniqExact(day) AS times FROM plain
          WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)} GROUP BY person_id
        ) GROUP BY times""",
        f"SELECT count() FROM events WHERE project_id = 1 AND event = '{VIEWED}' AND {since(30)} AND NOT ignore(day, person_id)",
        lambda result: {n: people for n, people in enumerate(result.everybody.now.exactly, 1) if people},
        lambda rows: {row["times"]: row["n"] for row in rows},
    ),
    Case(
        "segment, 3 views and no order in 30 days",
        SEGMENT_SIZE,
        {"filter": {"all": [{"did": VIEWED, "times": 3, "days": 30}, {"not": {"did": BOUGHT, "days": 30}}]}},
        f"""SELECT count() AS n FROM (SELECT person_id FROM plain WHERE project_id = 1 AND event IN ('{VIEWED}', '{BOUGHT}') AND {since(30)}
        GROUP BY person_id HAVING countIf(event = '{VIEWED}') >= 3 AND countIf(event = '{BOUGHT}') = 0)""",
        f"SELECT count() FROM events WHERE project_id = 1 AND event IN ('{VIEWED}', '{BOUGHT}') AND {since(30)} AND NOT ignore(person_id)",
        lambda result: result.people,
        lambda rows: rows[0]["n"],
        peer.segment(VIEWED, 3, BOUGHT, 30),
    ),
    Case(
        "one person's latest 100 events",
        PERSON,
        {"person": 1234, "what": "events"},
        "SELECT ts, event, properties FROM plain WHERE project_id = 1 AND person_id = 1234 ORDER BY ts DESC LIMIT 100",
        "SELECT count() FROM events WHERE project_id = 1 AND person_id = 1234",
        lambda result: [happened.at for happened in result.events],
        lambda rows: [row["ts"] for row in rows],
        peer.timeline(1234),
    ),
    Case(
        "one person's page",
        PERSON,
        {"person": 1234},
        "",
        "SELECT count() FROM events WHERE project_id = 1 AND person_id = 1234",
        lambda _: None,
        lambda _: None,
    ),
    Case(
        "funnel, 20 steps, 90 days",
        FUNNEL,
        {"steps": [{"event": name} for name in NAMES[:20]], "period": {"last": 90}, "window": {"n": 14, "unit": "day"}},
        "",
        f"SELECT count() FROM events WHERE project_id = 1 AND event IN {NAMES[:20]!r} AND {since(90)} AND NOT ignore(ts, person_id)",
        lambda _: None,
        lambda _: None,
    ),
    *(timed(question, days, columns, where, spec) for question, days, columns, where, spec in TIMED),
)
