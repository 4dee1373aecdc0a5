"""Reads the raw log back, as any Kafka client sees it."""

from __future__ import annotations

from typing import NamedTuple

import orjson
from kafka import KafkaConsumer, TopicPartition

from schemas.topics import WORK_ORDER_EVENTS, topic_name


class Message(NamedTuple):
    partition: int
    offset: int
    content_type: str
    value: bytes


def read_messages(
    bootstrap: str, partitions: int, expected: int, suffix: str = ""
) -> list[Message]:
    """Read messages with `expected` events of all partitions, and prove that no more follow."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    try:
        topic = topic_name(WORK_ORDER_EVENTS, suffix)
        assigned = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(assigned)
        consumer.seek_to_beginning(*assigned)
        messages: list[Message] = []
        for _ in range(200):
            # One quiet round after the last expected event, so that a surplus would be seen.
            complete = sum(_events_in(message) for message in messages) >= expected
            polled = consumer.poll(timeout_ms=700 if complete else 250)
            for records in polled.values():
                messages += [
                    Message(
                        record.partition,
                        record.offset,
                        dict(record.headers)["content-type"].decode(),
                        record.value,
                    )
                    for record in records
                ]
            if complete and not polled:
                return sorted(messages)
        raise AssertionError(f"{len(messages)} messages, not {expected} events")
    finally:
        consumer.close()


def _events_in(message: Message) -> int:
    parsed = orjson.loads(message.value)
    return len(parsed) if isinstance(parsed, list) else 1
