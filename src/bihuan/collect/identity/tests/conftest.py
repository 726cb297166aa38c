"""The writer and `send` of the collector's tests."""

from __future__ import annotations

from bihuan.collect.tests.conftest import send, writer

__all__ = ["send", "writer"]
