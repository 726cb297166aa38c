"""Names and values that would run if they were pasted into a page or a spreadsheet, shown on the pages that show what came in."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from bihuan.catalog.definitions import save_definition
from bihuan.catalog.kinds import SegmentSpec
from bihuan.govern.tests.cast import Cast

pytestmark = pytest.mark.django_db
EVIL = '</script><script>evil()</script><img src=x onerror="evil()">\'\u202e'
FORMULA = "=HYPERLINK(evil)"
TREND = {"series.0.event": EVIL, "period.last": "7", "breakdown.property": "note"}
PAGES = {
    "live/": {},
    "people/1/": {},
    "people/": {"search": EVIL},
    "catalog/": {},
    "catalog/event/": {"name": EVIL},
    "segments/": {},
    "segments/evil/": {},
    "quarantine/": {"reason": EVIL},
    "ask/trend/": TREND,
    "ask/trend/sql/": TREND,
    "ask/trend/use/": TREND,
    "ask/trend/add-to-board/": TREND,
}


@pytest.fixture
def alice(cast: Cast, store: Any, write: Any) -> Any:
    at = datetime.now(UTC)
    write((1, EVIL, at, {"note": EVIL, "path": EVIL, EVIL: EVIL}), (1, EVIL, at, {"note": FORMULA}))
    save_definition(member=cast.alice, kind="segment", key="evil", name=EVIL, description=EVIL, spec=SegmentSpec())
    return cast.client(cast.alice)


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "panel"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_that_came_in_can_run_in_a_page(alice: Any, path: str, headers: dict[str, str]) -> None:
    response = alice.get(f"/p/shop/{path}?{urlencode(PAGES[path])}", headers=headers)
    page = response.content.decode()
    assert response.status_code < 500
    assert "<script>evil" not in page
    assert "<img src=x" not in page
    for data in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL):
        json.loads(data)


def test_no_text_of_an_export_is_a_formula(alice: Any) -> None:
    response = alice.get(f"/p/shop/ask/live/export.csv?{urlencode({'limit': 10})}")
    trend = alice.get(f"/p/shop/ask/trend/export.csv?{urlencode(TREND)}")
    assert FORMULA in trend.content.decode()
    for content in (response.content.decode(), trend.content.decode()):
        assert not [cell for row in csv.reader(io.StringIO(content)) for cell in row if cell.startswith(("=", "+", "@"))]
