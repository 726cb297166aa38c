"""The tables of the event store, the same on the embedded engine, a server and a cluster, and their forward migrations.

Why these: `docs/decisions/0001-store.md`. A migration is a tuple of statements that is never edited after its release; a new one is
appended. `{{engine}}` and `{{cluster}}` are filled by `statements` for the plain and the clustered form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bihuan.engine.errors import EngineError
from bihuan.engine.store import Store

# What every product has, as typed columns of `events`; a property of one of these names is kept there and nowhere else.
COLUMNS = (
    "path",
    "host",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "country",
    "city",
    "browser",
    "os",
    "device",
    "app_version",
)
NUMBER_COLUMNS = ("revenue",)


@dataclass(frozen=True)
class Migration:
    """One step of the schema: `number` counts from 1 without gaps."""

    number: int
    title: str
    statements: tuple[str, ...]


EVENTS = """
CREATE TABLE IF NOT EXISTS events{{cluster}} (
  project_id UInt32,
  event LowCardinality(String),
  day Date COMMENT 'in the time zone of the project',
  person_id UInt32 COMMENT 'the number of the id that the event came with; 0: nobody',
  ts DateTime64(3, 'UTC') CODEC(T64, LZ4),
  event_key UInt64 COMMENT 'hash of (source, key given by the client): the same key is the same event' CODEC(NONE),
  path LowCardinality(String), host LowCardinality(String), referrer LowCardinality(String),
  utm_source LowCardinality(String), utm_medium LowCardinality(String), utm_campaign LowCardinality(String),
  country LowCardinality(String), city LowCardinality(String),
  browser LowCardinality(String), os LowCardinality(String), device LowCardinality(String), app_version LowCardinality(String),
  revenue Nullable(Float64),
  props String COMMENT 'canonical JSON object of all other properties' CODEC(ZSTD(1)),
  source LowCardinality(String) COMMENT 'protocol or import it came by',
  received_at DateTime64(3, 'UTC') CODEC(T64, LZ4)
) ENGINE = {{engine:MergeTree}}
PARTITION BY toYYYYMM(day)
PRIMARY KEY (project_id, event, day, person_id)
ORDER BY (project_id, event, day, person_id, ts, event_key)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 100000000,
  non_replicated_deduplication_window = 1000
"""

PERSON_IDS = """
CREATE TABLE IF NOT EXISTS person_ids{{cluster}} (
  project_id UInt32,
  id_type LowCardinality(String) COMMENT 'user or anonymous',
  id String,
  person_id UInt32 COMMENT 'dense, given once, over all projects',
  first_seen DateTime64(3, 'UTC')
) ENGINE = {{engine:ReplacingMergeTree}}
ORDER BY (project_id, id_type, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

PERSON_LINKS = """
CREATE TABLE IF NOT EXISTS person_links{{cluster}} (
  project_id UInt32,
  person_id UInt32 COMMENT 'this id belongs to',
  canonical UInt32 COMMENT 'the person of this number',
  linked_at DateTime64(3, 'UTC'),
  version UInt64 COMMENT 'the newest row of a person_id holds',
  why LowCardinality(String) COMMENT 'identify, alias, …',
  by String COMMENT 'source, or who did it'
) ENGINE = {{engine:MergeTree}}
ORDER BY (project_id, person_id, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

PERSON_MAP = """
CREATE DICTIONARY IF NOT EXISTS person_map{{cluster}} (person_id UInt64, person UInt32)
PRIMARY KEY person_id
SOURCE(CLICKHOUSE(QUERY '
  SELECT toUInt64(person_id) AS person_id, argMax(canonical, version) AS person
  FROM {{database}}.person_links GROUP BY person_id'))
LAYOUT(FLAT(INITIAL_ARRAY_SIZE 65536 MAX_ARRAY_SIZE 500000000))
LIFETIME(0)
"""

TRAITS = """
CREATE TABLE IF NOT EXISTS traits{{cluster}} (
  project_id UInt32,
  name LowCardinality(String),
  person_id UInt32,
  once Bool COMMENT 'set only if nothing was set before',
  value String COMMENT 'JSON value; null: unset',
  rank Int64 COMMENT 'ms of the event time, negative for once: the greatest holds'
) ENGINE = {{engine:ReplacingMergeTree(rank)}}
ORDER BY (project_id, name, person_id, once)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

PROPERTIES_SEEN = """
CREATE TABLE IF NOT EXISTS properties_seen{{cluster}} (
  project_id UInt32,
  event LowCardinality(String) COMMENT 'empty: a property of persons',
  property LowCardinality(String),
  type LowCardinality(String) COMMENT 'string, number, boolean, array, object, null',
  first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
  last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
) ENGINE = {{engine:AggregatingMergeTree}}
ORDER BY (project_id, event, property, type)
"""

QUARANTINE = """
CREATE TABLE IF NOT EXISTS quarantine{{cluster}} (
  project_id UInt32,
  received_at DateTime64(3, 'UTC'),
  source LowCardinality(String),
  reason LowCardinality(String) COMMENT 'a short code',
  detail String COMMENT 'what is wrong, where, and what to do',
  event_key UInt64,
  body String CODEC(ZSTD(1))
) ENGINE = {{engine:MergeTree}}
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, received_at)
TTL toDateTime(received_at) + INTERVAL 90 DAY
"""

SCHEMA_VERSION = """
CREATE TABLE IF NOT EXISTS schema_version{{cluster}} (number UInt32, title String, applied_at DateTime64(3, 'UTC'))
ENGINE = {{engine:MergeTree}} ORDER BY number
"""

INDEX_OF_PEOPLE = (
    "ALTER TABLE events{{cluster}} ADD INDEX IF NOT EXISTS by_person person_id TYPE bloom_filter(0.01) GRANULARITY 1",
    "ALTER TABLE events{{cluster}} MATERIALIZE INDEX by_person",
)

METRIC_VALUES = """
CREATE TABLE IF NOT EXISTS metric_values{{cluster}} (
  project_id UInt32,
  metric LowCardinality(String),
  day Date COMMENT 'in the time zone of the project',
  at DateTime64(3, 'UTC') COMMENT 'the beginning of the day or hour',
  dimensions String COMMENT 'canonical JSON object of texts: what the number is about',
  value Float64,
  version UInt64 COMMENT 'of a metric, instant and dimensions the greatest holds'
) ENGINE = {{engine:ReplacingMergeTree(version)}}
ORDER BY (project_id, metric, day, at, dimensions)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

VIOLATIONS = """
CREATE TABLE IF NOT EXISTS plan_violations{{cluster}} (
  project_id UInt32,
  event LowCardinality(String),
  property LowCardinality(String) COMMENT 'empty: the event itself',
  kind LowCardinality(String) COMMENT 'missing, wrong_type, …',
  expected LowCardinality(String),
  value String COMMENT 'JSON of what came, shortened' CODEC(ZSTD(1)),
  source LowCardinality(String),
  app_version LowCardinality(String),
  verdict LowCardinality(String) COMMENT 'taken or quarantined',
  event_key UInt64 COMMENT 'of the event: it counts once',
  received_at DateTime64(3, 'UTC')
) ENGINE = {{engine:ReplacingMergeTree}}
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, event, property, kind, source, app_version, event_key)
TTL toDateTime(received_at) + INTERVAL 90 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

QUARANTINE_OUTCOMES = """
CREATE TABLE IF NOT EXISTS quarantine_outcomes{{cluster}} (
  project_id UInt32,
  item UInt64 COMMENT 'hash of the row of the quarantine',
  outcome LowCardinality(String) COMMENT 'stored, duplicate, refused, discarded',
  detail String,
  run UInt32 COMMENT 'number of the job that did it',
  at DateTime64(3, 'UTC')
) ENGINE = {{engine:ReplacingMergeTree(at)}}
ORDER BY (project_id, item)
TTL toDateTime(at) + INTERVAL 120 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

REFUSALS = """
CREATE TABLE IF NOT EXISTS refusals{{cluster}} (
  project_id UInt32,
  at DateTime64(3, 'UTC'),
  status UInt16,
  code LowCardinality(String),
  detail String,
  path String,
  client String COMMENT 'its User-Agent',
  key_prefix String COMMENT 'of the write key that was sent',
  number UInt32 COMMENT 'of such requests within a few seconds'
) ENGINE = {{engine:MergeTree}}
ORDER BY (project_id, at)
TTL toDateTime(at) + INTERVAL 7 DAY
"""

PEOPLE_KEPT = """
CREATE TABLE IF NOT EXISTS people_kept{{cluster}} (
  project_id UInt32,
  list String COMMENT 'its name, made by chance',
  person_id UInt32 COMMENT 'the number that the person had',
  kept_at DateTime64(3, 'UTC')
) ENGINE = {{engine:ReplacingMergeTree}}
ORDER BY (project_id, list, person_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

TRAIT_HISTORY = """
CREATE TABLE IF NOT EXISTS trait_history{{cluster}} (
  project_id UInt32,
  name LowCardinality(String),
  person_id UInt32,
  once Bool,
  rank Int64,
  value String
) ENGINE = {{engine:ReplacingMergeTree}}
ORDER BY (project_id, name, person_id, once, rank, value)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

# Every row that is ever put into `traits`, which itself keeps the newest alone. Put in again after a crash, a row says the same.
TRAIT_HISTORY_FILLED = """
CREATE MATERIALIZED VIEW IF NOT EXISTS trait_history_filled{{cluster}} TO trait_history AS
SELECT project_id, name, person_id, once, rank, value FROM traits
"""

IDENTITY_LOG = """
CREATE TABLE IF NOT EXISTS identity_log{{cluster}} (
  project_id UInt32,
  act UInt64 COMMENT 'the number of this row, growing',
  at DateTime64(3, 'UTC'),
  kind LowCardinality(String) COMMENT 'link, merge, unbind, undo, redo, allow, propose, dismiss, keep, shared, many, full',
  one UInt32 COMMENT 'the number of an id',
  other UInt32 COMMENT 'of another, 0: there is none',
  of UInt64 COMMENT 'the row that this one is about, 0: none',
  why String COMMENT 'the rule, or what the person who did it said',
  by String COMMENT 'source, or who did it'
) ENGINE = {{engine:ReplacingMergeTree}}
ORDER BY (project_id, act)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

# Links from before the log, with numbers in the order in which they were made; done again, it says the same.
IDENTITY_LOG_BEGUN = """
INSERT INTO identity_log
SELECT project_id, row_number() OVER (ORDER BY version, person_id), linked_at, 'link', person_id, canonical, 0, why, by FROM person_links
"""

# Up to which version of `person_links` the large map has been read, at least.
PERSON_MAP_READ = """
CREATE TABLE IF NOT EXISTS person_map_read{{cluster}} (version SimpleAggregateFunction(max, UInt64))
ENGINE = {{engine:AggregatingMergeTree}} ORDER BY tuple()
"""

PERSON_RECENT = """
CREATE DICTIONARY IF NOT EXISTS person_recent{{cluster}} (person_id UInt64, person UInt32)
PRIMARY KEY person_id
SOURCE(CLICKHOUSE(QUERY '
  SELECT toUInt64(person_id) AS person_id, argMax(canonical, version) AS person
  FROM {{database}}.person_links WHERE version > (SELECT max(version) FROM {{database}}.person_map_read) GROUP BY person_id'))
LAYOUT(HASHED())
LIFETIME(0)
"""

LINKS_BY_VERSION = "ALTER TABLE person_links{{cluster}} ADD INDEX IF NOT EXISTS by_version version TYPE minmax GRANULARITY 1"

# How often each event came on a day that has ended, and the numbers of whom; the event '' is any that came from outside.
DAY_ROLLUP = """
CREATE TABLE IF NOT EXISTS day_rollup{{cluster}} (
  project_id UInt32,
  event LowCardinality(String),
  day Date,
  version UInt64 COMMENT 'of a day the newest holds',
  events UInt64,
  nobody UInt64 COMMENT 'events of no number',
  numbers AggregateFunction(groupBitmap, UInt32) COMMENT 'the numbers that its events came with, save 0'
) ENGINE = {{engine:ReplacingMergeTree(version)}}
PARTITION BY toYear(day)
ORDER BY (project_id, event, day)
SETTINGS index_granularity = 64, fsync_after_insert = 1, fsync_part_directory = 1
"""

# Whether that is the whole day: the writer says no before it stores an event of it, and yes after it has counted the day again.
ROLLED_DAYS = """
CREATE TABLE IF NOT EXISTS rolled_days{{cluster}} (
  project_id UInt32,
  day Date,
  version UInt64 COMMENT 'growing; the greatest of a day holds',
  whole Bool
) ENGINE = {{engine:ReplacingMergeTree(version)}}
ORDER BY (project_id, day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

# The numbers that have ever been linked to another; further ones do no harm. What a crash takes, the next writer puts back.
PERSON_LINKED = """
CREATE TABLE IF NOT EXISTS person_linked{{cluster}} (
  project_id UInt32,
  numbers AggregateFunction(groupBitmap, UInt32)
) ENGINE = {{engine:AggregatingMergeTree}} ORDER BY project_id
"""

PERSON_LINKED_BEGUN = "INSERT INTO person_linked SELECT project_id, groupBitmapState(person_id) FROM person_links GROUP BY project_id"

# So that the newest arrival is found without reading all of them.
INDEX_OF_ARRIVALS = (
    "ALTER TABLE events{{cluster}} ADD INDEX IF NOT EXISTS by_arrival received_at TYPE minmax GRANULARITY 1",
    "ALTER TABLE events{{cluster}} MATERIALIZE INDEX by_arrival",
)

# Of a counted day, where its people are others than its numbers, and what links that says: later ones are looked up when asked.
SETTLED_DAYS = (
    """
ALTER TABLE day_rollup{{cluster}}
  ADD COLUMN IF NOT EXISTS moved AggregateFunction(groupBitmap, UInt32) COMMENT 'numbers XOR the persons they belonged to; empty: not made'
""",
    """
ALTER TABLE rolled_days{{cluster}}
  ADD COLUMN IF NOT EXISTS links_below UInt64 COMMENT 'every row of person_links of a lower version is in moved; 0: it is not made',
  ADD COLUMN IF NOT EXISTS highest UInt32 COMMENT 'no number of the day is higher'
""",
)

MIGRATIONS = (
    Migration(
        1,
        "events, persons, properties, quarantine",
        (EVENTS, PERSON_IDS, PERSON_LINKS, PERSON_MAP, TRAITS, PROPERTIES_SEEN, QUARANTINE),
    ),
    Migration(2, "an index to one person's events", INDEX_OF_PEOPLE),
    Migration(3, "numbers that are measured elsewhere", (METRIC_VALUES,)),
    Migration(4, "what breaks the tracking plan, and what became of refused events", (VIOLATIONS, QUARANTINE_OUTCOMES, REFUSALS)),
    Migration(5, "lists of people that are kept", (PEOPLE_KEPT,)),
    Migration(6, "what people's properties were", (TRAIT_HISTORY, TRAIT_HISTORY_FILLED)),
    Migration(
        7,
        "a log of links, which can be undone, and links that hold at once",
        (IDENTITY_LOG, IDENTITY_LOG_BEGUN, PERSON_MAP_READ, PERSON_RECENT, LINKS_BY_VERSION),
    ),
    Migration(8, "the people of whole days as bitmaps", (DAY_ROLLUP, ROLLED_DAYS, PERSON_LINKED, PERSON_LINKED_BEGUN)),
    Migration(9, "an index to the newest events", INDEX_OF_ARRIVALS),
    Migration(10, "the persons of whole days", SETTLED_DAYS),
)


def statements(migration: Migration, *, database: str = "default", cluster: str = "") -> tuple[str, ...]:
    """The migration's statements for one server, or for a cluster (`ON CLUSTER`, replicated engines)."""
    return tuple(_fill(text, database, cluster) for text in migration.statements)


def _fill(text: str, database: str, cluster: str) -> str:
    def engine(found: re.Match[str]) -> str:
        name, _, arguments = found.group(1).partition("(")
        arguments = arguments.rstrip(")")
        if not cluster:
            return f"{name}({arguments})"
        path = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
        return f"Replicated{name}({', '.join(filter(None, (path, arguments)))})"

    text = re.sub(r"\{\{engine:([^}]+)\}\}", engine, text)
    text = text.replace("{{cluster}}", f" ON CLUSTER '{cluster}'" if cluster else "")
    return text.replace("{{database}}", database).strip()


def migrate(store: Store, *, cluster: str = "") -> int:
    """Bring the store to the newest schema; returns its number. Safe to run again and after a crash in the middle.

    Raises EngineError when the store was written by a newer Bihuan.
    """
    database = str(store.fetch("SELECT currentDatabase() AS name").rows[0]["name"])
    for statement in statements(Migration(0, "", (SCHEMA_VERSION,)), database=database, cluster=cluster):
        store.command(statement)
    current = int(store.fetch("SELECT max(number) AS number FROM schema_version").rows[0]["number"])
    newest = MIGRATIONS[-1].number
    if current > newest:
        raise EngineError(
            "The store has schema {current}, made by a newer Bihuan; this one knows {newest}. Upgrade Bihuan.",
            current=current,
            newest=newest,
        )
    for migration in MIGRATIONS[current:]:
        for statement in statements(migration, database=database, cluster=cluster):
            store.command(statement)
        store.command(
            "INSERT INTO schema_version SELECT {number:UInt32}, {title:String}, now64(3, 'UTC')",
            {"number": migration.number, "title": migration.title},
        )
    return newest
