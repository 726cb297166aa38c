"""The demo's post office: takes every mail that Bihuan sends, and keeps it. Nothing leaves the machine."""

from __future__ import annotations

import email
import email.policy
import sqlite3
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

A_PAGE = 50
TABLE = """
CREATE TABLE IF NOT EXISTS mail (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL, message BLOB NOT NULL)
"""


class Mail(NamedTuple):
    """A mail that has come: `at` in seconds since 1970."""

    id: int
    at: float
    recipient: str
    subject: str
    message: EmailMessage

    def part(self, kind: str) -> str:
        """Its text as `plain` or `html`, or ''."""
        found = self.message.get_body((kind,))
        return str(found.get_content()) if found is not None else ""


class Mailbox:
    """All mails, in a file that the processes of the demo share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open()) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(TABLE)

    def keep(self, recipient: str, content: bytes, at: float) -> Mail:
        """Put a mail in."""
        message = _parse(content)
        subject = str(message.get("Subject", ""))
        with closing(self._open()) as database, database:
            values = (at, recipient, subject, content)
            number = database.execute("INSERT INTO mail (at, recipient, subject, message) VALUES (?, ?, ?, ?)", values).lastrowid
        return Mail(number or 0, at, recipient, subject, message)

    def newest(self, search: str, before: int, limit: int = A_PAGE) -> list[tuple[int, float, str, str]]:
        """(id, at, recipient, subject) of mails whose recipient or subject holds `search`, from before number `before` (0: the newest)."""
        like = f"%{search}%"
        sql = """SELECT id, at, recipient, subject FROM mail
            WHERE (recipient LIKE ? OR subject LIKE ?) AND (? = 0 OR id < ?) ORDER BY id DESC LIMIT ?"""
        with closing(self._open()) as database:
            return list(database.execute(sql, (like, like, before, before, limit)))

    def get(self, number: int) -> Mail | None:
        with closing(self._open()) as database:
            row = database.execute("SELECT id, at, recipient, subject, message FROM mail WHERE id = ?", (number,)).fetchone()
        return Mail(row[0], row[1], row[2], row[3], _parse(row[4])) if row else None

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=20)
        database.execute("PRAGMA synchronous=OFF")  # a demo's mails may be lost when the machine stops, not when a process does
        return database


def _parse(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


class Sink:
    """What aiosmtpd calls for each mail: kept at `clock()`, then told to `arrived`. Addresses at `bounce.example` are refused, as a
    mailbox that does not exist is."""

    def __init__(self, mailbox: Mailbox, clock: Callable[[], float], arrived: Callable[[Mail], None]) -> None:
        self._mailbox, self._clock, self._arrived = mailbox, clock, arrived

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address.lower().endswith("@bounce.example"):
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        for address in envelope.rcpt_tos:
            self._arrived(self._mailbox.keep(address, envelope.content, self._clock()))
        return "250 OK: kept"


def smtp_protocol(sink: Sink) -> Any:
    """A protocol for one connection, for `loop.create_server`."""
    from aiosmtpd.smtp import SMTP

    return SMTP(sink, enable_SMTPUTF8=True, hostname="localhost", ident="Bihuan demo")
