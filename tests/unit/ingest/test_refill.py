"""What a message of the old log becomes in the new one."""

from __future__ import annotations

import orjson
import pytest

from schemas.codec import decode_frame, encode_frame
from schemas.errors import EventError
from schemas.topics import BATCH_JSON, EVENT_JSON, FRAME_BYTES, FRAME_EVENTS, partition_of
from services.ingest.refill import Piece, Side, framed, pieces_of

OLD, NEW = Side("", 2), Side("p5", 5)
SUBJECTS = [f"热线-{number}" for number in range(40)]


def raw(subject: str, id_: str = "1", **more: object) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "type": "workorder.received",
            "source": "urn:test",
            "id": id_,
            "subject": subject,
            "time": "2026-07-03T08:00:00+08:00",
            "data": {"demand_type": "help", "phone": "139 0000 0000"},
            **more,
        }
    )


def at_home(partition: int) -> list[bytes]:
    return [raw(subject) for subject in SUBJECTS if partition_of(subject, 2) == partition]


def read(content_type: str | None, body: bytes) -> list[str]:
    """What scoring sees: the event's id, or the reason of its letter."""
    return [
        item.reason if isinstance(item, EventError) else item.event.subject
        for item in decode_frame(content_type, body)
    ]


@pytest.mark.parametrize("partition", [0, 1])
def test_each_event_goes_to_its_order_s_partition_as_it_was(partition: int) -> None:
    events = at_home(partition)

    pieces = pieces_of(BATCH_JSON, encode_frame(events), partition, OLD, NEW)

    assert [piece.body for piece in pieces] == events
    for piece, subject in zip(pieces, read(BATCH_JSON, encode_frame(events)), strict=True):
        assert piece.partition == partition_of(subject, 5)
    assert len({piece.partition for piece in pieces}) > 1


def test_an_event_of_a_wrong_partition_lies_in_a_wrong_one_again() -> None:
    for subject in SUBJECTS:
        (piece,) = pieces_of(EVENT_JSON, raw(subject), 1 - partition_of(subject, 2), OLD, NEW)

        assert piece.partition != partition_of(subject, 5)
        assert piece.partition in range(5)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (None, b""),
        (None, b"["),
        (None, b"[]"),
        (None, b"7"),
        (None, b"[7, null]"),
        (None, b"\xff\xfe"),
        (BATCH_JSON, raw(SUBJECTS[0])),  # said to be a batch, and is none
        (EVENT_JSON, encode_frame([raw(SUBJECTS[0])])),
        (EVENT_JSON, raw(SUBJECTS[0], type="workorder.unheard")),
    ],
)
def test_a_message_without_any_event_stays_whole(content_type: str | None, body: bytes) -> None:
    assert pieces_of(content_type, body, 1, OLD, NEW) == [
        Piece(1, content_type, body, framed=False)
    ]


def test_what_stands_between_events_gives_the_same_letters() -> None:
    good = at_home(0)[:2]
    body = b"[" + b",".join([good[0], b"{,}", b"7", b"\xff", raw("", "2"), good[1], b"null"]) + b"]"

    pieces = pieces_of(BATCH_JSON, body, 0, OLD, NEW)

    found = [
        what
        for number in range(5)
        for frame in framed([piece for piece in pieces if piece.partition == number])
        for what in read(frame.content_type, frame.body)
    ]
    assert sorted(found) == sorted(read(BATCH_JSON, body))
    assert len(found) == 7


def test_frames_keep_the_order_and_both_bounds() -> None:
    small = [Piece(3, BATCH_JSON, b"%d" % n, framed=True) for n in range(FRAME_EVENTS + 1)]
    alone = Piece(3, EVENT_JSON, b"{", framed=False)
    large = [Piece(3, BATCH_JSON, b"1" * (FRAME_BYTES // 2), framed=True)] * 3
    huge = Piece(3, BATCH_JSON, b"1" * (FRAME_BYTES + 1), framed=True)

    frames = list(framed([*small, alone, small[7], *large, huge]))

    last = frames.pop()
    assert (last.content_type, last.body) == (EVENT_JSON, huge.body)
    assert [len(frame.body) <= FRAME_BYTES for frame in frames] == [True] * len(frames)
    assert orjson.loads(frames[0].body) == list(range(FRAME_EVENTS))
    assert orjson.loads(frames[1].body) == [FRAME_EVENTS]
    assert frames[2] == alone
    assert [piece.body for piece in frames[3:]] == [
        b"[7," + large[0].body + b"]",
        b"[" + large[0].body + b"]",
        b"[" + large[0].body + b"]",
    ]
    assert {frame.partition for frame in frames} == {3}
