"""One SMTP connection, reused, that asks for leave before the one byte that makes a message sent: the final dot."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

PER_CONNECTION = 100


class Refused(Exception):
    """The server said no to this message and surely did not take it; `permanent` when it will always say no."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.permanent = 500 <= code < 600


class SenderRefused(Exception):
    """The server takes nothing from this sender, whoever it is for."""


class Unreachable(Exception):
    """No connection, or it broke before the final dot: the message surely was not taken. `begun`: within this message."""

    def __init__(self, text: str, *, begun: bool = False) -> None:
        super().__init__(text)
        self.begun = begun


class Doubtful(Exception):
    """The connection broke between the final dot and the answer: nobody can know whether the message was taken."""


@dataclass(frozen=True)
class Address:
    """Where mail is handed over: smtp[s]://user:password@host:port?starttls=1&rate=10, `rate` messages a second at most."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str
    password: str
    rate: float = 10.0

    @classmethod
    def parse(cls, url: str) -> Address:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("BIHUAN_SMTP_URL reads smtp://user:password@host:port?starttls=1, or smtps://…")
        tls = parts.scheme == "smtps"
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        starttls = options.get("starttls", "0") in ("1", "true", "yes")
        port = parts.port or (465 if tls else 587 if starttls else 25)
        return cls(
            parts.hostname,
            port,
            tls,
            starttls,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            float(options.get("rate", 10)),
        )


class Outlet:
    """Hands messages to a mail server, one at a time; for one thread."""

    def __init__(self, url: str, *, helo: str = "localhost", timeout: float = 60.0) -> None:
        self.address = Address.parse(url)
        self._helo = helo
        self._timeout = timeout
        self._smtp: smtplib.SMTP | None = None
        self._used = 0

    def hand_over(self, sender: str, recipient: str, body: bytes, leave: Callable[[], bool]) -> str | None:
        """Hand one message over; the server's answer when it took it.

        All but the final dot is sent first; then `leave` is asked (it writes down that the message is on its way), and without it
        the message is dropped (None). Raises Refused, SenderRefused, Unreachable or Doubtful.
        """
        smtp = self._transaction(sender)
        try:
            self._expect(smtp, smtp.rcpt(recipient), (250, 251))
            self._expect(smtp, smtp.docmd("DATA"), (354,))
            smtp.send(_stuffed(body))
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Unreachable(_said(error), begun=True) from error
        try:
            if not leave():
                self.close()  # a connection that ends before the dot leaves nothing behind
                return None
        except BaseException:
            self.close()
            raise
        return self._dot(smtp)

    def close(self) -> None:
        """End the connection; the next message opens a new one."""
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None

    def quit(self) -> None:
        """End the connection politely, between two messages."""
        if self._smtp is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()
        self.close()

    def _transaction(self, sender: str) -> smtplib.SMTP:
        """A connection that has accepted `sender`: the old one, or a new one when that has ended meanwhile."""
        if self._used >= PER_CONNECTION:
            self.quit()
        reused = self._smtp is not None
        try:
            smtp = self._smtp or self._open()
            code, text = smtp.mail(sender)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            if reused:
                return self._transaction(sender)
            raise Unreachable(_said(error)) from error
        self._used += 1
        if code == 250:
            return smtp
        if code == 421 and reused:
            self.close()
            return self._transaction(sender)
        self.close()
        if 500 <= code < 600:
            raise SenderRefused(f"{code} {_plain(text)}")
        raise Unreachable(f"{code} {_plain(text)}")

    def _open(self) -> smtplib.SMTP:
        address = self.address
        if address.tls:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                address.host, address.port, self._helo, timeout=self._timeout, context=ssl.create_default_context()
            )
        else:
            smtp = smtplib.SMTP(address.host, address.port, self._helo, timeout=self._timeout)
        self._smtp, self._used = smtp, 0
        if smtp.sock is not None:  # or the final dot waits 40 ms for the server's leave to send a small packet
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        smtp.ehlo_or_helo_if_needed()
        if address.starttls:
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
        if address.user:
            smtp.login(address.user, address.password)
        return smtp

    def _expect(self, smtp: smtplib.SMTP, answer: tuple[int, bytes], good: tuple[int, ...]) -> None:
        code, text = answer
        if code in good:
            return
        if code == 421 or code < 0:
            self.close()
            raise Unreachable(f"{code} {_plain(text)}", begun=True)
        try:
            smtp.rset()
        except (smtplib.SMTPException, OSError):
            self.close()
        raise Refused(code, _plain(text))

    def _dot(self, smtp: smtplib.SMTP) -> str:
        try:
            smtp.send(b".\r\n")
            code, text = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Doubtful(_said(error)) from error
        if code == 250:
            return _plain(text)
        if code == 421:
            self.close()
        raise Refused(code, _plain(text))


def _stuffed(body: bytes) -> bytes:
    """The body with its leading dots doubled and its end on a line of its own, but without the final dot."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", body)
    lines = re.sub(rb"(?m)^\.", b"..", lines)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _plain(text: bytes | str) -> str:
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else text)[:500]


def _said(error: Exception) -> str:
    return _plain(str(error)) or type(error).__name__
