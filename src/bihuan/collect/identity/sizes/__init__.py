"""The question *identity*: how many people there are by the number of their ids."""

from __future__ import annotations

from bihuan.collect.identity.sizes.result import Sizes, headlines_sizes, shape_sizes, table_sizes
from bihuan.collect.identity.sizes.spec import SizesSpec
from bihuan.collect.identity.sizes.sql import compile_sizes, reads_sizes
from bihuan.engine.question import Question, no_chart

__all__ = ["IDENTITY", "Sizes", "SizesSpec"]

IDENTITY: Question[SizesSpec, Sizes] = Question(
    name="identity",
    title="Identity",
    purpose="How many people there are by the number of their ids.",
    icon="id",
    group="see",
    spec=SizesSpec,
    reads=reads_sizes,
    compile=compile_sizes,
    shape=shape_sizes,
    table=table_sizes,
    chart=no_chart,
    headlines=headlines_sizes,
    example=SizesSpec,
    listed=False,
)
