"""What the events of a commit say of who is who: which ids are met together, in the order in which that is to be decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bihuan.collect.events import Rejected
from bihuan.collect.identity.changes import Changes
from bihuan.collect.identity.ids import Id, Typed, anonymous_id
from bihuan.collect.identity.junk import is_junk
from bihuan.collect.identity.people import People
from bihuan.collect.identity.rules import RulesOf, Verdict
from bihuan.collect.rows import Effect

Met = tuple[int, str | None, str | Typed | None, int, str]  # project, user, anonymous, time, source


class Meetings:
    """Gathers the ids of a commit, and lets `Changes` decide about those that came together."""

    def __init__(self) -> None:
        self.first: dict[Id, int] = {}  # when each id was first seen
        self._pairs: dict[tuple[Id, Id], tuple[str, str]] = {}

    def changes(
        self, people: People, rows: Iterable[Met], effects: Sequence[Effect], rejected: list[Rejected], stamp: int, rules: RulesOf
    ) -> Changes:
        """What all of it changes; merges that are refused are added to `rejected`."""
        for row in rows:
            self._row(*row)
        maybe: list[Id] = []
        for effect in effects:
            self._effect(effect)
            if effect.alias_from is not None:
                maybe += [Id(effect.project_id, "anonymous", effect.alias_from), Id(effect.project_id, "user", effect.alias_from)]
            maybe += [Id(effect.project_id, one.type, one.text) for one in effect.unbind]
        changes = Changes(people, self.first, maybe, stamp=stamp, rules=rules)
        for (one, other), (why, by) in self._pairs.items():
            changes.meet(one, other, why, by)
        for effect in effects:
            if effect.alias_from is not None and effect.user is not None:
                self._alias(changes, effect, effect.user, effect.alias_from, rejected)
            for gone in effect.unbind:
                if (who := _who(effect)) is not None:
                    changes.unbind(who, Id(effect.project_id, gone.type, gone.text), effect.source)
                    self.first.setdefault(Id(effect.project_id, gone.type, gone.text), effect.at)
        return changes

    def _row(self, project: int, user: str | None, anonymous: str | Typed | None, at: int, by: str) -> None:
        first = self.first
        if user is not None:
            known = Id(project, "user", user)
            if at < first.get(known, at + 1):
                first[known] = at
        if anonymous is not None:
            device = anonymous_id(project, anonymous)
            if at < first.get(device, at + 1):
                first[device] = at
            if user is not None:
                self._pairs.setdefault((known, device), ("identify", by))

    def _effect(self, effect: Effect) -> None:
        self._row(effect.project_id, effect.user, effect.anonymous, effect.at, effect.source)
        who = _who(effect)
        for typed in effect.ids:
            other = Id(effect.project_id, typed.type, typed.text)
            if effect.at < self.first.get(other, effect.at + 1):
                self.first[other] = effect.at
            if who is not None and other != who:
                self._pairs.setdefault((who, other), ("ids", effect.source))

    def _alias(self, changes: Changes, effect: Effect, user: str, previous: str, rejected: list[Rejected]) -> None:
        """`previous` is an earlier id of `user`: an anonymous one unless only a user of that name is known."""
        known, anonymous, other = (
            Id(effect.project_id, kind, text) for kind, text in (("user", user), ("anonymous", previous), ("user", previous))
        )
        if other == known:
            return
        if changes.number(other) and not changes.number(anonymous):
            if changes.meet(known, other, "alias", effect.source) is Verdict.PROPOSE:
                detail = (
                    f"The users “{previous}” and “{user}” have both been identified; two people are made one only by somebody who "
                    "confirms it: the page Identity proposes it."
                )
                rejected.append(
                    Rejected(project_id=effect.project_id, source=effect.source, reason="merge_refused", detail=detail, key=effect.key)
                )
            return
        self.first.setdefault(anonymous, effect.at)
        changes.give_number(anonymous)
        changes.meet(known, anonymous, "alias", effect.source)


def _who(effect: Effect) -> Id | None:
    """The id that an effect is about."""
    if effect.user is not None:
        return Id(effect.project_id, "user", effect.user)
    return None if effect.anonymous is None else anonymous_id(effect.project_id, effect.anonymous)


def without_junk(
    columns: list[Sequence[Any]], places: tuple[int, int, int], effects: list[Effect], rules: RulesOf
) -> tuple[list[Sequence[Any]], list[Effect]]:
    """The rows (`places` of project, user and anonymous id among their columns) and effects without ids that their projects call junk."""
    projects = {*(columns[places[0]] if columns else ()), *(effect.project_id for effect in effects)}
    own = {project: rules(project).junk for project in projects}
    if not any(own.values()):
        return columns, effects

    def clean(project: int, value: str | Typed | None) -> Any:
        text = value.text if isinstance(value, Typed) else value
        return None if text is None or is_junk(text, own[project]) else value

    if columns:
        columns = list(columns)
        for place in places[1:]:
            columns[place] = [clean(project, value) for project, value in zip(columns[places[0]], columns[place], strict=True)]
    kept = []
    for effect in effects:
        project = effect.project_id
        mended = effect._replace(
            user=clean(project, effect.user),
            anonymous=clean(project, effect.anonymous),
            ids=tuple(one for one in effect.ids if clean(project, one)),
            alias_from=clean(project, effect.alias_from),
        )
        if mended.person is not None or mended.user is not None or mended.anonymous is not None:
            kept.append(mended)
    return columns, kept
