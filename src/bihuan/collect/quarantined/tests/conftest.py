"""The writer of the stage's tests, here too."""

from bihuan.collect.tests.conftest import send, writer

__all__ = ["send", "writer"]
