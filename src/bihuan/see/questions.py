"""The questions of this stage; a new one is one folder and one line here."""

from __future__ import annotations

from typing import Any

from bihuan.engine.question import Question
from bihuan.see.people import PEOPLE
from bihuan.see.person import PERSON
from bihuan.see.trend import TREND

QUESTIONS: tuple[Question[Any, Any], ...] = (TREND, PEOPLE, PERSON)
