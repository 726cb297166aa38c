"""`ask`: the only door to the store for whoever wants an answer. Bounds, cache, cancelling and errors are here, once."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from bihuan.engine.errors import NotAllowed, QuestionError
from bihuan.engine.meta import used
from bihuan.engine.periods import Period
from bihuan.engine.person_map import has_recent
from bihuan.engine.question import Answer, Question, Scope, Spec, Statement
from bihuan.engine.rollup import Counted, whole_days
from bihuan.engine.store import Fetched, Store
from bihuan.engine.together import Together
from bihuan.engine.touched import mark, marked, table_of
from bihuan.engine.visible import OF_PERIOD, ctes, named, tables_of

S = TypeVar("S", bound=Spec)
R = TypeVar("R")

# What no answer comes from: what is known of days that are counted is told by `whole`.
NEVER_READ = frozenset({"day_rollup", "rolled_days", "person_linked", "person_map_read", "schema_version", "trait_history"})
WHOSE = frozenset({"", "person_links", "person_map", "person_recent"})  # who is who: every answer comes from these, too
LINKS = (*sorted(WHOSE), "person_map_read")  # what it depends on whether there are links that the large map of people lacks
EVER = datetime(1970, 1, 1, tzinfo=UTC)
CACHED_ANSWERS = 500
CACHED_ROWS = 5_000  # an answer with more rows is not kept


@dataclass(frozen=True)
class DataVersion:
    """Changes whenever an answer could: what `Store.changes` tells of the tables that answers read, and the newest arrival (aware).

    People are merged for answers when the dictionary has been read again, which is later than the link's row. `whole` are the days that
    need no look at their events (`rollup.whole_days`): they are no part of `state`, as an answer is the same with them or without, and
    whatever links they lack. So it is with `recent`: whether there are links that the large map of people lacks.
    """

    state: tuple[tuple[Any, ...], ...]
    fresh_to: datetime | None
    whole: Mapping[date, Counted] = field(default_factory=dict)
    rolled: tuple[Any, ...] | None = None  # what `whole` was read from
    recent: bool = True
    linked: tuple[Any, ...] | None = None  # what `recent` was read from

    def of(self, statement: Statement, reads: Period) -> tuple[tuple[Any, ...], ...]:
        """What an answer depends on: the tables that it comes from; of events those of its names, where the statement says these, and where
        it looks at nothing but events of whole days, how these were counted: events that come today make it no older."""
        tables, counted = WHOSE | tables_of(statement.sql), self._counted(statement.sql, reads)
        if counted:
            tables -= {"events"}
        own = {marked("events", mark(event)) for event in statement.events}
        rows = (row for row in self.state if table_of(row[0]) in tables and (not own or row[0] in own or row[0] == table_of(row[0])))
        return (*rows, *counted)

    def _counted(self, statement: str, reads: Period) -> tuple[tuple[Any, ...], ...]:
        """How the days were counted that a statement looks at, where it needs nothing but them; else nothing."""
        days = [reads.since + timedelta(days=after) for after in range(reads.days)] if reads.days <= len(self.whole) else []
        if not days or not named(statement) <= OF_PERIOD or not all(day in self.whole for day in days):
            return ()
        return tuple((str(day), self.whole[day].version) for day in days)


class Engine:
    """Asks questions of a store. Threads may share one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._cache: OrderedDict[str, Answer[Any]] = OrderedDict()
        self._fresh: dict[int, DataVersion] = {}
        self._asking: Together[Fetched] = Together()
        self._lock = threading.Lock()

    def ask(self, question: Question[S, R], spec: S, scope: Scope, *, query_id: str = "") -> Answer[R]:
        """The answer to `spec`. `query_id` is a name (letters, digits, - and _) by which `cancel` can stop it. While a statement runs,
        who else needs what it answers of the same data waits for it: a page that many open at once, tiles that differ in what they show.

        Raises QuestionError (the spec cannot be answered), TooLarge, Busy, Cancelled or Unavailable.
        """
        _allowed(question, scope)
        version = self.version(scope.project_id)
        statement = question.compile(spec, scope)
        key = _key(question, spec, scope, version, statement)
        cached = self._cached(key, scope, version)
        if cached is not None:
            return cached
        fetched = self._run(question, spec, scope, statement, version, query_id)
        result = question.shape(spec, scope, fetched.rows)
        answer = Answer(
            question=question.name,
            result=result,
            table=question.table(result),
            asked_at=scope.now,
            fresh_to=version.fresh_to,
            seconds=fetched.seconds,
            rows_read=fetched.rows_read,
            warnings=tuple(getattr(result, "warnings", ())),
            used=used(spec, scope),
            sample=getattr(spec, "sample", None),
        )
        if len(fetched.rows) <= CACHED_ROWS:
            self._keep(key, answer)
        return answer

    def kept(self, asked: Iterable[tuple[Question[Any, Any], Spec]], scope: Scope) -> list[Answer[Any] | None]:
        """What `ask` would answer at once, of each; None where the store would have to be asked, or where `ask` would refuse. So it waits
        for no question that runs."""
        state, rolled, linked = self._changes(scope.project_id)
        known = self._fresh.get(scope.project_id)
        if known is None or (known.rolled, known.linked) != (rolled, linked):
            return [None for _ in asked]
        version = replace(known, state=state)  # what is told may be as fresh as that only, but is no older for what came since
        return [self._kept(question, spec, scope, version) for question, spec in asked]

    def _kept(self, question: Question[S, R], spec: S, scope: Scope, version: DataVersion) -> Answer[R] | None:
        try:
            _allowed(question, scope)
            statement = question.compile(spec, scope)
        except (NotAllowed, QuestionError):
            return None
        return self._cached(_key(question, spec, scope, version, statement), scope, version)

    def statement(self, question: Question[S, R], spec: S, scope: Scope) -> Statement:
        """The whole statement that `ask` would run: for reading, tests and benchmarks."""
        _allowed(question, scope)
        return self.whole(question.name, question.compile(spec, scope), question.reads(spec, scope), scope)

    def whole(self, name: str, statement: Statement, reads: Period, scope: Scope, version: DataVersion | None = None) -> Statement:
        """The statement of the question `name` behind the CTEs of what `scope` may see."""
        version = version or self.version(scope.project_id)
        head, bound = ctes(scope, reads, statement.sql, whole=version.whole, recent=version.recent)
        clash = bound.keys() & statement.params.keys()
        if clash:
            raise QuestionError("The question {name} binds names that belong to the engine.", name=name)
        body = statement.sql.strip()
        if not body.upper().startswith(("SELECT", "WITH")):
            raise QuestionError("The question {name} does not compile to one SELECT.", name=name)
        if head:
            body = f"WITH {head},\n{body[4:].strip()}" if body.upper().startswith("WITH") else f"WITH {head}\n{body}"
        return Statement(body, {**bound, **statement.params})

    def settings(self) -> dict[str, Any]:
        """What one question may do, and its bounds. Larger states spill to disk from half of the memory on."""
        config = self.store.config
        return {
            "max_memory_usage": config.memory_limit,
            "max_bytes_before_external_group_by": config.memory_limit // 2,
            "max_bytes_before_external_sort": config.memory_limit // 2,
            "max_execution_time": config.time_limit,
            "max_query_size": 1_000_000,
            "enable_materialized_cte": 1,  # a CTE that says MATERIALIZED is computed once, however often it is named
            "optimize_use_projections": 1,
            "readonly": 1,  # nothing is written, and neither a file nor another server is read, whatever the statement says
        }

    def version(self, project_id: int) -> DataVersion:
        """What the store holds now."""
        state, rolled, linked = self._changes(project_id)
        known = self._fresh.get(project_id) or DataVersion((), None)
        if known.state != state:  # the newest arrival is read again only when rows have come
            known = replace(known, state=state, fresh_to=self._newest(project_id, known.fresh_to))
        if known.rolled != rolled:
            known = replace(known, rolled=rolled, whole=whole_days(self.store, project_id))
        if known.linked != linked:
            known = replace(known, linked=linked, recent=has_recent(self.store))
        self._fresh[project_id] = known
        return known

    def _changes(self, project_id: int) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        """What was written to the tables that answers come from; to those that `whole` is read from; and `recent`. Of other projects only
        what the store cannot tell apart."""
        changes = {change[0]: change for change in self.store.changes(project_id)}
        state = tuple(changes[name] for name in sorted(changes.keys() - NEVER_READ))
        return state, tuple(changes.get(name) for name in ("", "rolled_days", "person_links")), tuple(changes.get(name) for name in LINKS)

    def _newest(self, project_id: int, known: datetime | None) -> datetime | None:
        """The newest arrival, when that was `known` before: an index leads past what is older."""
        sql = """
SELECT maxOrNull(received_at) AS at FROM events WHERE project_id = {project:UInt32} AND received_at >= {known:DateTime64(3, 'UTC')}"""
        newest: datetime | None = self.store.fetch(sql, {"project": project_id, "known": known or EVER}).rows[0]["at"]
        return newest

    def _run(self, question: Question[S, R], spec: S, scope: Scope, statement: Statement, version: DataVersion, query_id: str) -> Fetched:
        whole = self.whole(question.name, statement, question.reads(spec, scope), scope, version)
        settings = self.settings()
        settings |= {name: min(bound, settings.get(name, bound)) for name, bound in question.bounds.items()}
        same = (whole.sql, str(sorted(whole.params.items())), str(sorted(settings.items())), version.state)
        return self._asking.do(same, lambda: self.store.fetch(whole.sql, whole.params, settings=settings, query_id=query_id), query_id)

    def cancel(self, query_id: str) -> None:
        """Stop the question with this id, if it is still asked. Who waits for the same answer gets it all the same."""
        if not self._asking.leave(query_id):
            self.store.cancel(query_id)

    def _cached(self, key: str, scope: Scope, version: DataVersion) -> Answer[Any] | None:
        with self._lock:
            answer = self._cache.get(key)
            if answer is None:
                return None
            self._cache.move_to_end(key)
        return replace(answer, from_cache=True, asked_at=scope.now, fresh_to=version.fresh_to)

    def forget(self) -> None:
        """Keep no answers: the next ones are asked anew."""
        with self._lock:
            self._cache.clear()

    def _keep(self, key: str, answer: Answer[Any]) -> None:
        with self._lock:
            self._cache[key] = answer
            while len(self._cache) > CACHED_ANSWERS:
                self._cache.popitem(last=False)


def _allowed(question: Question[S, R], scope: Scope) -> None:
    if question.right not in scope.rights:
        raise NotAllowed("Your role in this project may not ask this question; ask an owner of the project.")


def _key(question: Question[S, R], spec: S, scope: Scope, version: DataVersion, statement: Statement) -> str:
    """Two asks with the same key have the same answer: the statement says everything that the spec and the segments meant."""
    parts: Mapping[str, Any] = {
        "question": question.name,
        "spec": spec.model_dump(mode="json"),
        "project": scope.project_id,
        "zone": scope.zone,
        "hidden": sorted(scope.hidden),
        "supposing": sorted(scope.supposing.items()),
        "today": scope.now.astimezone(UTC).strftime("%Y-%m-%d %H"),
        "sql": statement.sql,
        "params": {name: str(value) for name, value in statement.params.items()},
        "version": version.of(statement, question.reads(spec, scope)),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
