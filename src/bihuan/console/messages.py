"""Turns every catalogue of translations into what Django reads: `python -m bihuan.console.messages` compiles, `--check` only looks."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)  # the date in each compiled file, so that it depends on its source alone


def catalogues() -> list[Path]:
    """The hand-written catalogues (`.po`): one of each stage, and those of folders that bring their own (a question, a feature)."""
    return sorted(PACKAGE.rglob("locale/*/LC_MESSAGES/django.po"))


def compiled(source: Path) -> bytes:
    """The binary form of one catalogue; the same source always gives the same bytes.

    Raises ValueError when a translation lacks a `{place}` of its message, or has one that the message lacks.
    """
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parent.parent.name)
    catalogue.creation_date = catalogue.revision_date = LONG_AGO
    problems = list(_problems(source, catalogue))
    if problems:
        raise ValueError("\n".join(problems))
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def _problems(source: Path, catalogue: object) -> Iterator[str]:
    from babel.messages.catalog import Catalog

    assert isinstance(catalogue, Catalog)
    seen: set[tuple[str, str]] = set()
    for message in catalogue:
        if not message.id:
            continue
        one = message.id if isinstance(message.id, str) else message.id[0]
        key = (one, message.context or "")
        if key in seen:
            yield f"{source}:{message.lineno}: “{one}” is there twice"
        seen.add(key)
        translations = [message.string] if isinstance(message.string, str) else list(message.string or ())
        for text in filter(None, translations):
            if places(text) != places(one) and not isinstance(message.id, tuple):
                yield f"{source}:{message.lineno}: “{one}” and “{text}” have different places"


def places(text: str) -> set[str]:
    """The `{name}` and `%(name)s` places of a message."""
    return set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", text))


def main(arguments: list[str]) -> int:
    """Compile what is not up to date; with `--check` only tell, and answer 1 when there is any."""
    check = "--check" in arguments
    stale = []
    for source in catalogues():
        target = source.with_suffix(".mo")
        fresh = compiled(source)
        if not target.exists() or target.read_bytes() != fresh:
            stale.append(source)
            if not check:
                target.write_bytes(fresh)
    for source in stale:
        print(("not up to date: " if check else "compiled ") + str(source.relative_to(PACKAGE)))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
