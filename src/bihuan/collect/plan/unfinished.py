"""Takes back what a commit that was killed in the middle noted about events that it did not come to store."""

from __future__ import annotations

from bihuan.engine.store import Store

ORPHANS = """
SELECT count() AS number FROM plan_violations
WHERE received_at = (SELECT max(received_at) FROM plan_violations) AND verdict = 'taken' AND event_key NOT IN
  (SELECT event_key FROM events WHERE received_at = (SELECT max(received_at) FROM plan_violations))
"""
FORGET = """
ALTER TABLE plan_violations DELETE
WHERE received_at = (SELECT max(received_at) FROM plan_violations) AND verdict = 'taken' AND event_key NOT IN
  (SELECT event_key FROM events WHERE received_at = (SELECT max(received_at) FROM plan_violations))
"""


def forget_unfinished(store: Store) -> None:
    """Violations are written before their events, so that none is lost; only the last commit of all can have stopped in between."""
    if store.fetch(ORPHANS).rows[0]["number"]:
        store.command(FORGET, settings={"mutations_sync": 2, "allow_nondeterministic_mutations": 1})
