"""Kafka topics and the one rule for where an order lives."""

from __future__ import annotations

from typing import Final

from kafka.partitioner.default import murmur2

WORK_ORDER_EVENTS: Final = "work-order-events"  # the truth; keyed by order; kept for ever
SHARD_CLAIMS: Final = "shard-claims"  # same partition count; an offset is a fencing token
DEAD_LETTERS: Final = "dead-letters"  # one partition
STREET_RATES: Final = "street-rates"  # one partition; a feed, not a store
RANK_ALERTS: Final = "rank-alerts"  # one partition

EVENT_JSON: Final = "application/cloudevents+json"
BATCH_JSON: Final = "application/cloudevents-batch+json"

# Bounded by count and bytes: Kafka's default max.message.bytes is 1 MiB.
FRAME_EVENTS: Final = 500
FRAME_BYTES: Final = 900_000


def topic_name(topic: str, suffix: str) -> str:
    """What a topic is called at the broker. Each log that was filled anew has its own suffix."""
    return f"{topic}.{suffix}" if suffix else topic


def partition_of(subject: str, partitions: int) -> int:
    """The partition of a work order: Kafka's default partitioner (murmur2) over UTF-8."""
    return int(murmur2(subject.encode()) & 0x7FFFFFFF) % partitions
