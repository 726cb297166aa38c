"""Which database holds the definitions: SQLite in the data folder, or PostgreSQL."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from bihuan.engine.config import Config


def database(config: Config) -> dict[str, Any]:
    """Django's description of the database at `config.database_url` (`postgres://user:password@host:port/name?option=value`)."""
    if not config.database_url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": config.data / "bihuan.sqlite3",
            "TEST": {"NAME": config.data / "test.sqlite3"},  # a file as in real life: one in memory locks differently
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    url = urlsplit(config.database_url)
    if url.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"BIHUAN_DATABASE_URL must begin with postgres://, not {url.scheme}://")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": unquote(url.hostname or ""),
        "PORT": url.port or "",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(parse_qsl(url.query)),
    }
