"""What the demo remembers between its runs: which shop it is, how far its story has been told, and with which key."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bihuan.console.demo.shop import Shop

PROJECT = "tea"


@dataclass(frozen=True)
class State:
    """The shop as it was filled. `told_to` (ms): everything before it has been sent; `filled`: the history is complete."""

    people: int
    since: str
    until: str
    seed: int
    language: str
    begun_at: int
    told_to: int = 0
    write_key: str = ""
    filled: bool = False

    @classmethod
    def load(cls, data: Path) -> State | None:
        """What was saved in the data folder, or None."""
        try:
            return cls(**json.loads(_file(data).read_text()))
        except FileNotFoundError:
            return None

    def save(self, data: Path, **changes: Any) -> State:
        """Keep this, with `changes`, in one step; returns what was kept."""
        kept = replace(self, **changes)
        fresh = _file(data).with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(kept), file, indent=1)
        fresh.replace(_file(data))
        return kept

    @property
    def shop(self) -> Shop:
        """The shop that this is about."""
        from bihuan.console.demo.shop import Shop

        since, until = date.fromisoformat(self.since), date.fromisoformat(self.until)
        return Shop(self.people, since, until, self.seed, "zh" if self.language == "zh" else "en")


def instant(at: int) -> datetime:
    """Milliseconds since 1970 as a time."""
    return datetime.fromtimestamp(at / 1000, UTC)


def _file(data: Path) -> Path:
    return data / "demo.json"
