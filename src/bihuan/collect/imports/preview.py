"""The first rows of a file as the events that they would become, for somebody to check before anything is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping as Dictionary
from pathlib import Path
from typing import Any

from bihuan.collect.imports.convert import Converter
from bihuan.collect.imports.errors import ImportProblem, Reject
from bihuan.collect.imports.plan import Plan, look, make_plan
from bihuan.collect.imports.readers import Chunk
from bihuan.engine.schema import COLUMNS

SHOWN = 8  # rows


def preview(path: Path, given: Dictionary[str, Any], *, guess: bool, zone: str) -> dict[str, Any]:
    """A document with the file's `columns` and first `cells`, the `mapping` (as a person would write it, and as `yaml`), what was
    `guessed`, the first `events` and `rejects`; instead of the latter five a `problem`: [sentence, its values]."""
    try:
        first, _ = look(path, encoding=str(given.get("encoding") or ""), delimiter=str(given.get("delimiter") or ""))
    except ImportProblem as error:
        return {"columns": [], "cells": [], "problem": _said(error)}
    found: dict[str, Any] = {"columns": list(first.columns), "cells": _cells(first)}
    try:
        plan = make_plan(path, given, guess=guess)
        return found | _events(plan, zone)
    except ImportProblem as error:
        return found | {"problem": _said(error)}


def _events(plan: Plan, zone: str) -> dict[str, Any]:
    converted = Converter(plan, project_id=0, zone=zone).convert(plan.first)
    rows = converted.events.slice(0, SHOWN).to_pylist()
    return {
        "mapping": plan.mapping.model_dump(mode="json", exclude_defaults=True),
        "yaml": plan.mapping.yaml(),
        "guessed": dict(plan.guessed),
        "events": [_event(row) for row in rows],
        "rejects": [_reject(one) for one in converted.rejects[:SHOWN]],
        "rejected": len(converted.rejects),
        "looked_at": converted.events.num_rows + len(converted.rejects),
    }


def _event(row: dict[str, Any]) -> dict[str, Any]:
    """An event with all its properties together, wherever they are stored."""
    builtin = {name: row[name] for name in COLUMNS if row.get(name)}
    properties = builtin | json.loads(row["props"])
    event = {name: row.get(name) for name in ("name", "at", "user_id", "anonymous_id", "revenue")}
    return event | {"properties": [[name, value if isinstance(value, str) else json.dumps(value)] for name, value in properties.items()]}


def _cells(first: Chunk) -> list[list[str]]:
    """The first rows as text, a list for each row."""
    columns = [column.texts().slice(0, SHOWN).to_pylist() for column in first.columns.values()]
    return [["" if cell is None else cell for cell in row] for row in zip(*columns, strict=True)]


def _reject(one: Reject) -> list[Any]:
    return [one.line, one.reason.msgid, _texts(one.reason.values)]


def _said(error: ImportProblem) -> list[Any]:
    return [error.msgid, _texts(error.values)]


def _texts(values: Dictionary[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
