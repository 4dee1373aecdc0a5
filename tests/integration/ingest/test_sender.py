"""The sender against real brokers, also while they are frozen, dead and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.topics import BATCH_JSON, EVENT_JSON
from services.cli.local_broker import free_port
from services.cli.topics import ensure_topics
from services.ingest.sender import BrokerUnavailableError, OverloadedError, Sender
from tests.integration.ingest.log_reader import Message, read_messages
from tests.integration.ingest.support import tansu_at
from tests.support.brokers import Broker
from tests.support.waiting import await_that

PARTITIONS = 3


@contextmanager
def running(
    bootstrap: str, *, limit_bytes: int = 1_000_000, seconds: float = 10
) -> Iterator[Sender]:
    sender = Sender(bootstrap, limit_bytes=limit_bytes, delivery_limit=seconds)
    sender.start()
    try:
        yield sender
    finally:
        sender.stop(limit=seconds)


def test_frames_arrive_where_and_as_they_were_sent(broker: Broker) -> None:
    broker.create_topics(PARTITIONS)
    with running(broker.bootstrap) as sender:
        offsets = [
            sender.submit(f"[{number}]".encode(), number % PARTITIONS, BATCH_JSON)
            for number in range(9)
        ]
        last = sender.submit(b"{}", 0, EVENT_JSON)
        assert [offset.result(10) for offset in offsets] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert last.result(10) == 3
        await_that(lambda: sender.pending_bytes == 0)
    expected = [
        Message(number % PARTITIONS, number // PARTITIONS, BATCH_JSON, f"[{number}]".encode())
        for number in range(9)
    ]
    assert read_messages(broker.bootstrap, PARTITIONS, 10) == sorted(
        [*expected, Message(0, 3, EVENT_JSON, b"{}")]
    )


def test_what_was_submitted_before_stop_is_sent(broker: Broker) -> None:
    broker.create_topics(PARTITIONS)
    with running(broker.bootstrap) as sender:
        offsets = [sender.submit(b"[%d]" % number, 0, BATCH_JSON) for number in range(50)]
    assert [offset.result(0) for offset in offsets] == list(range(50))
    with pytest.raises(BrokerUnavailableError):
        sender.submit(b"[]", 0, BATCH_JSON)


def test_bytes_not_yet_acknowledged_are_bounded(broker: Broker) -> None:
    broker.create_topics(PARTITIONS)
    with running(broker.bootstrap, limit_bytes=1_000) as sender:
        sender.submit(b"x", 0, BATCH_JSON).result(10)
        with broker.frozen():
            first = sender.submit(b"x" * 600, 0, BATCH_JSON)
            with pytest.raises(OverloadedError):
                sender.submit(b"x" * 600, 0, BATCH_JSON)
            second = sender.submit(b"x" * 400, 0, BATCH_JSON)
            with pytest.raises(OverloadedError):
                sender.submit(b"x", 0, BATCH_JSON)
        assert [first.result(10), second.result(10)] == [1, 2]
        assert sender.submit(b"x" * 1_000, 0, BATCH_JSON).result(10) == 3


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("refused_connections")
def test_a_frozen_broker_fails_frames_in_bounded_time(broker: Broker) -> None:
    broker.create_topics(PARTITIONS)
    with running(broker.bootstrap, seconds=3) as sender:
        sender.submit(b"[0]", 0, BATCH_JSON).result(10)
        with broker.frozen():
            began = time.monotonic()
            frames = [sender.submit(b"[1]", number, BATCH_JSON) for number in range(PARTITIONS)]
            for frame in frames:
                assert isinstance(frame.exception(10), BrokerUnavailableError)
            assert time.monotonic() - began < 6
            await_that(lambda: sender.pending_bytes == 0)
        assert _eventually(lambda: sender.submit(b"[2]", 1, BATCH_JSON).result(10)) >= 0


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("refused_connections")
def test_a_killed_broker_is_found_again(tmp_path: Path) -> None:
    """Tansu forgets its log: topics, producer ids and all. The sender must start anew."""
    bootstrap = f"127.0.0.1:{free_port()}"
    process = tansu_at(bootstrap, tmp_path / "first.log")
    try:
        ensure_topics(bootstrap, PARTITIONS)
        with running(bootstrap, seconds=3) as sender:
            for _ in range(5):
                sender.submit(b"[0]", 0, BATCH_JSON).result(10)
            process.kill()
            began = time.monotonic()
            assert isinstance(
                sender.submit(b"[1]", 0, BATCH_JSON).exception(10), BrokerUnavailableError
            )
            # The second finds no producer at all.
            assert isinstance(
                sender.submit(b"[2]", 0, BATCH_JSON).exception(10), BrokerUnavailableError
            )
            assert time.monotonic() - began < 12
            process = tansu_at(bootstrap, tmp_path / "second.log")
            ensure_topics(bootstrap, PARTITIONS)
            began = time.monotonic()
            assert _eventually(lambda: sender.submit(b"[3]", 0, BATCH_JSON).result(10)) == 0
            assert time.monotonic() - began < 12
    finally:
        process.kill()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("refused_connections")
def test_a_broker_that_was_never_there() -> None:
    with running(f"127.0.0.1:{free_port()}", seconds=2) as sender:
        frames = [sender.submit(b"[1]", 0, BATCH_JSON) for _ in range(20)]
        began = time.monotonic()
        for frame in frames:
            assert isinstance(frame.exception(10), BrokerUnavailableError)
        assert time.monotonic() - began < 5


def _eventually(attempt: Callable[[], int]) -> int:
    """Repeat like a caller does that was told to repeat."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return attempt()
        except BrokerUnavailableError:
            if time.monotonic() > deadline:
                raise
