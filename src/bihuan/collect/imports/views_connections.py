"""The page of connections: for owners, as a connection lets Bihuan's machine reach an address."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from bihuan.collect.imports.connections import connection, connections, delete_connection, save_connection
from bihuan.collect.models import Connection
from bihuan.govern.errors import Conflict, Invalid
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence

EXAMPLES = (
    ("PostgreSQL", "postgresql://reader@db.example.com:5432/shop"),
    ("MySQL, MariaDB", "mysql://reader@db.example.com:3306/shop"),
    ("ClickHouse", "clickhouse://reader@ch.example.com:8123/shop"),
    ("S3", "s3://ACCESS-KEY@bucket/exports?region=eu-central-1"),
    ("MinIO, COS", "s3://ACCESS-KEY@bucket/exports?endpoint=https://minio.example.com"),
    ("OSS", "s3://ACCESS-KEY@bucket/exports?endpoint=https://oss-cn-hangzhou.aliyuncs.com&addressing=virtual"),
    ("HTTP(S)", "https://files.example.com/exports/"),
    ("SQLite", "sqlite:////data/sources/shop.sqlite"),
)


@project_view("manage")
def all_connections(request: ProjectRequest) -> HttpResponse:
    """All connections, and a new one."""
    return _edited(request, None)


@project_view("manage")
def one_connection(request: ProjectRequest, key: str) -> HttpResponse:
    """Change one. Its credentials are never shown again."""
    return _edited(request, connection(request.member.project, key))


@require_POST
@project_view("manage")
def delete(request: ProjectRequest, key: str) -> HttpResponse:
    """Forget one and its credentials."""
    try:
        delete_connection(member=request.member, key=key)
    except Conflict as error:
        messages.error(request, sentence(error))
    return redirect_to(request, "collect:connections", project=request.member.project.key)


def _edited(request: ProjectRequest, found: Connection | None) -> HttpResponse:
    values: dict[str, Any] = {"name": found.name, "place": found.place} if found else {}
    context: dict[str, Any] = {"all": connections(request.member.project), "found": found, "examples": EXAMPLES, "errors": {}}
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in ("name", "place")}
        try:
            saved = save_connection(
                member=request.member,
                key=found.key if found else "",
                **values,
                password=request.POST.get("password", ""),
                headers=request.POST.get("headers", ""),
                forget="forget" in request.POST,
            )
        except Invalid as error:
            values["place"] = values["place"] if "@" not in values["place"] else ""  # there may be a password in it
            return render_page(
                request,
                "collect/imports/connections.html",
                context | {"values": values, "errors": {error.where: sentence(error)}},
                status=422,
            )
        messages.success(request, gettext("The connection “{name}” is saved.").format(name=saved.name))
        return redirect_to(request, "collect:connections", project=request.member.project.key)
    return render_page(request, "collect/imports/connections.html", context | {"values": values})
