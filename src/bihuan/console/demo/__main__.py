"""`bihuan demo`: the supervisor with the demo's own programs, filling the data folder first when it is new."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from bihuan.console.demo.state import State
from bihuan.console.serve import COLLECTOR, CONSOLE, ENGINE, MIGRATE, WORKER, Program, Supervisor, boxed, configure, parser, say

PASSWORD = "oolong-demo"  # noqa: S105 - shown to whoever starts the demo; it listens on this machine only
ACCOUNTS = ("owner", "operator", "analyst", "viewer")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser("bihuan demo", "Try Bihuan on a simulated tea shop, until Ctrl-C.", data=".demo")
    options.add_argument("--people", type=int, default=5_000, help="people in the history")
    options.add_argument("--days", type=int, default=90, help="days of history")
    options.add_argument("--seed", type=int, default=1, help="the same seed makes the same people do the same")
    chinese = os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("zh")
    options.add_argument("--language", choices=("en", "zh"), default="zh" if chinese else "en", help="of names, cities and goods")
    options.add_argument("--no-live", action="store_true", help="only the history, no traffic afterwards")
    options.add_argument("--smtp-port", type=int, default=2525, help="where the demo's mailbox takes mails")
    options.add_argument("--mail-port", type=int, default=8025, help="where the demo's mailbox shows them")
    given = options.parse_args(arguments)
    if given.people < 10 or given.days < 2:
        options.error("a shop has at least 10 people and 2 days")

    os.environ["BIHUAN_SMTP_URL"] = f"smtp://127.0.0.1:{given.smtp_port}"
    config = configure(given)
    told = State.load(config.data)
    if told is not None and told.filled and (told.people, told.seed) != (given.people, given.seed):
        say("demo", f"{config.data} already holds a shop of {told.people} people (seed {told.seed}); going on with that one.")
        say("demo", "For another, choose another folder with --data, or remove this one.")

    facts = (given.people, given.days, given.seed, given.language, given.smtp_port)
    fill = Program("fill", "bihuan.console.demo.fill", tuple(map(str, facts)), once=True, terminal=True)
    live = Program("demo", "bihuan.console.demo.live", (str(given.smtp_port), str(given.mail_port), *(["quiet"] * given.no_live)))
    filled = told is not None and told.filled
    ports = {"--smtp-port": given.smtp_port, "--mail-port": given.mail_port}

    def welcome() -> str:
        return boxed(
            f"Bihuan  闭环   {config.public_url}",
            "",
            *(f"  log in as {name:<9} with the password {PASSWORD}" for name in ACCOUNTS),
            "",
            f"Mails that the demo sends     {_mailbox(config.host, given.mail_port)}",
            f"Events are collected at       {config.collect_url}",
            f"Data folder                   {config.data}",
            "",
            "Ctrl-C ends it; what was collected stays. 按 Ctrl-C 结束，数据保留。",
        )

    programs = (ENGINE, MIGRATE, COLLECTOR, *(() if filled else (fill,)), CONSOLE, WORKER, live)
    return Supervisor(config, programs, welcome, ports).run()


def _mailbox(host: str, port: int) -> str:
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104


if __name__ == "__main__":
    sys.exit(main())
