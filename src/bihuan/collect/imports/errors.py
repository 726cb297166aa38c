"""What can go wrong with a file: the whole of it (`ImportProblem`) or one row of it (`Reject`), as sentences that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class ImportProblem(Exception):
    """The file or the mapping cannot be used; `msgid` and `values` are the English sentence and its places."""

    def __init__(self, msgid: str, /, **values: Any) -> None:
        super().__init__(msgid.format(**values) if values else msgid)
        self.msgid = msgid
        self.values = values


@dataclass(frozen=True)
class Reason:
    """Why a row was not taken: an English msgid with `{name}` places and their values."""

    msgid: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.msgid.format(**self.values) if self.values else self.msgid


@dataclass(frozen=True)
class Reject:
    """A row that was not taken: the line it begins on (Parquet: the number of the row), why, and the row as text."""

    line: int
    reason: Reason
    row: str


CUT = "\udfff"  # stands at the end of a line that was cut off because it is far too long


def shown(value: object, length: int = 80) -> str:
    """A value short enough to be quoted in a sentence; bytes that could not be decoded as \\xNN."""
    text = readable(str(value))
    return text if len(text) <= length else f"{text[:length]}…"


def readable(text: str) -> str:
    """Text without lone surrogates: those that stand for undecodable bytes become \\xNN."""
    if is_clean(text):
        return text
    return "".join(_readable_char(char) for char in text)


def is_clean(text: str) -> bool:
    """Whether the text can be written as UTF-8: whether all its bytes could be decoded."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _readable_char(char: str) -> str:
    code = ord(char)
    if char == CUT:
        return "…"
    if 0xDC00 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if 0xD800 <= code <= 0xDFFF else char
