"""The register of governed units (治理类): entries are added, never changed."""

from __future__ import annotations

from typing import Final

from schemas.instants import Instant
from services.domain.governed import Entry
from services.storage.database import Database

# Of two with one id every reader takes the same one.
_ALL: Final = (
    "SELECT id, kind, unit, at, cycle, progress, text, ground, approver, recorded_at"
    " FROM (SELECT * FROM governed ORDER BY id, recorded_at, unit, at, kind LIMIT 1 BY id)"
    " ORDER BY recorded_at, id"
)


def record(db: Database, entry: Entry, now: Instant) -> Entry:
    """Add an entry, and return what the register holds under its id.

    It is recorded later than those before it and than the clock of every shard, whatever the clocks
    of two hosts say: what was read as of an instant stays as it was.
    """
    ((newest,),) = db.query("SELECT max(recorded_at) FROM governed")
    ((clock,),) = db.query("SELECT max(clock) FROM shard_flushes")
    new = entry._replace(recorded_at=max(now, newest + 1, clock + 1))
    db.insert("governed", {name: [value] for name, value in new._asdict().items()})
    return next((each for each in all_entries(db) if each.id == entry.id), new)


def all_entries(db: Database) -> list[Entry]:
    """All entries as they were recorded."""
    return [Entry._make(row) for row in db.query(_ALL)]
