"""All questions of the query layer, the gateway and the importer, in one object."""

from __future__ import annotations

from services.storage.archive_reader import ArchivedCopy, ArchiveKey, ArchiveReader
from services.storage.rate_reader import CountedOrder, RateReader, StoredOrder, UnitIndicator

__all__ = [
    "ArchiveKey",
    "ArchivedCopy",
    "CountedOrder",
    "Readers",
    "StoredOrder",
    "UnitIndicator",
]


class Readers(ArchiveReader, RateReader):
    """Thread-safe and synchronous, as the `Database` is; keeps nothing between two calls."""
