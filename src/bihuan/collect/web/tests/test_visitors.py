"""Who a visitor without cookies is: the same all day, nobody's tomorrow."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bihuan.collect.web.visitors import Visitors, client

SHANGHAI = ZoneInfo("Asia/Shanghai")
ANN = {"host": "tea.example", "peer": "127.0.0.1", "forwarded": "203.0.113.7", "agent": "Firefox"}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "salts.json"


def visitors(file: Path) -> Visitors:
    return Visitors(file, lambda _project: SHANGHAI)


def test_a_visitor_is_the_same_all_day_of_the_project_and_another_the_next(file: Path) -> None:
    ours = visitors(file)
    morning, evening, next_day = (at(text) for text in ("2026-03-15T00:00:01", "2026-03-15T23:59:59", "2026-03-16T00:00:01"))
    first = ours.anonymous(1, morning, morning, **ANN)
    assert ours.anonymous(1, evening, evening, **ANN) == first
    assert ours.anonymous(1, next_day, next_day, **ANN) != first
    assert ours.anonymous(1, evening, next_day, **ANN) == first  # it was late


def test_project_site_address_and_browser_tell_visitors_apart(file: Path) -> None:
    ours = visitors(file)
    now = at("2026-03-15T12:00")
    others = [{**ANN, name: value} for name, value in (("host", "b.example"), ("forwarded", "203.0.113.8"), ("agent", "Safari"))]
    seen = [ours.anonymous(1, now, now, **ANN), ours.anonymous(2, now, now, **ANN), *(ours.anonymous(1, now, now, **one) for one in others)]
    assert len(set(seen)) == 5
    assert ours.anonymous(1, now, now, **{**ANN, "host": "TEA.example"}) == seen[0]


def test_a_restart_changes_nothing_and_days_that_are_over_leave_no_salt(file: Path) -> None:
    now, later = at("2026-03-15T12:00"), at("2026-03-18T12:00")
    first = visitors(file).anonymous(1, now, now, **ANN)
    again = visitors(file)
    assert again.anonymous(1, now, now, **ANN) == first
    assert file.stat().st_mode & 0o777 == 0o600
    again.anonymous(1, later, later, **ANN)
    assert list(json.loads(file.read_text())) == ["2026-03-18"]
    assert again.anonymous(1, now, later, **ANN) != first  # nobody can tell any more


def test_two_installations_give_the_same_visitor_different_ids(file: Path) -> None:
    now = at("2026-03-15T12:00")
    assert visitors(file).anonymous(1, now, now, **ANN) != visitors(file.with_name("other")).anonymous(1, now, now, **ANN)


def test_a_damaged_or_unwritable_file_stops_nobody(tmp_path: Path) -> None:
    now = at("2026-03-15T12:00")
    (tmp_path / "bad").write_text("{")
    for file in (tmp_path / "bad", tmp_path / "no" / "folder"):
        ours = visitors(file)
        assert ours.anonymous(1, now, now, **ANN) == ours.anonymous(1, now, now, **ANN)


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("203.0.113.7", "", 1, "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7", 1, "203.0.113.7"),
        ("10.0.0.5", "6.6.6.6, 203.0.113.7", 1, "203.0.113.7"),  # what stands before it, the client may have made up
        ("10.0.0.5", "6.6.6.6, 203.0.113.7, 198.51.100.1", 2, "203.0.113.7"),
        ("10.0.0.5", "203.0.113.7", 3, "203.0.113.7"),
        ("93.184.216.34", "6.6.6.6", 1, "93.184.216.34"),  # no proxy of ours
        ("127.0.0.1", "203.0.113.7", 0, "127.0.0.1"),
        ("", "203.0.113.7", 1, ""),
    ],
)
def test_the_address_is_what_our_own_proxies_heard(peer: str, forwarded: str, proxies: int, address: str) -> None:
    assert client(peer, forwarded, proxies) == address
