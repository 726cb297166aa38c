"""The console as a WSGI application."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
application = get_wsgi_application()


def _greet() -> None:
    """Tell the terminal where Bihuan is set up, as long as nobody can log in."""
    from django.conf import settings
    from django.db import DatabaseError, connection

    from bihuan.console import first_run

    try:
        if first_run.needed():
            print(f"Nobody can log in yet. Set Bihuan up here: {first_run.address(settings.CONFIG)}", flush=True)
    except DatabaseError:
        pass  # not migrated: the pages will say so
    finally:
        connection.close()


_greet()
