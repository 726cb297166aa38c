"""Small safe expressions over columns, such as `Quantity * UnitPrice`: names, numbers, + - * / and parentheses, nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bihuan.collect.imports.errors import ImportProblem

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray

MAX_LENGTH = 1000
MAX_DEPTH = 50
_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|`(?P<quoted>[^`]+)`|(?P<name>[^\W\d][\w.]*)|(?P<sign>[-+*/()]))")


@dataclass(frozen=True)
class Expression:
    """A parsed expression; `names` are the columns it reads, in order of appearance."""

    text: str
    names: tuple[str, ...]
    _steps: tuple[tuple[str, str | float], ...]

    def evaluate(self, column: Callable[[str], Numbers]) -> Numbers:
        """Its value for every row, NaN where a column has none and where it divides by zero. `column` gives a name's numbers."""
        import numpy as np

        stack: list[Numbers] = []
        with np.errstate(all="ignore"):
            for kind, value in self._steps:
                if kind == "name":
                    stack.append(column(str(value)))
                elif kind == "number":
                    stack.append(np.array(value, dtype=np.float64))
                elif kind == "negate":
                    stack.append(-stack.pop())
                else:
                    right, left = stack.pop(), stack.pop()
                    stack.append(_OPERATIONS[kind](left, right))
        result = np.asarray(stack.pop(), dtype=np.float64)
        return np.where(np.isfinite(result), result, np.nan)


_OPERATIONS: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}


def parse(text: str) -> Expression:
    """The expression that `text` writes; a column whose name is not a plain word stands in `backticks`.

    Raises ImportProblem with the place that was not understood.
    """
    if len(text) > MAX_LENGTH:
        raise ImportProblem("An expression may have at most {most} characters.", most=MAX_LENGTH)
    parser = _Parser(text)
    parser.sum(0)
    if parser.kind != "end":
        parser.fail()
    names = tuple(dict.fromkeys(str(value) for kind, value in parser.steps if kind == "name"))
    if not names:
        raise ImportProblem("“{text}” names no column.", text=text)
    return Expression(text, names, tuple(parser.steps))


class _Parser:
    """Recursive descent, writing the steps in the order in which a stack does them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.steps: list[tuple[str, str | float]] = []
        self.kind = ""
        self.value = ""
        self.next()

    def next(self) -> None:
        self.begin = self.place
        if not self.text[self.place :].strip():
            self.kind, self.value = "end", ""
            return
        found = _TOKEN.match(self.text, self.place)
        if found is None:
            self.fail()
        assert found is not None
        self.kind, self.value = str(found.lastgroup), found.group(str(found.lastgroup))
        self.place = found.end()

    def fail(self) -> None:
        rest = self.text[self.begin :].strip()
        raise ImportProblem(
            "“{text}” is neither a column nor an expression of columns, numbers, + - * / and parentheses (at “{place}”). "
            "Write column names that are not plain words in `backticks`.",
            text=self.text,
            place=rest or "…",
        )

    def sum(self, depth: int) -> None:
        self.product(depth)
        while self.kind == "sign" and self.value in "+-":
            sign = self.value
            self.next()
            self.product(depth)
            self.steps.append((sign, 0))

    def product(self, depth: int) -> None:
        self.factor(depth)
        while self.kind == "sign" and self.value in "*/":
            sign = self.value
            self.next()
            self.factor(depth)
            self.steps.append((sign, 0))

    def factor(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ImportProblem("“{text}” is nested too deeply.", text=self.text[:80])
        if self.kind == "number":
            self.steps.append(("number", float(self.value)))
        elif self.kind in ("name", "quoted"):
            self.steps.append(("name", self.value))
        elif self.kind == "sign" and self.value == "-":
            self.next()
            self.factor(depth + 1)
            self.steps.append(("negate", 0))
            return
        elif self.kind == "sign" and self.value == "(":
            self.next()
            self.sum(depth + 1)
            if self.value != ")":
                self.fail()
        else:
            self.fail()
        self.next()
