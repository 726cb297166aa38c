"""The plans of all projects as the collector keeps them: compiled again only where a definition has changed."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from bihuan.collect.plan.check import Plan

log = logging.getLogger("bihuan.collect")
Row = Sequence[Any]  # project, kind (event or plan), key, document


class Plans:
    """Compiled plans by project. Threads may share it: what changes is put in place whole."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Row]] = {}
        self._plans: dict[int, Plan] = {}

    def of(self, project_id: int) -> Plan | None:
        return self._plans.get(project_id)

    def take(self, rows: Iterable[Row]) -> None:
        """The definitions as they are now."""
        now: dict[int, list[Row]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row[0], row[1], row[2])):
            now[int(row[0])].append(row)
        plans = {project: self._plans[project] for project in now if project in self._plans and now[project] == self._rows.get(project)}
        for project in now.keys() - plans.keys():
            try:
                plans[project] = made(now[project])
            except (ValueError, KeyError, TypeError):
                log.exception("The tracking plan of project %s cannot be used; what held before goes on to hold.", project)
                if project in self._plans:
                    plans[project] = self._plans[project]
        self._plans, self._rows = plans, dict(now)


def made(rows: Iterable[Row]) -> Plan:
    """A plan from a project's rows; of several events with one name, that with the first key holds."""
    whole: dict[str, Any] = {}
    events = []
    for _project, kind, _key, document in rows:
        spec = json.loads(document) if isinstance(document, str | bytes) else document
        if kind == "plan":
            whole = spec
        else:
            events.append(spec)
    return Plan(whole, events)
