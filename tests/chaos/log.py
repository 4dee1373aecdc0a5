"""The whole log, read from its beginning by a plain consumer, and what follows from it alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson
from kafka import KafkaConsumer, TopicPartition

from schemas.codec import decode_frame
from schemas.errors import EventError
from schemas.records import Event
from schemas.topics import RANK_ALERTS, WORK_ORDER_EVENTS, partition_of
from tests.chaos.traffic import PARTITIONS, Content

_POLL_MS: Final = 500


class Place(NamedTuple):
    """Where an event lies in its partition."""

    offset: int
    place: int


class Refusal(NamedTuple):
    """A dead letter that there must be."""

    partition: int
    offset: int
    place: int
    reason: str


@dataclass
class Log:
    """What `work-order-events` holds.

    ``archive``: every content and where it is first. ``orders``: of each order the events that
    count, of several contents under one id the first.
    """

    ends: dict[int, int]
    archive: dict[int, dict[Content, Place]] = field(default_factory=lambda: defaultdict(dict))
    orders: dict[int, dict[str, list[Event]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    refused: set[Refusal] = field(default_factory=set)
    copies: int = 0

    def events(self) -> int:
        """How many contents there are."""
        return sum(map(len, self.archive.values()))


def read_log(bootstrap: str) -> Log:
    """Read and sort out everything."""
    with _consumer(bootstrap) as consumer:
        ends = _ends(consumer, WORK_ORDER_EVENTS, PARTITIONS)
        return sorted_out(_messages(consumer, WORK_ORDER_EVENTS, ends), ends)


def sorted_out(messages: Iterable[Any], ends: dict[int, int]) -> Log:
    """Tell what counts; the messages of each partition are in their order."""
    log = Log(ends)
    first: dict[tuple[str, str, str], bytes] = {}
    for message in messages:
        _take(log, first, message)
    return log


def read_ends(bootstrap: str) -> dict[int, int]:
    """The next offset of every partition."""
    with _consumer(bootstrap) as consumer:
        return _ends(consumer, WORK_ORDER_EVENTS, PARTITIONS)


def read_alerts(bootstrap: str) -> list[dict[str, Any]]:
    """All messages of `rank-alerts`, repetitions too."""
    with _consumer(bootstrap) as consumer:
        ends = _ends(consumer, RANK_ALERTS, 1)
        return [orjson.loads(message.value) for message in _messages(consumer, RANK_ALERTS, ends)]


def _take(log: Log, first: dict[tuple[str, str, str], bytes], message: Any) -> None:
    partition, offset = message.partition, message.offset
    kinds = [value.decode() for name, value in message.headers if name == "content-type"]
    for index, item in enumerate(decode_frame(kinds[0] if kinds else None, message.value)):
        if isinstance(item, EventError):
            log.refused.add(Refusal(partition, offset, index, item.reason))
            continue
        event = item.event
        if partition_of(event.subject, PARTITIONS) != partition:
            log.refused.add(Refusal(partition, offset, index, "wrong_partition"))
            continue
        log.copies += 1
        content = Content(event.subject, event.source, event.id, event.digest)
        log.archive[partition].setdefault(content, Place(offset, index))
        counting = first.get(content[:3])
        if counting is None:
            first[content[:3]] = event.digest
            log.orders[partition][event.subject].append(event)
        elif counting != event.digest:
            log.refused.add(Refusal(partition, offset, index, "id_conflict"))


def _consumer(bootstrap: str) -> Any:
    return KafkaConsumer(bootstrap_servers=bootstrap.split(","), enable_auto_commit=False)


def _ends(consumer: Any, topic: str, partitions: int) -> dict[int, int]:
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    return {tp.partition: end for tp, end in consumer.end_offsets(places).items()}


def _messages(consumer: Any, topic: str, ends: dict[int, int]) -> Iterator[Any]:
    """Every message before the ends, partition by partition in order."""
    for partition, end in ends.items():
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        while consumer.position(place) < end:
            for message in consumer.poll(timeout_ms=_POLL_MS).get(place, ()):
                if message.offset < end:
                    yield message
