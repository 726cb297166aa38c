"""A run over quarantined events: mend each and send it through the collector as its client would, or discard it; a row says the outcome.

It may be killed anywhere and goes on: what has an outcome is not taken again, and an event that was stored before its outcome was
noted is known by its key.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from bihuan.collect.client import Collector
from bihuan.collect.events import BadEvent, canonical_props
from bihuan.collect.plan.check import Plan
from bihuan.collect.quarantined.mending import Item, Mended, Step, Steps, judged, mended, read
from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.collect.quarantined.sql import DONE, chosen
from bihuan.collect.rows import money
from bihuan.engine.question import Scope
from bihuan.engine.schema import COLUMNS
from bihuan.engine.store import Store
from bihuan.engine.visible import Binder

AT_ONCE = 500
STEPS = TypeAdapter(Steps)
COUNTS = """
SELECT outcome, count() AS number FROM quarantine_outcomes FINAL
WHERE project_id = {project:UInt32} AND run = {run:UInt32} GROUP BY outcome
"""
_TYPES = {"project_id": "UInt32", "item": "UInt64", "outcome": "String", "detail": "String", "run": "UInt32", "at": "DateTime64(3, 'UTC')"}


class Done(NamedTuple):
    item: int
    outcome: str
    detail: str


class Run(NamedTuple):
    """One run: which events (those that had arrived by `until`, ms), and what to do with them."""

    number: int
    project_id: int
    zone: str
    spec: QuarantinedSpec
    steps: tuple[Step, ...]
    until: int
    discard: bool

    @classmethod
    def of(cls, number: int, project_id: int, zone: str, payload: Mapping[str, Any]) -> Run:
        spec = QuarantinedSpec.model_validate(payload["spec"])
        return cls(number, project_id, zone, spec, STEPS.validate_python(payload["steps"]), int(payload["until"]), bool(payload["discard"]))


def waiting(store: Store, run: Run, limit: int) -> list[Item]:
    """The next events that this run has not looked at, the oldest first."""
    binder = Binder()
    scope = Scope(run.project_id, run.zone, datetime.now(UTC))
    sql = f"""
WITH quarantined AS (
  SELECT received_at, source, reason, detail, event_key, body, cityHash64(received_at, source, reason, event_key, q.body) AS item
  FROM quarantine AS q WHERE project_id = {binder.bind(run.project_id, "UInt32")})
SELECT item, source, reason, event_key, body, toUnixTimestamp64Milli(received_at) AS received
FROM quarantined
WHERE received_at <= fromUnixTimestamp64Milli({binder.bind(run.until, "Int64")}, 'UTC') AND {chosen(run.spec, scope, binder)}
  AND item NOT IN (SELECT item FROM quarantine_outcomes FINAL WHERE project_id = {binder.bind(run.project_id, "UInt32")}
    AND (outcome IN {DONE} OR run = {binder.bind(run.number, "UInt32")}))
ORDER BY received_at, item LIMIT {binder.bind(limit, "UInt32")}"""
    return [
        Item(int(row["item"]), row["source"], row["reason"], int(row["event_key"]), row["body"], int(row["received"]))
        for row in store.fetch(sql, binder.params).rows
    ]


def step(store: Store, collector: Collector, run: Run, plan: Plan | None) -> int:
    """Do the next portion; how many these were. 0: nothing is left."""
    items = waiting(store, run, AT_ONCE)
    if items:
        done = [Done(item.number, "discarded", "") for item in items] if run.discard else _replayed(store, collector, run, plan, items)
        note(store, run, done)
    return len(items)


def note(store: Store, run: Run, done: Sequence[Done]) -> None:
    """Write what became of events; the same said again is the same."""
    now = datetime.now(UTC)
    rows = [(run.project_id, one.item, one.outcome, one.detail, run.number, now) for one in done]
    store.insert("quarantine_outcomes", list(_TYPES), list(zip(*rows, strict=True)), list(_TYPES.values()))


def counts(store: Store, project_id: int, run: int) -> dict[str, int]:
    """How many events had which outcome in a run."""
    return {row["outcome"]: int(row["number"]) for row in store.fetch(COUNTS, {"project": project_id, "run": run}).rows}


def tried(items: Iterable[Item], run: Run, plan: Plan | None) -> list[tuple[Item, Mended | None, str]]:
    """Each with the mended event, if it can be one, and why it would not be taken ('' when it would)."""
    zone, now = ZoneInfo(run.zone), int(time.time() * 1000)
    found: list[tuple[Item, Mended | None, str]] = []
    for item in items:
        try:
            one = mended(read(item, run.project_id), run.steps, item, zone)
        except (BadEvent, ValueError, TypeError) as error:
            found.append((item, None, str(error)))
        else:
            found.append((item, one, judged(one.event, now, plan)))
    return found


def _replayed(store: Store, collector: Collector, run: Run, plan: Plan | None, items: Sequence[Item]) -> list[Done]:
    looked = tried(items, run, plan)
    good = [(item, one) for item, one, problem in looked if one is not None and not problem]
    keys = [one.event_key for _, one in good]
    before = _stored(store, run, keys)
    _send(collector, run, [one for _, one in good])
    after = _stored(store, run, keys)
    done = [Done(item.number, "refused", problem) for item, _, problem in looked if problem]
    for item, one in good:
        at = before.get(one.event_key)
        if at is not None and at <= run.until:
            done.append(Done(item.number, "duplicate", ""))
        elif one.event_key in after or not one.event.store:
            done.append(Done(item.number, "stored", ""))
        else:
            done.append(Done(item.number, "refused", "The collector did not take it; it stands in the quarantine again, with the reason."))
    return done


def _stored(store: Store, run: Run, keys: Sequence[int]) -> dict[int, int]:
    """Those of the keys that are stored, with when they arrived (ms)."""
    sql = """SELECT event_key, toUnixTimestamp64Milli(received_at) AS at FROM events
    WHERE project_id = {project:UInt32} AND event_key IN {keys:Array(UInt64)}"""
    return {int(row["event_key"]): int(row["at"]) for row in store.fetch(sql, {"project": run.project_id, "keys": list(keys)}).rows}


def _send(collector: Collector, run: Run, ready: Sequence[Mended]) -> None:
    """Through the same door as everything: events as events, rows of imports, whose keys are numbers alone, as columns."""
    collector.send(one.event for one in ready if one.event.key != str(one.event_key))
    rows: dict[str, list[Mended]] = {}
    for one in ready:
        if one.event.key == str(one.event_key):
            rows.setdefault(one.event.source, []).append(one)
    for source, several in rows.items():
        collector.send_columns(_columns(several), project_id=run.project_id, source=source)


def _columns(rows: Sequence[Mended]) -> Any:
    import pyarrow as pa

    special = {name: [str(one.event.props[name]) if name in one.event.props else None for one in rows] for name in COLUMNS}
    others = [{name: value for name, value in one.event.props.items() if name not in special and name != "revenue"} for one in rows]
    return pa.table(
        {
            "event_key": pa.array([one.event_key for one in rows], pa.uint64()),
            "name": pa.array([one.event.name for one in rows], pa.string()),
            "at": pa.array([one.event.at for one in rows], pa.int64()),
            "user_id": pa.array([one.event.user_id for one in rows], pa.string()),
            "anonymous_id": pa.array([one.event.anonymous_id for one in rows], pa.string()),
            "revenue": pa.array([money(one.event.props.get("revenue")) for one in rows], pa.float64()),
            "props": pa.array([canonical_props(props) for props in others], pa.string()),
            **{name: pa.array(values, pa.string()) for name, values in special.items()},
        }
    )
