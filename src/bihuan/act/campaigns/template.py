"""The language of messages: text with places for person properties, and nothing that computes.

`{{ name }}` is the property `name`, `{{ name|default:"friend" }}` the same or what to say instead. In HTML, what is filled in is escaped.
What is filled in is never read as a template again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_PLACE = re.compile(r"""\{\{\s*([^{}|"'<>]{1,200}?)\s*(?:\|\s*default:\s*(?:"([^"{}]*)"|'([^'{}]*)')\s*)?\}\}""")
_HREF = re.compile(r"""(?<=[\s"'])(href\s*=\s*)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_SAFE_SCHEMES = ("http://", "https://", "mailto:", "tel:", "#")
UNSUBSCRIBE = "unsubscribe_url"

Escape = Callable[[str], str]


@dataclass(frozen=True)
class Place:
    """A place to fill: the property's `name`, and what to say for people without it (None: nothing)."""

    name: str
    default: str | None


def places(text: str) -> list[Place]:
    """The places of a text, in order."""
    return [_place(found) for found in _PLACE.finditer(text)]


def properties(*texts: str) -> tuple[str, ...]:
    """The names of all person properties that these texts need, each once."""
    return tuple(dict.fromkeys(place.name for text in texts for place in places(text) if place.name != UNSUBSCRIBE))


def mistakes(text: str) -> list[str]:
    """What looks like a place and is none, such as an unknown filter."""
    rest = _PLACE.sub("", text)
    return re.findall(r"\{\{.{0,60}|\{%.{0,60}", rest)


def render(text: str, values: Mapping[str, str], escape: Escape = str) -> str:
    """The text with every place filled."""
    return _PLACE.sub(lambda found: escape(_fill(_place(found), values)), text)


def render_html(text: str, values: Mapping[str, str], link: Callable[[str], str] = str) -> str:
    """HTML with every place filled and escaped; each constant web address of a link goes through `link`, and an address that was
    filled in may only lead to the web, a mailbox or a telephone."""
    done, end = [], 0
    for found in _HREF.finditer(text):
        done.append(render(text[end : found.start()], values, html.escape))
        done.append(f'{found.group(1)}"{html.escape(_address(_href(found), values, link))}"')
        end = found.end()
    return "".join((*done, render(text[end:], values, html.escape)))


def links(text: str) -> tuple[str, ...]:
    """The constant web addresses that an HTML text links to, each once, in order."""
    hrefs = (html.unescape(_href(found)).strip() for found in _HREF.finditer(text))
    return tuple(dict.fromkeys(href for href in hrefs if _constant(href)))


def _address(href: str, values: Mapping[str, str], link: Callable[[str], str]) -> str:
    address = html.unescape(href).strip()
    if _constant(address):
        return link(address)
    filled = render(address, values).strip()
    return filled if filled.lower().startswith(_SAFE_SCHEMES) else "#"


def _constant(address: str) -> bool:
    return address.lower().startswith(("http://", "https://")) and "{{" not in address


def _href(found: re.Match[str]) -> str:
    return str(found.group(2) if found.group(2) is not None else found.group(3))


def _place(found: re.Match[str]) -> Place:
    return Place(found.group(1), found.group(2) if found.group(2) is not None else found.group(3))


def _fill(place: Place, values: Mapping[str, str]) -> str:
    return values.get(place.name) or place.default or ""
