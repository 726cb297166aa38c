"""The score of a project's data: five parts, each a share of what should be, and what each of them is made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from bihuan.collect.quality.result import QualityResult
from bihuan.collect.violated.result import ViolatedResult
from bihuan.collect.volumes.result import VolumesResult

Part = Literal["planned", "seen", "valid", "fresh", "usual"]
WEIGHTS: dict[Part, float] = {"planned": 0.2, "seen": 0.2, "valid": 0.3, "fresh": 0.15, "usual": 0.15}
LATE = 300.0  # seconds: an event of which 95 % arrive later is not fresh


@dataclass(frozen=True)
class Scored:
    """One part: `good` of `total` are as they should be; None when there is nothing to judge."""

    part: Part
    good: int
    total: int

    @property
    def share(self) -> float | None:
        return self.good / self.total if self.total else None

    @property
    def weight(self) -> float:
        return WEIGHTS[self.part]


@dataclass(frozen=True)
class Score:
    """`value` is the mean of the parts that can be judged, by weight, from 0 to 100; None without a plan: nobody has said what is right."""

    parts: tuple[Scored, ...]

    @property
    def value(self) -> int | None:
        if not next(part for part in self.parts if part.part == "seen").total:
            return None
        known = [(part.share, part.weight) for part in self.parts if part.share is not None]
        return round(100 * sum(share * weight for share, weight in known) / sum(weight for _, weight in known)) if known else None


def score(quality: QualityResult, wrong: ViolatedResult, volumes: VolumesResult, declared: Collection[str]) -> Score:
    """`planned`: events (not those that clients send by themselves) of declared names, of all. `seen`: declared names that came, of all
    declared. `valid`: events of declared names that broke no rule, of all of them and those kept out. `fresh`: names of which 95 % arrive
    within five minutes, by a source that is not an import. `usual`: names whose volume of yesterday was within what their past says."""
    own = [row for row in quality.rows if not row.event.startswith("$")]
    of_plan = [row for row in own if row.event in declared]
    came = {row.event for row in own}
    stored = sum(row.events for row in of_plan)
    broken, kept_out = min(wrong.taken, stored), wrong.kept_out
    live = [row for row in own if not imported(row.source)]
    names = {row.event for row in live}
    late = {row.event for row in live if row.late > LATE}
    judged = [one for one in volumes.latest if one.judged]
    return Score(
        (
            Scored("planned", stored, sum(row.events for row in own) if declared else 0),
            Scored("seen", len(came & set(declared)), len(set(declared))),
            Scored("valid", stored - broken, stored + kept_out if declared else 0),
            Scored("fresh", len(names - late), len(names)),
            Scored("usual", sum(not one.unusual for one in judged), len(judged)),
        )
    )


def imported(source: str) -> bool:
    """Whether the source brings the past: its delay says nothing."""
    return source.startswith(("import", "file", "backfill", "demo"))
