"""The question *volumes*: whether as many events came as on the same weekdays of the past."""

from __future__ import annotations

from bihuan.collect.volumes.result import VolumesResult, headlines_volumes, shape_volumes, table_volumes
from bihuan.collect.volumes.spec import VolumesSpec
from bihuan.collect.volumes.sql import compile_volumes, reads_volumes
from bihuan.engine.question import Question, no_chart

VOLUMES: Question[VolumesSpec, VolumesResult] = Question(
    name="volumes",
    title="Volumes",
    purpose="Whether as many events came as on the same weekdays of the past.",
    icon="wave-sine",
    group="see",
    spec=VolumesSpec,
    reads=reads_volumes,
    compile=compile_volumes,
    shape=shape_volumes,
    table=table_volumes,
    chart=no_chart,
    headlines=headlines_volumes,
    example=VolumesSpec,
    listed=False,
)
