"""The engine of this process: views, jobs and commands that ask share one, with its cache."""

from __future__ import annotations

from functools import cache

from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.engine.store import Store


@cache
def engine() -> Engine:
    """The one engine of this process, made at first use from the environment."""
    return Engine(Store(Config.from_env()))
