"""Sessions: how often people come, how long and how deep they stay, where they begin and end, and how many bounce."""

from __future__ import annotations

from bihuan.analyse.sessions.chart import chart_sessions, panel_sessions
from bihuan.analyse.sessions.result import SessionsResult, headlines_sessions, shape_sessions, table_sessions
from bihuan.analyse.sessions.spec import SessionsCell, SessionsSpec
from bihuan.analyse.sessions.sql import compile_sessions, people_sessions, reads_sessions
from bihuan.engine.question import Question

SESSIONS: Question[SessionsSpec, SessionsResult] = Question(
    name="sessions",
    title="Session analysis",
    purpose="How often do people come, how long do they stay, and where do they begin and end?",
    icon="clock",
    group="analyse",
    spec=SessionsSpec,
    reads=reads_sessions,
    compile=compile_sessions,
    shape=shape_sessions,
    table=table_sessions,
    chart=chart_sessions,
    headlines=headlines_sessions,
    example=lambda: SessionsSpec(),
    panel=panel_sessions,
    cell=SessionsCell,
    people=people_sessions,
)
