"""What people do with boards; each is one new revision of the board."""

from __future__ import annotations

from bihuan.catalog.definitions import definition, save_definition, spec_of
from bihuan.catalog.models import Definition
from bihuan.govern.door import Member
from bihuan.govern.errors import Invalid, NotFound
from bihuan.see.boards.spec import BoardSpec, Tile

KIND = "board"


def create_board(*, member: Member, name: str, description: str = "", tiles: tuple[Tile, ...] = ()) -> Definition:
    return save_definition(member=member, kind=KIND, name=name, description=description, spec=BoardSpec(tiles=tiles))


def rename_board(*, member: Member, key: str, name: str, description: str) -> Definition:
    found = definition(member, KIND, key)
    return save_definition(member=member, kind=KIND, key=key, name=name, description=description, spec=spec_of(found))


def add_tile(*, member: Member, key: str, tile: Tile) -> Definition:
    """Put a tile at the end."""
    return _with_tiles(member, key, (*tiles_of(member, key), tile))


def change_tile(*, member: Member, key: str, place: int, title: str, note: str, width: str) -> Definition:
    """Change what is written on a tile and how wide it is; what it asks stays."""
    tiles = list(tiles_of(member, key))
    tiles[_place(tiles, place)] = Tile.model_validate({**tiles[place].model_dump(), "title": title, "note": note, "width": width})
    return _with_tiles(member, key, tuple(tiles))


def move_tile(*, member: Member, key: str, place: int, by: int) -> Definition:
    """Move a tile `by` places (negative: towards the beginning), not beyond the ends."""
    tiles = list(tiles_of(member, key))
    tile = tiles.pop(_place(tiles, place))
    tiles.insert(max(0, min(len(tiles), place + by)), tile)
    return _with_tiles(member, key, tuple(tiles))


def remove_tile(*, member: Member, key: str, place: int) -> Definition:
    tiles = list(tiles_of(member, key))
    tiles.pop(_place(tiles, place))
    return _with_tiles(member, key, tuple(tiles))


def tiles_of(member: Member, key: str) -> tuple[Tile, ...]:
    board: BoardSpec = spec_of(definition(member, KIND, key))
    return board.tiles


def _place(tiles: list[Tile], place: int) -> int:
    if not 0 <= place < len(tiles):
        raise NotFound("This tile is not on the board any more.")
    return place


def _with_tiles(member: Member, key: str, tiles: tuple[Tile, ...]) -> Definition:
    if len(tiles) > 60:
        raise Invalid("A board has at most 60 tiles; make another board.")
    found = definition(member, KIND, key)
    return save_definition(member=member, kind=KIND, key=key, name=found.name, description=found.description, spec=BoardSpec(tiles=tiles))
