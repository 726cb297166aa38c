"""With the real Node clients, installed and unmodified: nothing is lost and nothing is doubled, whatever becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bihuan.collect.tests.flaky import Flaky
from bihuan.collect.tests.site import KEY, Site
from tests.clients.conftest import people

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("script", "tricks"),
    [
        ("posthog_node.cjs", ("500", "lost answer", "503", "ok", "reset before", "hang", "ok", "lost answer", "ok")),
        ("segment_node.cjs", ("500", "lost answer", "hang", "reset before", *("ok",) * 4, "503", *("ok",) * 4)),
    ],
)
def test_lost_answers_resets_errors_and_hangs_store_each_event_once(
    site: Site, node: Callable[..., str], script: str, tricks: tuple[str, ...]
) -> None:
    flaky = Flaky(site, tricks, hang=1.5)
    try:
        node(script, flaky.url, KEY, script, 10)
    finally:
        flaky.close()
    assert {"500", "lost answer", "ok"} <= set(flaky.played)
    found = people(site, script)[script]
    assert [n for n, _ in found] == list(range(-1, 10))
    assert len({person for _, person in found}) == 1  # what was done before the log-in is the user's
    assert ("plan", '"pro"') in site.rows("name, value", "traits")
    assert site.rows("count()", "quarantine") == [(0,)]
