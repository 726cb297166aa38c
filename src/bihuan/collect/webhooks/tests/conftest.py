"""The writer of the stage's tests."""

from bihuan.collect.tests.conftest import writer

__all__ = ["writer"]
