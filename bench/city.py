"""The demo city as raw material: the same events for the same count, always."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import orjson

from schemas.codec import encode_frame
from schemas.instants import Instant, parse_instant
from schemas.records import Unit
from schemas.topics import FRAME_EVENTS, partition_of
from services.cli.simulate.events import simulate_events
from services.cli.simulate.writing import CloudEvent
from services.domain.registry import beijing_units

SEED: Final = 12345
PARTITIONS: Final = 2
BEGINS: Final = "2025-10-01T00:00:00+08:00"
ENDS: Final = "2025-11-01T00:00:00+08:00"
MONTH: Final = {"from": BEGINS, "to": ENDS}

_DAYS: Final = 31
_EVENTS_PER_ORDER: Final = 5  # slightly below the truth, so that the month has enough


def month(count: int, units: Sequence[Unit] | None = None) -> list[CloudEvent]:
    """The first ``count`` events of a month of a city that has just about so many in it."""
    events = simulate_events(
        beijing_units() if units is None else units,
        seed=SEED,
        begins_at=parse_instant(BEGINS),
        ends_at=parse_instant(ENDS),
        orders_per_day=-(-count // (_DAYS * _EVENTS_PER_ORDER)),
    )
    return list(islice(events, count))


def encoded(events: Sequence[CloudEvent]) -> list[bytes]:
    """Each event as JSON."""
    return [orjson.dumps(event) for event in events]


def by_partition(events: Sequence[CloudEvent]) -> Iterator[tuple[int, bytes]]:
    """Each event as JSON with the partition of its order."""
    for event in events:
        yield partition_of(event["subject"], PARTITIONS), orjson.dumps(event)


def frames(events: Sequence[CloudEvent]) -> Iterator[tuple[int, bytes]]:
    """Full frames with their partition, in the order in which they fill up."""
    waiting: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
    for partition, event in by_partition(events):
        waiting[partition].append(event)
        if len(waiting[partition]) == FRAME_EVENTS:
            yield partition, encode_frame(waiting[partition])
            waiting[partition] = []
    for partition, rest in waiting.items():
        if rest:
            yield partition, encode_frame(rest)


def now() -> Instant:
    """The present instant."""
    return time.time_ns() // 1000
