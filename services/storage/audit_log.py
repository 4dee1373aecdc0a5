"""Who changed what, and when: rows are added, and read from the newest back."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.instants import Instant
from services.storage.database import Database


class Entry(NamedTuple):
    """One request: by whom, on which route, and the status of its answer."""

    at: Instant
    id: str
    who: str
    method: str
    route: str
    target: str
    status: int


_PAGE: Final = (
    "SELECT at, id, who, method, route, target, status FROM audit_log"
    " WHERE (toUnixTimestamp64Micro(at), id) < ({at:Int64}, {id:String})"
    " ORDER BY at DESC, id DESC LIMIT {limit:UInt32}"
)


def write(db: Database, entry: Entry) -> None:
    """Add an entry."""
    db.insert("audit_log", {name: [value] for name, value in entry._asdict().items()})


def before(db: Database, at: Instant, id_: str, limit: int) -> list[Entry]:
    """At most ``limit`` entries older than this one, the newest first."""
    found = db.query(_PAGE, {"at": at, "id": id_, "limit": limit})
    return [Entry._make(row) for row in found]
