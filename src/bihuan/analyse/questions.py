"""The questions of this stage; a new one is one folder and one line here."""

from __future__ import annotations

from typing import Any

from bihuan.analyse.attribution import ATTRIBUTION
from bihuan.analyse.basket import BASKET
from bihuan.analyse.composition import COMPOSITION
from bihuan.analyse.distribution import DISTRIBUTION
from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.interval import INTERVAL
from bihuan.analyse.lifecycle import LIFECYCLE
from bihuan.analyse.ltv import LTV
from bihuan.analyse.paths import PATHS
from bihuan.analyse.process import PROCESS, PROCESS_CASES
from bihuan.analyse.retention import RETENTION
from bihuan.analyse.rfm import RFM
from bihuan.analyse.root_cause import ROOT_CAUSE
from bihuan.analyse.sessions import SESSIONS
from bihuan.analyse.sql import SQL
from bihuan.analyse.stickiness import STICKINESS
from bihuan.engine.question import Question

QUESTIONS: tuple[Question[Any, Any], ...] = (
    FUNNEL,
    RETENTION,
    INTERVAL,
    DISTRIBUTION,
    LIFECYCLE,
    STICKINESS,
    PATHS,
    PROCESS,
    PROCESS_CASES,
    SESSIONS,
    ATTRIBUTION,
    COMPOSITION,
    BASKET,
    LTV,
    RFM,
    ROOT_CAUSE,
    SQL,
)
