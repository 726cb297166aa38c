"""What mending changes, for people to read."""

from __future__ import annotations

from datetime import UTC, datetime

from bihuan.collect.events import Event
from bihuan.collect.quarantined.preview import compared

BEFORE = Event(project_id=1, key="k", source="s", at=1_773_000_000_000, name="Paid", user_id="u1", props={"total": "7", "currency": "CNY"})


def test_what_changes_is_told_field_by_field_with_the_kinds_of_values() -> None:
    after = Event(project_id=1, key="k", source="s", at=1_773_003_600_000, name="Paid", props={"total": 7, "currency": "CNY", "shop": None})
    changes = [(str(row.title), row.before, row.after) for row in compared(BEFORE, after) if row.changed]
    assert changes == [
        ("Time", datetime(2026, 3, 8, 20, tzinfo=UTC), datetime(2026, 3, 8, 21, tzinfo=UTC)),
        ("User id", "u1", None),
        ("total", '"7"', "7"),
        ("shop", None, "null"),
    ]


def test_nothing_changes_without_a_step_and_a_time_that_nobody_can_mean_is_none() -> None:
    assert not any(row.changed for row in compared(BEFORE, BEFORE))
    far = Event(project_id=1, key="k", source="s", at=10**17, name="Paid")
    assert next(row.after for row in compared(BEFORE, far) if str(row.title) == "Time") is None
