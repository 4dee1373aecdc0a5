"""API keys, without the keys themselves. Rows are added, the newest of a key counts."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from schemas.instants import Instant
from services.storage.database import Database

VALID: Final = "valid"
REVOKED: Final = "revoked"


class Key(NamedTuple):
    """One key. ``digest`` is SHA-256 of its text; ``expires_at`` 0 means never.

    ``units`` restrict it to these units and those below them; empty ones do not.
    """

    id: str
    number: int
    digest: str
    label: str
    scopes: tuple[str, ...]
    units: tuple[str, ...]
    expires_at: Instant
    state: str
    created_at: Instant
    changed_at: Instant

    def opens(self, now: Instant) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.state == VALID and (not self.expires_at or now < self.expires_at)


_NEWEST: Final = (
    "SELECT id, number, digest, label, scopes, units, expires_at, state, created_at, changed_at"
    " FROM (SELECT * FROM access_keys ORDER BY id, number DESC, changed_at DESC LIMIT 1 BY id)"
    " ORDER BY created_at, id"
)


def write(db: Database, key: Key) -> None:
    """Store a key, or its next state under a greater number."""
    row = key._asdict() | {"scopes": list(key.scopes), "units": list(key.units)}
    db.insert("access_keys", {name: [value] for name, value in row.items()})


def all_keys(db: Database) -> list[Key]:
    """All of them, revoked and expired ones too, as they were created."""
    return [_key(row) for row in db.query(_NEWEST)]


def revoke(db: Database, id_: str, now: Instant) -> Key | None:
    """Revoke a key for ever, and return it; None if there is none. Doing it twice changes nothing."""
    key = next((each for each in all_keys(db) if each.id == id_), None)
    if key is None or key.state == REVOKED:
        return key
    revoked = key._replace(
        number=key.number + 1, state=REVOKED, changed_at=max(now, key.changed_at + 1)
    )
    write(db, revoked)
    return revoked


def _key(row: tuple[Any, ...]) -> Key:
    found = Key._make(row)
    return found._replace(scopes=tuple(found.scopes), units=tuple(found.units))
