"""Framing with a sender that records what it is given."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import orjson
import pytest

from schemas.topics import BATCH_JSON, FRAME_BYTES, FRAME_EVENTS
from services.ingest.framing import EVENT_BYTES, Framer
from services.ingest.sender import BrokerUnavailableError, OverloadedError
from tests.support.collected import Collected, context_of, header_of, parent_of


class Recorder:
    """Keeps frames until they are acknowledged by hand."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes, Future[int]]] = []
        self.headers: list[str] = []
        self.full = False

    def submit(
        self, frame: bytes, partition: int, content_type: str, traceparent: str
    ) -> Future[int]:
        assert content_type == BATCH_JSON
        self.headers.append(traceparent)
        if self.full:
            raise OverloadedError
        offset: Future[int] = Future()
        self.frames.append((partition, frame, offset))
        return offset

    def contents(self) -> list[tuple[int, object]]:
        return [(partition, orjson.loads(frame)) for partition, frame, _ in self.frames]


async def test_what_arrives_together_shares_a_frame_in_order() -> None:
    sender = Recorder()
    framer = Framer(sender)
    one = framer.add(1, [b"1", b"2"])
    framer.add(0, [b"9"])
    other = framer.add(1, [b"3"])
    assert sender.frames == []
    framer.flush()
    assert sender.contents() == [(1, [1, 2, 3]), (0, [9])]
    sender.frames[0][2].set_result(77)
    assert [await sent.offset for sent in one + other] == [77, 77]
    assert {sent.partition for sent in one + other} == {1}


async def test_an_open_frame_leaves_by_itself() -> None:
    sender = Recorder()
    [sent] = Framer(sender, collect_seconds=0.001).add(2, [b"1"])
    async with asyncio.timeout(5):
        while not sender.frames:  # noqa: ASYNC110  the recorder tells nobody
            await asyncio.sleep(0.001)
        sender.frames[0][2].set_result(0)
        assert await sent.offset == 0


async def test_full_frames_leave_at_once() -> None:
    sender = Recorder()
    framer = Framer(sender, collect_seconds=3600)
    many = [b"%d" % number for number in range(2 * FRAME_EVENTS + 1)]
    sent = framer.add(0, many)
    assert len(sent) == 3
    assert [len(orjson.loads(frame)) for _, frame, _ in sender.frames] == [FRAME_EVENTS] * 2
    framer.flush()
    assert [number for _, frame, _ in sender.frames for number in orjson.loads(frame)] == list(
        range(2 * FRAME_EVENTS + 1)
    )


async def test_frames_are_bounded_by_bytes() -> None:
    sender = Recorder()
    framer = Framer(sender)
    event = b'"' + b"x" * (FRAME_BYTES // 3) + b'"'
    framer.add(0, [event] * 5)
    framer.flush()
    sizes = [len(frame) for _, frame, _ in sender.frames]
    assert len(sizes) == 3
    assert max(sizes) <= FRAME_BYTES
    largest = b"9" * EVENT_BYTES
    framer.add(0, [largest])
    framer.flush()
    assert len(sender.frames[-1][1]) <= FRAME_BYTES
    with pytest.raises(ValueError, match="larger"):
        framer.add(0, [b"1", largest + b"9"])
    framer.flush()
    assert len(sender.frames) == 4


async def test_failures_reach_every_waiter() -> None:
    sender = Recorder()
    framer = Framer(sender)
    first, second = framer.add(0, [b"1"])[0], framer.add(0, [b"2"])[0]
    framer.flush()
    sender.frames[0][2].set_exception(BrokerUnavailableError())
    for sent in (first, second):
        with pytest.raises(BrokerUnavailableError):
            await sent.offset
    sender.full = True
    [refused] = framer.add(0, [b"3"])
    framer.flush()
    with pytest.raises(OverloadedError):
        await refused.offset


async def test_a_waiter_that_gave_up_disturbs_no_one() -> None:
    sender = Recorder()
    framer = Framer(sender)
    patient, hasty = framer.add(0, [b"1"])[0], framer.add(0, [b"2"])[0]
    framer.flush()
    _, late = await asyncio.wait({hasty.offset}, timeout=0)
    assert late
    sender.frames[0][2].set_result(5)
    assert await patient.offset == 5


async def test_a_frame_is_part_of_its_first_request_and_linked_to_the_others() -> None:
    collected, sender = Collected(), Recorder()
    framer = Framer(sender, traces=collected.traces)
    for number in range(3):
        with collected.traces.begun("accept", None):
            sent = framer.add(1, [b"%d" % number])
    framer.flush()
    sender.frames[0][2].set_result(77)
    assert await sent[0].offset == 77
    [produce] = collected.named("produce")
    first, *others = [context_of(span) for span in collected.named("accept")]
    assert sender.headers == [header_of(produce)]
    assert parent_of(produce) == first.span_id
    assert [link.context.span_id for link in produce.links] == [each.span_id for each in others]
    assert produce.attributes is not None
    assert produce.attributes["messaging.kafka.offset"] == 77


async def test_every_frame_of_a_large_request_is_part_of_its_trace() -> None:
    collected, sender = Collected(), Recorder()
    framer = Framer(sender, traces=collected.traces)
    with collected.traces.begun("accept", None):
        sent = framer.add(1, [b"1"] * (2 * FRAME_EVENTS + 1))
    framer.flush()
    for _, _, offset in sender.frames:
        offset.set_exception(BrokerUnavailableError("张三"))
    await asyncio.wait({frame.offset for frame in sent})
    [accept] = collected.named("accept")
    produced = collected.named("produce")
    assert [parent_of(span) for span in produced] == [context_of(accept).span_id] * 3
    assert {span.status.description for span in produced} == {"BrokerUnavailableError"}


async def test_without_traces_a_frame_tells_of_none() -> None:
    sender = Recorder()
    framer = Framer(sender)
    framer.add(1, [b"1"])
    framer.flush()
    assert sender.headers == [""]
