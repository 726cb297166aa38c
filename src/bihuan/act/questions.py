"""The questions of this stage: one line each."""

from __future__ import annotations

from bihuan.act.audience import AUDIENCE
from bihuan.act.lift import LIFT

QUESTIONS = (LIFT, AUDIENCE)
