from __future__ import annotations

import json

from schemas.codec import Decoded, encode_event, encode_frame
from schemas.records import Position
from schemas.topics import BATCH_JSON, EVENT_JSON
from services.scoring.frames import Message, read_messages
from tests.unit.scoring.support import event

GOOD = encode_event(Decoded(event("a", "1", "received", 0), ("phone",)))


def test_a_frame_and_a_single_event_are_read_with_their_places() -> None:
    batch = read_messages(
        3, 2, [Message(7, BATCH_JSON, encode_frame([GOOD, GOOD])), Message(9, EVENT_JSON, GOOD)]
    )
    assert [(e.position, e.frame_index) for e in batch.events] == [
        (Position(2, 7), 0),
        (Position(2, 7), 1),
        (Position(2, 9), 0),
    ]
    assert batch.events[0].dropped == ("phone",)
    assert batch.last == Position(2, 9)
    assert not batch.rejected


def test_a_bad_event_is_named_by_its_place_and_takes_no_neighbour_along() -> None:
    bad = json.dumps({"specversion": "1.0", "id": "x", "source": "s", "subject": "a"}).encode()
    batch = read_messages(3, 2, [Message(7, None, encode_frame([GOOD, bad, GOOD]))])
    assert [e.frame_index for e in batch.events] == [0, 2]
    (letter,) = batch.rejected
    assert (letter.partition, letter.position, letter.frame_index) == (3, Position(2, 7), 1)
    assert letter.reason == "missing_field"


def test_what_is_no_json_and_a_tombstone_are_one_dead_letter_each() -> None:
    batch = read_messages(3, 2, [Message(1, None, b"\xff\xfe"), Message(2, None, None)])
    assert [letter.position.offset for letter in batch.rejected] == [1, 2]
    assert batch.last == Position(2, 2)
