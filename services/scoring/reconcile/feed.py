"""What `street-rates` has told last of every counter, compared with the stored counters."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from schemas.records import ZERO, CounterKey
from schemas.topics import STREET_RATES, topic_name
from services.scoring.rates import RatesMessage, decode_rates
from services.scoring.reconcile.difference import COUNTERS, FEED, Difference
from services.storage.shard_audit import Versioned

logger = logging.getLogger(__name__)

_CONNECT_MS: Final = 5_000
_POLL_MS: Final = 500
_PATIENCE: Final = 5.0  # seconds without a message

Published = Mapping[CounterKey, Versioned]
"""The last value of each counter of one shard that the feed still holds."""


class FeedError(RuntimeError):
    """The feed cannot be read to its end."""


def read_feed(bootstrap: str, ruleset: int, suffix: str = "") -> Mapping[int, Published]:
    """Read the whole feed (blocking); the values by shard.

    Args:
        bootstrap: ``host:port``, several separated by commas.
        ruleset: Of the values.
        suffix: Behind the name of the topic.

    Raises:
        FeedError: see the class.
        KafkaError: no broker answers.
    """
    consumer: Any = KafkaConsumer(
        bootstrap_servers=bootstrap.split(","),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        metrics_enabled=False,
        bootstrap_timeout_ms=_CONNECT_MS,
    )
    try:
        return latest(_messages(consumer, suffix), ruleset)
    finally:
        consumer.close()


def latest(messages: Iterable[RatesMessage], ruleset: int) -> Mapping[int, Published]:
    """Keep of every counter the value of the greatest version."""
    found: dict[int, dict[CounterKey, Versioned]] = {}
    for message in messages:
        if message.ruleset != ruleset:
            continue
        version = message.mark.version()
        counters = found.setdefault(message.shard, {})
        for key, sums in message.counters.items():
            known = counters.get(key)
            if known is None or known.version <= version:
                counters[key] = Versioned(version, sums)
    return found


def compare_feed(
    shard: int, published: Published, stored: Mapping[CounterKey, Versioned]
) -> Iterator[Difference]:
    """What was published and is not stored; ``stored`` was read later.

    A flush is published after it is stored. So a counter that is stored under a later flush says
    nothing about the feed: its message may be on its way, or a crash took it along, and then the
    ranking agent has loaded the shard anew.
    """
    for key, told in sorted(published.items()):
        known = stored.get(key, Versioned(0, ZERO))
        if known.version <= told.version and known.sums != told.sums:
            yield Difference(shard, key, FEED, told.sums, COUNTERS, known.sums)


def _messages(consumer: Any, suffix: str) -> Iterator[RatesMessage]:
    at = TopicPartition(topic_name(STREET_RATES, suffix), 0)
    consumer.assign([at])
    consumer.seek_to_beginning(at)
    reached, end = consumer.beginning_offsets([at])[at], consumer.end_offsets([at])[at]
    deadline = time.monotonic() + _PATIENCE
    while reached < end:
        polled = consumer.poll(timeout_ms=_POLL_MS)
        for records in polled.values():
            for record in records:
                yield from _decoded(record)
                reached = record.offset + 1
        if polled:
            deadline = time.monotonic() + _PATIENCE
        elif time.monotonic() > deadline:
            raise FeedError("street-rates cannot be read to its end")


def _decoded(record: Any) -> Iterator[RatesMessage]:
    try:
        yield decode_rates(record.value or b"")
    except ValueError:  # not one of ours
        logger.warning("a message of street-rates cannot be read: offset %d", record.offset)
