"""The properties of Sensors Analytics' clients as Bihuan names them: what has a column of its own moves there, all else stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.collect.agents import agent
from bihuan.collect.protocols.context import address

_RENAMED = {
    "$url_host": "host",
    "$url_path": "path",
    "$utm_source": "utm_source",
    "$utm_medium": "utm_medium",
    "$utm_campaign": "utm_campaign",
    "$app_version": "app_version",
    "$country": "country",
    "$city": "city",
    "$browser": "browser",
    "$os": "os",
}
_LATEST = {"$latest_utm_source": "utm_source", "$latest_utm_medium": "utm_medium", "$latest_utm_campaign": "utm_campaign"}
_SYSTEMS = {
    "Mac OS X": "macOS",
    "Mac OS": "macOS",
    "mac": "macOS",
    "Harmony": "HarmonyOS",
    "android": "Android",
    "ios": "iOS",
    "iPadOS": "iOS",
}
_PHONES = frozenset({"iOS", "Android", "HarmonyOS", "MiniProgram"})
# Said elsewhere already: in the event's time, its project, its person.
_SAID = ("$is_login_id", "$time", "$project", "$token")
# What the browser client writes where it found nothing.
_NOTHING = ("url的domain解析失败", "取值异常", "未取到值", "直接打开", "直接流量")


def properties_of(properties: Mapping[str, Any], lib: Mapping[str, Any], user_agent: str) -> dict[str, Any]:
    """The properties of an event. `user_agent` is the browser's, which its client leaves to the server to read."""
    own = {name: value for name, value in properties.items() if name not in _SAID}
    for name in ("$lib", "$lib_version", "$app_version"):
        if isinstance(lib.get(name), str):
            own.setdefault(name, lib[name])
    found: dict[str, Any] = {}
    _page(found, own)
    _device(found, own, user_agent)
    for name, column in _RENAMED.items():
        _move(found, own, name, column)
    for name, column in _LATEST.items():
        if column not in found and _says(own.get(name)):
            found[column] = own[name]
    return {**found, **own}


def _page(found: dict[str, Any], own: dict[str, Any]) -> None:
    url = own.get("$url")
    if isinstance(url, str):
        host, path, campaign = address(url)
        found.update((name, value) for name, value in (("host", host), ("path", path), *campaign) if value)
    referrer, domain = own.pop("$referrer", None), own.pop("$referrer_host", None)
    if _says(referrer):
        host, path, _ = address(str(referrer))
        found["referrer"] = host or referrer
        if host and path not in ("", "/"):
            found["referrer_url"] = referrer
    elif _says(domain):
        found["referrer"] = domain


def _device(found: dict[str, Any], own: dict[str, Any], user_agent: str) -> None:
    library = own.get("$lib")
    said = own.get("$user_agent")
    known = agent(said if isinstance(said, str) else user_agent if library == "js" else "")
    found.update((name, value) for name, value in zip(("browser", "os", "device"), known, strict=True) if value)
    if library == "MiniProgram":
        found["browser"] = "WeChat Mini Program"
    if isinstance(library, str) and library in _PHONES:
        found["device"] = "tablet" if "iPad" in str(own.get("$model", "")) else "mobile"
    system = own.get("$os")
    if isinstance(system, str):
        own["$os"] = _SYSTEMS.get(system, system)


def _move(found: dict[str, Any], own: dict[str, Any], name: str, column: str) -> None:
    """Where the User-Agent knows the app in which a page was opened, it knows better than the client."""
    value = own.pop(name, None)
    if _says(value) and not (column in ("browser", "os") and column in found):
        found[column] = value


def _says(value: Any) -> bool:
    if isinstance(value, str):
        return value != "" and not value.startswith(_NOTHING)
    return isinstance(value, int | float)
