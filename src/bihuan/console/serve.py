"""The supervisor: starts Bihuan's processes in order, restarts whichever dies, and takes all of them along when it ends.

It stays small (no Django, no engine code) so that it can outlive whatever it watches.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bihuan.console.lifeline import die_with_parent
from bihuan.engine.config import Config

DEATHS, WITHIN = 6, 60.0  # a process that dies so often within so many seconds will not be helped by starting it once more
PAUSES = (0.0, 0.3, 1.0, 3.0, 5.0)  # before the first, second, … restart
PATIENCE, ENGINE_PATIENCE = 5.0, 3.5  # seconds from SIGTERM to SIGKILL; together under 10


class CannotServe(Exception):
    """Serving cannot begin, or go on; the text says why and what to do."""


@dataclass(frozen=True)
class Program:
    """A process to run: `python -m <module> <arguments>`.

    One that runs `once` must end well before the next program starts; `terminal` gives it the terminal (for a progress bar).
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    once: bool = False
    terminal: bool = False


ENGINE = Program("engine", "bihuan.engine.embedded.process")
MIGRATE = Program("migrate", "bihuan.console.migrate", once=True)
COLLECTOR = Program("collector", "bihuan.collect.server")
CONSOLE = Program("console", "bihuan.console.server")
WORKER = Program("worker", "bihuan.console.worker")


def programs(config: Config) -> tuple[Program, ...]:
    """What `bihuan serve` runs, in the order of starting; with a ClickHouse server of your own there is no engine to run."""
    engine = () if config.events_url else (ENGINE,)
    return (*engine, MIGRATE, COLLECTOR, CONSOLE, WORKER)


@dataclass
class _Child:
    """A program and its present process, if any."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS))
    start_at: float = 0.0
    rest: bytes = b""
    done: bool = False


class Supervisor:
    """Runs programs until SIGTERM or SIGINT. `welcome` is called once, when all of them run and the console answers; `ports` are those
    that the programs need besides console's and collector's, by option."""

    def __init__(
        self, config: Config, children: Sequence[Program], welcome: Callable[[], str], ports: Mapping[str, int] | None = None
    ) -> None:
        self.config = config
        self.ports = {"--port": config.port, "--collect-port": config.collect_port, **(ports or {})}
        self.children = [_Child(program) for program in children]
        self.welcome: Callable[[], str] | None = welcome
        self._signals = 0
        self._pipes = selectors.DefaultSelector()

    def run(self) -> int:
        """Serve; returns the exit code."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._note_signal)
        try:
            with only_server(self.config, self.ports):
                try:
                    self._watch()
                finally:
                    self._end()
        except CannotServe as problem:
            say("serve", str(problem))
            return 1
        return 0

    def _watch(self) -> None:
        self._wait_for_others()
        while not self._signals:
            self._start_due()
            self._relay(0.2)
            self._reap()
            self._greet()

    def _wait_for_others(self) -> None:
        """An import that began while nobody served has the folder until it ends."""
        said = ""
        while not self._signals and (owner := other_writer(self.config)):
            if owner != said:
                say("serve", f"process {owner} writes into {self.config.data}, perhaps an import; starting as soon as it has ended.")
            said = owner
            time.sleep(0.3)

    def _note_signal(self, *_: object) -> None:
        self._signals += 1

    def _start_due(self) -> None:
        """Start what is due, in order; nothing behind a `once` program that has not ended well."""
        for child in self.children:
            if child.process is None and not child.done and time.monotonic() >= child.start_at:
                self._start(child)
            if child.program.once and not child.done:
                return

    def _start(self, child: _Child) -> None:
        program = child.program
        child.process = subprocess.Popen(
            [sys.executable, "-m", program.module, *program.arguments],
            stdin=subprocess.DEVNULL,
            stdout=None if program.terminal else subprocess.PIPE,
            stderr=None if program.terminal else subprocess.STDOUT,
            env=environment(self.config),
            process_group=0,  # Ctrl-C reaches only the supervisor; and a group can be killed whole
            preexec_fn=die_with_parent,
        )
        if child.process.stdout is not None:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._pipes.register(child.process.stdout, selectors.EVENT_READ, child)

    def _relay(self, seconds: float) -> None:
        """Pass on what the programs print, a line at a time, under their names."""
        if not self._pipes.get_map():
            time.sleep(seconds)
        for key, _ in self._pipes.select(seconds):
            self._read(key.data)

    def _read(self, child: _Child) -> None:
        assert child.process is not None
        assert child.process.stdout is not None
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(child.process.stdout.fileno(), 65536):
                *lines, child.rest = (child.rest + piece).split(b"\n")
                for line in lines:
                    say(child.program.name, line.decode(errors="replace"))
            self._pipes.unregister(child.process.stdout)

    def _reap(self) -> None:
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, child.process)

    def _bury(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        """A process has ended: end what it left behind, and decide when the program starts again."""
        _kill_group(process)
        if process.stdout is not None:
            if process.stdout in self._pipes.get_map():
                self._read(child)
            if process.stdout in self._pipes.get_map():
                self._pipes.unregister(process.stdout)
            process.stdout.close()
        if child.rest:
            say(child.program.name, child.rest.decode(errors="replace"))
        child.process, child.rest = None, b""
        if self._signals:
            return
        if child.program.once:
            if process.returncode:
                raise CannotServe(f"{child.program.name} failed ({_ending(process.returncode)}); its last lines above say why.")
            child.done = True
            return
        self._plan_restart(child, process.returncode)

    def _plan_restart(self, child: _Child, code: int) -> None:
        now = time.monotonic()
        child.deaths.append(now)
        recent = [death for death in child.deaths if now - death < WITHIN]
        if len(recent) >= DEATHS:
            raise CannotServe(
                f"{child.program.name} ended {len(recent)} times within {WITHIN:.0f} seconds; giving up. Its last lines above say why."
            )
        pause = PAUSES[min(len(recent), len(PAUSES)) - 1]
        child.start_at = now + pause
        say("serve", f"{child.program.name} ended ({_ending(code)}); starting it again{f' in {pause} s' if pause else ''}.")

    def _greet(self) -> None:
        if self.welcome is None or any(child.process is None and not child.done for child in self.children):
            return
        if any(answers(self.config.host, port) is False for port in (self.config.port, self.config.collect_port)):
            return
        print(self.welcome(), flush=True)
        self.welcome = None

    def _end(self) -> None:
        """Stop everybody, the engine last so that the others can finish their writing; kill whoever does not listen."""
        engine = [child for child in self.children if child.program is ENGINE]
        self._stop([child for child in self.children if child.program is not ENGINE], PATIENCE)
        self._stop(engine, ENGINE_PATIENCE)

    def _stop(self, children: Sequence[_Child], patience: float) -> None:
        self._signals = self._signals or 1
        running = [child for child in children if child.process is not None]
        for child in running:
            if child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + patience
        asked = self._signals
        while any(child.process is not None for child in running):
            self._relay(0.05)
            self._reap()
            if time.monotonic() > deadline or self._signals > asked:
                for child in running:
                    if child.process is not None:
                        say("serve", f"{child.program.name} did not end in time; killing it.")
                        _kill_group(child.process)
                        child.process.wait()
                deadline = float("inf")


def environment(config: Config) -> dict[str, str]:
    """What the programs find in their environment; a few settings keep their memory small and their output prompt."""
    return {
        **os.environ,
        "BIHUAN_DATA": str(config.data),
        "BIHUAN_HOST": config.host,
        "BIHUAN_PORT": str(config.port),
        "BIHUAN_COLLECT_PORT": str(config.collect_port),
        "BIHUAN_PUBLIC_URL": config.public_url,
        "BIHUAN_COLLECT_URL": config.collect_url,
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
        "MALLOC_MMAP_THRESHOLD_": os.environ.get("MALLOC_MMAP_THRESHOLD_", "1000000"),  # what is large goes back when it is freed
    }


@contextlib.contextmanager
def only_server(config: Config, ports: Mapping[str, int]) -> Iterator[None]:
    """Hold the data folder and check the ports, or raise CannotServe with what to do."""
    check_folder(config)
    with (config.run / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = config.announced("serve") or {}
            raise CannotServe(
                f"Bihuan already serves {config.data} at {said.get('url', 'an unknown address')} (process {said.get('pid', 'unknown')}). "
                "Use that one, stop it, or choose another folder with --data."
            ) from None
        check_ports(config.host, ports)
        config.announce("serve", url=config.public_url, collect_url=config.collect_url)
        try:
            yield
        finally:
            (config.run / "serve.json").unlink(missing_ok=True)


def other_writer(config: Config) -> str:
    """The number of the process that writes into the data folder, '' when none does."""
    for name in ("run/writer.lock", "engine/lock"):
        with contextlib.suppress(FileNotFoundError), (config.data / name).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() or "unknown"
    return ""


def check_folder(config: Config) -> None:
    """Raise CannotServe when nothing can be written to the data folder."""
    try:
        with tempfile.TemporaryFile(dir=config.run) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotServe(
            f"Cannot write to the data folder {config.data}: {reason}. Make room, change its permissions, or choose another with --data."
        ) from None


def check_ports(host: str, ports: Mapping[str, int]) -> None:
    """Raise CannotServe when nobody could listen at one of them, or two are the same."""
    options: dict[int, str] = {}
    for option, port in ports.items():
        if port in options:  # both would listen there, and each get half of what comes
            raise CannotServe(f"{options[port]} and {option} are both {port}. Choose another for one of them.")
        options[port] = option
        check_port(host, port, option)


def check_port(host: str, port: int, option: str) -> None:
    """Raise CannotServe when nobody could listen there."""
    if not 0 < port < 65536:
        raise CannotServe(f"There is no port {port}. Choose one from 1 to 65535 with {option}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            other = "--host" if error.errno == errno.EADDRNOTAVAIL else option
            raise CannotServe(f"Cannot listen on {host}, port {port}: {reason}. Choose another with {other}.") from None


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a name for "everywhere" is nowhere to connect to
    with contextlib.suppress(OSError), socket.create_connection((there, port), timeout=0.5):
        return True
    return False


def say(name: str, line: str) -> None:
    """One line of the log."""
    print(f"{time.strftime('%H:%M:%S')} {name:<9} │ {line}", flush=True)


def boxed(*lines: str) -> str:
    """Lines in a frame; a Chinese character is two columns wide."""
    width = max(map(_columns, lines))
    middle = [f"│ {line}{' ' * (width - _columns(line))} │" for line in lines]
    return "\n".join(["", f"╭{'─' * (width + 2)}╮", *middle, f"╰{'─' * (width + 2)}╯", ""])


def _columns(text: str) -> int:
    return sum(2 if 0x2E80 <= ord(letter) <= 0xFFEF else 1 for letter in text)


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def parser(command: str, description: str, *, data: str) -> argparse.ArgumentParser:
    """The options of whatever serves."""
    options = argparse.ArgumentParser(command, description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    options.add_argument("--data", type=Path, default=Path(os.environ.get("BIHUAN_DATA", data)), help="the data folder")
    options.add_argument("--host", default=os.environ.get("BIHUAN_HOST", Config.host), help="the address to listen on")
    options.add_argument("--port", type=int, default=int(os.environ.get("BIHUAN_PORT", Config.port)), help="the port of the console")
    options.add_argument(
        "--collect-port",
        type=int,
        default=int(os.environ.get("BIHUAN_COLLECT_PORT", Config.collect_port)),
        help="the port that events are sent to",
    )
    return options


def configure(options: argparse.Namespace) -> Config:
    """The configuration that the options and the environment ask for. What is written from now on is for this user alone."""
    os.umask(0o077)
    os.environ["BIHUAN_DATA"] = str(options.data.absolute())
    os.environ["BIHUAN_HOST"] = options.host
    os.environ["BIHUAN_PORT"] = str(options.port)
    os.environ["BIHUAN_COLLECT_PORT"] = str(options.collect_port)
    os.environ.setdefault("BIHUAN_PUBLIC_URL", f"http://{_reachable(options.host)}:{options.port}")
    os.environ.setdefault("BIHUAN_COLLECT_URL", f"http://{_reachable(options.host)}:{options.collect_port}")
    return Config.from_env()


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def main(arguments: Sequence[str] | None = None) -> int:
    config = configure(parser("bihuan serve", "Run Bihuan until Ctrl-C.", data="data").parse_args(arguments))

    def welcome() -> str:
        return boxed(f"Bihuan is at {config.public_url}", f"Events go to {config.collect_url}", f"Data folder: {config.data}")

    return Supervisor(config, programs(config), welcome).run()


if __name__ == "__main__":
    sys.exit(main())
