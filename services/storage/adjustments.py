"""The register of adjustments (加减分): entries are added, never changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from schemas.instants import Instant
from services.domain.adjustments import Entry
from services.storage.database import Database

# Repeated requests may race; every reader takes the same one of two with one id.
_FIRST_OF_EACH: Final = (
    "SELECT id, kind, unit, cycle, points, withdraws, ground, approver, decided_at, recorded_at"
    " FROM (SELECT * FROM adjustments"
    " ORDER BY id, recorded_at, cycle, unit, kind, points, withdraws, ground, approver, decided_at"
    " LIMIT 1 BY id)"
)


def record(db: Database, entry: Entry, now: Instant) -> Entry:
    """Add an entry, and return what the register holds under its id.

    That is another one if the id was taken: of two entries with one id the first recorded counts.
    """
    # What was answered as of an instant stays as it was, whatever the clocks of two hosts say: an
    # entry is later than those before it, and than the clock of every shard.
    ((newest,),) = db.query("SELECT max(recorded_at) FROM adjustments")
    ((clock,),) = db.query("SELECT max(clock) FROM shard_flushes")
    new = entry._replace(recorded_at=max(now, newest + 1, clock + 1))
    row = new._asdict() | {"points": f"{new.points:f}"}
    db.insert("adjustments", {name: [value] for name, value in row.items()})
    return find(db, entry.id) or new


def find(db: Database, id_: str) -> Entry | None:
    """The entry under an id."""
    found = db.query(f"{_FIRST_OF_EACH} WHERE id = {{id:String}}", {"id": id_})
    return _entry(found[0]) if found else None


def of_cycle(db: Database, cycle: str) -> list[Entry]:
    """All entries of one cycle, withdrawn ones and withdrawals too, as they were recorded."""
    found = db.query(
        f"{_FIRST_OF_EACH} WHERE cycle = {{cycle:String}} ORDER BY recorded_at, id",
        {"cycle": cycle},
    )
    return [_entry(row) for row in found]


def _entry(row: tuple[Any, ...]) -> Entry:
    entry = Entry._make(row)
    return entry._replace(points=Decimal(entry.points))
