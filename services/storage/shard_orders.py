"""Which orders of a shard have to be evaluated: named page by page, ascending."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from schemas.records import Position
from services.storage.database import Database

_SUBJECTS_AT_ONCE: Final = 100_000


def orders_touched(
    db: Database, shard: int, since: Position | None, limit: int
) -> Iterator[list[str]]:
    """Orders with archived events beyond a position, all without one; ascending."""
    for page in _pages(db, shard, since):
        yield from _parts(page, limit)


def orders_unbuilt(db: Database, shard: int, ruleset: int, limit: int) -> Iterator[list[str]]:
    """Orders whose row of a ruleset is missing or has not folded their archived events."""
    for page in _pages(db, shard, None):
        built = _built(db, shard, ruleset, page[0], page[-1])
        yield from _parts([subject for subject in page if subject not in built], limit)


def _parts(subjects: Sequence[str], limit: int) -> Iterator[list[str]]:
    for start in range(0, len(subjects), limit):
        yield list(subjects[start : start + limit])


def _pages(db: Database, shard: int, since: Position | None) -> Iterator[list[str]]:
    position = since or Position(0, -1)
    after = ""
    while True:
        page = [
            subject
            for (subject,) in db.query(
                "SELECT subject FROM events WHERE shard = {shard:UInt16}"
                " AND subject > {after:String}"
                " AND epoch >= {epoch:UInt32}"
                " AND (epoch > {epoch:UInt32} OR offset > {offset:Int64})"
                " GROUP BY subject ORDER BY subject LIMIT {limit:UInt32}"
                " SETTINGS optimize_aggregation_in_order = 1",
                {
                    "shard": shard,
                    **position._asdict(),
                    "after": after,
                    "limit": _SUBJECTS_AT_ONCE,
                },
            )
        ]
        if page:
            yield page
        if len(page) < _SUBJECTS_AT_ONCE:
            return
        after = page[-1]


def _built(db: Database, shard: int, ruleset: int, first: str, last: str) -> set[str]:
    """Of the orders from ``first`` to ``last``, those whose row folds what the archive holds.

    Of several contents of one event the earliest in the log counts. An order with two events of
    one content is not among them: its row does not tell how many of them it has folded.
    """
    found = db.query(
        "SELECT subject FROM"
        " (SELECT subject, arraySort(groupArray(counts)) AS held FROM"
        "  (SELECT subject, argMin(digest, (epoch, offset, frame_index)) AS counts"
        "   FROM events WHERE shard = {shard:UInt16}"
        "   AND subject >= {first:String} AND subject <= {last:String}"
        "   GROUP BY subject, source, id)"
        "  GROUP BY subject) AS archive"
        " INNER JOIN"
        " (SELECT subject, arraySort(folded) AS held FROM work_orders FINAL"
        "  WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16}"
        "  AND subject >= {first:String} AND subject <= {last:String}) AS stored"
        " USING (subject, held)",
        {"shard": shard, "ruleset": ruleset, "first": first, "last": last},
    )
    return {subject for (subject,) in found}
