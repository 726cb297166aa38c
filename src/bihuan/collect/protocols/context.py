"""The context that clients of Segment's family send with each call, as properties of the event: page, campaign, device, place, app."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from bihuan.collect.agents import agent

_CAMPAIGN = {"source": "utm_source", "medium": "utm_medium", "name": "utm_campaign", "term": "utm_term", "content": "utm_content"}
_UTM = frozenset(_CAMPAIGN.values())


def properties_of(context: bytes, properties: dict[str, Any] | None, *, page: bool) -> dict[str, Any]:
    """All properties of an event. What the call says itself comes before what its context says; `page` properties are context too."""
    if not page:
        return {**_from_context(context), **(properties or {})}
    found = dict(_from_context(context))
    own = dict(properties or {})
    _page(found, own)
    for name in ("url", "path", "referrer", "search", "title"):
        own.pop(name, None)
    return {**found, **own}


def decoded(context: bytes) -> dict[str, Any]:
    """The context as an object; none when it is something else."""
    try:
        found = msgspec.json.decode(context)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=5_000)
def _from_context(context: bytes) -> Mapping[str, Any]:
    """Cached because a client sends the same context with many calls."""
    found: dict[str, Any] = {}
    known = decoded(context)
    _page(found, _part(known, "page"))
    _campaign(found, _part(known, "campaign"))
    _device(found, known)
    _place(found, known)
    return found


def _page(found: dict[str, Any], page: Mapping[str, Any]) -> None:
    url, referrer = _text(page, "url"), _text(page, "referrer")
    if url:
        host, path, campaign = address(url)
        _set(found, {"host": host, "path": path}, campaign)
    if referrer:
        host, path, _ = address(referrer)
        found["referrer"] = host or referrer
        if host and path not in ("", "/"):
            found["referrer_url"] = referrer
    _set(found, {name: _text(page, name) for name in ("path", "title", "search")})


def _campaign(found: dict[str, Any], campaign: Mapping[str, Any]) -> None:
    _set(found, {name: _text(campaign, key) for key, name in _CAMPAIGN.items()})


def _device(found: dict[str, Any], context: Mapping[str, Any]) -> None:
    known = agent(_text(context, "userAgent"))
    _set(found, {"browser": known.browser, "os": known.os, "device": known.device})
    _set(
        found,
        {
            "os": _text(_part(context, "os"), "name"),
            "device": _text(_part(context, "device"), "type"),
            "device_model": _text(_part(context, "device"), "model"),
            "app_version": _text(_part(context, "app"), "version"),
        },
    )


def _place(found: dict[str, Any], context: Mapping[str, Any]) -> None:
    location = _part(context, "location")
    _set(found, {"country": _text(location, "country"), "city": _text(location, "city"), "locale": _text(context, "locale")})


@lru_cache(maxsize=10_000)
def address(url: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Host, path and campaign parameters of a web address; nothing for what is none."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.path, tuple((name, value) for name, value in parse_qsl(parts.query) if name in _UTM)
    except ValueError:
        return "", "", ()


def _set(found: dict[str, Any], values: Mapping[str, str], more: tuple[tuple[str, str], ...] = ()) -> None:
    found.update((name, value) for name, value in (*values.items(), *more) if value)


def _part(context: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = context.get(name)
    return part if isinstance(part, dict) else {}


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""
