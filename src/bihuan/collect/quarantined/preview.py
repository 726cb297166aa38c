"""What mending changes in an event, field by field, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bihuan.collect.events import Event, canonical


class Row(NamedTuple):
    """One field before and after; None where there is none. `own`: a property, which its client named."""

    title: str | Promise
    before: Any
    after: Any
    own: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.before != self.after) or type(self.before) is not type(self.after)

    @property
    def is_time(self) -> bool:
        return isinstance(self.before or self.after, datetime)


def compared(before: Event, after: Event) -> Iterator[Row]:
    """Event, time and ids, then the properties in their order, new ones last."""
    yield Row(_("Event"), before.name, after.name)
    yield Row(_("Time"), _moment(before.at), _moment(after.at))
    yield Row(_("User id"), before.user_id, after.user_id)
    yield Row(_("Anonymous id"), before.anonymous_id, after.anonymous_id)
    for name in dict.fromkeys((*before.props, *after.props)):
        yield Row(name, _text(before.props, name), _text(after.props, name), own=True)


def _moment(ms: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC) if ms else None
    except (OverflowError, ValueError, OSError):
        return None


def _text(props: dict[str, Any], name: str) -> str | None:
    """A value as JSON, so that the text "7" is not taken for the number 7."""
    return canonical(props[name]) if name in props else None
