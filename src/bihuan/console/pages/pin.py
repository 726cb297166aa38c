"""Putting a question on a board, from the question's page."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bihuan.catalog.definitions import definitions
from bihuan.console.pages.ask import asked
from bihuan.govern.errors import Invalid
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence
from bihuan.see.boards.change import KIND, add_tile, create_board
from bihuan.see.boards.spec import Tile
from bihuan.see.boards.views import WIDTHS

NEW = "+"  # no board has this key


class PinForm(forms.Form):
    board = forms.CharField(max_length=100)
    name = forms.CharField(max_length=200, required=False)
    title = forms.CharField(max_length=200, required=False)
    note = forms.CharField(max_length=2000, required=False)
    width = forms.ChoiceField(choices=WIDTHS, initial="6")

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("board") == NEW and not given.get("name", "").strip():
            self.add_error("name", _("Give the new board a name."))


@project_view("define")
def pin(request: ProjectRequest, name: str) -> HttpResponse:
    """Choose a board, or name a new one, for what the address asks."""
    what = asked(request, name)
    if what.spec is None:
        return redirect_to(request, "project:ask", project=request.member.project.key, name=name)
    form = PinForm(request.POST or None, initial={"title": gettext(what.question.title)})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        document = what.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        tile = Tile(question=what.question.name, spec=document, title=given["title"], note=given["note"], width=given["width"])
        try:
            if given["board"] == NEW:
                board = create_board(member=request.member, name=given["name"], tiles=(tile,))
            else:
                board = add_tile(member=request.member, key=given["board"], tile=tile)
        except Invalid as error:
            form.add_error(None, sentence(error))
        else:
            messages.success(request, gettext("It is on the board “{name}” now.").format(name=board.name))
            return redirect_to(request, "see:board", project=request.member.project.key, key=board.key)
    context = {
        "question": what.question,
        "query": what.query,
        "form": form,
        "boards": definitions(request.member, KIND),
        "widths": WIDTHS,
        "new": NEW,
    }
    return render_page(request, "console/pin.html", context, panel="console/pin_dialog.html")
