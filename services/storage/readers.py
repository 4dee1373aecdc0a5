"""All questions of the query layer, the gateway and the importer, in one object."""

from __future__ import annotations

from services.storage.archive_reader import ArchivedCopy, ArchiveKey, ArchiveReader
from services.storage.order_reader import (
    CountedOrder,
    Number,
    OrderReader,
    Place,
    Sort,
    Traits,
)
from services.storage.rate_reader import StoredOrder, UnitIndicator
from services.storage.series_reader import SeriesReader

__all__ = [
    "ArchiveKey",
    "ArchivedCopy",
    "CountedOrder",
    "Number",
    "Place",
    "Readers",
    "Sort",
    "StoredOrder",
    "Traits",
    "UnitIndicator",
]


class Readers(ArchiveReader, OrderReader, SeriesReader):
    """Thread-safe and synchronous, as the `Database` is; keeps nothing between two calls."""
