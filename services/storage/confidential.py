"""Which stored orders are confidential (`services.domain.confidential`), by their events."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, func, literal, literal_column, or_, select

from services.domain.confidential import TOLD_BY, WORDS
from services.storage.chunks import by_bytes
from services.storage.database import Database
from services.storage.tables import events, rows_of


def confidential_subjects() -> Select[tuple[str]]:
    """All of them. Events are canonical JSON: a word in quotes is a value, or hides too much."""
    told = [
        func.position(events.c.data, literal(f'"{word}"')) > literal_column("0") for word in WORDS
    ]
    return select(events.c.subject).where(events.c.type.in_(TOLD_BY), or_(*told))


def confidential_among(db: Database, subjects: Collection[str]) -> frozenset[str]:
    """Those of these orders.

    Raises:
        StorageUnavailable: the engine cannot answer now.
    """
    found: set[str] = set()
    for part in by_bytes(sorted(set(subjects))):
        asked = confidential_subjects().where(events.c.subject.in_(part))
        found.update(subject for (subject,) in rows_of(db, asked.distinct()))
    return frozenset(found)
