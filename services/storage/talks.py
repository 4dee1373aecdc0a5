"""What came of talks (约谈): rows are added, never changed."""

from __future__ import annotations

from typing import NamedTuple

from schemas.instants import Instant
from services.storage.database import Database


class Record(NamedTuple):
    """What is known of one talk; 0 for an instant of which the record says nothing."""

    cycle: str
    unit: str
    talked_at: Instant
    received_at: Instant
    approver: str
    recorded_at: Instant


def record(db: Database, new: Record) -> None:
    """Add a record, later than those before it."""
    ((newest,),) = db.query("SELECT max(recorded_at) FROM talks")
    row = new._replace(recorded_at=max(new.recorded_at, newest + 1))._asdict()
    db.insert("talks", {name: [value] for name, value in row.items()})


def of_cycle(db: Database, cycle: str) -> dict[str, tuple[Instant, Instant]]:
    """The talk's date and the statement's arrival that were told last, by unit; 0 if never."""
    found = db.query(
        "SELECT unit, argMaxIf(talked_at, recorded_at, talked_at != 0),"
        " argMaxIf(received_at, recorded_at, received_at != 0)"
        " FROM talks WHERE cycle = {cycle:String} GROUP BY unit ORDER BY unit",
        {"cycle": cycle},
    )
    return {unit: (talked_at, received_at) for unit, talked_at, received_at in found}
