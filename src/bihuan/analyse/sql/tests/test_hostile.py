"""SQL that somebody writes in order to see or do more than allowed: refused before the store ever hears of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bihuan.analyse.sql import SQL
from bihuan.analyse.sql.guard import safe
from bihuan.analyse.sql.spec import SqlSpec
from bihuan.engine.errors import EngineError, NotAllowed, QuestionError
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

SCOPE = Scope(1, "UTC", datetime(2026, 3, 15, tzinfo=UTC), rights=frozenset({"view", "define"}))

HOSTILE = (
    # Other tables, however they are named
    "SELECT * FROM events",
    "SELECT * FROM person_links",
    "SELECT * FROM person_ids",
    "SELECT * FROM `events`",
    'SELECT * FROM "events"',
    "SELECT * FROM default.events",
    "SELECT * FROM `default`.`events`",
    'SELECT * FROM "default.events"',
    "SELECT * FROM history_all",
    "SELECT * FROM history",
    "SELECT * FROM traits_all",
    "SELECT * FROM quarantined",
    "SELECT * FROM kept",
    "SELECT * FROM system.tables",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM VISIBLE",
    "SELECT * FROM (SELECT * FROM (SELECT * FROM events))",
    "SELECT (SELECT count() FROM events)",
    "SELECT * FROM visible WHERE person IN (SELECT person_id FROM events)",
    "SELECT * FROM visible AS v JOIN events AS e ON 1",
    "SELECT * FROM visible, events",
    "SELECT * FROM visible CROSS JOIN system.one",
    "SELECT 1 UNION ALL SELECT project_id FROM events",
    "SELECT * FROM visible ORDER BY (SELECT max(ts) FROM events)",
    "SELECT * FROM visible HAVING exists(SELECT 1 FROM events)",
    "WITH x AS (SELECT * FROM events) SELECT * FROM x",
    "WITH (SELECT count() FROM events) AS n SELECT n",
    "WITH x AS (WITH y AS (SELECT * FROM events) SELECT * FROM y) SELECT * FROM x",
    "FROM events SELECT *",
    "SELECT visible.* FROM events AS visible",
    # Names of ours, taken by theirs
    "WITH visible AS (SELECT * FROM seen) SELECT * FROM visible",
    "WITH events AS (SELECT 1) SELECT * FROM events",
    "WITH ids AS (SELECT 1) SELECT * FROM ids",
    "WITH id_numbers AS (SELECT 1 AS number) SELECT * FROM id_numbers",
    "WITH person_links AS (SELECT 1) SELECT * FROM person_links",
    "SELECT * FROM (WITH traits_now AS (SELECT 1) SELECT * FROM traits_now)",
    # The table behind IN
    "SELECT * FROM visible WHERE person IN events",
    "SELECT * FROM visible WHERE person IN (events)",
    "SELECT * FROM visible WHERE (person, event) IN (events, events)",
    "SELECT * FROM visible WHERE person NOT IN person_ids",
    "SELECT * FROM visible WHERE person GLOBAL IN events",
    "SELECT in(person, events) FROM visible",
    "SELECT globalIn(1, events)",
    "SELECT notIn(1, events)",
    "SELECT * FROM visible WHERE person IN default.events",
    # Table functions, files, network
    "SELECT * FROM file('/etc/passwd')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://169.254.169.254/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', 'default', 'events')",
    "SELECT * FROM merge('default', '.*')",
    "SELECT * FROM cluster('x', system.one)",
    "SELECT * FROM numbers(10)",
    "SELECT * FROM generateRandom('a Int8')",
    "SELECT * FROM view(SELECT * FROM events)",
    "SELECT * FROM VALUES('a Int8', 1)",
    "SELECT * FROM s3('http://x/y')",
    "SELECT * FROM dictionary('person_map')",
    "SELECT * FROM mysql('h', 'd', 't', 'u', 'p')",
    "SELECT * FROM executable('sh', 'TSV', 'a String')",
    "SELECT * FROM `file`('/etc/passwd')",
    "SELECT * FROM \"file\"('/etc/passwd')",
    "SELECT * FROM fi/**/le('/etc/passwd')",
    "SELECT * FROM /* visible */ file('/etc/passwd') -- visible",
    "SELECT * FROM sqlite('/data/bihuan.sqlite3', 'accounts')",
    "SELECT file('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT \"file\"('/etc/passwd')",
    # Functions that know or do more than computing
    "SELECT dictGet('person_map', 'person', toUInt64(1))",
    "SELECT dictGetOrDefault('person_recent', 'person', 1, 0)",
    "SELECT joinGet('x', 'y', 1)",
    "SELECT sleep(3)",
    "SELECT sleepEachRow(3) FROM visible",
    "SELECT getSetting('max_memory_usage')",
    "SELECT currentUser(), hostName(), version()",
    "SELECT getMacro('x')",
    "SELECT hasColumnInTable('default', 'events', 'ts')",
    "SELECT currentDatabase()",
    "SELECT throwIf(1, event) FROM visible",
    "SELECT initializeAggregation('sum', 1)",
    "SELECT arrayReduce('sum', [1])",
    "SELECT finalizeAggregation(sumState(1))",
    "SELECT catboostEvaluate('/m', 1)",
    "SELECT arrayMap(x -> dictGet('person_map', 'person', x), [1])",
    "SELECT arrayMap(x -> (SELECT count() FROM events), [1])",
    "SELECT arrayJoin((SELECT groupArray(body) FROM quarantine))",
    "SELECT evalMLMethod(1)",
    "SELECT formatRow('CSV', 1)",
    "SELECT timezone(), serverUUID(), filesystemAvailable()",
    "SELECT countIfMerge(1)",
    "SELECT @@version",
    # Columns that are none
    "SELECT _table FROM visible",
    "SELECT _part, _file, _path FROM visible",
    "SELECT `_table` FROM visible",
    "SELECT default.visible.event FROM visible",
    "SELECT COLUMNS('.*') FROM visible",
    # Settings, formats, other statements
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)",
    "SELECT 1 FORMAT JSON",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE events",
    "SELECT 1 -- \n; DROP TABLE events",
    "EXPLAIN SELECT 1",
    "EXPLAIN PLAN SELECT * FROM visible",
    "DESCRIBE TABLE events",
    "DESCRIBE file('/etc/passwd')",
    "SHOW TABLES",
    "SET readonly = 0",
    "USE system",
    "INSERT INTO events SELECT * FROM visible",
    "INSERT INTO FUNCTION file('/tmp/x') SELECT 1",
    "CREATE TABLE x AS SELECT 1",
    "ALTER TABLE events DELETE WHERE 1",
    "DROP TABLE events",
    "TRUNCATE TABLE events",
    "KILL QUERY WHERE 1",
    "SYSTEM SHUTDOWN",
    "VALUES (1)",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM x) SELECT * FROM x",
    # Our own bound values, and quotes that two parsers read differently
    "SELECT {scope_project:UInt32}",
    "SELECT {v0:Identifier} FROM visible",
    "SELECT * FROM {t:Identifier}",
    "SELECT bound__v0",
    "SELECT 1 AS `a\\`, (SELECT count() FROM events) AS `b`",
    'SELECT 1 AS "a\\", (SELECT count() FROM events) AS "b"',
    "SELECT 1 AS `a``; DROP TABLE events`",
    "SELECT 'x' FROM visible WHERE event = 'a'' OR 1 IN events --'  OR 1 IN events",
    "SELECT 1 /* */ FROM events /* */",
    "SELECT 1 # visible\nFROM events",
    "SELECT $$a$$, $b$ FROM events $b$ FROM events",
    "SELECT x'41' FROM events",
    "SELECT * FROM visible FINAL",
    "SELECT * FROM visible SAMPLE 0.1",
    "SELECT * FROM visible LIMIT (SELECT 1)",
    "SELECT CAST(1 AS AggregateFunction(sum, UInt8))",
    "SELECT 1::Enum8('a' = 1)",
    "SELECT " + "(" * 70 + "1" + ")" * 70,
    "SELECT " + "-" * 5000 + "1",
    "",
    " ",
    ";",
    "-- nothing",
    "SELECT",
    "SELEC 1",
)


@pytest.mark.parametrize("query", HOSTILE)
def test_it_is_refused(query):
    with pytest.raises(QuestionError):
        safe(query, SCOPE, Binder())


@pytest.mark.parametrize(
    "text", ["'", "\\", "\\'", "a' OR '1'='1", "--", "/*", "*/ FROM events /*", "{scope_project:UInt32}", "`", '"', "\n;", "上海"]
)
def test_a_text_stays_a_text(engine, scope, write, first_person, text):
    write((first_person, text, "2026-03-12"), (first_person, "Other", "2026-03-12"))
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    answer = engine.ask(SQL, SqlSpec(query=f"SELECT event, count() AS n FROM visible WHERE event = '{quoted}' GROUP BY event"), scope)
    assert answer.table.rows == ((text, 1),)


def test_nobody_sees_another_project(engine, scope, write, first_person):
    write((first_person, "Mine", "2026-03-12"))
    other = replace(scope, project_id=scope.project_id + 500_000)
    query = SqlSpec(query="SELECT * FROM visible AS a JOIN (SELECT person FROM visible) AS b ON a.person = b.person")
    assert engine.ask(SQL, query, scope).result.rows
    assert not engine.ask(SQL, query, other).result.rows
    for view in ("visible", "traits_now", "traits_past", "ids", "seen", "measured"):
        assert not engine.ask(SQL, SqlSpec(query=f"SELECT * FROM {view}"), other).result.rows


def test_days_outside_of_the_period_are_not_seen(engine, scope, write, first_person):
    write((first_person, "Mine", "2026-03-12"), (first_person, "Mine", "2025-03-12"))
    assert engine.ask(SQL, SqlSpec(query="SELECT count() FROM visible WHERE day < '2026-01-01' OR 1"), scope).result.rows == ((1,),)


def test_hidden_properties_stay_hidden(engine, scope, write, first_person):
    write((first_person, "Mine", "2026-03-12", {"plan": "pro", "city": "上海"}))
    hidden = replace(scope, hidden=frozenset({"plan", "city"}))
    query = SqlSpec(query="SELECT props, city, concat(props, city, JSONExtractString(props, 'plan')) AS all FROM visible")
    assert engine.ask(SQL, query, scope).result.rows[0][1] == "上海"
    assert engine.ask(SQL, query, hidden).result.rows == (("{}", "", "{}"),)
    with pytest.raises(QuestionError, match="ids"):
        engine.ask(SQL, SqlSpec(query="SELECT * FROM ids"), hidden)


def test_only_who_may_define_may_ask(engine, scope):
    viewer = replace(scope, rights=frozenset({"view"}))
    for ask in (engine.ask, engine.statement):
        with pytest.raises(NotAllowed):
            ask(SQL, SqlSpec(query="SELECT 1"), viewer)


def test_rows_and_time_are_bounded(engine, scope):
    result = engine.ask(SQL, SqlSpec(query="SELECT arrayJoin(range(5000)) AS n LIMIT 4000"), scope).result
    assert (len(result.rows), result.more) == (1000, True)
    assert len(engine.ask(SQL, SqlSpec(query="SELECT arrayJoin(range(9)) AS n LIMIT 3 BY n"), scope).result.rows) == 9
    with pytest.raises(EngineError):
        engine.ask(SQL, SqlSpec(query="SELECT length(range(1000000000))"), scope)


def test_a_bound_of_a_question_can_only_be_tighter(engine, scope, monkeypatch):
    asked: dict[str, int] = {}
    fetch = engine.store.fetch

    def kept(sql, params=None, *, settings=None, query_id=""):
        asked.update(settings or {})
        return fetch(sql, params, settings=settings, query_id=query_id)

    monkeypatch.setattr(engine.store, "fetch", kept)
    engine.ask(replace(SQL, bounds={"max_memory_usage": 10**15, "max_execution_time": 5}), SqlSpec(query="SELECT 1"), scope)
    assert (asked["max_memory_usage"], asked["max_execution_time"]) == (engine.settings()["max_memory_usage"], 5)
