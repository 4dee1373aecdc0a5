"""Creates our topics and checks the ones that are there.

A topic that does not exist is ignored by the stream library with one warning, and a changed
partition count would send an order's events to two shards: so both are checked before a start.
"""

from __future__ import annotations

import socket
import time
from typing import Any, Final, NamedTuple

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from schemas.topics import (
    DEAD_LETTERS,
    RANK_ALERTS,
    SHARD_CLAIMS,
    STREET_RATES,
    WORK_ORDER_EVENTS,
    topic_name,
)

_DAY_MS: Final = 24 * 60 * 60 * 1000


class TopicError(RuntimeError):
    """The topics cannot be created, or are not as they must be."""


class _Topic(NamedTuple):
    name: str
    partitions: int
    retention_ms: int  # -1: for ever


def _topics(partitions: int, suffix: str = "") -> list[_Topic]:
    topics = [
        _Topic(WORK_ORDER_EVENTS, partitions, -1),  # the truth
        # A claim matters until the next one; the greatest token is stored with the shard.
        _Topic(SHARD_CLAIMS, partitions, 7 * _DAY_MS),
        _Topic(DEAD_LETTERS, 1, 90 * _DAY_MS),  # also kept in the table of that name
        _Topic(STREET_RATES, 1, _DAY_MS),  # a feed: readers that missed some load the counters
        _Topic(RANK_ALERTS, 1, 30 * _DAY_MS),
    ]
    return [topic._replace(name=topic_name(topic.name, suffix)) for topic in topics]


def ensure_topics(
    bootstrap: str,
    partitions: int,
    *,
    replication: int = -1,
    seconds: float = 30,
    suffix: str = "",
) -> list[str]:
    """Create the topics that are missing; return their names.

    Args:
        bootstrap: ``host:port[,host:port]``.
        partitions: of work-order-events and shard-claims; the other topics have one.
        replication: copies of each partition; -1 is the broker's default.
        seconds: how long to try to reach the broker.
        suffix: behind the names.

    Raises:
        TopicError: the broker cannot be reached or refuses, or an existing topic has another
            partition count.
    """
    topics = _topics(partitions, suffix)
    _await_listener(bootstrap, seconds)
    try:
        with KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","),
            client_id="hotline-topics",
            bootstrap_timeout_ms=round(seconds * 1000),
        ) as admin:
            existing = set(admin.list_topics())
            missing = [topic for topic in topics if topic.name not in existing]
            _create(admin, missing, replication)
            described = admin.describe_topics([topic.name for topic in topics])
    except KafkaError as error:
        raise TopicError(_unusable(bootstrap, type(error).__name__)) from error
    _verify(topics, {str(found["name"]): len(found["partitions"]) for found in described})
    return [topic.name for topic in missing]


def _await_listener(bootstrap: str, seconds: float) -> None:
    """Return when one of the addresses takes connections: brokers often start beside us."""
    deadline = time.monotonic() + seconds
    while True:
        for address in bootstrap.split(","):
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal():
                raise TopicError(_unusable(bootstrap, "an address is host:port"))
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
            except OSError as error:
                cause = error
            else:
                return
        if time.monotonic() > deadline:
            raise TopicError(_unusable(bootstrap, str(cause)))
        time.sleep(0.2)


def _unusable(bootstrap: str, cause: str) -> str:
    return (
        f"Kafka at {bootstrap} cannot be used: {cause}. Is it running, and is the address right? "
        "Kafka 不可用，请检查地址。"
    )


def _create(admin: Any, topics: list[_Topic], replication: int) -> None:
    if not topics:
        return
    wanted = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": replication,
            "configs": {
                "cleanup.policy": "delete",
                "retention.ms": str(topic.retention_ms),
                "retention.bytes": "-1",
            },
        }
        for topic in topics
    }
    try:
        admin.create_topics(wanted, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        # Another process of ours was faster; what it made is verified below like any other.
        return


def _verify(topics: list[_Topic], found: dict[str, int]) -> None:
    wrong = [
        f"{topic.name} has {found.get(topic.name, 0)} partitions, not {topic.partitions}"
        for topic in topics
        if found.get(topic.name, 0) != topic.partitions
    ]
    if wrong:
        raise TopicError(
            f"{'; '.join(wrong)}. The partition count of a topic never changes: set "
            "HOTLINE_PARTITIONS to what the topic has, or see docs/repartition.md. "
            "主题的分区数与设置不一致。"
        )


def topic_id(bootstrap: str, name: str) -> str:
    """Return the id that the broker gave the topic when it was created.

    Raises:
        TopicError: the broker cannot be reached.
    """
    try:
        with KafkaAdminClient(bootstrap_servers=bootstrap.split(",")) as admin:
            (topic,) = admin.describe_topics([name])
    except KafkaError as error:
        raise TopicError(_unusable(bootstrap, type(error).__name__)) from error
    return str(topic["topic_id"])
