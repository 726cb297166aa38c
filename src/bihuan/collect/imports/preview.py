"""The first rows of a source as what they would become, for somebody to check before anything is stored."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping as Dictionary
from typing import Any

from bihuan.collect.imports.chosen import with_guesses
from bihuan.collect.imports.encodings import likely_encoding
from bihuan.collect.imports.errors import ImportProblem, Reject
from bihuan.collect.imports.kinds import converter
from bihuan.collect.imports.mapping import KINDS
from bihuan.collect.imports.plan import Plan, look, make_plan
from bihuan.collect.imports.readers import Chunk
from bihuan.collect.imports.source import FileSource, Source
from bihuan.engine.schema import COLUMNS

SHOWN = 8  # rows


def preview(source: Source, given: Dictionary[str, Any], *, guess: bool, zone: str, currency: str = "") -> dict[str, Any]:
    """A document with the source's `columns` and first `cells`, the `mapping` (as a person would write it, and as `yaml`), what was
    `guessed`, the first `rows` as they would be stored and `rejects`; instead of the latter five a `problem`: [sentence, its values],
    and `so_far`, what could be guessed of the mapping all the same."""
    encoding = str(given.get("encoding") or "")
    if not encoding and isinstance(source, FileSource):
        encoding = likely_encoding(source.path)
    try:
        first, _ = look(source, encoding=encoding, delimiter=str(given.get("delimiter") or ""))
    except ImportProblem as error:
        return {"columns": [], "cells": [], "problem": _said(error)}
    found: dict[str, Any] = {"columns": list(first.columns), "cells": _cells(first)}
    try:
        plan = make_plan(source, given, guess=guess)
        return found | _rows(plan, zone, currency)
    except ImportProblem as error:
        start = {"so_far": with_guesses(given, list(first.columns))} if guess and given.get("kind", "events") in KINDS else {}
        return found | start | {"problem": _said(error)}


def _rows(plan: Plan, zone: str, currency: str) -> dict[str, Any]:
    convert = converter(plan, project_id=0, zone=zone, currency=currency, stamp=int(time.time() * 1000))
    converted = convert.convert(plan.first)
    show = {"events": _event, "persons": _person}.get(plan.mapping.kind, _number)
    return {
        "mapping": plan.mapping.given(),
        "yaml": plan.mapping.yaml(),
        "guessed": dict(plan.guessed),
        "rows": [show(row) for row in converted.table.slice(0, SHOWN).to_pylist()],
        "rejects": [_reject(one) for one in converted.rejects[:SHOWN]],
        "rejected": len(converted.rejects),
        "looked_at": converted.kept + len(converted.rejects),
    }


def _event(row: dict[str, Any]) -> dict[str, Any]:
    """An event with all its properties together, wherever they are stored."""
    builtin = {name: row[name] for name in COLUMNS if row.get(name)}
    person = row.get("user_id") or row.get("anonymous_id")
    about = _pairs(builtin | json.loads(row["props"]))
    return {"at": row["at"], "name": row["name"], "person": person, "number": row.get("revenue"), "about": about}


def _person(row: dict[str, Any]) -> dict[str, Any]:
    """A person with all ids, and what would be set."""
    ids = [row["user_id"], row["anonymous_id"], *json.loads(row["ids"] or "{}").values()]
    set_once = {f"{name} *": value for name, value in json.loads(row["once"] or "{}").items()}
    about = _pairs(json.loads(row["traits"] or "{}") | set_once)
    return {"at": row["at"], "person": ", ".join(filter(None, ids)), "about": about, "once": bool(set_once)}


def _number(row: dict[str, Any]) -> dict[str, Any]:
    """A measured number with what it is about."""
    return {"at": row["at"], "name": row["metric"], "number": row["value"], "about": _pairs(json.loads(row["dimensions"]))}


def _pairs(values: dict[str, Any]) -> list[list[str]]:
    return [[name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)] for name, value in values.items()]


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
