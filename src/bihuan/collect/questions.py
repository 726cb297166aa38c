"""The questions of this stage; a new one is one folder and one line here."""

from __future__ import annotations

from typing import Any

from bihuan.collect.arrivals import ARRIVALS
from bihuan.collect.fate import FATE
from bihuan.collect.identity.of_person import PERSON_IDS
from bihuan.collect.identity.sizes import IDENTITY
from bihuan.collect.identity.told import IDENTITY_LOG
from bihuan.collect.live import LIVE
from bihuan.collect.metric_series import METRIC_SERIES
from bihuan.collect.quality import QUALITY
from bihuan.collect.quarantined import QUARANTINED
from bihuan.collect.violated import VIOLATED
from bihuan.collect.volumes import VOLUMES
from bihuan.engine.question import Question

QUESTIONS: tuple[Question[Any, Any], ...] = (
    METRIC_SERIES,
    LIVE,
    QUARANTINED,
    ARRIVALS,
    VIOLATED,
    QUALITY,
    VOLUMES,
    IDENTITY,
    IDENTITY_LOG,
    PERSON_IDS,
    FATE,
)
