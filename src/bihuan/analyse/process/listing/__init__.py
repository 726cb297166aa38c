"""The cases behind a number of a process, one by one: the longest first."""

from __future__ import annotations

from bihuan.analyse.process.cases import reads_process
from bihuan.analyse.process.listing.chart import panel_cases
from bihuan.analyse.process.listing.result import ProcessCases, headlines_cases, shape_cases, table_cases
from bihuan.analyse.process.listing.spec import ProcessCasesSpec
from bihuan.analyse.process.listing.sql import compile_cases
from bihuan.engine.question import Question, no_chart

PROCESS_CASES: Question[ProcessCasesSpec, ProcessCases] = Question(
    name="process_cases",
    title="The cases of a process",
    purpose="Which they are, one by one.",
    icon="sitemap",
    group="analyse",
    spec=ProcessCasesSpec,
    reads=reads_process,
    compile=compile_cases,
    shape=shape_cases,
    table=table_cases,
    chart=no_chart,
    headlines=headlines_cases,
    example=lambda: ProcessCasesSpec(),
    panel=panel_cases,
    listed=False,
)
