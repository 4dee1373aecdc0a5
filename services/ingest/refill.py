"""Copies the log into topics with more partitions: same events, same order within an order.

Each event goes to the partition of its order under the new number. What counts nowhere must not
count there either, so that both logs give the same numbers: an event that lay in a wrong partition
is put into a wrong one again, and what cannot be read keeps its bytes.

Of each new partition at most one frame is on its way, and how far an old one is copied is noted (as
the offset of a consumer group) after its frames are acknowledged. So a copy that is cut off goes on
where it was: some frames are written twice, each after the one that was before it the first time,
and an event that the log holds twice counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Self

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from schemas.codec import decode_frame, encode_frame, raw_events
from schemas.errors import EventError
from schemas.splitting import split_array
from schemas.topics import (
    BATCH_JSON,
    EVENT_JSON,
    FRAME_BYTES,
    FRAME_EVENTS,
    WORK_ORDER_EVENTS,
    partition_of,
    topic_name,
)
from services.ingest.originals import content_type_of
from services.ingest.producer import connect, dispose

GROUP: Final = "hotline-repartition"

_CONNECT_MS: Final = 10_000
_POLL_MS: Final = 500
_DELIVERY_SECONDS: Final = 60.0
_LARGEST: Final = 64 * 1024 * 1024  # what the broker took once it takes again

OnProgress = Callable[[int, int], None]
"""Is told the partition that is being copied, and how many of its messages are copied now."""


class Side(NamedTuple):
    """One log: the suffix of its topics, and how many partitions it has."""

    suffix: str
    partitions: int

    @property
    def topic(self) -> str:
        """What its topic of events is called."""
        return topic_name(WORK_ORDER_EVENTS, self.suffix)


class Piece(NamedTuple):
    """What goes to one partition. Only what is an event, or JSON at least, shares a frame."""

    partition: int
    content_type: str | None
    body: bytes
    framed: bool


class Ends(NamedTuple):
    """Of one old partition: its first offset, the one after its last, and how far it is copied."""

    begin: int
    end: int
    copied: int


class Refill:
    """The copy of one log into another at the same brokers. For one thread; close it.

    Args:
        bootstrap: ``host:port``, several separated by commas.
        old: What is copied; it stays as it is.
        new: Its topic exists.

    Raises:
        KafkaError: no broker answers; also by the methods.
    """

    def __init__(self, bootstrap: str, old: Side, new: Side) -> None:
        self._bootstrap = bootstrap.split(",")
        self._old = old
        self._new = new
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=topic_name(GROUP, new.suffix),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            metrics_enabled=False,
            bootstrap_timeout_ms=_CONNECT_MS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def ends(self) -> list[Ends]:
        """How far every old partition is, by its number."""
        places = [TopicPartition(self._old.topic, n) for n in range(self._old.partitions)]
        begins = self._consumer.beginning_offsets(places)
        ends = self._consumer.end_offsets(places)
        return [
            Ends(begins[at], ends[at], self._consumer.committed(at) or begins[at]) for at in places
        ]

    def new_ends(self) -> list[int]:
        """The offset that the next message of each new partition gets."""
        places = [TopicPartition(self._new.topic, n) for n in range(self._new.partitions)]
        ends = self._consumer.end_offsets(places)
        return [ends[at] for at in places]

    def run(self, on_progress: OnProgress) -> int:
        """Copy what is not copied yet, up to the end as it is reached; returns how many messages.

        Raises:
            KafkaError: a frame was not acknowledged; run it again.
        """
        producer = connect(self._bootstrap, _DELIVERY_SECONDS, _LARGEST)
        try:
            return sum(
                self._copy(producer, number, ends, on_progress)
                for number, ends in enumerate(self.ends())
            )
        finally:
            dispose(producer, _DELIVERY_SECONDS)

    def _copy(self, producer: Any, number: int, ends: Ends, on_progress: OnProgress) -> int:
        at = TopicPartition(self._old.topic, number)
        self._consumer.assign([at])
        self._consumer.seek(at, ends.copied)
        copied, position = 0, ends.copied
        # Not every broker tells the end rightly, so a last look that finds nothing is needed too.
        while (records := self._poll()) or position < ends.end:
            if not records:
                continue
            pieces = [
                piece
                for record in records
                for piece in pieces_of(
                    content_type_of(record.headers),
                    record.value or b"",
                    number,
                    self._old,
                    self._new,
                )
            ]
            self._send(producer, pieces)
            copied += len(records)
            position = records[-1].offset + 1
            self._consumer.commit({at: OffsetAndMetadata(position, "", -1)})
            on_progress(number, copied)
        return copied

    def _poll(self) -> Sequence[Any]:
        return next(iter(self._consumer.poll(timeout_ms=_POLL_MS).values()), ())

    def _send(self, producer: Any, pieces: Sequence[Piece]) -> None:
        by_partition: dict[int, list[Piece]] = {}
        for piece in pieces:
            by_partition.setdefault(piece.partition, []).append(piece)
        waiting = [framed(pieces) for pieces in by_partition.values()]
        while waiting:
            heads = [(frames, next(frames, None)) for frames in waiting]
            sent = [
                producer.send(
                    self._new.topic,
                    value=frame.body,
                    partition=frame.partition,
                    headers=[("content-type", frame.content_type.encode())]
                    if frame.content_type is not None
                    else [],
                )
                for _, frame in heads
                if frame is not None
            ]
            for future in sent:
                future.get(_DELIVERY_SECONDS)
            waiting = [frames for frames, frame in heads if frame is not None]


def pieces_of(
    content_type: str | None, body: bytes, partition: int, old: Side, new: Side
) -> list[Piece]:
    """What a message of an old partition becomes, in its order.

    A message without any event stays whole: it gives the same dead letters there.
    """
    items = decode_frame(content_type, body)
    if all(isinstance(item, EventError) for item in items):
        return [Piece(partition, content_type, body, framed=False)]
    raws = raw_events(content_type, body)
    unread = None if None not in raws else split_array(body)
    pieces = []
    for index, (item, raw) in enumerate(zip(items, raws, strict=True)):
        if raw is None and unread is not None:
            pieces.append(Piece(partition, EVENT_JSON, unread[index], framed=False))
            continue
        home = partition
        if not isinstance(item, EventError):
            subject = item.event.subject
            is_at_home = partition_of(subject, old.partitions) == partition
            home = partition_of(subject, new.partitions)
            home = home if is_at_home else (home + 1) % new.partitions
        pieces.append(Piece(home, BATCH_JSON, orjson.dumps(raw), framed=True))
    return pieces


def framed(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Join pieces of one partition to frames, in their order."""
    waiting: list[Piece] = []
    size = 0
    for piece in pieces:
        full = len(waiting) == FRAME_EVENTS or size + len(piece.body) + 2 > FRAME_BYTES
        if waiting and (full or not piece.framed):
            yield _frame(waiting)
            waiting, size = [], 0
        if not piece.framed:
            yield piece
            continue
        waiting.append(piece)
        size += len(piece.body) + 1
    if waiting:
        yield _frame(waiting)


def _frame(pieces: Sequence[Piece]) -> Piece:
    if len(pieces[0].body) > FRAME_BYTES:  # alone, and brackets could be too much for the broker
        return pieces[0]._replace(content_type=EVENT_JSON)
    body = encode_frame([piece.body for piece in pieces])
    return Piece(pieces[0].partition, BATCH_JSON, body, framed=False)
