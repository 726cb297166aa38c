"""Formulas over series, like A / B * 100: a small language of its own, so that nothing else can be asked of the machine.

Letters stand for the series in their order, A for the first. A number without a value makes the result one without a value, and so
does a division by zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LONGEST = 200
DEEPEST = 30
LETTERS = "ABCDEFGHIJ"
_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<letter>[A-Ja-j](?![A-Za-z0-9_]))|(?P<sign>[-+*/()×÷−]))", re.ASCII)
_SIGNS = {"×": "*", "÷": "/", "−": "-"}

Number = float | int | None
Tree = float | str | tuple[str, "Tree", "Tree"]  # a number, a letter, or an operation on two


class FormulaError(ValueError):
    """What is wrong with a formula, as a sentence."""


@dataclass
class _Parser:
    tokens: Sequence[str]
    place: int = field(default=0)
    depth: int = field(default=0)

    def sum(self) -> Tree:
        return self._chain(("+", "-"), self.product)

    def product(self) -> Tree:
        return self._chain(("*", "/"), self.single)

    def _chain(self, signs: tuple[str, ...], part: object) -> Tree:
        assert callable(part)
        tree: Tree = part()
        while self._here() in signs:
            sign = self._take()
            tree = (sign, tree, part())
        return tree

    def single(self) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError("A formula may have at most 30 brackets and signs inside each other.")
        token = self._take()
        if token == "-":  # noqa: S105 - a sign
            tree: Tree = ("-", 0.0, self.single())
        elif token == "(":  # noqa: S105 - a sign
            tree = self.sum()
            if self._take() != ")":
                raise FormulaError("A bracket of the formula is not closed.")
        elif token in LETTERS and token:
            tree = token
        elif token[:1].isdigit() or token[:1] == ".":
            tree = float(token)
        else:
            raise FormulaError("The formula lacks a number or a letter where a sign stands, or ends too early.")
        self.depth -= 1
        return tree

    def _here(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._here()
        self.place += 1
        return token


def parse(text: str) -> Tree:
    """The formula as a tree. Raises FormulaError."""
    if len(text) > LONGEST:
        raise FormulaError("A formula may have at most 200 characters.")
    tokens, place = [], 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if not found:
            raise FormulaError("A formula is made of numbers, the letters of the series, + − * / and brackets.")
        tokens.append(_SIGNS.get(found.group().strip(), found.group().strip().upper()))
        place = found.end()
    parser = _Parser(tokens)
    tree = parser.sum()
    if parser.place < len(tokens):
        raise FormulaError("A sign is missing between two parts of the formula.")
    return tree


def letters(tree: Tree) -> frozenset[str]:
    """The series that the formula speaks of."""
    if isinstance(tree, tuple):
        return letters(tree[1]) | letters(tree[2])
    return frozenset({tree}) if isinstance(tree, str) else frozenset()


def calculate(tree: Tree, values: Mapping[str, Number]) -> Number:
    """The formula's value; None where there is none."""
    if isinstance(tree, str):
        return values.get(tree)
    if not isinstance(tree, tuple):
        return tree
    sign, left, right = tree[0], calculate(tree[1], values), calculate(tree[2], values)
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    try:
        found = {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1)}[sign]
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
