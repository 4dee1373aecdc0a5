"""The registry of units. Registering a code again replaces what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.instants import Instant
from schemas.records import Unit
from services.storage.database import Database


def register(db: Database, units: Sequence[Unit], now: Instant) -> None:
    """Add units, or replace those of the same code."""
    # The row with the greatest instant stays, and the system's clock may have been set back.
    ((newest,),) = db.query("SELECT max(registered_at) FROM units")
    at = max(now, newest + 1)
    db.insert(
        "units",
        {
            "code": [unit.code for unit in units],
            "name": [unit.name for unit in units],
            "kind": [unit.kind for unit in units],
            "parent": [unit.parent for unit in units],
            "peer_group": [unit.group for unit in units],
            "registered_at": [at] * len(units),
        },
    )


def all_units(db: Database) -> list[Unit]:
    """All registered units, by code."""
    found = db.query("SELECT code, name, kind, parent, peer_group FROM units FINAL ORDER BY code")
    return [Unit._make(row) for row in found]
