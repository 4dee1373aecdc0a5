"""Frozen cycles: revisions are added, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.instants import Instant
from schemas.records import FlushMark, LoggedEvent
from schemas.topics import partition_of
from services.domain.cycle_revision import Mark, OrderPart
from services.domain.what_if import Reach
from services.storage.archive_reader import ArchiveReader
from services.storage.database import Database
from services.storage.order_lines import UNTIL_MARK, mark_params
from services.storage.what_if_reader import NEAR, near_params

_BEYOND: Final = (
    "(epoch > {after_epoch:UInt32}"
    " OR epoch = {after_epoch:UInt32} AND offset > {after_offset:Int64})"
)
# Of two with one number every reader takes the same one.
_FIRST_OF_EACH: Final = (
    "SELECT cycle, revision, computation, inputs, results, checksum, ground, approver, recorded_at"
    " FROM cycle_revisions WHERE ({cycle:String} = '' OR cycle = {cycle:String})"
    " ORDER BY cycle, revision, recorded_at, computation LIMIT 1 BY cycle, revision"
)
# Each order of two revisions, with what it adds in each: "" where a revision does not know it.
_BOTH: Final = (
    "SELECT subject, anyIf(contributions, computation = {old:String}) AS before,"
    " anyIf(contributions, computation = {new:String}) AS after"
    " FROM cycle_orders WHERE computation IN ({old:String}, {new:String})"
    " AND subject > {after:String}"
    " GROUP BY subject HAVING replace(before, '[]', '') != replace(after, '[]', '')"
    " ORDER BY subject LIMIT {limit:UInt32}"
)


class StoredRevision(NamedTuple):
    """One revision. ``inputs`` and ``results`` are canonical JSON (`domain.cycle_revision`)."""

    cycle: str
    revision: int
    computation: str
    inputs: str
    results: str
    checksum: str
    ground: str
    approver: str
    recorded_at: Instant


class ChangedOrder(NamedTuple):
    """An order that two revisions count differently; canonical JSON, or "" where it is unknown."""

    subject: str
    before: str
    after: str


def add(db: Database, new: StoredRevision) -> StoredRevision:
    """Add a revision whose orders are stored, and return the one that counts under its number.

    That is another one if another process was quicker.
    """
    db.insert("cycle_revisions", {name: [value] for name, value in new._asdict().items()})
    found = of_cycle(db, new.cycle)
    return next(each for each in found if each.revision == new.revision)


def of_cycle(db: Database, cycle: str) -> list[StoredRevision]:
    """The revisions of a cycle, the first one first; none while it is live."""
    return [StoredRevision._make(row) for row in db.query(_FIRST_OF_EACH, {"cycle": cycle})]


def all_revisions(db: Database) -> list[StoredRevision]:
    """Every revision, by cycle and number."""
    return of_cycle(db, "")


def add_orders(db: Database, computation: str, parts: Sequence[OrderPart]) -> None:
    """Store what orders add under a computation, before its revision is added."""
    db.insert(
        "cycle_orders",
        {
            "computation": [computation] * len(parts),
            "subject": [part.subject for part in parts],
            "next_change": [part.next_change for part in parts],
            "contributions": [part.line() for part in parts],
        },
    )


def orders(
    db: Database, computation: str, subjects: Sequence[str]
) -> dict[str, tuple[Instant, str]]:
    """Next change and contributions of stored orders; those that are not stored are left out."""
    found = db.query(
        "SELECT subject, next_change, contributions FROM cycle_orders"
        " WHERE computation = {computation:String} AND subject >= {first:String}"
        " AND subject <= {last:String} AND has({subjects:Array(String)}, subject)",
        {
            "computation": computation,
            "first": min(subjects, default=""),
            "last": max(subjects, default=""),
            "subjects": list(subjects),
        },
    )
    return {subject: (next_change, line) for subject, next_change, line in found}


def order_count(db: Database, computation: str) -> int:
    """How many orders a computation has stored."""
    ((count,),) = db.query(
        "SELECT count() FROM cycle_orders WHERE computation = {computation:String}",
        {"computation": computation},
    )
    return int(count)


def changed_orders(db: Database, old: str, new: str, after: str, limit: int) -> list[ChangedOrder]:
    """Orders that two computations count differently, ascending, beyond ``after``."""
    params = {"old": old, "new": new, "after": after, "limit": limit}
    return [ChangedOrder._make(row) for row in db.query(_BOTH, params)]


class Late(NamedTuple):
    """From where on facts are late for a revision, and where they end now."""

    computation: str
    marks: Sequence[Mark]
    until: Mapping[int, FlushMark]
    reach: Reach


def candidates(db: Database, late: Late, now: Instant, after: str, limit: int) -> list[str]:
    """Orders near the cycle with events beyond a revision's positions, or with a deadline since.

    Ascending, beyond ``after``, at most ``limit``: all that may count differently now are there.
    """
    page = {"after": after, "limit": limit}
    found = {
        subject
        for (subject,) in db.query(
            "SELECT subject FROM cycle_orders WHERE computation = {computation:String}"
            " AND next_change <= {now:Int64} AND subject > {after:String}"
            " ORDER BY subject LIMIT {limit:UInt32}",
            {"computation": late.computation, "now": now, **page},
        )
    }
    for mark in late.marks:
        params = {
            **mark_params(mark.shard, late.until[mark.shard]),
            **near_params(late.reach),
            **page,
            "after_epoch": mark.epoch,
            "after_offset": mark.offset,
        }
        found |= {
            subject
            for (subject,) in db.query(
                f"SELECT subject FROM events WHERE {UNTIL_MARK} AND subject IN"  # noqa: S608 (constants)
                f" (SELECT subject FROM events WHERE {UNTIL_MARK} AND {_BEYOND}"
                " AND subject > {after:String})"
                f" GROUP BY subject HAVING {NEAR} ORDER BY subject LIMIT {{limit:UInt32}}",
                params,
            )
        }
    return sorted(found)[:limit]


def events_until(
    db: Database, subjects: Sequence[str], marks: Mapping[int, FlushMark]
) -> Iterator[tuple[str, list[LoggedEvent]]]:
    """The events of orders up to the positions, in log order; of a conflict the first content."""
    found = ArchiveReader(db).order_events(subjects)
    for subject in subjects:
        position = marks[partition_of(subject, len(marks))].position
        first: dict[tuple[str, str], LoggedEvent] = {}
        for logged in found.get(subject, ()):
            if logged.position <= position:
                first.setdefault((logged.event.source, logged.event.id), logged)
        yield subject, list(first.values())
