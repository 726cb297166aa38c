"""Stands between a client and the collector and spoils answers."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bihuan.collect.tests.site import Site

TRICKS = ("ok", "lost answer", "500", "503", "reset before", "ok", "lost answer")
OF_THIS_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding", "server", "date"})


class Flaky:
    """Plays its tricks in turn on what is posted to paths that end as `only` says. “lost answer” and “hang” have stored what came;
    `hang` is for how long. `asked` counts the tricks, `played` names them."""

    def __init__(self, site: Site, tricks: Sequence[str] = TRICKS, hang: float = 3.0, only: tuple[str, ...] = ("",)) -> None:
        self.asked = 0
        self.played: list[str] = []
        flaky = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.spoil() if only != ("",) and self.path.partition("?")[0].endswith(only) else self.answer(*self.forward())

            def do_OPTIONS(self) -> None:
                self.answer(*self.forward())

            def do_POST(self) -> None:
                self.spoil() if self.path.partition("?")[0].endswith(only) else self.answer(*self.forward())

            def spoil(self) -> None:
                trick = tricks[flaky.asked % len(tricks)]
                flaky.asked += 1
                flaky.played.append(trick)
                if trick in ("500", "503"):
                    self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    self.answer(int(trick), self.shared(), b"{}")
                elif trick == "reset before":
                    self.close_connection = True
                else:
                    answer = self.forward()
                    self.close_connection = trick != "ok"
                    if trick == "hang":
                        time.sleep(hang)
                    elif trick == "ok":
                        self.answer(*answer)

            def forward(self) -> tuple[int, dict[str, str], bytes]:
                """What the collector answers to the same request."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_THIS_HOP}
                connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
                try:
                    connection.request(self.command, self.path, body or None, headers)
                    response = connection.getresponse()
                    text = response.read()
                    return response.status, {name: value for name, value in response.getheaders() if name.lower() not in OF_THIS_HOP}, text
                finally:
                    connection.close()

            def shared(self) -> dict[str, str]:
                """What a page of another origin must see to read an answer."""
                origin = self.headers.get("Origin")
                return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"} if origin else {}

            def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
