"""A web site for tests, at another origin than the collector that its pages send to."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class Pages:
    """Serves what is put into `html` by path, and below /modules/ the files of a folder; all else is an empty page. `headers` go out with
    the page of that path."""

    def __init__(self, modules: Path | None = None) -> None:
        self.html: dict[str, str] = {}
        self.headers: dict[str, dict[str, str]] = {}
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(urlsplit(self.path).path)
                text = pages.html.get(path, "<!doctype html><title>Empty</title>").encode()
                if modules is not None and path.startswith("/modules/"):
                    text = (modules / path.removeprefix("/modules/")).read_bytes()
                self.send_response(200)
                self.send_header("Content-Type", "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
                for name, value in pages.headers.get(path, {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
