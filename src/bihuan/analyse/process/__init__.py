"""Process: the steps that cases take one after the other, where they wait, and where they leave the order that they should keep."""

from __future__ import annotations

from bihuan.analyse.process.cases import reads_process
from bihuan.analyse.process.chart import chart_process, panel_process
from bihuan.analyse.process.listing import PROCESS_CASES
from bihuan.analyse.process.result import ProcessResult, shape_process
from bihuan.analyse.process.spec import ProcessCell, ProcessSpec
from bihuan.analyse.process.sql import compile_process, people_process
from bihuan.analyse.process.table import headlines_process, table_process
from bihuan.engine.question import Question

__all__ = ["PROCESS", "PROCESS_CASES"]

PROCESS: Question[ProcessSpec, ProcessResult] = Question(
    name="process",
    title="Process",
    purpose="Which steps do cases take, where do they wait, and where do they go astray?",
    icon="sitemap",
    group="analyse",
    spec=ProcessSpec,
    reads=reads_process,
    compile=compile_process,
    shape=shape_process,
    table=table_process,
    chart=chart_process,
    headlines=headlines_process,
    example=lambda: ProcessSpec(),
    panel=panel_process,
    cell=ProcessCell,
    people=people_process,
)
