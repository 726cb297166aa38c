"""The addresses of this stage, under a project's own."""

from __future__ import annotations

from django.urls import path

from bihuan.see.boards import views as boards
from bihuan.see.people import views as people

app_name = "see"
urlpatterns = [
    path("boards/", boards.boards, name="boards"),
    path("boards/new/", boards.new_board, name="new_board"),
    path("boards/<slug:key>/", boards.board, name="board"),
    path("boards/<slug:key>/edit/", boards.edit_board, name="edit_board"),
    path("boards/<slug:key>/archive/", boards.archive_board, name="archive_board"),
    path("boards/<slug:key>/tiles/<int:place>/", boards.edit_tile, name="edit_tile"),
    path("people/", people.people, name="people"),
    path("people/<int:number>/", people.person, name="person"),
]
