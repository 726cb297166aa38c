"""Whether an answer is told again from the cache after something was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bihuan.engine.ask import Engine
from bihuan.engine.question import Question, Scope
from bihuan.engine.touched import MARKS, mark


def kept_after(act: Callable[[], object], engine: Engine, asked: Question[Any, Any], spec: Any, scope: Scope) -> bool:
    """What `ask` says of it; `kept`, which is asked before, tells the same answer or none."""
    engine.ask(asked, spec, scope)
    act()
    (early,) = engine.kept([(asked, spec)], scope)
    answer = engine.ask(asked, spec, scope)
    assert early is None or (answer.from_cache and early.result == answer.result)
    return answer.from_cache


def other_mark(event: str) -> str:
    """A name with another mark than that event's."""
    return next(name for name in map(str, range(MARKS)) if mark(name) != mark(event))
