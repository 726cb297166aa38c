"""Holds what arrives to the plan: the writer's one hook. What is to be kept out goes to the quarantine, what is wrong is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from bihuan.collect.events import Event, Rejected, clean_text, event_key
from bihuan.collect.plan.check import Plan, Violation
from bihuan.collect.quarantine import body_of
from bihuan.collect.seen_keys import SeenKeys
from bihuan.collect.sorted_runs import Hashes
from bihuan.engine.schema import COLUMNS

REASON = "plan"
OUT = "quarantined"
FIXES = {
    "undeclared_event": "“{event}” is not in the tracking plan: add it there, or mend its name.",
    "undeclared_property": "“{property}” is not a property of “{event}” in the tracking plan: add it there, or drop or rename it.",
    "missing": "“{event}” must have “{property}”: let the client send it, or set it here.",
    "wrong_type": "“{property}” must be of type {expected} and is {value}: let the client send that, or convert it here.",
    "not_allowed": "“{property}” must be one of {expected} and is {value}.",
    "bad_pattern": "“{property}” must be like {expected} and is {value}.",
    "out_of_range": "“{property}” must be {expected} and is {value}.",
}

Plans = Callable[[int], Plan | None]


class Found(NamedTuple):
    """A violation as a row of the table `violations`, but for the time of its arrival."""

    project_id: int
    event: str
    property: str
    kind: str
    expected: str
    value: str
    source: str
    app_version: str
    verdict: str  # taken or quarantined
    event_key: int


def no_plans(project_id: int) -> Plan | None:
    """No project has a plan."""
    return None


def enforce(events: Sequence[Event], plans: Plans) -> tuple[Sequence[Event], list[Rejected], list[Found]]:
    """The events that may be taken, those that go to the quarantine, and what is wrong with any of them."""
    refused: set[int] = set()
    rejected: list[Rejected] = []
    found: list[Found] = []
    for place, event in enumerate(events):
        if not event.store:
            continue
        plan = plans(event.project_id)
        if plan is None:
            continue
        wrong = plan.check(event.name, event.props)
        if not wrong:
            continue
        kept_out = any(one.quarantine for one in wrong)
        key = event_key(event.project_id, event.source, event.key)
        version = event.props.get("app_version")
        found += _rows(wrong, event.project_id, event.name, event.source, version if isinstance(version, str) else "", key, kept_out)
        if kept_out:
            refused.add(place)
            detail = reasons(event.name, wrong)
            rejected.append(
                Rejected(project_id=event.project_id, source=event.source, reason=REASON, detail=detail, key=event.key, body=body_of(event))
            )
    taken = [event for place, event in enumerate(events) if place not in refused] if refused else events
    return taken, rejected, found


def enforce_columns(columns: dict[str, list[Any]], project_id: int, source: str, plans: Plans) -> tuple[list[Rejected], list[Found]]:
    """`enforce` for rows that come as columns (`Writer.submit_lists`): takes those that are kept out from `columns`."""
    plan = plans(project_id)
    if plan is None or not columns["event_key"]:
        return [], []
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    special = [name for name in (*COLUMNS, "revenue") if name in columns]
    rejected: list[Rejected] = []
    found: list[Found] = []
    refused: set[int] = set()
    values = zip(*(columns[name] for name in special), strict=True) if special else iter([()] * len(columns["event_key"]))
    for place, (name, text, given) in enumerate(zip(columns["name"], columns["props"], values, strict=True)):
        props = decode(text)
        props.update((column, value) for column, value in zip(special, given, strict=True) if value not in (None, ""))
        wrong = plan.check(name, props)
        if not wrong:
            continue
        kept_out = any(one.quarantine for one in wrong)
        key = columns["event_key"][place]
        found += _rows(wrong, project_id, name, source, str(props.get("app_version", "")), key, kept_out)
        if kept_out:
            refused.add(place)
            whole = {column: cells[place] for column, cells in columns.items()}
            detail = reasons(name, wrong)
            rejected.append(Rejected(project_id=project_id, source=source, reason=REASON, detail=detail, body=body_of(whole)))
    if refused:
        keep = [place for place in range(len(columns["event_key"])) if place not in refused]
        for name, cells in columns.items():
            columns[name] = [cells[place] for place in keep]
    return rejected, found


def of_stored(found: Sequence[Found], rejected: list[Rejected], fresh: Hashes, keys: SeenKeys) -> tuple[list[Found], list[Rejected]]:
    """What is to be noted: violations of events that are stored for the first time (their keys: `fresh`) or kept out, once for each. An
    event that is stored already, from before the plan was as it is, is a repeat and not kept out."""
    if not found:
        return [], rejected
    once = {(one.event_key, one.property, one.kind): one for one in reversed(found)}  # of one sent twice, what came first
    taken = np.isin(np.fromiter((key for key, _, _ in once), dtype=np.uint64, count=len(once)), fresh)
    new = keys.known(np.fromiter((key for key, _, _ in once), dtype=np.uint64, count=len(once)))
    noted = [
        one for one, is_taken, is_old in zip(once.values(), taken, new, strict=True) if is_taken or (one.verdict == OUT and not is_old)
    ]
    repeated = {one.event_key for one, is_old in zip(once.values(), new, strict=True) if one.verdict == OUT and is_old}
    kept = [one for one in rejected if one.reason != REASON or event_key(one.project_id, one.source, one.key) not in repeated]
    return noted, kept


def reasons(event: str, wrong: Sequence[Violation]) -> str:
    """What is wrong and what to do, for people: the gravest first, at most five."""
    graves = sorted(wrong, key=lambda one: not one.quarantine)[:5]
    texts = [
        FIXES[one.kind].format(event=event, property=one.property, expected=one.expected, value=one.value[:80] or "–") for one in graves
    ]
    return " ".join(texts)


def _rows(wrong: Sequence[Violation], project: int, event: str, source: str, version: str, key: int, kept_out: bool) -> Iterable[Found]:
    verdict = OUT if kept_out else "taken"
    for one in wrong:
        yield Found(
            project, clean_text(event), clean_text(one.property), one.kind, one.expected, one.value, source, version[:100], verdict, key
        )
