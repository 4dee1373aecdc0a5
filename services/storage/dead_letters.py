"""What could not be counted, by its place in the log: handling it twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.instants import EARLIEST, FOREVER, Instant
from schemas.records import DeadLetter, Position
from services.storage.database import Database


class Recorded(NamedTuple):
    """A dead letter and when it was last recorded."""

    recorded_at: Instant
    letter: DeadLetter


class Place(NamedTuple):
    """Where the log holds the original: several letters may name one place."""

    partition: int
    epoch: int
    offset: int
    frame_index: int


def write(db: Database, letters: Sequence[DeadLetter], now: Instant) -> None:
    """Record dead letters."""
    db.insert(
        "dead_letters",
        {
            "topic": [letter.topic for letter in letters],
            "partition": [letter.partition for letter in letters],
            "epoch": [letter.position.epoch for letter in letters],
            "offset": [letter.position.offset for letter in letters],
            "frame_index": [letter.frame_index for letter in letters],
            "reason": [letter.reason for letter in letters],
            "path": [letter.path for letter in letters],
            "detail": [letter.detail for letter in letters],
            "source": [letter.source for letter in letters],
            "id": [letter.id for letter in letters],
            "subject": [letter.subject for letter in letters],
            "type": [letter.type for letter in letters],
            "recorded_at": [now] * len(letters),
        },
    )


def listing(
    db: Database,
    *,
    reason: str = "",
    subject: str = "",
    since: Instant = EARLIEST,
    until: Instant = FOREVER,
    place: Place | None = None,
    before: Recorded | None = None,
    limit: int = 100,
) -> list[Recorded]:
    """Dead letters, the last recorded first; ``before`` is the last one of the previous page.

    An empty ``reason`` or ``subject`` means any, None any place. Recorded in [since, until).
    """
    found = db.query(
        "SELECT recorded_at, topic, partition, epoch, offset, frame_index, reason, path, detail,"
        " source, id, subject, type FROM dead_letters FINAL"
        " WHERE ({reason:String} = '' OR reason = {reason:String})"
        " AND ({subject:String} = '' OR subject = {subject:String})"
        " AND toUnixTimestamp64Micro(recorded_at) >= {since:Int64}"
        " AND toUnixTimestamp64Micro(recorded_at) < {until:Int64}"
        " AND ({anywhere:Bool} OR (partition, epoch, offset, frame_index) ="
        " ({at_partition:UInt16}, {at_epoch:UInt32}, {at_offset:Int64}, {at_index:UInt32}))"
        " AND ({all:Bool} OR (toUnixTimestamp64Micro(recorded_at), topic, partition, epoch, offset,"
        " frame_index, reason) < ({recorded_at:Int64}, {topic:String}, {partition:UInt16},"
        " {epoch:UInt32}, {offset:Int64}, {index:UInt32}, {last:String}))"
        " ORDER BY recorded_at DESC, topic DESC, partition DESC, epoch DESC, offset DESC,"
        " frame_index DESC, reason DESC LIMIT {limit:UInt32}",
        {
            "reason": reason,
            "subject": subject,
            "since": since,
            "until": until,
            "anywhere": place is None,
            **_at(place or Place(0, 0, 0, 0)),
            "limit": limit,
            "all": before is None,
            **_place(before or _NEWEST),
        },
    )
    return [_recorded(row) for row in found]


def counts(db: Database, since: Instant = EARLIEST, until: Instant = FOREVER) -> dict[str, int]:
    """How many dead letters were recorded in [since, until), by reason."""
    return dict(
        db.query(
            "SELECT reason, count() FROM dead_letters FINAL"
            " WHERE toUnixTimestamp64Micro(recorded_at) >= {since:Int64}"
            " AND toUnixTimestamp64Micro(recorded_at) < {until:Int64}"
            " GROUP BY reason ORDER BY reason",
            {"since": since, "until": until},
        )
    )


_NEWEST = Recorded(0, DeadLetter("", 0, Position(0, 0), 0, "", "", ""))


def _at(place: Place) -> dict[str, int]:
    return {
        "at_partition": place.partition,
        "at_epoch": place.epoch,
        "at_offset": place.offset,
        "at_index": place.frame_index,
    }


def _place(recorded: Recorded) -> dict[str, object]:
    letter = recorded.letter
    return {
        "recorded_at": recorded.recorded_at,
        "topic": letter.topic,
        "partition": letter.partition,
        "epoch": letter.position.epoch,
        "offset": letter.position.offset,
        "index": letter.frame_index,
        "last": letter.reason,
    }


def _recorded(row: tuple[Any, ...]) -> Recorded:
    recorded_at, topic, partition, epoch, offset, frame_index, *texts = row
    position = Position(epoch, offset)
    return Recorded(recorded_at, DeadLetter(topic, partition, position, frame_index, *texts))
