"""Paths: how people go from one thing they do to the next, visit by visit."""

from __future__ import annotations

from bihuan.analyse.paths.chart import chart_paths, panel_paths
from bihuan.analyse.paths.result import PathsResult, headlines_paths, shape_paths, table_paths
from bihuan.analyse.paths.sides import reads_paths
from bihuan.analyse.paths.spec import PathsCell, PathsSpec
from bihuan.analyse.paths.sql import compile_paths, people_paths
from bihuan.engine.question import Question

PATHS: Question[PathsSpec, PathsResult] = Question(
    name="paths",
    title="Paths",
    purpose="Which ways do people go, and where do they leave?",
    icon="route",
    group="analyse",
    spec=PathsSpec,
    reads=reads_paths,
    compile=compile_paths,
    shape=shape_paths,
    table=table_paths,
    chart=chart_paths,
    headlines=headlines_paths,
    example=lambda: PathsSpec(),
    panel=panel_paths,
    cell=PathsCell,
    people=people_paths,
)
