"""Whose event it is: the ids of Sensors Analytics' clients as Bihuan's user, anonymous id and further typed ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from bihuan.collect.events import ID_TYPE, ID_TYPES, clean_id

LOGIN = "$identity_login_id"
COOKIE = "$identity_cookie_id"

# The id that a client makes up for its installation: what an event without a log-in belongs to. The most telling first.
_INSTALLED = (
    "$identity_anonymous_id",
    COOKIE,
    "$identity_mp_id",
    "$identity_distinct_id",
    *(f"$identity_{name}" for name in ("ali_mp_id", "baidu_mp_id", "byte_mp_id", "feishu_mp_id", "taobao_uuid", "xhs_mp_id")),
    *(f"$identity_{name}" for name in ("android_uuid", "android_id", "ios_uuid", "idfv", "harmony_uuid")),
)
_TYPES = {
    LOGIN: "login",
    "$identity_mobile": "phone",
    "$identity_email": "email",
    "$identity_mp_openid": "openid",
    "$identity_openid": "openid",
    "$identity_mp_unionid": "unionid",
    "$identity_unionid": "unionid",
    "$identity_oaid": "device",
    "$identity_idfa": "device",
    "$identity_imei": "device",
}
_OTHER = re.compile(r"[^a-z0-9_]+")
_OURS = frozenset({"user", "anonymous"})


class Who(NamedTuple):
    """`ids` are of other types, by type, the most certain first."""

    user: str | None
    anonymous: str | None
    ids: dict[str, str]


def who(distinct_id: str | None, login_id: str | None, anonymous_id: str | None, identities: Mapping[str, Any], *, is_login: bool) -> Who:
    """The person of an event. `is_login` says that its distinct_id is that of a user who logged in."""
    made = {f"{name}+{value}" for name, value in identities.items()}  # what clients make of an id of another type for want of a log-in
    distinct_id, login_id = (None if one in made else one for one in (distinct_id, login_id))
    if anonymous_id is not None and distinct_id not in (None, anonymous_id):
        is_login = True
    user = login_id or clean_id(identities.get(LOGIN)) or (distinct_id if is_login else None)
    anonymous = anonymous_id or next((found for name in _INSTALLED if (found := clean_id(identities.get(name)))), None)
    if user is None and anonymous is None and not identities:
        anonymous = distinct_id
    ids: dict[str, str] = {}
    for name in identities:
        if name != LOGIN and name not in _INSTALLED:
            text = clean_id(identities[name])
            if text is not None:
                ids.setdefault(id_type(name), text)
    return Who(user, anonymous, dict(sorted(ids.items(), key=_certainty)))


def unbound(identities: Mapping[str, Any]) -> dict[str, str]:
    """The ids that an unbinding names, by type."""
    found = (
        (_TYPES.get(name) or ("cookie" if name in _INSTALLED else id_type(name)), clean_id(value)) for name, value in identities.items()
    )
    return {kind: text for kind, text in found if text is not None}


def id_type(name: str) -> str:
    """The type of an identity: a known one, or the sender's own name in the form that Bihuan's have."""
    known = _TYPES.get(name)
    if known is not None:
        return known
    plain = _OTHER.sub("_", name.removeprefix("$identity_").lower()).strip("_")[:32]
    plain = plain if ID_TYPE.fullmatch(plain) else f"id_{plain}"[:32].rstrip("_")
    return f"{plain}_id" if plain in _OURS else plain


def _certainty(item: tuple[str, str]) -> tuple[int, str]:
    kind = item[0]
    return (ID_TYPES.index(kind) if kind in ID_TYPES else len(ID_TYPES), kind)
