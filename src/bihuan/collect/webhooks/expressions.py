"""The small language in which a mapping says where a value is: paths, texts, alternatives and joining; nothing of it is ever run as code.

data.order.id              a member of a member
lines[0].sku, lines[-1]    an item of a list, from its beginning or its end
data["odd name"]           a member whose name has other signs than letters, digits, _ and -
'Order paid'               a text as it stands
a.email | b.email | 'none' the first that there is
'GitHub ' + action         joined as text; nothing if a part of it is missing
$.id                       from the whole body, where `for_each` has gone into a list
@headers.x-github-event    a header of the request
@index                     the place in the list of `for_each`, from 0
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

LONGEST = 500  # characters of an expression
MOST_STEPS = 40

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<joiner>[|+])
    | (?P<root>\$|@headers|@index)
    | \[\s*(?P<place>-?\d{1,6})\s*\]
    | \[\s*(?P<quoted>"(?:[^"\\]|\\.)*")\s*\]
    | \.?(?P<name>[^\W\d][\w-]*|\d[\w-]*)
    )""",
    re.VERBOSE,
)


class BadExpression(ValueError):
    """The expression cannot be read; `str()` says where."""


class Root(NamedTuple):
    """What expressions look at: one item (or the whole body), the whole body, the headers by small names, the item's place."""

    item: Any
    body: Any
    headers: Mapping[str, str]
    place: int = 0


class _Text(NamedTuple):
    text: str


class _Path(NamedTuple):
    root: str  # "", "$", "@headers" or "@index"
    steps: tuple[str | int, ...]


_Atom = _Text | _Path
Expression = tuple[tuple[_Atom, ...], ...]  # alternatives of joined parts


@lru_cache(maxsize=2_000)
def parsed(text: str) -> Expression:
    """The expression that `text` says. Raises BadExpression."""
    if len(text) > LONGEST:
        raise BadExpression(f"An expression may have at most {LONGEST} characters.")
    alternatives: list[tuple[_Atom, ...]] = []
    parts: list[_Atom] = []
    end, ready = 0, True  # whether an atom may begin here
    while text[end:].strip():
        found = _TOKEN.match(text, end)
        if found is None:
            raise BadExpression(f"This cannot be read from “{text[end:].strip()[:20]}” on.")
        start, end = end, found.end()
        kind = str(found.lastgroup)
        if kind == "joiner":
            if ready:
                raise BadExpression(f"Something is missing before “{found['joiner']}”.")
            if found["joiner"] == "|":
                alternatives.append(tuple(parts))
                parts = []
            ready = True
        elif ready:
            parts.append(_begun(found, kind))
            ready = False
        else:
            parts[-1] = _longer(parts[-1], found, kind, text[start:].strip())
    if ready:
        raise BadExpression("Something is missing at the end." if alternatives or parts else "Say where the value is.")
    return (*alternatives, tuple(parts))


def value_of(text: str, root: Root) -> Any:
    """What the expression finds; None when there is nothing."""
    for parts in parsed(text):
        found = _joined(parts, root)
        if found is not None:
            return found
    return None


def _begun(found: re.Match[str], kind: str) -> _Atom:
    match kind:
        case "text":
            return _Text(re.sub(r"\\(.)", r"\1", found["text"][1:-1]))
        case "root":
            return _Path(found["root"], ())
    return _Path("", (_step(found, kind),))


def _longer(atom: _Atom, found: re.Match[str], kind: str, rest: str) -> _Atom:
    dotted = kind in ("place", "quoted") or found[0].lstrip().startswith(".")
    if isinstance(atom, _Text) or kind in ("text", "root") or not dotted or atom.root == "@index":
        raise BadExpression(f"Before “{rest[:20]}”, a dot, + or | is missing.")
    if len(atom.steps) >= MOST_STEPS:
        raise BadExpression(f"A path may have at most {MOST_STEPS} steps.")
    return atom._replace(steps=(*atom.steps, _step(found, kind)))


def _step(found: re.Match[str], kind: str) -> str | int:
    if kind == "place":
        return int(found["place"])
    return re.sub(r"\\(.)", r"\1", found["quoted"][1:-1]) if kind == "quoted" else found["name"]


def _joined(parts: tuple[_Atom, ...], root: Root) -> Any:
    if len(parts) == 1:
        return _found(parts[0], root)
    texts: list[str] = []
    for part in parts:
        value = _found(part, root)
        if value is None or isinstance(value, dict | list):
            return None
        texts.append(str(value).lower() if isinstance(value, bool) else str(value))
    return "".join(texts)


def _found(atom: _Atom, root: Root) -> Any:
    if isinstance(atom, _Text):
        return atom.text
    match atom.root:
        case "@index":
            return root.place
        case "@headers":
            return root.headers.get(".".join(map(str, atom.steps)).lower()) if atom.steps else None
        case "$":
            here = root.body
        case _:
            here = root.item
    for step in atom.steps:
        if isinstance(step, int):
            here = here[step] if isinstance(here, list) and -len(here) <= step < len(here) else None
        else:
            here = here.get(step) if isinstance(here, dict) else None
        if here is None:
            return None
    return here
