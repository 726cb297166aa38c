"""The properties of PostHog's clients as Bihuan names them: what has a column of its own moves there, all else stays as it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.collect.agents import agent
from bihuan.collect.protocols.context import address

_RENAMED = {
    "$pathname": "path",
    "$host": "host",
    "$app_version": "app_version",
    "$geoip_country_code": "country",
    "$geoip_city_name": "city",
}
_SYSTEMS = {"Mac OS X": "macOS", "Chrome OS": "ChromeOS", "iPadOS": "iOS"}
_DEVICES = {"Desktop": "desktop", "Mobile": "mobile", "Tablet": "tablet"}
_SERVERS = frozenset(f"posthog-{name}" for name in ("python", "node", "php", "ruby", "go", "java", "rs", "elixir", "dotnet"))
# Said elsewhere already: in the event's key, its time, its person, its project.
_SAID = (
    "token",
    "api_key",
    "distinct_id",
    "$insert_id",
    "$time",
    "$set",
    "$set_once",
    "$unset",
    "$anon_distinct_id",
    "$process_person_profile",
)


def properties_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an event. A server's system is not that of the person: it stays `$os`."""
    own = {name: value for name, value in properties.items() if name not in _SAID}
    found: dict[str, Any] = {}
    _page(found, own)
    if not _of_a_server(own):
        _device(found, own)
    for name, column in _RENAMED.items():
        _move(found, own, name, column)
    return {**found, **own}


def _page(found: dict[str, Any], own: dict[str, Any]) -> None:
    url = own.get("$current_url")
    if isinstance(url, str):
        host, path, campaign = address(url)
        found.update((name, value) for name, value in (("host", host), ("path", path), *campaign) if value)
    referrer, domain = own.pop("$referrer", None), own.pop("$referring_domain", None)
    if isinstance(referrer, str) and referrer not in ("", "$direct"):
        host, path, _ = address(referrer)
        found["referrer"] = host or referrer
        if host and path not in ("", "/"):
            found["referrer_url"] = referrer
    elif isinstance(domain, str) and domain not in ("", "$direct"):
        found["referrer"] = domain


def _device(found: dict[str, Any], own: dict[str, Any]) -> None:
    """A User-Agent knows the apps in which pages are opened; without one, what the client found out."""
    text = own.get("$raw_user_agent")
    known = agent(text if isinstance(text, str) else "")
    for column, name, seen, names in (
        ("browser", "$browser", known.browser, {}),
        ("os", "$os", known.os, _SYSTEMS),
        ("os", "$os_name", "", _SYSTEMS),
        ("device", "$device_type", known.device, _DEVICES),
    ):
        said = own.pop(name, None)
        value = seen or found.get(column) or (names.get(said, said) if isinstance(said, str) else "")
        if value:
            found[column] = value


def _of_a_server(own: Mapping[str, Any]) -> bool:
    return own.get("$is_server") is True or own.get("$lib") in _SERVERS


def _move(found: dict[str, Any], own: dict[str, Any], name: str, column: str) -> None:
    value = own.pop(name, None)
    if isinstance(value, str | int | float) and value != "":
        found[column] = value
