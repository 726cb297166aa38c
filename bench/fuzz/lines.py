"""Which lines of a protocol's modules ran."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "bihuan" / "collect"


class Lines:
    """Notes lines while it is a context. The modules are those in `protocols/` (and `webhooks/`) whose names begin with the protocol's."""

    def __init__(self, protocol: str) -> None:
        self._files = {str(path) for path in PACKAGE.glob(f"protocols/{protocol}*.py")}
        self._files |= {
            str(path) for path in PACKAGE.glob(f"{protocol}/*.py") if path.stem in ("mapping", "expressions", "signatures", "hooks")
        }
        self._ran: dict[str, set[int]] = {path: set() for path in self._files}

    def __enter__(self) -> Lines:
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def report(self) -> str:
        """For each module the lines inside its functions that ran, of all of them, and those that never did."""
        out = []
        for path in sorted(self._files):
            lines = set(_lines(compile(Path(path).read_text(), path, "exec")))
            missed = sorted(lines - self._ran[path])
            share = 100 * (len(lines) - len(missed)) / max(1, len(lines))
            out.append(f"{Path(path).name:28} {len(lines) - len(missed):4} of {len(lines):4} lines ({share:.0f} %) {missed}")
        return "\n".join(out)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self._ran[frame.f_code.co_filename].add(frame.f_lineno)
        return self._line


def _lines(code: CodeType, inside: bool = False) -> Iterator[int]:
    """The lines of all functions in a module's code."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _lines(constant, inside=bool(constant.co_flags & 2))  # 2: a function, and no body of a class
    if inside:
        yield from (line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno)
