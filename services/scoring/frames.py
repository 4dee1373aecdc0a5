"""From Kafka messages to a batch: decoding, and dead letters for what cannot be decoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.codec import decode_frame
from schemas.errors import EventError
from schemas.instants import Instant
from schemas.records import DeadLetter, LoggedEvent, Position
from schemas.topics import WORK_ORDER_EVENTS
from services.scoring.shard import Batch


class Message(NamedTuple):
    """One Kafka message: one event or a frame of events.

    ``value`` None is a tombstone. ``logged_at`` is the message's own time, 0 if it has none: of use for
    latencies only. ``traceparent`` tells of the trace that it is part of.
    """

    offset: int
    content_type: str | None
    value: bytes | None
    logged_at: Instant = 0
    traceparent: str | None = None


def read_messages(partition: int, epoch: int, messages: Sequence[Message]) -> Batch:
    """Decode messages, at least one, in log order. A bad event leaves its neighbours alone."""
    events: list[LoggedEvent] = []
    rejected: list[DeadLetter] = []
    for message in messages:
        position = Position(epoch, message.offset)
        for index, item in enumerate(decode_frame(message.content_type, message.value or b"")):
            if isinstance(item, EventError):
                rejected.append(_dead_letter(partition, position, index, item))
            else:
                events.append(LoggedEvent(item.event, position, index, item.dropped))
    return Batch(events, rejected, Position(epoch, messages[-1].offset))


def _dead_letter(partition: int, position: Position, index: int, error: EventError) -> DeadLetter:
    return DeadLetter(
        topic=WORK_ORDER_EVENTS,
        partition=partition,
        position=position,
        frame_index=index,
        reason=error.reason,
        path=error.path,
        detail=error.detail,
        source=error.source,
        id=error.id,
        subject=error.subject,
        type=error.type,
    )
