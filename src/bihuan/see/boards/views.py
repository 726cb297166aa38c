"""The pages of boards."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from bihuan.catalog.definitions import archive_definition, definition, definitions, spec_of
from bihuan.catalog.models import Definition
from bihuan.govern.errors import Conflict, Invalid
from bihuan.govern.forms import to_dotted
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence
from bihuan.see.boards.change import KIND, change_tile, create_board, move_tile, remove_tile, rename_board
from bihuan.see.boards.spec import BoardSpec, Tile

WIDTHS = (("3", _("A quarter")), ("4", _("A third")), ("6", _("Half")), ("8", _("Two thirds")), ("12", _("Full")))


class BoardForm(forms.Form):
    name = forms.CharField(max_length=200)
    description = forms.CharField(max_length=2000, required=False)


class TileForm(forms.Form):
    title = forms.CharField(max_length=200, required=False)
    note = forms.CharField(max_length=2000, required=False)
    width = forms.ChoiceField(choices=WIDTHS)


@dataclass(frozen=True)
class PlacedTile:
    """A tile with its place on the board and the address that answers it."""

    tile: Tile
    place: int
    address: str
    panel: str


@project_view("view")
def boards(request: ProjectRequest) -> HttpResponse:
    """All boards of the project."""
    found = [(board, len(spec_of(board).tiles)) for board in definitions(request.member, KIND)]
    return render_page(request, "see/boards.html", {"boards": found})


@project_view("define")
def new_board(request: ProjectRequest) -> HttpResponse:
    form = BoardForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_board(member=request.member, **form.cleaned_data)
        except Invalid as error:
            form.add_error(error.where or None, sentence(error))
        else:
            return redirect_to(request, "see:board", project=request.member.project.key, key=made.key)
    return render_page(request, "see/board_form.html", {"form": form, "board": None})


@project_view("view")
def board(request: ProjectRequest, key: str) -> HttpResponse:
    """A board: tiles whose answers are kept come with it, the others load side by side."""
    found = definition(request.member, KIND, key)
    return render_page(request, "see/board.html", {"board": found, "tiles": placed(request, found), "archived": _archived(found)})


@project_view("define")
def edit_board(request: ProjectRequest, key: str) -> HttpResponse:
    """Rename a board; reorder, change and remove its tiles."""
    found = definition(request.member, KIND, key)
    form = BoardForm(request.POST or None, initial={"name": found.name, "description": found.description})
    if request.method == "POST" and form.is_valid():
        try:
            rename_board(member=request.member, key=key, **form.cleaned_data)
        except Invalid as error:
            form.add_error(error.where or None, sentence(error))
        else:
            return redirect_to(request, "see:board", project=request.member.project.key, key=key)
    context = {"form": form, "board": found, "tiles": placed(request, found), "widths": WIDTHS}
    return render_page(request, "see/board_form.html", context)


@require_POST
@project_view("define")
def edit_tile(request: ProjectRequest, key: str, place: int) -> HttpResponse:
    """Move, remove or change a tile: the pressed button says which."""
    todo = request.POST.get("do", "")
    if todo == "up":
        move_tile(member=request.member, key=key, place=place, by=-1)
    elif todo == "down":
        move_tile(member=request.member, key=key, place=place, by=1)
    elif todo == "remove":
        remove_tile(member=request.member, key=key, place=place)
    else:
        form = TileForm(request.POST)
        if form.is_valid():
            change_tile(member=request.member, key=key, place=place, **form.cleaned_data)
    return redirect_to(request, reverse("see:edit_board", args=[request.member.project.key, key]) + f"#tile-{place}")


@require_POST
@project_view("define")
def archive_board(request: ProjectRequest, key: str) -> HttpResponse:
    try:
        found = archive_definition(member=request.member, kind=KIND, key=key)
        messages.success(request, gettext("The board “{name}” is archived.").format(name=found.name))
    except Conflict as error:
        messages.error(request, sentence(error))
    return redirect_to(request, "see:boards", project=request.member.project.key)


def placed(request: ProjectRequest, found: Definition) -> list[PlacedTile]:
    spec: BoardSpec = spec_of(found)
    root = f"/p/{request.member.project.key}/ask/"
    tiles = []
    for place, tile in enumerate(spec.tiles):
        query = urlencode(to_dotted(tile.spec))
        tiles.append(
            PlacedTile(tile, place, f"{root}{tile.question}/?{query}", f"{root}{tile.question}/?{query}{'&' if query else ''}as=tile")
        )
    return tiles


def _archived(found: Definition) -> bool:
    return found.state == Definition.State.ARCHIVED
