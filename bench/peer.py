"""The same questions as a leading open-source product keeps and asks them, on the same engine and events.

Its shape: a ReplacingMergeTree ordered by project, day, event and a hash of the id; ids are texts, people UUIDs, properties one JSON
text; who an event belongs to after merges is joined from a table of overrides; a funnel looks ahead with window functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bench.events import LAST_DAY

PEER = """
CREATE TABLE peer (
  uuid UUID, event String, properties String CODEC(ZSTD(3)), timestamp DateTime64(6, 'UTC'), team_id Int64, distinct_id String,
  person_id UUID, person_created_at DateTime64(3, 'UTC'), inserted_at DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(inserted_at) PARTITION BY toYYYYMM(timestamp)
ORDER BY (team_id, toDate(timestamp), event, cityHash64(distinct_id), cityHash64(uuid))
"""
OVERRIDES = """
CREATE TABLE overrides (team_id Int64, distinct_id String, person_id UUID, is_deleted Int8, version Int64)
ENGINE = ReplacingMergeTree(version) ORDER BY (team_id, distinct_id)
"""
AS_UUID = "reinterpretAsUUID(bitShiftLeft(toUInt128(65537), 96) + toUInt128({number}))"
FILL_PEER = f"""
INSERT INTO peer SELECT reinterpretAsUUID(toUInt128(event_key) * 3), event,
  concat('{{"path":', toJSONString(path), ',"utm_source":', toJSONString(utm_source), ',"country":', toJSONString(country),
    ',"device":', toJSONString(device), if(revenue IS NULL, '', concat(',"revenue":', toString(revenue))), ',', substring(props, 2)),
  ts, project_id, concat('user-', toString(person_id)), {AS_UUID.format(number="person_id")}, began, received_at
FROM events JOIN (
  SELECT person_id, min(began) OVER (PARTITION BY merged) AS began
  FROM (
    SELECT person_id, min(ts) AS began, dictGetOrDefault('person_map', 'person', toUInt64(person_id), person_id) AS merged
    FROM events GROUP BY person_id
  )
) AS beginnings USING person_id
"""
FILL_OVERRIDES = f"""
INSERT INTO overrides SELECT project_id, concat('user-', toString(person_id)), {AS_UUID.format(number="canonical")}, 0, version
FROM person_links
"""
JOINED = """peer AS e LEFT OUTER JOIN (
    SELECT argMax(o.person_id, version) AS person_id, distinct_id FROM overrides AS o
    WHERE team_id = 1 GROUP BY distinct_id HAVING argMax(is_deleted, version) = 0
  ) AS merged ON e.distinct_id = merged.distinct_id"""
WHO = "if(NOT empty(merged.distinct_id), merged.person_id, e.person_id)"


def within(days: int) -> str:
    last = f"toDateTime64('{LAST_DAY} 23:59:59.999999', 6, 'UTC')"
    return f"team_id = 1 AND timestamp >= toDateTime64('{first_day(days)} 00:00:00', 6, 'UTC') AND timestamp <= {last}"


def first_day(days: int) -> date:
    return date.fromordinal(LAST_DAY.toordinal() - days + 1)


def counts(event: str, days: int) -> str:
    return f"SELECT toDate(timestamp) AS day, count() AS n FROM peer WHERE {within(days)} AND event = '{event}' GROUP BY day"


def people(days: int, *, event: str = "", where: str = "1", part: str = "") -> str:
    """People a day, and by a property of the JSON."""
    named = f"event = '{event}'" if event else "1"
    value = f", replaceRegexpAll(JSONExtractRaw(properties, '{part}'), '^\"|\"$', '') AS part" if part else ""
    return f"""SELECT toDate(timestamp) AS day{value}, count(DISTINCT {WHO}) AS n FROM {JOINED}
  WHERE {within(days)} AND {named} AND {where} GROUP BY day{", part" if part else ""}"""


def funnel(steps: Sequence[str], days: int, window: int) -> str:
    """How many people came to each level: for each event the nearest later ones of the steps after it, by a window for each step."""
    last = len(steps) - 1
    marks = ", ".join(
        f"if(event = '{name}', 1, 0) AS step_{n}, if(step_{n} = 1, timestamp, NULL) AS latest_{n}" for n, name in enumerate(steps)
    )
    inner = f"SELECT {WHO} AS person, timestamp, {marks} FROM {JOINED} WHERE {within(days)} AND event IN {tuple(steps)!r}"
    over = "OVER (PARTITION BY person ORDER BY timestamp DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 0 PRECEDING)"
    for n in range(last, 0, -1):
        found = ", ".join(f"min(latest_{k}) {over} AS latest_{k}" if k >= n else f"latest_{k}" for k in range(1, last + 1))
        kept = ", ".join(f"step_{k}" for k in range(last + 1))
        inner = f"SELECT person, timestamp, {kept}, latest_0, {found} FROM ({inner})"
        if n > 1:
            later = ", ".join(
                f"if(latest_{k} < latest_{k - 1}, NULL, latest_{k}) AS latest_{k}" if k >= n else f"latest_{k}" for k in range(1, last + 1)
            )
            inner = f"SELECT person, timestamp, {kept}, latest_0, {later} FROM ({inner})"
    reached = "1"
    for n in range(1, last + 1):
        test = " AND ".join(f"latest_{k - 1} <= latest_{k} AND latest_{k} <= latest_0 + INTERVAL {window} DAY" for k in range(1, n + 1))
        reached = f"if({test}, {n + 1}, {reached})"
    return f"""SELECT level, count() AS n FROM (
    SELECT person, max(steps) AS level FROM (SELECT *, {reached} AS steps FROM ({inner}) WHERE step_0 = 1) GROUP BY person
  ) GROUP BY level"""


def retention(start: str, back: str, days: int, periods: int) -> str:
    def active(event: str) -> str:
        days_ = f"SELECT {WHO} AS person, toDate(timestamp) AS day FROM {JOINED}"
        return f"{days_} WHERE {within(days)} AND event = '{event}' GROUP BY person, day"

    return f"""SELECT first.day AS day, dateDiff('day', first.day, again.day) AS after, count(DISTINCT first.person) AS n
  FROM ({active(start)}) AS first JOIN ({active(back)}) AS again ON first.person = again.person
  WHERE after BETWEEN 0 AND {periods} GROUP BY day, after"""


def lifecycle(event: str, days: int) -> str:
    begin = first_day(days)
    return f"""SELECT day, status, count() AS n FROM (
    SELECT person,
      arraySort(groupUniqArray(toDate(timestamp))) AS active,
      toDate(min(created)) AS began,
      arrayPopBack(arrayPushFront(active, began)) AS before,
      arrayPopFront(arrayPushBack(active, toDate('1970-01-01'))) AS after,
      arrayMap((now, then) -> multiIf(now = began, 'new', now - then = 1 AND then != began OR now - then = 1, 'returning', 'resurrecting'),
        active, before) AS initial,
      arrayMap((now, next) -> if(now + 1 = next, '', 'dormant'), active, after) AS final,
      arrayJoin(arrayConcat(arrayZip(active, initial), arrayZip(arrayMap(now -> now + 1, active), final))) AS told,
      told.1 AS day, told.2 AS status
    FROM (
      SELECT {WHO} AS person, timestamp, person_created_at AS created FROM {JOINED}
      WHERE {within(days + 1)} AND event = '{event}'
    )
    GROUP BY person
  ) WHERE status != '' AND day BETWEEN '{begin}' AND '{LAST_DAY}' GROUP BY day, status"""


def segment(often: str, times: int, never: str, days: int) -> str:
    return f"""SELECT count() AS n FROM (
    SELECT {WHO} AS person FROM {JOINED} WHERE {within(days)} AND event IN ('{often}', '{never}')
    GROUP BY person HAVING countIf(event = '{often}') >= {times} AND countIf(event = '{never}') = 0)"""


def paths(days: int, *, steps: int = 5, pause: int = 1800) -> str:
    """The fifty most frequent links between the first nodes of visits (`pause` in seconds): each person's events are sorted and cut at
    pauses, what repeats is taken out, and each node is told with its place."""
    return f"""SELECT source, target, count() AS n, avg(took) AS took FROM (
    SELECT person, link.1 AS source, link.2 AS target, link.3 AS took
    FROM (
      SELECT person,
        arrayJoin(arraySplit(one -> one.3 > {pause}, zipped)) AS visit,
        arrayFilter((one, place) -> place = 1 OR one.2 != visit[place - 1].2, visit, arrayEnumerate(visit)) AS compact,
        arraySlice(compact, 1, {steps}) AS way,
        arrayMap((one, place) -> concat(toString(place), '_', one.2), way, arrayEnumerate(way)) AS keys,
        arrayJoin(arrayZip(arrayPushFront(arrayPopBack(keys), ''), keys, arrayMap(one -> one.3, way))) AS link
      FROM (
        SELECT person, groupArray(at) AS ats, groupArray(item) AS items, arrayZip(ats, items, arrayDifference(ats)) AS zipped
        FROM (
          SELECT {WHO} AS person, toUnixTimestamp64Milli(timestamp) / 1000 AS at, event AS item
          FROM {JOINED} WHERE {within(days)} ORDER BY person, timestamp
        )
        GROUP BY person
      )
    ) WHERE source != ''
  ) GROUP BY source, target ORDER BY n DESC LIMIT 50"""


def timeline(person: int) -> str:
    uuid = AS_UUID.format(number=str(person))
    return f"""SELECT timestamp AS ts, event, properties FROM {JOINED}
  WHERE team_id = 1 AND {WHO} = {uuid} ORDER BY timestamp DESC LIMIT 100"""
