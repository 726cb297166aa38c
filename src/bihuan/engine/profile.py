"""A person's present properties out of what was set and what was added to it since: the SQL of `traits_now` in `engine.visible`.

What a client *sets* is a row of `traits`. What it *adds* (`$profile_increment`: to a number, `$profile_append`: to a list) and a profile it
deletes (`$profile_delete`) are events, which are stored once however often they are sent, and are applied when a property is read:

- a number is what was set last plus all that was added to it at that time or later; a list likewise, each of its items once;
- what was set only for want of a value holds if nothing was added before it;
- a deletion takes away what was said of the person until then, that millisecond included.

So it matters neither in which order they come nor whether the ids of a person were linked before or after: nothing is ever computed from a
value that was read before.
"""

from __future__ import annotations

INCREMENT = "$profile_increment"
APPEND = "$profile_append"
DELETE = "$profile_delete"

_NUMBER = "'^-?[0-9]+$'"


def traits(person: str, *, unless: str = "", only: str = "") -> str:
    """The CTE of (person, name, value); `person` is SQL for the person of a row, `unless` one more condition on `name`, `only` one on
    `person_id`."""
    among = f" AND {only}" if only else ""
    which = f"{among} AND {unless}" if unless else among
    return f"""
  WITH (
    SELECT (arrayConcat([toUInt32(0)], groupArray(person)), arrayConcat([toInt64(-1)], groupArray(at))) FROM (
      SELECT {person} AS person, max(toUnixTimestamp64Milli(ts)) AS at
      FROM events
      WHERE project_id = {{scope_project:UInt32}} AND event = '{DELETE}'{among}
      GROUP BY person
    )
  ) AS gone
  SELECT person, name, {_value()} AS value
  FROM (
    SELECT person, name, base, start, since,
      arrayMap(one -> one.4, arrayFilter(one -> one.3 = '{INCREMENT}', since)) AS added,
      arrayFlatten(arrayMap(one -> JSONExtractArrayRaw(one.4), arrayFilter(one -> one.3 = '{APPEND}', since))) AS items
    FROM (
      SELECT person, name, base,
        arrayFilter(one -> NOT is_set OR one.1 >= set_at, changes) AS since,
        if((is_set OR base = '' OR empty(changes) OR changes[1].1 >= once_at) AND base != 'null', base, '') AS start
      FROM (
        SELECT person, name,
          argMaxIf(value, (NOT once, rank), change = '') AS base,
          maxIf(rank, change = '' AND NOT once) AS set_at,
          minIf(-rank, change = '' AND once) AS once_at,
          countIf(change = '' AND NOT once) > 0 AS is_set,
          arraySort(groupArrayIf((at, event_key, change, value), change != '')) AS changes
        FROM (
          SELECT {person} AS person, name, value, once, rank, abs(rank) AS at, '' AS change, 0 AS event_key
          FROM traits
          WHERE project_id = {{scope_project:UInt32}}{which}
          UNION ALL
          SELECT {person}, pair.1 AS name, pair.2, false, 0, toUnixTimestamp64Milli(ts), event, event_key
          FROM events
          ARRAY JOIN JSONExtractKeysAndValuesRaw(props) AS pair
          WHERE project_id = {{scope_project:UInt32}} AND event IN ('{INCREMENT}', '{APPEND}'){which}
        )
        WHERE at > transform(person, gone.1, gone.2, toInt64(-1))
        GROUP BY person, name
      )
    )
  )
  WHERE value NOT IN ('null', '')"""


def _value() -> str:
    """The value of one property: what it was at the `start`, with the changes `since`, which are numbers `added` and `items` of lists."""
    many = "concat('[', arrayStringConcat(arrayDistinct(arrayConcat(JSONExtractArrayRaw(start), items)), ','), ']')"
    whole = "toString(toInt128OrZero(start) + arraySum(one -> toInt128OrZero(one), added))"
    broken = "toString(toFloat64OrZero(start) + arraySum(one -> toFloat64OrZero(one), added))"
    total = f"if(arrayAll(one -> match(one, {_NUMBER}), arrayPushBack(added, concat(start, '0'))), {whole}, {broken})"
    return f"""multiIf(
      empty(since), base,
      startsWith(start, '[') OR (start = '' AND empty(added)), {many},
      start = '' OR isNotNull(toFloat64OrNull(start)), {total},
      base)"""
