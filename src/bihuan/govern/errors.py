"""What can be refused, each with a sentence (an English msgid and its values) that says what to do."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """Base of all refusals; `str()` is the English sentence, `where` the dotted place of a form, if known."""

    def __init__(self, msgid: str, /, *, where: str = "", **values: Any) -> None:
        super().__init__(msgid.format(**values) if values else msgid)
        self.msgid = msgid
        self.values = values
        self.where = where


class NotFound(Refused):
    """There is no such thing, or none that this person may know of."""


class Forbidden(Refused):
    """A member of the project asks for something that the role does not allow."""


class Invalid(Refused):
    """What was written cannot be accepted as it is."""


class Conflict(Refused):
    """Somebody else changed it meanwhile, or something else uses it."""
