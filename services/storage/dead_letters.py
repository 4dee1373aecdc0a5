"""What could not be counted, by its place in the log: handling it twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.instants import Instant
from schemas.records import DeadLetter, Position
from services.storage.database import Database


class Recorded(NamedTuple):
    """A dead letter and when it was last recorded."""

    recorded_at: Instant
    letter: DeadLetter


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
    before: Recorded | None = None,
    limit: int = 100,
) -> list[Recorded]:
    """Dead letters, the last recorded first; ``before`` is the last one of the previous page.

    An empty ``reason`` or ``subject`` means any.
    """
    found = db.query(
        "SELECT recorded_at, topic, partition, epoch, offset, frame_index, reason, path, detail,"
        " source, id, subject, type FROM dead_letters FINAL"
        " WHERE ({reason:String} = '' OR reason = {reason:String})"
        " AND ({subject:String} = '' OR subject = {subject:String})"
        " AND ({all:Bool} OR (toUnixTimestamp64Micro(recorded_at), topic, partition, epoch, offset,"
        " frame_index, reason) < ({recorded_at:Int64}, {topic:String}, {partition:UInt16},"
        " {epoch:UInt32}, {offset:Int64}, {index:UInt32}, {last:String}))"
        " ORDER BY recorded_at DESC, topic DESC, partition DESC, epoch DESC, offset DESC,"
        " frame_index DESC, reason DESC LIMIT {limit:UInt32}",
        {
            "reason": reason,
            "subject": subject,
            "limit": limit,
            "all": before is None,
            **_place(before or _NEWEST),
        },
    )
    return [_recorded(row) for row in found]


def counts(db: Database) -> dict[str, int]:
    """How many dead letters there are, by reason."""
    return dict(
        db.query("SELECT reason, count() FROM dead_letters FINAL GROUP BY reason ORDER BY reason")
    )


_NEWEST = Recorded(0, DeadLetter("", 0, Position(0, 0), 0, "", "", ""))


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
