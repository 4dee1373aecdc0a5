"""Who is told of alerts: webhooks and channels. Rows are added, the newest of an endpoint counts."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from schemas.instants import Instant
from services.storage.database import Database
from services.storage.push_feed import LoggedAlert

WEBHOOK: Final = "webhook"
CHANNEL: Final = "channel"

ON: Final = "on"
OFF: Final = "off"
DISABLED: Final = "disabled"
DELETED: Final = "deleted"


class Endpoint(NamedTuple):
    """One receiver, without its secret.

    ``rules``, ``units`` and ``recipients`` choose alerts, empty ones all; ``since`` is the alert
    sequence after which alerts are its own. ``address`` may be shown.
    """

    id: str
    number: int
    kind: str
    address: str
    description: str
    rules: tuple[str, ...]
    units: tuple[str, ...]
    state: str
    reason: str
    since: int
    created_at: Instant
    changed_at: Instant
    recipients: tuple[str, ...] = ()

    def wants(self, alert: LoggedAlert) -> bool:
        """Whether an alert is for it; one that is withheld is for nobody."""
        return (
            alert.is_pushed
            and (not self.rules or alert.rule in self.rules)
            and (not self.units or alert.unit in self.units)
            and (
                not self.recipients
                or not alert.recipients
                or not set(self.recipients).isdisjoint(alert.recipients)
            )
        )


_NEWEST: Final = (
    "SELECT id, number, kind, address, description, rules, units, state, reason, since,"
    " created_at, changed_at, recipients"
    " FROM (SELECT * FROM push_endpoints ORDER BY id, number DESC, changed_at DESC LIMIT 1 BY id)"
    " WHERE state != 'deleted'"
)


def write(db: Database, endpoint: Endpoint) -> None:
    """Store an endpoint, or its next state under a greater number."""
    db.insert("push_endpoints", {name: [value] for name, value in _row(endpoint).items()})


def changed(db: Database, endpoint: Endpoint, now: Instant, **values: Any) -> Endpoint:
    """Store what changed of an endpoint and return what it is now."""
    new = endpoint._replace(
        number=endpoint.number + 1, changed_at=max(now, endpoint.changed_at + 1), **values
    )
    write(db, new)
    return new


def listing(db: Database) -> list[Endpoint]:
    """All that are not deleted, as they were created."""
    return [_endpoint(row) for row in db.query(f"{_NEWEST} ORDER BY created_at, id")]


def find(db: Database, id_: str) -> Endpoint | None:
    """One of them."""
    found = db.query(f"{_NEWEST} AND id = {{id:String}}", {"id": id_})
    return _endpoint(found[0]) if found else None


def keep_secret(db: Database, endpoint: str, secret: str) -> None:
    """Store the secret of a new endpoint."""
    db.insert("push_secrets", {"endpoint": [endpoint], "secret": [secret]})


def secret_of(db: Database, endpoint: str) -> str | None:
    """Its secret: for signing and sending only."""
    found = db.query(
        "SELECT secret FROM push_secrets WHERE endpoint = {endpoint:String} LIMIT 1",
        {"endpoint": endpoint},
    )
    return str(found[0][0]) if found else None


def forget_secret(db: Database, endpoint: str) -> None:
    """Delete the secret of an endpoint that was deleted."""
    db.execute(
        "ALTER TABLE push_secrets DELETE WHERE endpoint = {endpoint:String}"
        " SETTINGS mutations_sync = 1",
        {"endpoint": endpoint},
    )


def _row(endpoint: Endpoint) -> dict[str, Any]:
    return endpoint._asdict() | {
        "rules": list(endpoint.rules),
        "units": list(endpoint.units),
        "recipients": list(endpoint.recipients),
    }


def _endpoint(row: tuple[Any, ...]) -> Endpoint:
    found = Endpoint._make(row)
    return found._replace(
        rules=tuple(found.rules), units=tuple(found.units), recipients=tuple(found.recipients)
    )
