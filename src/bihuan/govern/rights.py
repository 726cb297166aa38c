"""Which role may do what: the one place that says so."""

from __future__ import annotations

from typing import Literal

from bihuan.govern.models import Role

Right = Literal["view", "define", "act", "private", "manage"]

# Each role may do what the roles to its right in this order may.
ORDER = (Role.OWNER, Role.OPERATOR, Role.ANALYST, Role.VIEWER)

# The least role that has the right.
LEAST: dict[Right, Role] = {
    "view": Role.VIEWER,  # open pages, ask questions
    "define": Role.ANALYST,  # boards, segments, metrics
    "act": Role.OPERATOR,  # campaigns and imports: whatever reaches people or adds data
    "private": Role.OPERATOR,  # see the project's private properties, such as e-mail addresses
    "manage": Role.OWNER,  # members, keys, tokens, the project itself
}


def allowed(role: Role | str, right: Right) -> bool:
    """Whether `role` has `right`."""
    return ORDER.index(Role(role)) <= ORDER.index(LEAST[right])


def lesser(one: Role | str, other: Role | str) -> Role:
    """The role of the two that may do less."""
    return max(Role(one), Role(other), key=ORDER.index)
