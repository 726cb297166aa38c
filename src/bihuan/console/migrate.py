"""Bring the store and the definitions' database to the newest schema: run once by the supervisor, before anybody serves."""

from __future__ import annotations

import logging
import sys
import time

from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError, Unavailable
from bihuan.engine.schema import migrate as migrate_store
from bihuan.engine.store import Store

PATIENCE = 60.0  # a store that was killed may first have to read its parts


def main() -> int:
    config = Config.from_env()
    try:
        await_store(Store(config))
        migrate_store(Store(config))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    migrate_database()
    return 0


def await_store(store: Store) -> None:
    """Return when the store answers; Unavailable when it does not in time."""
    log = logging.getLogger("clickhouse_connect")
    told, deadline = log.level, time.monotonic() + PATIENCE
    log.setLevel(logging.CRITICAL)  # an engine that still starts is not an error worth a line a try
    try:
        while not store.ready():
            if time.monotonic() > deadline:
                raise Unavailable("The event store did not answer within {seconds} seconds.", seconds=int(PATIENCE))
            time.sleep(0.05)
    finally:
        log.setLevel(told)


def migrate_database() -> None:
    import os

    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
