"""What a question may see: the CTEs that `ask` puts before every statement, so that no author can forget them.

`visible`   the project's events in the period that the question reads, with `person` (0: nobody) after all links, and `event_key`;
`history`   the same without the period, for what people did before;
`daily`  (event, day, events, nobody, persons): how often each event came on a day, how often of nobody, and the bitmap of its people;
`daily_any`  the same of any event from outside, their name is ''; `daily_ever`, `daily_any_ever` without the period;
`traits_now`  (person, name, value): each person's present properties, value as JSON text;
`traits_past`  (person, name, at, value): what each person's property has been from `at` (milliseconds since 1970) on, 'null': nothing;
`everyone`  (person): whom the project knows by an id, once for each of their ids;
`ids`  (person, id_type, id, first_seen): every id, with the person it belongs to; `id_numbers` has each id's own `number` too, and in
   `id` also what is hidden: it is for finding an id that one knows; what is shown of it is `shown_id`;
`own_traits`  the present properties, and `own_ids`  the ids, of whom the number that the statement binds as `own_person` belongs to, or of
   hardly more: with `WHERE person = OWNER` as `traits_now` and `ids`, and quicker;
`identity_acts`  (act, at, kind, one, other, of, why, by): what was said of who is who, see `collect.identity`;
`kept`  (list, person): lists of people that were kept as they were once;
`seen`  (event, property, type, first_seen, last_seen): what properties have come with which event ('': of persons);
`measured`  (metric, day, at, dimensions, value): numbers measured elsewhere in the period, `dimensions` as a JSON object of texts;
`quarantined`  (received_at, source, reason, detail, event_key, body, item): what was not accepted, and why; `item` names the row;
`outcomes`  (item, outcome, detail, run, at): what became of such a row afterwards: mended and stored, refused again, discarded;
`violations`  (event, property, kind, expected, value, source, app_version, verdict, event_key, received_at): where an event is not as
   the tracking plan says, once for each event; `verdict` is taken or quarantined;
`refused`  (at, status, code, detail, path, client, key_prefix, number): requests that were turned away at the door.

Hidden properties are empty in all of them; `body` is, where anything is hidden. `history_all`, `traits_all` and `traits_past_all` have
them: only a saved segment's conditions read these.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from bihuan.engine import profile, rollup
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import Period
from bihuan.engine.person_map import person_of
from bihuan.engine.question import Scope
from bihuan.engine.rollup import Counted
from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS

HIDDEN = "The property “{name}” is hidden from you; ask an owner of the project for access."
MOST_VALUES = 300
DOTS = "•••"  # instead of an id that is hidden
LOOKS = {"email": "^[^@ ]+@[^@ ]+[.][^@ ]+$", "phone": f"^([+][0-9][0-9 ()-]+|(86)?1[3-9]{'[0-9]' * 9})$"}
PERSON = person_of("person_id")
SUPPOSED = "transform(person_id, {{scope_numbers:Array(UInt32)}}, {{scope_persons:Array(UInt32)}}, {person})"


# SQL: the person that the number `own_person` belongs to after all links; and of a row, that its number is one of theirs, by which the
# store finds it: links of the past only add numbers that PERSON sorts out.
OWNER = f"(SELECT {person_of('{own_person:UInt32}')})"
OWN = f"""person_id IN (
    SELECT person_id FROM person_links WHERE project_id = {{scope_project:UInt32}} AND canonical = {OWNER} UNION ALL SELECT {OWNER})"""

OF_PERIOD = frozenset({"visible", "daily", "daily_any"})  # these hold nothing but events of the period
_TABLES = {  # what each of them comes from, besides who is who
    "events": ("visible", "history", "history_all", "daily", "daily_any", "daily_ever", "daily_any_ever"),
    "person_ids": ("everyone", "ids", "id_numbers", "own_ids"),
    "people_kept": ("kept",),
    "properties_seen": ("seen",),
    "identity_log": ("identity_acts",),
    "metric_values": ("measured",),
    "quarantine": ("quarantined",),
    "quarantine_outcomes": ("outcomes",),
    "plan_violations": ("violations",),
    "refusals": ("refused",),
}
_OF_TRAITS = frozenset({"traits_all", "traits_now", "traits_past", "traits_past_all", "own_traits"})  # some events set properties, too
_NAMES = re.compile(
    r"(?<!AS )\b(?:visible|history(?:_all)?|daily(?:_any)?(?:_ever)?|traits_(?:all|now|past(?:_all)?)|everyone|ids|id_numbers|identity_acts"
    r"|own_traits|own_ids|kept|seen|measured|quarantined|outcomes|violations|refused)\b"
)
NO_DAYS: Mapping[date, Counted] = {}
DAILY = {"daily": False, "daily_any": False, "daily_ever": True, "daily_any_ever": True}  # whether it is without the period


def ctes(
    scope: Scope, reads: Period, statement: str | None = None, *, whole: Mapping[date, Counted] = NO_DAYS, recent: bool = True
) -> tuple[str, dict[str, Any]]:
    """The text of the CTEs (without `WITH`) and their bound values; only those that `statement` names, when it is given.

    `whole` are the days that `engine.rollup` has counted; `recent` says whether there are links that the large map of people lacks.
    """
    seen = _event_columns(scope.hidden)
    tables = {
        "visible": f"""
  SELECT {seen}
  FROM events
  WHERE project_id = {{scope_project:UInt32}} AND day BETWEEN {{scope_since:Date}} AND {{scope_until:Date}}""",
        "history": f"""
  SELECT {seen}
  FROM events
  WHERE project_id = {{scope_project:UInt32}}""",
        "history_all": f"""
  SELECT {_event_columns(frozenset())}
  FROM events
  WHERE project_id = {{scope_project:UInt32}}""",
        "traits_all": profile.traits(PERSON),
        "traits_now": profile.traits(PERSON, unless="NOT has({scope_hidden:Array(String)}, name)"),
        "traits_past_all": _traits_past("1"),
        "traits_past": _traits_past("NOT has({scope_hidden:Array(String)}, name)"),
        "own_traits": profile.traits(PERSON, unless="NOT has({scope_hidden:Array(String)}, name)", only=OWN),
        "own_ids": _ids(scope.hidden, f"p.{OWN}"),
        "everyone": f"""
  SELECT {PERSON} AS person
  FROM person_ids
  WHERE project_id = {{scope_project:UInt32}}""",
        "ids": _ids(scope.hidden),
        "identity_acts": """
  SELECT act, at, kind, one, other, of, why, by
  FROM identity_log FINAL
  WHERE project_id = {scope_project:UInt32}""",
        "id_numbers": f"""
  SELECT person_id AS number, {PERSON} AS person, id_type, id, first_seen
  FROM person_ids FINAL
  WHERE project_id = {{scope_project:UInt32}}""",
        "kept": f"""
  SELECT DISTINCT list, {PERSON} AS person
  FROM people_kept
  WHERE project_id = {{scope_project:UInt32}}""",
        "seen": """
  SELECT event, property, type, min(p.first_seen) AS first_seen, max(p.last_seen) AS last_seen
  FROM properties_seen AS p
  WHERE project_id = {scope_project:UInt32} AND NOT has({scope_hidden:Array(String)}, property)
  GROUP BY event, property, type""",
        "measured": """
  SELECT metric, day, at, dimensions, argMax(value, version) AS value
  FROM metric_values
  WHERE project_id = {scope_project:UInt32} AND day BETWEEN {scope_since:Date} AND {scope_until:Date}
  GROUP BY metric, day, at, dimensions""",
        "quarantined": f"""
  SELECT received_at, source, reason, {_told(scope.hidden)},
    cityHash64(received_at, source, reason, event_key, q.body) AS item
  FROM quarantine AS q
  WHERE project_id = {{scope_project:UInt32}}""",
        "outcomes": """
  SELECT item, argMax(o.outcome, o.at) AS outcome, argMax(o.detail, o.at) AS detail, argMax(o.run, o.at) AS run, max(o.at) AS at
  FROM quarantine_outcomes AS o
  WHERE project_id = {scope_project:UInt32}
  GROUP BY item""",
        "violations": """
  SELECT event, property, kind, expected, value, source, app_version, verdict, event_key, received_at
  FROM plan_violations FINAL
  WHERE project_id = {scope_project:UInt32} AND NOT has({scope_hidden:Array(String)}, property)""",
        "refused": """
  SELECT at, status, code, detail, path, client, key_prefix, number
  FROM refusals
  WHERE project_id = {scope_project:UInt32}""",
    }
    params: dict[str, Any] = {} if statement is not None else {"own_person": 0}
    for name, ever in DAILY.items():
        if statement is not None and name in named(statement):
            days = NO_DAYS if scope.supposing else whole
            people = "persons" in statement
            tables[name], bound = rollup.daily(None if ever else reads, days, any_event="any" in name, people=people)
            params |= bound
    wanted = tables if statement is None else [name for name in tables if name in named(statement)]
    params |= {
        "scope_project": scope.project_id,
        "scope_since": reads.since,
        "scope_until": reads.until,
        "scope_hidden": sorted(scope.hidden),
        "scope_zone": scope.zone,
    }
    text = ",\n".join(f"{name} AS ({tables[name]}\n)" for name in wanted)
    person = person_of("person_id", recent=recent)
    text = text.replace(PERSON, SUPPOSED.format(person=person) if scope.supposing else person)
    if scope.supposing:
        params |= {"scope_numbers": list(scope.supposing), "scope_persons": list(scope.supposing.values())}
    return text, params


def _ids(hidden: frozenset[str], only: str = "1") -> str:
    """Every id with its person, once; `only` is one more condition on `p.person_id`."""
    return f"""
  SELECT {PERSON} AS person, id_type, {shown_id(hidden, "known.id")} AS id, first_seen
  FROM (
    SELECT id_type, id, max(p.person_id) AS person_id, min(p.first_seen) AS first_seen
    FROM person_ids AS p
    WHERE project_id = {{scope_project:UInt32}} AND {only}
    GROUP BY id_type, id
  ) AS known"""


def shown_id(hidden: Collection[str], id: str = "id") -> str:
    """An id, or dots where its type is hidden, or where e-mail addresses or phone numbers are and it looks like one."""
    looks = [f"match(toString({id}), '{LOOKS[name]}')" for name in LOOKS if name in hidden]
    return (
        f"if({' OR '.join(['has({scope_hidden:Array(String)}, toString(id_type))', *looks])}, '{DOTS}', toString({id}))" if hidden else id
    )


@lru_cache(500)
def named(statement: str) -> frozenset[str]:
    """The CTEs that a statement names, other than to call something of its own so; perhaps some more."""
    return frozenset(_NAMES.findall(statement))


@lru_cache(500)
def tables_of(statement: str) -> frozenset[str]:
    """The tables that an answer comes from, besides those that say who is who; perhaps some more."""
    names = named(statement)
    found = {table for table, holds in _TABLES.items() if not names.isdisjoint(holds)}
    found |= {"traits", "events"} if names & _OF_TRAITS else set()
    return frozenset(found | set(re.findall(rf"\b(?:{'|'.join((*_TABLES, 'traits'))})\b", statement)))


def _told(hidden: frozenset[str]) -> str:
    """What a rejected event says; what is wrong with its properties would tell their values."""
    return "if(reason = 'plan', '', detail) AS detail, event_key, '' AS body" if hidden else "detail, event_key, body"


def _traits_past(visible: str) -> str:
    """Each value with its beginning. What was set `once` holds from its earliest time on, until the first that was not."""
    return f"""
  SELECT person, name, step.1 AS at, step.2 AS value
  FROM (
    SELECT person, name, groupArrayIf((at, newest), NOT once) AS sets, minIf((at, newest), once) AS first, countIf(once) AS onces
    FROM (
      SELECT {PERSON} AS person, name, once, if(once, -rank, rank) AS at, max(value) AS newest
      FROM (
        SELECT name, person_id, once, rank, value FROM trait_history WHERE project_id = {{scope_project:UInt32}} AND {visible}
        UNION ALL
        SELECT name, person_id, once, rank, value FROM traits WHERE project_id = {{scope_project:UInt32}} AND {visible}
      )
      GROUP BY person, name, once, at
    )
    GROUP BY person, name
  )
  ARRAY JOIN if(onces > 0 AND first.1 < arrayMin(set -> set.1, arrayPushBack(sets, (9223372036854775807, ''))),
    arrayPushBack(sets, first), sets) AS step"""


def _event_columns(hidden: frozenset[str]) -> str:
    columns = ",\n    ".join(_column(name, hidden) for name in (*COLUMNS, *NUMBER_COLUMNS))
    return f"""
    event, day, ts, {PERSON} AS person, person_id, event_key,
    {columns},
    {_props(hidden)}, source, received_at"""


def _column(name: str, hidden: frozenset[str]) -> str:
    if name not in hidden:
        return name
    return f"CAST(NULL, 'Nullable(Float64)') AS {name}" if name in NUMBER_COLUMNS else f"'' AS {name}"


def _props(hidden: frozenset[str]) -> str:
    """The JSON of an event's other properties, without the hidden ones."""
    if not hidden:
        return "props"
    pairs = "arrayFilter(pair -> NOT has({scope_hidden:Array(String)}, pair.1), JSONExtractKeysAndValuesRaw(props))"
    return f"concat('{{', arrayStringConcat(arrayMap(pair -> concat(toJSONString(pair.1), ':', pair.2), {pairs}), ','), '}}') AS props"


class Binder:
    """Gives each bound value a name of its own; compile functions share one so that names never clash. A statement with more values
    than `MOST_VALUES` (a condition takes one to four) would keep the store busy before its bound of time even begins."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}

    def bind(self, value: Any, kind: str) -> str:
        """The placeholder of `value` as ClickHouse type `kind`, to be put into the statement."""
        if len(self.params) >= MOST_VALUES:
            raise QuestionError("There are too many conditions for one question: use fewer, or one with several values.", where="filter")
        name = f"v{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{kind}}}"


def property_text(name: str, scope: Scope, binder: Binder) -> str:
    """SQL for an event's property as text ('' when it has none): a string as it is, anything else as its JSON."""
    _check_visible(name, scope)
    if name in COLUMNS:
        return f"toString({name})"
    if name in NUMBER_COLUMNS:
        return f"ifNull(toString({name}), '')"
    key = binder.bind(name, "String")
    text, other = f"JSONExtractString(props, {key})", json_text(f"JSONExtractRaw(props, {key})")
    return f"if({text} != '', {text}, {other})"  # most are strings: the other way is taken for the rest alone


def property_number(name: str, scope: Scope, binder: Binder) -> str:
    """SQL for an event's property as Nullable(Float64): numbers, and texts that are one; a text like "nan" or "inf" is none."""
    _check_visible(name, scope)
    number = name if name in NUMBER_COLUMNS else f"toFloat64OrNull({property_text(name, scope, binder)})"
    return f"if(isFinite({number}), {number}, NULL)"


def json_text(raw: str) -> str:
    """SQL for a raw JSON value as text: strings unquoted, null and nothing as ''."""
    return f"multiIf(startsWith({raw}, '\"'), JSONExtractString({raw}), {raw} = 'null', '', {raw})"


def _check_visible(name: str, scope: Scope) -> None:
    if name in scope.hidden:
        raise QuestionError(HIDDEN, name=name, where=name)
