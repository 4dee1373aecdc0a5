"""The log copied into more partitions, cut off in the middle, and gone on with."""

from __future__ import annotations

import orjson
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from schemas.codec import encode_frame
from schemas.topics import BATCH_JSON, partition_of
from services.cli.topics import ensure_topics
from services.ingest.refill import GROUP, Ends, Refill, Side
from services.ingest.sender import Sender
from tests.integration.ingest.log_reader import read_messages
from tests.support.brokers import Broker

OLD, NEW = Side("", 2), Side("p5", 5)
ORDERS = [f"热线-{number}" for number in range(20)]


def raw(subject: str, step: int) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "type": "workorder.received",
            "source": "urn:test",
            "id": f"{subject}/{step}",
            "subject": subject,
            "time": f"2026-07-03T08:00:{step:02}+08:00",
            "data": {"demand_type": "help"},
        }
    )


def write(bootstrap: str, steps: range) -> None:
    """One frame a partition for each step of all orders."""
    sender = Sender(bootstrap)
    sender.start()
    try:
        for step in steps:
            for partition in range(2):
                mine = [raw(o, step) for o in ORDERS if partition_of(o, 2) == partition]
                sender.submit(encode_frame(mine), partition, BATCH_JSON).result(30)
    finally:
        sender.stop()


def ids(bootstrap: str, expected: int) -> dict[str, list[str]]:
    """What the new log holds of each order, in its order; every event at home."""
    found: dict[str, list[str]] = {subject: [] for subject in ORDERS}
    for message in read_messages(bootstrap, NEW.partitions, expected, NEW.suffix):
        for event in orjson.loads(message.value):
            assert partition_of(event["subject"], NEW.partitions) == message.partition
            found[event["subject"]].append(event["id"])
    return found


def forget(bootstrap: str, partition: int) -> None:
    """Take back the note on how far a partition is copied."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=f"{GROUP}.{NEW.suffix}", enable_auto_commit=False
    )
    try:
        at = TopicPartition(OLD.topic, partition)
        consumer.assign([at])
        consumer.commit({at: OffsetAndMetadata(0, "", -1)})
    finally:
        consumer.close()


class CutOffError(Exception):
    """What a test raises in the middle of a copy."""


def test_every_event_is_copied_in_its_order_and_once_if_nothing_is_cut_off(broker: Broker) -> None:
    ensure_topics(broker.bootstrap, OLD.partitions)
    ensure_topics(broker.bootstrap, NEW.partitions, suffix=NEW.suffix)
    write(broker.bootstrap, range(4))
    told: list[tuple[int, int]] = []
    with Refill(broker.bootstrap, OLD, NEW) as refill:
        assert refill.run(lambda *at: told.append(at)) == 8
        assert refill.ends() == [Ends(0, 4, 4)] * 2
        assert refill.run(lambda *at: told.append(at)) == 0
    assert dict(told) == {0: 4, 1: 4}

    write(broker.bootstrap, range(4, 6))
    with Refill(broker.bootstrap, OLD, NEW) as refill:
        assert [each.end - each.copied for each in refill.ends()] == [2, 2]
        assert refill.run(lambda *_: None) == 4
        assert sum(refill.new_ends()) > 0

    held = ids(broker.bootstrap, 6 * len(ORDERS))
    assert held == {subject: [f"{subject}/{step}" for step in range(6)] for subject in ORDERS}


def test_a_copy_that_was_cut_off_goes_on(tansu: Broker) -> None:
    ensure_topics(tansu.bootstrap, OLD.partitions)
    ensure_topics(tansu.bootstrap, NEW.partitions, suffix=NEW.suffix)
    write(tansu.bootstrap, range(3))

    def cut_off(number: int, _copied: int) -> None:
        if number == 1:
            raise CutOffError

    with Refill(tansu.bootstrap, OLD, NEW) as refill, pytest.raises(CutOffError):
        refill.run(cut_off)
    forget(tansu.bootstrap, 1)  # as if it had ended before the note was written
    with Refill(tansu.bootstrap, OLD, NEW) as refill:
        assert refill.run(lambda *_: None) == 3

    held = ids(tansu.bootstrap, 3 * len(ORDERS))
    for subject, found in held.items():
        assert list(dict.fromkeys(found)) == [f"{subject}/{step}" for step in range(3)]
        assert len(found) == (6 if partition_of(subject, OLD.partitions) == 1 else 3)
