"""All that a file says, order by order, on disk while an import runs.

A file may name an order in several rows, in any sequence, and two rows may contradict each
other. Only when the whole file has been read is it known what it says, so nothing is sent before.
The database is SQLite's anonymous one: nobody else can open it and it vanishes with the process.
It holds mapped events only, never a row as it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final, NamedTuple

import orjson

from schemas.codec import archive_data, event_from_archive
from schemas.records import Event
from services.ingest.importing.mapping import Mapping
from services.ingest.importing.rows import RowEvents

_TABLES: Final = """
CREATE TABLE orders (first_row INTEGER PRIMARY KEY, id TEXT UNIQUE, rows INTEGER, content BLOB);
CREATE TABLE left_out (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE rejected (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""

_Told = dict[str, list[Any] | None]  # event id to its content, None: it has not happened


class FileOrder(NamedTuple):
    """What the file says of one order, all its rows together."""

    first_row: int
    id: str
    rows: int
    events: tuple[Event, ...]
    absent: tuple[str, ...]


class Contradiction(NamedTuple):
    """Two rows that say different things of one order; ``theirs`` None: "has not happened"."""

    first_row: int
    ours: Event | None
    theirs: Event | None


class Spool:
    """Collects rows, then gives orders in the sequence of their first rows."""

    def __init__(self, source: str, *, whole_orders: bool) -> None:
        self._source: Final = source
        self._whole_orders: Final = whole_orders
        self._db: Final = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")
        self.repeated_rows = 0

    def close(self) -> None:
        """Let go of the disk space."""
        self._db.close()

    def add(self, row: int, told: RowEvents) -> Contradiction | None:
        """Take a row. If it contradicts an earlier one, the whole order is left out."""
        mine: _Told = {event.id: _pack(event) for event in told.events}
        mine |= dict.fromkeys(told.absent)
        known = self._db.execute(
            "SELECT first_row, content FROM orders WHERE id = ?", (told.order,)
        ).fetchone()
        if known is None:
            self._db.execute(
                "INSERT INTO orders VALUES (?, ?, 1, ?)", (row, told.order, orjson.dumps(mine))
            )
            return None
        first_row, content = known
        theirs: _Told = orjson.loads(content)
        self.repeated_rows += self._whole_orders and mine == theirs
        differing = self._differing(mine, theirs)
        if differing is not None:
            self.leave_out(told.order)
            return Contradiction(
                first_row,
                self._unpack(told.order, differing, mine.get(differing)),
                self._unpack(told.order, differing, theirs.get(differing)),
            )
        merged = theirs | {
            name: value for name, value in mine.items() if value or name not in theirs
        }
        self._db.execute(
            "UPDATE orders SET rows = rows + 1, content = ? WHERE first_row = ?",
            (orjson.dumps(merged), first_row),
        )
        return None

    def note_rejected(self, order: str) -> None:
        """Note that a rejected row names the order; what other rows say of it counts."""
        self._db.execute("INSERT OR IGNORE INTO rejected VALUES (?)", (order,))

    def leave_out(self, order: str) -> None:
        """Note that nothing of this order may be sent."""
        self._db.execute("INSERT OR IGNORE INTO left_out VALUES (?)", (order,))

    def count(self) -> int:
        """Orders to be sent."""
        (count,) = self._db.execute(
            "SELECT count(*) FROM orders WHERE id NOT IN (SELECT id FROM left_out)"
        ).fetchone()
        return int(count)

    def names(self, order: str) -> bool:
        """Tell whether the file names the order, be it in a rejected row."""
        found = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM orders WHERE id = ?)"
            " OR EXISTS (SELECT 1 FROM rejected WHERE id = ?)",
            (order, order),
        ).fetchone()
        return bool(found[0])

    def orders(self) -> Iterator[FileOrder]:
        """Give the orders that are not left out."""
        rows = self._db.execute(
            "SELECT first_row, id, rows, content FROM orders"
            " WHERE id NOT IN (SELECT id FROM left_out) ORDER BY first_row"
        )
        for first_row, order, count, content in rows:
            told: _Told = orjson.loads(content)
            events = (self._unpack(order, name, packed) for name, packed in told.items())
            yield FileOrder(
                first_row,
                order,
                count,
                tuple(event for event in events if event is not None),
                tuple(name for name, packed in told.items() if packed is None),
            )

    def _differing(self, mine: _Told, theirs: _Told) -> str | None:
        """Find an event of which the rows say different things."""
        for name in mine.keys() | theirs.keys() if self._whole_orders else mine.keys() & theirs:
            ours, others = mine.get(name), theirs.get(name)
            # A row that is one event of many may be silent about the others.
            if ours != others and (self._whole_orders or (ours and others)):
                return name
        return None

    def _unpack(self, order: str, name: str, packed: list[Any] | None) -> Event | None:
        if packed is None:
            return None
        kind, occurred_at, data, digest = packed
        return event_from_archive(
            subject=order,
            source=self._source,
            id=name,
            type=kind,
            occurred_at=occurred_at,
            data=data,
            digest=bytes.fromhex(digest),
        )


def open_spool(mapping: Mapping) -> closing[Spool]:
    """Make a spool for one file; it is gone when the context ends."""
    return closing(Spool(mapping.source, whole_orders=mapping.rows == "order"))


def _pack(event: Event) -> list[Any]:
    return [event.type, event.occurred_at, archive_data(event), event.digest.hex()]
