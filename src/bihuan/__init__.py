"""Bihuan 闭环: collect what people do, see it, explain it, act on it, and measure what the action changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bihuan.console.client import Client

__version__ = "0.1.0"


def connect(where: str, *, token: str | None = None, project: str | None = None) -> Client:
    """Open a Bihuan for questions in a notebook: `where` is the address of a running one (with an API `token`) or a data folder."""
    from bihuan.console.client import connect as open_client

    return open_client(where, token=token, project=project)
