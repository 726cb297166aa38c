"""What the page Sources says of a web site: the lines to copy, whether their key is one, and whether something has come from there."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from bihuan.collect.arrivals.result import ArrivalsResult
from bihuan.collect.protocols.web import SOURCE
from bihuan.govern.hashes import digest_of
from bihuan.govern.keys import write_keys
from bihuan.govern.web import ProjectRequest

PLACE = "YOUR_WRITE_KEY"
_LOOKS_LIKE_ONE = re.compile(r"[\w.-]{1,100}", re.ASCII)

_LOAD = """<script>window.bihuan=window.bihuan||function(){{(bihuan.q=bihuan.q||[]).push(arguments)}}</script>
<script async src="{url}/bihuan.js" data-key="{key}"></script>"""

CALLS = """bihuan('track', 'Order Completed', { revenue: 128.5, sku: 'tea' })
bihuan('identify', 'user-42', { plan: 'pro' })
bihuan('reset')  // after a log-out"""


def load(url: str, key: str) -> str:
    """What loads the script into a page."""
    return _LOAD.format(url=url, key=key)


def web_site(request: ProjectRequest, url: str, found: ArrivalsResult | None) -> dict[str, Any]:
    """What the card shows. `key_state` is '' without a key, 'valid', or 'unknown'."""
    given = request.GET.get("key", "").strip()
    key = given if _LOOKS_LIKE_ONE.fullmatch(given) else ""
    ours = {one.digest for one in write_keys(request.member) if one.revoked_at is None}
    state = "" if not given else "valid" if digest_of(key) in ours else "unknown"
    return {
        "load": load(url, key if state == "valid" else PLACE),
        "calls": CALLS,
        "key": given,
        "key_state": state,
        "query": urlencode({"key": given}) if given else "",
        "arrived": next((one for one in found.sources if one.source == SOURCE), None) if found else None,
    }
