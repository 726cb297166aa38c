"""The load: many connections from one thread, each sending its next batch as soon as the last one is acknowledged."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Answers:
    """What came back: `seconds` from the first byte sent to the whole answer of each acknowledged batch; how many got a 503 or another."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    failed: int = 0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")


class _Connection:
    """One connection: what of the request is still to be sent, what of the answer has come."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.left = memoryview(b"")
        self.answer = b""
        self.began = 0.0

    def ask(self, request: bytes) -> None:
        self.left = memoryview(request)
        self.answer = b""
        self.began = time.perf_counter()
        self.go_on()

    def go_on(self) -> None:
        """Send as much as goes."""
        try:
            while self.left:
                self.left = self.left[self.socket.send(self.left) :]
        except BlockingIOError:
            pass

    def answered(self) -> int:
        """The status of the answer once all of it is there, else 0."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("The collector closed the connection.")
        self.answer += part
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if not found:
            return 0
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return int(head[9:12]) if len(body) >= length else 0


def load(port: int, connections: int, seconds: float, headers: bytes, bodies: Sequence[Callable[[int], bytes]], first: int) -> Answers:
    """Send for so many seconds; requests are numbered from `first`. Ends when all that was sent is answered."""
    answers = Answers()
    number = first
    selector = selectors.EpollSelector()
    deadline = time.perf_counter() + seconds

    def ask(connection: _Connection) -> None:
        nonlocal number
        body = bodies[number % len(bodies)](number)
        number += 1
        connection.ask(b"%bContent-Length: %d\r\n\r\n%b" % (headers, len(body), body))
        selector.modify(connection.socket, _wanted(connection), connection)

    for _ in range(connections):
        connection = _Connection(("127.0.0.1", port))
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        ask(connection)
    open_ = connections
    while open_:
        for key, ready in selector.select(10):
            connection = key.data
            if ready & selectors.EVENT_WRITE:
                connection.go_on()
                selector.modify(connection.socket, _wanted(connection), connection)
            if not ready & selectors.EVENT_READ or not (status := connection.answered()):
                continue
            now = time.perf_counter()
            if status == 200:
                answers.seconds.append(now - connection.began)
            elif status == 503:
                answers.refused += 1
            else:
                answers.failed += 1
            if now < deadline:
                ask(connection)
            else:
                selector.unregister(connection.socket)
                connection.socket.close()
                open_ -= 1
    selector.close()
    return answers


def _wanted(connection: _Connection) -> int:
    return selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.left else 0)
