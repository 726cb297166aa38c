"""Keys made from names."""

from __future__ import annotations

import pytest

from bihuan.govern.slugs import free_key, key_of


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Autumn tea", "autumn-tea"),
        ("秋茶", "campaign"),
        ("双11大促 2026", "campaign-11-2026"),
        ("2026", "campaign-2026"),
        ("A 茶", "campaign-a"),
        ("VIP 回访", "vip"),
        ("—", "campaign"),
    ],
)
def test_a_name_gives_a_key_that_says_what_it_is(name: str, key: str) -> None:
    assert key_of(name, "campaign") == key


def test_a_key_is_no_longer_than_it_may_be_and_taken_by_nobody() -> None:
    assert key_of("a" * 50, "project", 36) == "a" * 36
    assert free_key("project", {"project", "project-2", "project-4"}) == "project-3"
