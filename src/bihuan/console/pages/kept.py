"""Tiles whose answers are kept are written into the board's page: nobody waits for what is known already."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from bihuan.catalog.door import scope
from bihuan.console.pages.ask import answered, query_of
from bihuan.console.questions import by_name
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.question import Answer, Question, Reader, Spec
from bihuan.govern.errors import NotFound
from bihuan.govern.forms import validated
from bihuan.govern.web import ProjectRequest
from bihuan.see.boards.spec import Tile

log = logging.getLogger(__name__)


def kept_tiles(request: ProjectRequest, tiles: Sequence[Tile]) -> list[SafeString | None]:
    """Each tile's answer as its own request would show it; None where the store must be asked, or something is wrong: that request says
    what."""
    asked = [_asked(tile) for tile in tiles]
    whole = [each for each in asked if each is not None]
    try:
        answers = iter(engine().kept(whole, scope(request.member)))
    except EngineError:
        return [None for _ in tiles]
    return [None if each is None else _written(request, *each, next(answers)) for each in asked]


def title_of(tile: Tile, reader: Reader) -> str:
    """What stands above the tile: its own title, else its question's."""
    try:
        return tile.title or reader.say(by_name(tile.question).title)
    except NotFound:
        return tile.question


def _asked(tile: Tile) -> tuple[Question[Spec, object], Spec] | None:
    try:
        question = by_name(tile.question)
    except NotFound:
        return None
    spec, _ = validated(question.spec, tile.spec)
    return None if spec is None else (question, spec)


def _written(request: ProjectRequest, question: Question[Spec, object], spec: Spec, answer: Answer[object] | None) -> SafeString | None:
    if answer is None:
        return None
    query = query_of(spec)
    try:
        context = {"question": question, "query": query, "as": "tile", **answered(request, question, query, answer)}
        return render_to_string("panels/tile.html", context, request)
    except Exception:  # a tile that cannot be written must not take the board with it
        log.exception("A kept tile of the question %s could not be written", question.name)
        return None
