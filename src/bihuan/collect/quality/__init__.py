"""The question *quality*: what comes of each event from each source, how fresh and how complete."""

from __future__ import annotations

from bihuan.collect.quality.result import QualityResult, headlines_quality, shape_quality, table_quality
from bihuan.collect.quality.spec import QualitySpec
from bihuan.collect.quality.sql import compile_quality, reads_quality
from bihuan.engine.question import Question, no_chart

QUALITY: Question[QualitySpec, QualityResult] = Question(
    name="quality",
    title="Data quality",
    purpose="What comes of each event from each source, how fresh and how complete.",
    icon="gauge",
    group="see",
    spec=QualitySpec,
    reads=reads_quality,
    compile=compile_quality,
    shape=shape_quality,
    table=table_quality,
    chart=no_chart,
    headlines=headlines_quality,
    example=QualitySpec,
    listed=False,
)
