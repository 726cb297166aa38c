"""The question *identity log*: what was linked, merged, refused and undone, by whom and why."""

from __future__ import annotations

from bihuan.collect.identity.told.result import Told, headlines_told, shape_told, table_told
from bihuan.collect.identity.told.spec import ToldSpec
from bihuan.collect.identity.told.sql import compile_told, reads_told
from bihuan.engine.question import Question, no_chart

__all__ = ["IDENTITY_LOG", "Told", "ToldSpec"]

IDENTITY_LOG: Question[ToldSpec, Told] = Question(
    name="identity_log",
    title="Identity log",
    purpose="What was linked, merged, refused and undone, by whom and why.",
    icon="link",
    group="see",
    spec=ToldSpec,
    reads=reads_told,
    compile=compile_told,
    shape=shape_told,
    table=table_told,
    chart=no_chart,
    headlines=headlines_told,
    example=ToldSpec,
    listed=False,
)
