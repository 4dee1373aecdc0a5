"""What was sent to whom, and what still is to be: rows are added, the newest of a delivery counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.instants import Instant
from services.storage.database import Database

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
GIVEN_UP: Final = "given_up"

ALERT: Final = "alert"
TEST: Final = "test"
NOTICE: Final = "notice"


class Delivery(NamedTuple):
    """One message to one endpoint, in its newest state.

    ``id`` is the webhook-id, the same for every attempt and replay; ``sequence`` that of the
    alert, or 0; ``attempt`` how often it was tried since it was last asked for.
    """

    endpoint: str
    id: str
    number: int
    sequence: int
    kind: str
    state: str
    attempt: int
    next_at: Instant
    status: int
    problem: str
    body: str
    recorded_at: Instant


_COLUMNS: Final = ", ".join(Delivery._fields)
_NEWEST: Final = (
    f"SELECT {_COLUMNS} FROM (SELECT * FROM push_deliveries"  # noqa: S608 - names of columns
    " WHERE endpoint IN {endpoints:Array(String)}"
    " ORDER BY endpoint, id, number DESC LIMIT 1 BY endpoint, id)"
)


def write(db: Database, deliveries: Sequence[Delivery]) -> None:
    """Store deliveries, or their next states under greater numbers."""
    columns = zip(*deliveries, strict=True)
    db.insert("push_deliveries", dict(zip(Delivery._fields, map(list, columns), strict=False)))


def due(db: Database, endpoints: Sequence[str], now: Instant, limit: int) -> list[Delivery]:
    """What may be tried now, at most ``limit`` for each endpoint, the longest due first."""
    found = db.query(
        f"{_NEWEST} WHERE state = 'waiting'"
        " AND next_at <= fromUnixTimestamp64Micro({now:Int64}, 'UTC')"
        " ORDER BY endpoint, next_at, sequence, id LIMIT {limit:UInt32} BY endpoint",
        {"endpoints": list(endpoints), "now": now, "limit": limit},
    )
    return [Delivery._make(row) for row in found]


def find(db: Database, endpoint: str, id_: str) -> Delivery | None:
    """One delivery."""
    found = known(db, endpoint, [id_])
    return found.get(id_)


def known(db: Database, endpoint: str, ids: Sequence[str]) -> dict[str, Delivery]:
    """Those of an endpoint with these ids, by id."""
    found = db.query(
        f"{_NEWEST} WHERE has({{ids:Array(String)}}, id)",
        {"endpoints": [endpoint], "ids": list(ids)},
    )
    return {row[1]: Delivery._make(row) for row in found}


def listing(
    db: Database, endpoint: str, *, before: tuple[Instant, str] | None, limit: int
) -> list[Delivery]:
    """Deliveries of an endpoint by their last change, the newest first, below ``before``."""
    at, id_ = before or (0, "")
    found = db.query(
        f"{_NEWEST} WHERE {{all:Bool}} OR (recorded_at, id) <"
        " (fromUnixTimestamp64Micro({at:Int64}, 'UTC'), {id:String})"
        " ORDER BY recorded_at DESC, id DESC LIMIT {limit:UInt32}",
        {"endpoints": [endpoint], "all": before is None, "at": at, "id": id_, "limit": limit},
    )
    return [Delivery._make(row) for row in found]


def reached(db: Database) -> dict[str, int]:
    """Up to which alert deliveries were written, by endpoint."""
    found = db.query("SELECT endpoint, max(sequence) FROM push_deliveries GROUP BY endpoint")
    return dict(found)


def waiting(db: Database, endpoints: Sequence[str]) -> dict[str, int]:
    """How many deliveries wait, by endpoint."""
    found = db.query(
        f"SELECT endpoint, count() FROM ({_NEWEST})"  # noqa: S608 - as above
        " WHERE state = 'waiting' GROUP BY endpoint",
        {"endpoints": list(endpoints)},
    )
    return dict(found)


def failing_since(db: Database, endpoint: str, switched_on: Instant) -> Instant | None:
    """When the first attempt failed of those since the last success, and since the switch-on."""
    ((since, failures),) = db.query(
        "SELECT min(recorded_at), count() FROM push_deliveries"
        " WHERE endpoint = {endpoint:String} AND problem != ''"
        " AND recorded_at >= fromUnixTimestamp64Micro({on:Int64}, 'UTC')"
        " AND recorded_at > (SELECT max(recorded_at) FROM push_deliveries"
        "  WHERE endpoint = {endpoint:String} AND state = 'delivered')",
        {"endpoint": endpoint, "on": switched_on},
    )
    return since if failures else None
