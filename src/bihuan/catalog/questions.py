"""The questions of this stage; a new one is one folder and one line here."""

from __future__ import annotations

from typing import Any

from bihuan.catalog.seen import EVENT_PROPERTIES, PERSON_PROPERTIES, SEEN_EVENTS
from bihuan.catalog.seen.names import NAMES
from bihuan.catalog.segment_size import SEGMENT_SIZE
from bihuan.engine.question import Question

QUESTIONS: tuple[Question[Any, Any], ...] = (SEEN_EVENTS, EVENT_PROPERTIES, PERSON_PROPERTIES, NAMES, SEGMENT_SIZE)
