"""Where Bihuan keeps its things and how its processes find each other: read once from the environment."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Config:
    """The settings of one installation.

    `data` is the data folder; `events_url` a ClickHouse address (`clickhouse://user:password@host:port/database`),
    empty for the embedded engine; `database_url` the definitions' database, empty for SQLite in the data folder.
    `host`, `port` and `collect_port` are where console and collector listen; `public_url` and `collect_url` how others reach them,
    with so many `proxies` between.
    Sizes are in bytes, times in seconds.
    """

    data: Path
    events_url: str = ""
    database_url: str = ""
    public_url: str = "http://127.0.0.1:8000"
    collect_url: str = "http://127.0.0.1:8001"
    smtp_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    collect_port: int = 8001
    proxies: int = 1
    memory_limit: int = 2_000_000_000
    time_limit: int = 60
    concurrency: int = 2
    queue_limit: int = 64
    threads: int = 0
    upload_limit: int = 20_000_000_000

    @property
    def run(self) -> Path:
        """The folder with the addresses and locks of the running processes (mode 0700)."""
        folder = self.data / "run"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @classmethod
    def from_env(cls) -> Config:
        env = os.environ
        return cls(
            data=Path(env.get("BIHUAN_DATA", "data")).absolute(),
            events_url=env.get("BIHUAN_EVENTS_URL", ""),
            database_url=env.get("BIHUAN_DATABASE_URL", ""),
            public_url=env.get("BIHUAN_PUBLIC_URL", cls.public_url).rstrip("/"),
            collect_url=env.get("BIHUAN_COLLECT_URL", cls.collect_url).rstrip("/"),
            smtp_url=env.get("BIHUAN_SMTP_URL", ""),
            host=env.get("BIHUAN_HOST", cls.host),
            port=int(env.get("BIHUAN_PORT", cls.port)),
            collect_port=int(env.get("BIHUAN_COLLECT_PORT", cls.collect_port)),
            proxies=int(env.get("BIHUAN_PROXIES", cls.proxies)),
            memory_limit=int(env.get("BIHUAN_MEMORY_LIMIT", cls.memory_limit)),
            time_limit=int(env.get("BIHUAN_TIME_LIMIT", cls.time_limit)),
            concurrency=int(env.get("BIHUAN_CONCURRENCY", cls.concurrency)),
            queue_limit=int(env.get("BIHUAN_QUEUE_LIMIT", cls.queue_limit)),
            threads=int(env.get("BIHUAN_THREADS", cls.threads)),
            upload_limit=int(env.get("BIHUAN_UPLOAD_LIMIT", cls.upload_limit)),
        )

    def secret(self, name: str) -> str:
        """A random secret of this installation, made at first use and kept in the data folder (mode 0600)."""
        path = self.data / "secrets" / name
        try:
            return path.read_text()
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"{name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # the first of several processes wins; all then read the same
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_text()

    def announce(self, process: str, **facts: Any) -> None:
        """Say where `process` can be reached; replaces what was said before in one step."""
        path = self.run / f"{process}.json"
        fresh = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"pid": os.getpid(), **facts}, file)
        fresh.replace(path)

    def announced(self, process: str) -> dict[str, Any] | None:
        """What `process` last said of itself, or None; it may have died since."""
        try:
            return dict(json.loads((self.run / f"{process}.json").read_text()))
        except (FileNotFoundError, ValueError):
            return None
