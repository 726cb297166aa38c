"""Work that several threads want at once: done once, failed once, and never taken from those who stay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bihuan.engine.errors import Cancelled, TooLarge
from bihuan.engine.together import Together

MANY = 8


class Slow:
    """Work that ends when it is told to, with what it is told; later ones at once, when that is said."""

    def __init__(self) -> None:
        self.later: str | None = None
        self.ends: list[Future[str]] = []
        self._again = threading.Condition()

    def __call__(self) -> str:
        with self._again:
            mine: Future[str] = Future()
            if self.later is not None:
                mine.set_result(self.later)
            self.ends.append(mine)
            self._again.notify_all()
        return mine.result(30)

    def nth(self, number: int) -> Future[str]:
        """The end of its so manyth time, once that is begun."""
        with self._again:
            assert self._again.wait_for(lambda: len(self.ends) >= number, 30)
        return self.ends[number - 1]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def shared() -> Together[str]:
    return Together()


def waiting(shared: Together[str], names: set[str]) -> None:
    wait_until(lambda: names <= shared._waiting)


def test_what_many_want_at_once_is_done_once_for_all(shared: Together[str]) -> None:
    work = Slow()
    names = {str(number) for number in range(1, MANY)}
    with ThreadPoolExecutor(MANY) as pool:
        first = pool.submit(shared.do, "key", work, "0")
        end = work.nth(1)
        others = [pool.submit(shared.do, "key", work, name) for name in names]
        waiting(shared, names)
        end.set_result("done")
        assert [each.result(30) for each in (first, *others)] == ["done"] * MANY
    assert len(work.ends) == 1


def test_what_comes_later_or_is_something_else_is_done_anew(shared: Together[str]) -> None:
    assert [shared.do("a", lambda: "1"), shared.do("a", lambda: "2")] == ["1", "2"]
    work = Slow()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(shared.do, "a", work), pool.submit(shared.do, "b", work)
        work.nth(2)
        for end in work.ends:
            end.set_result("own")
        assert (one.result(30), other.result(30)) == ("own", "own")


def test_what_fails_fails_for_all_who_wait_and_for_nobody_later(shared: Together[str]) -> None:
    work = Slow()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared.do, "key", work, "first")
        end = work.nth(1)
        second = pool.submit(shared.do, "key", work, "second")
        waiting(shared, {"second"})
        end.set_exception(TooLarge("too much"))
        for each in (first, second):
            with pytest.raises(TooLarge, match="too much"):
                each.result(30)
    assert shared.do("key", lambda: "again") == "again"


def test_who_waits_for_somebody_who_gives_up_goes_on_alone(shared: Together[str]) -> None:
    work = Slow()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(shared.do, "key", work, "first")
        end = work.nth(1)
        others = [pool.submit(shared.do, "key", work, name) for name in ("second", "third")]
        waiting(shared, {"second", "third"})
        work.later = "done"
        end.set_exception(Cancelled("stopped"))
        with pytest.raises(Cancelled):
            first.result(30)
        assert [each.result(30) for each in others] == ["done", "done"]


def test_who_waits_may_leave_and_the_work_goes_on(shared: Together[str]) -> None:
    work = Slow()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared.do, "key", work, "first")
        end = work.nth(1)
        second = pool.submit(shared.do, "key", work, "second")
        waiting(shared, {"second"})
        assert (shared.leave("first"), shared.leave("nobody"), shared.leave("second")) == (False, False, True)
        with pytest.raises(Cancelled):
            second.result(30)
        assert not first.done()
        end.set_result("done")
        assert first.result(30) == "done"
