"""What can go wrong with a question, each with a sentence that says what to change.

The sentence is an English msgid with `{name}` places, so that the console can say it in the reader's language.
"""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """Base of everything the engine raises; `str()` is the English sentence, `msgid` and `values` its parts."""

    def __init__(self, msgid: str, /, **values: Any) -> None:
        super().__init__(msgid.format(**values) if values else msgid)
        self.msgid = msgid
        self.values = values


class QuestionError(EngineError):
    """The question as asked cannot be answered: `where` is the dotted place in the spec, if known."""

    def __init__(self, msgid: str, /, *, where: str = "", **values: Any) -> None:
        super().__init__(msgid, **values)
        self.where = where


class NotAllowed(EngineError):
    """Whoever asks has not the right that this question needs."""


class TooLarge(EngineError):
    """The answer needs more memory or time than one question may take."""


class Busy(EngineError):
    """Too many questions are waiting; the same question may succeed in a moment."""


class Cancelled(EngineError):
    """The question was cancelled by its reader."""


class Unavailable(EngineError):
    """The store does not answer just now: it is starting, restarting or unreachable."""
