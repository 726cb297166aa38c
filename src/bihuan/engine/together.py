"""What several threads want at the same moment is done once: by the first who asks, for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bihuan.engine.errors import Cancelled

T = TypeVar("T")


@dataclass
class _Work(Generic[T]):
    """Work under way, until it is `over`; then either `done` has its result, or `failed` says why there is none."""

    over: bool = False
    done: T | None = None
    failed: BaseException | None = None


class Together(Generic[T]):
    """Threads share one. Nothing is kept: who comes when the work is over begins it anew."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._running: dict[Hashable, _Work[T]] = {}
        self._waiting: set[str] = set()

    def do(self, key: Hashable, work: Callable[[], T], name: str = "") -> T:
        """The result of `work`, of which two with the same `key` have the same. What it raises is raised for all who wait for it, but
        `Cancelled`, which is about who asked first alone: the next one begins again. `name` is for `leave`."""
        with self._turn:
            while running := self._running.get(key):
                self._wait(running, name)
                if running.over and not isinstance(running.failed, Cancelled):
                    return _result(running)
            mine = self._running[key] = _Work[T]()
        try:
            mine.done = work()
        except BaseException as error:
            mine.failed = error
            raise
        finally:
            with self._turn:
                mine.over = True
                del self._running[key]
                self._turn.notify_all()
        return mine.done

    def leave(self, name: str) -> bool:
        """Whether `name` waits for work that somebody else began; then it waits no longer (`Cancelled`), and the work goes on."""
        with self._turn:
            waits = name in self._waiting
            self._waiting.discard(name)
            self._turn.notify_all()
        return waits

    def _wait(self, running: _Work[T], name: str) -> None:
        self._waiting |= {name} - {""}
        self._turn.wait_for(lambda: running.over or (name and name not in self._waiting))
        if name and name not in self._waiting:
            raise Cancelled("The question was cancelled.")
        self._waiting.discard(name)


def _result(work: _Work[T]) -> T:
    if work.failed is not None:
        raise work.failed
    result: T = work.done  # type: ignore[assignment]  # it is over, and did not fail
    return result
