"""Make the served script of its source: without comments and spaces that mean nothing, and with short names for what only it sees.

`python -m bihuan.collect.web.build` writes it; a test holds source and result together, and the size within 5 KB as it travels.
The source ends every statement with a semicolon, so its line ends mean nothing either.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from string import ascii_letters

SOURCE = Path(__file__).with_name("bihuan.src.js")
BUILT = Path(__file__).with_name("bihuan.js")
LICENCE = "/* Bihuan, Apache-2.0 */\n"

_TOKEN = re.compile(
    r"""
    (?P<comment> /\*.*?\*/ | //[^\n]* )
  | (?P<space> \s+ )
  | (?P<text> '(?:\\.|[^'\\\n])*' )
  | (?P<regex> (?: (?<=[(,=:!&|?]) | (?<=[(,=:!&|?]\s) ) / (?![*/]) (?: \\. | \[(?:\\.|[^\]\\\n])*\] | [^/\\\[\n] )+ /[a-z]* )
  | (?P<word> [\w$]+ )
  | (?P<sign> \.\.\. | => | \+\+ | -- | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[\w$]")
_DECLARED = ("const", "let", "function")


def built(source: str) -> str:
    """The script of a source."""
    tokens = [(found.lastgroup or "", found.group()) for found in _TOKEN.finditer(source)]
    tokens = [(kind, text) for kind, text in tokens if kind not in ("comment", "space")]
    names = short_names(tokens)
    out: list[str] = []
    for kind, text in tokens:
        last = out[-1] if out else ""
        if text == "}" and last == ";":
            out.pop()
        elif last and ((_WORD.match(last[-1]) and _WORD.match(text)) or (last[-1] == text[0] and text[0] in "+-")):
            out.append(" ")
        out.append(names.get(text, text) if kind == "word" else text)
    return LICENCE + "".join(out) + "\n"


def short_names(tokens: list[tuple[str, str]]) -> dict[str, str]:
    """A letter or two for each name that is declared and never the name of a property; the most frequent first."""
    texts = [text for _, text in tokens]
    count = Counter(text for kind, text in tokens if kind == "word")
    declared = {after for before, after in pairwise(texts) if before in _DECLARED and after in count}
    properties = {
        text
        for place, text in enumerate(texts[1:-1], start=1)
        if texts[place - 1] == "." or texts[place + 1] == ":" or (texts[place - 1] in "{," and texts[place + 1] in ",}")
    }
    free = (name for name in _letters() if name not in count)
    return {name: next(free) for name in sorted(declared - properties, key=lambda name: (-count[name], name)) if len(name) > 2}


def _letters() -> Iterator[str]:
    yield from ascii_letters
    yield from map("".join, product(ascii_letters, repeat=2))


if __name__ == "__main__":
    BUILT.write_text(built(SOURCE.read_text()))
