"""Questions about archived events."""

from __future__ import annotations

from collections.abc import Sequence

from clickhouse_connect.cc_sqlalchemy import ClickHouseSelect, select
from sqlalchemy import func

from schemas.records import LoggedEvent, Position
from services.storage import rows
from services.storage.chunks import by_bytes
from services.storage.database import Database
from services.storage.tables import events, rows_of

ArchiveKey = tuple[str, str, str]
"""Subject, source and id of an event."""

ArchivedCopy = tuple[bytes, Position, int]
"""Digest, position and frame index of one content, where the log holds it first."""


class ArchiveReader:
    """Reads the archive; every method may raise `StorageUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def archived(self, keys: Sequence[ArchiveKey]) -> dict[ArchiveKey, list[ArchivedCopy]]:
        """What the archive holds under each key, in log order; keys without are left out."""
        wanted = set(keys)
        found: dict[ArchiveKey, list[ArchivedCopy]] = {}
        for part in by_bytes(sorted(wanted), "\n".join):
            statement = _once(
                select(
                    events.c.subject,
                    events.c.source,
                    events.c.id,
                    events.c.digest,
                    events.c.epoch,
                    events.c.offset,
                    events.c.frame_index,
                ).where(
                    events.c.subject.in_(sorted({subject for subject, _, _ in part})),
                    events.c.id.in_(sorted({id_ for _, _, id_ in part})),
                )
            )
            for subject, source, id_, digest, epoch, offset, index in rows_of(self._db, statement):
                if (key := (subject, source, id_)) in wanted:
                    found.setdefault(key, []).append((digest, Position(epoch, offset), index))
        return found

    def order_events(self, subjects: Sequence[str]) -> dict[str, list[LoggedEvent]]:
        """All events of each order in log order, conflicting contents included."""
        found: dict[str, list[LoggedEvent]] = {}
        for part in by_bytes(sorted(set(subjects))):
            statement = _once(
                select(*(events.c[name] for name in rows.EVENT_COLUMNS)).where(
                    events.c.subject.in_(part)
                )
            )
            for logged in rows.logged_events(rows_of(self._db, statement)):
                found.setdefault(logged.event.subject, []).append(logged)
        return found

    def source_orders(self, source: str, after: str | None, limit: int) -> list[str]:
        """Orders that hold events of a source, ascending, beyond ``after``."""
        statement = (
            select(events.c.subject)
            .where(events.c.source == source, events.c.subject > (after or ""))
            .group_by(events.c.subject)
            .order_by(events.c.subject)
            .limit(limit)
        )
        return [subject for (subject,) in rows_of(self._db, statement)]

    def dropped_fields(self) -> dict[str, int]:
        """How many archived events came with an unknown field, by its name."""
        name = func.arrayJoin(events.c.dropped).label("name")
        statement = select(name, func.count().label("events")).final(events).group_by(name)
        return dict(rows_of(self._db, statement.order_by(name)))

    def archive_count(self) -> int:
        """How many contents of events the archive holds."""
        ((count,),) = rows_of(
            self._db, select(func.count().label("events")).select_from(events).final()
        )
        return int(count)


def _once(statement: ClickHouseSelect) -> ClickHouseSelect:
    """In log order, identical copies that are not merged yet only once."""
    place = (events.c.epoch, events.c.offset, events.c.frame_index)
    identity = [events.c.subject, events.c.source, events.c.id, events.c.digest]
    return statement.order_by(*place).limit_by(identity, 1)
