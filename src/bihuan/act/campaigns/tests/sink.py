"""A mail server for tests that runs in a process of its own: it writes each message's recipient down, safely, before it says 250."""

from __future__ import annotations

import asyncio
import email
import json
import os
import random
import sys
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    """Takes everything, within `slow` seconds."""

    def __init__(self, path: Path, slow: float) -> None:
        self.file = path.open("ab", buffering=0)
        self.slow = slow

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.content, policy=default)
        line = json.dumps({"to": envelope.rcpt_tos[0], "id": str(mail["Message-ID"])}) + "\n"
        self.file.write(line.encode())
        os.fsync(self.file.fileno())
        await asyncio.sleep(random.random() * self.slow)  # a worker that is killed here cannot know
        return "250 taken"


async def serve(path: Path, slow: float) -> None:
    sink = Sink(path, slow)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), float(sys.argv[2])))
