"""What an id is: its type, the hash that stands for it, and what its type says about whoever has it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

# What a type says of its person, as bits that a person's ids are added up in. Two persons of whom each has a bit of `CLASH` are not one.
LOGIN, EMAIL, PHONE, UNIONID, OTHER, WEAK = 1, 2, 4, 8, 16, 32
CLASH = LOGIN | EMAIL | PHONE | UNIONID
FLAGS: Mapping[str, int] = {
    "user": LOGIN,
    "email": EMAIL,
    "phone": PHONE,
    "unionid": UNIONID,
    "anonymous": WEAK,
    "cookie": WEAK,
    "device": WEAK,
}  # openid and types of the sender's own: OTHER, as a person has one in each app

HASH = "reinterpretAsUInt64(substring(SHA256(concat(toString(project_id), '\\0', id_type, '\\0', id)), 1, 8))"
FLAG = f"transform(toString(id_type), {list(FLAGS)}, {list(FLAGS.values())}, {OTHER})"


class Id(NamedTuple):
    """One id of somebody in a project. `type` is `user` (what a client calls user id or login), `anonymous`, or another of a sender's."""

    project: int
    type: str
    text: str

    @property
    def flag(self) -> int:
        """The bit of its type."""
        return FLAGS.get(self.type, OTHER)


class Typed(NamedTuple):
    """An id whose type is neither `user` nor `anonymous`, where a row of an event has its anonymous id."""

    type: str
    text: str


def id_hash(one: Id) -> int:
    """64 bits that stand for an id; the store computes the same by `HASH`."""
    return int.from_bytes(sha256(f"{one.project}\0{one.type}\0{one.text}".encode()).digest()[:8], "little")


def anonymous_id(project: int, value: str | Typed) -> Id:
    """The id that a row's anonymous id is."""
    return Id(project, "anonymous", value) if isinstance(value, str) else Id(project, value.type, value.text)


def other_ids(ids: Mapping[str, str], user: str | None, anonymous: str | None) -> tuple[Typed, ...]:
    """An event's further ids in the form the store knows: a login is a user id, and a cookie or device that is the event's anonymous
    id too is that; the most certain first."""
    found = []
    for kind, text in ids.items():
        if kind == "login":
            kind = "user"
        elif kind in ("cookie", "device") and text == anonymous:
            continue
        if not (kind == "user" and text == user):
            found.append(Typed(kind, text))
    return tuple(sorted(found, key=lambda one: (_ORDER.index(one.type) if one.type in _ORDER else len(_ORDER), one)))


_ORDER = ("user", "unionid", "openid", "phone", "email", "cookie", "device", "anonymous")
