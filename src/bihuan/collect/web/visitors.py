"""Visitors without cookies: an id of one day, out of what every request shows anyway, which nobody can compute again once the day is over.

The id is a hash of the project, the site, the client's address and its User-Agent, with a salt that is random, belongs to one day and is
deleted after it. Neither the address nor the salt is ever stored with events. Two people behind one address with the same browser are
one visitor; somebody who comes back tomorrow is another.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo

KEPT = timedelta(days=1)  # a day is over everywhere one day after it is over in UTC


class Visitors:
    """The salts of the days that are not over yet, kept in `file` so that a restart changes nothing. Threads may share it.

    A day is one of the project's zone. `proxies` stand before the collector, each of which adds whom it heard to X-Forwarded-For.
    """

    def __init__(self, file: Path, zone: Callable[[int], ZoneInfo], proxies: int = 1) -> None:
        self._file = file
        self._zone = zone
        self._proxies = proxies
        self._salts: dict[str, str] | None = None
        self._lock = threading.Lock()

    def anonymous(self, project_id: int, at: int, received: int, *, host: str, peer: str, forwarded: str, agent: str) -> str:
        """The id of whoever sent this at `at` (ms), which came at `received`."""
        zone = self._zone(project_id)
        today, day = (datetime.fromtimestamp(ms / 1000, zone).date() for ms in (received, at))
        salt = self._salt(day if abs(today - day) <= KEPT else today, datetime.fromtimestamp(received / 1000, UTC).date())
        about = "\0".join((str(project_id), host.lower(), client(peer, forwarded, self._proxies), agent))
        return "day-" + blake2b(about.encode(errors="replace"), key=salt.encode(), digest_size=16).hexdigest()

    def _salt(self, day: date, today: date) -> str:
        with self._lock:
            salts = self._read() if self._salts is None else self._salts
            oldest, newest = (today - KEPT).isoformat(), (today + KEPT).isoformat()
            name = min(max(day.isoformat(), oldest), newest)
            kept = {one: salt for one, salt in salts.items() if oldest <= one}
            kept.setdefault(name, secrets.token_hex(16))
            if kept != salts:
                self._write(kept)
            self._salts = kept
            return kept[name]

    def _read(self) -> dict[str, str]:
        with contextlib.suppress(OSError, ValueError):
            return {str(day): str(salt) for day, salt in json.loads(self._file.read_text()).items()}
        return {}

    def _write(self, salts: dict[str, str]) -> None:
        """Replace the file; what it held of days that are over is gone with it. Where it cannot be written, memory has to do."""
        fresh = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(salts, file)
            fresh.replace(self._file)


def client(peer: str, forwarded: str, proxies: int) -> str:
    """The address of the client: what the outermost of our own proxies heard. Only a peer in a private network can be one of them."""
    heard = [part.strip() for part in forwarded.split(",") if part.strip()]
    with contextlib.suppress(ValueError):
        if proxies and heard and ip_address(peer).is_private:
            return heard[-min(proxies, len(heard))]
    return peer
