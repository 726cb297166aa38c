"""What can go wrong with a question, each with a sentence that says what to change."""

from __future__ import annotations


class EngineError(Exception):
    """Base of everything the engine raises; `str()` is a sentence for the reader."""


class QuestionError(EngineError):
    """The question as asked cannot be answered: `where` is the dotted place in the spec, if known."""

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.where = where


class TooLarge(EngineError):
    """The answer needs more memory or time than one question may take."""


class Busy(EngineError):
    """Too many questions are waiting; the same question may succeed in a moment."""


class Cancelled(EngineError):
    """The question was cancelled by its reader."""


class Unavailable(EngineError):
    """The store does not answer just now: it is starting, restarting or unreachable."""
