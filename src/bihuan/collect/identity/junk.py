"""Ids that are nobody's: what broken clients send when they have none. Taking one for an id would make a single person of everybody."""

from __future__ import annotations

import re
from collections.abc import Container

# In small letters; a project may add its own.
JUNK = frozenset(
    {
        *("null", "(null)", "nil", "none", "undefined", "nan", "n/a", "#n/a", "void", "false", "true", "{}", "[]", '""', "''"),
        *("anonymous", "anon", "guest", "guest user", "visitor", "unknown", "unidentified", "nobody", "not authenticated"),
        *("userid", "user_id", "distinct_id", "unset", "not set", "not_set", "notset", "(not set)", "[object object]"),
        *("未知", "匿名", "游客"),
    }
)
_NOTHING = re.compile(r"[0\-{}:.]*|[f\-{}]{32,38}")  # 0, 00, all-zero UUIDs and MAC addresses, advertising ids that are switched off


def is_junk(text: str, own: Container[str] = ()) -> bool:
    """Whether an id says nothing about who it is; `own` are the project's further ones, in small letters."""
    small = text.strip().lower()
    return small in JUNK or small in own or _NOTHING.fullmatch(small) is not None
