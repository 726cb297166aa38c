"""Boards: tiles are added, moved, changed and removed, each time as a revision, by those who may."""

from __future__ import annotations

import pytest

from bihuan.catalog.definitions import definition, spec_of
from bihuan.govern.errors import Forbidden, NotFound
from bihuan.govern.tests.cast import Cast
from bihuan.see.boards.change import add_tile, change_tile, create_board, move_tile, remove_tile, tiles_of
from bihuan.see.boards.spec import Tile

pytestmark = pytest.mark.django_db


def tile(title: str) -> Tile:
    return Tile(question="trend", spec={"series": [{"event": title}]}, title=title)


@pytest.fixture
def board(cast: Cast) -> str:
    return create_board(member=cast.anna, name="Monday", tiles=(tile("a"), tile("b"), tile("c"))).key


def titles(cast: Cast, key: str) -> str:
    return "".join(each.title for each in tiles_of(cast.anna, key))


def test_tiles_move_one_place_and_not_beyond_the_ends(cast, board):
    move_tile(member=cast.anna, key=board, place=2, by=-1)
    assert titles(cast, board) == "acb"
    move_tile(member=cast.anna, key=board, place=0, by=-1)
    move_tile(member=cast.anna, key=board, place=2, by=1)
    assert titles(cast, board) == "acb"


def test_a_tile_is_added_at_the_end_and_taken_off(cast, board):
    add_tile(member=cast.anna, key=board, tile=tile("d"))
    remove_tile(member=cast.anna, key=board, place=1)
    assert titles(cast, board) == "acd"


def test_changing_a_tile_keeps_what_it_asks(cast, board):
    change_tile(member=cast.anna, key=board, place=1, title="New", note="Why", width="12")
    changed = tiles_of(cast.anna, board)[1]
    assert (changed.title, changed.note, changed.width, changed.spec) == ("New", "Why", "12", {"series": [{"event": "b"}]})


def test_a_tile_that_is_not_there_cannot_be_changed(cast, board):
    with pytest.raises(NotFound):
        remove_tile(member=cast.anna, key=board, place=3)


def test_every_change_is_a_revision(cast, board):
    before = definition(cast.anna, "board", board).revision
    move_tile(member=cast.anna, key=board, place=0, by=1)
    assert definition(cast.anna, "board", board).revision == before + 1


def test_a_viewer_changes_nothing(cast, board):
    with pytest.raises(Forbidden):
        remove_tile(member=cast.vera, key=board, place=0)
    browser = cast.client(cast.vera)
    assert browser.get(f"/p/shop/boards/{board}/edit/").status_code == 403
    assert browser.post(f"/p/shop/boards/{board}/tiles/0/", {"do": "remove"}).status_code == 403
    assert "Edit" not in browser.get(f"/p/shop/boards/{board}/").content.decode()


def test_the_edit_page_moves_changes_and_removes(cast, board):
    browser = cast.client(cast.anna)
    browser.post(f"/p/shop/boards/{board}/tiles/0/", {"do": "down"})
    browser.post(f"/p/shop/boards/{board}/tiles/2/", {"do": "remove"})
    browser.post(f"/p/shop/boards/{board}/tiles/0/", {"do": "change", "title": "first", "note": "", "width": "3"})
    assert [(each.title, each.width) for each in tiles_of(cast.anna, board)] == [("first", "3"), ("a", "6")]


def test_a_board_is_made_renamed_and_archived(cast):
    browser = cast.client(cast.anna)
    made = browser.post("/p/shop/boards/new/", {"name": "Growth", "description": "For Mondays"})
    assert (made.status_code, made["Location"]) == (303, "/p/shop/boards/growth/")
    browser.post("/p/shop/boards/growth/edit/", {"name": "Growth 2", "description": ""})
    assert definition(cast.anna, "board", "growth").name == "Growth 2"
    assert spec_of(definition(cast.anna, "board", "growth")).tiles == ()
    browser.post("/p/shop/boards/growth/archive/")
    assert "Growth 2" not in browser.get("/p/shop/boards/").content.decode().split("<main")[1].split("alert-description")[-1]


def test_a_board_needs_a_name(cast):
    page = cast.client(cast.anna).post("/p/shop/boards/new/", {"name": ""})
    assert page.status_code == 200
    assert "invalid-feedback" in page.content.decode()


def test_a_board_loads_its_tiles_as_panels(cast, board):
    page = cast.client(cast.vera).get(f"/p/shop/boards/{board}/").content.decode()
    assert page.count('hx-trigger="load"') == 3
    assert "/p/shop/ask/trend/?series.0.event=a&amp;as=tile" in page
