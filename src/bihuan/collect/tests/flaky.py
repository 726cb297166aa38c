"""Stands between a client and the collector and spoils answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bihuan.collect.tests.site import Site

TRICKS = ("ok", "lost answer", "500", "503", "reset before", "ok", "lost answer")
KEPT = ("authorization", "content-type", "content-encoding", "posthog-sdk-info", "posthog-request-timestamp")


class Flaky:
    """Plays its tricks in turn. “lost answer” and “hang” have stored what came; `hang` is for how long."""

    def __init__(self, site: Site, tricks: Sequence[str] = TRICKS, hang: float = 3.0) -> None:
        self.asked = 0
        flaky = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                trick = tricks[flaky.asked % len(tricks)]
                flaky.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if trick in ("500", "503"):
                    self.answer(int(trick), b"{}")
                elif trick == "reset before":
                    self.close_connection = True
                else:
                    headers = {name: value for name, value in self.headers.items() if name.lower() in KEPT}
                    status, _, answer = site.request("POST", self.path, body, headers)
                    self.close_connection = trick != "ok"
                    if trick == "hang":
                        time.sleep(hang)
                    elif trick == "ok":
                        self.answer(status, json.dumps(answer).encode())

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
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
