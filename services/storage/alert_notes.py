"""Who took note of an alert, and what was said about it: rows are added, never changed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from schemas.instants import Instant
from services.storage.database import Database


class Note(NamedTuple):
    """One acknowledgement."""

    id: str
    note: str
    by: str
    at: Instant


def record(db: Database, alert: str, note: str, by: str, now: Instant) -> None:
    """Add an acknowledgement, later than those before it."""
    ((newest,),) = db.query("SELECT max(recorded_at) FROM alert_acknowledgements")
    row = {
        "alert": alert,
        "id": f"ack_{secrets.token_hex(8)}",
        "note": note,
        "recorded_by": by,
        "recorded_at": max(now, newest + 1),
    }
    db.insert("alert_acknowledgements", {name: [value] for name, value in row.items()})


def of_alerts(db: Database, alerts: Sequence[str]) -> dict[str, list[Note]]:
    """The acknowledgements of these alerts, the first one first; none of some."""
    found: dict[str, list[Note]] = {}
    rows = db.query(
        "SELECT alert, id, note, recorded_by, recorded_at FROM alert_acknowledgements"
        " WHERE alert IN {alerts:Array(String)} ORDER BY recorded_at, id",
        {"alerts": list(alerts)},
    )
    for alert, *note in rows:
        found.setdefault(alert, []).append(Note(*note))
    return found
