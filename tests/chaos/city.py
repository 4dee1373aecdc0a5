"""What a city's platforms send in a bad week: the demo city, out of order, repeated, late, spoilt.

Everything is drawn by seed: the same seed sends the same batches. Only which of two copies is
logged first is left to the run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final

from schemas.instants import DAY, SECOND, Instant, format_instant, parse_instant
from schemas.records import Unit
from services.cli.simulate.events import simulate_events
from services.domain.registry import beijing_units

CloudEvent = dict[str, Any]

DAYS: Final = 20
UNITS: Final = 40
_EVENTS_PER_ORDER: Final = 7  # or a little less

_REPEATED: Final = 0.04
_LATE: Final = 0.03
_SPOILT: Final = 0.1  # of batches
_DIRECT: Final = 0.3  # of batches
_BATCH: Final = (5, 200)
_HELD_BACK: Final = 5_000


class Route(Enum):
    """How a batch is sent."""

    GATEWAY = "gateway"
    KAFKA = "kafka"


@dataclass(frozen=True)
class Batch:
    """Events that are sent together.

    ``spoilt`` is sent first, or with them when they go directly into the log; it must never count.
    """

    route: Route
    events: list[CloudEvent]
    spoilt: CloudEvent | None


def units() -> list[Unit]:
    """The first streets of Beijing: few, so that each one has enough orders to be ranked."""
    return [unit for unit in beijing_units() if unit.kind == "street"][:UNITS]


def batches(count: int, seed: int, ends_at: Instant) -> Iterator[Batch]:
    """Batches with ``count`` different events of the last weeks before ``ends_at``."""
    draw = random.Random(f"chaos {seed}")
    disorder = _disordered(_history(count, seed, ends_at), draw)
    while chunk := list(islice(disorder, draw.randint(*_BATCH))):
        draw.shuffle(chunk)
        route = Route.KAFKA if draw.random() < _DIRECT else Route.GATEWAY
        spoilt = _spoilt(draw.choice(chunk), draw, route) if draw.random() < _SPOILT else None
        yield Batch(route, chunk, spoilt)


def conflicting(event: CloudEvent) -> CloudEvent:
    """The same id with other content, as by a platform that numbers anew."""
    other = deepcopy(event)
    other["time"] = format_instant(parse_instant(event["time"]) - SECOND)
    return other


def _history(count: int, seed: int, ends_at: Instant) -> list[CloudEvent]:
    """The last events of a city that has just about so many: the first orders lack their beginning."""
    per_day = max(1, count // (DAYS * _EVENTS_PER_ORDER))
    while True:
        events = list(
            simulate_events(
                units(),
                seed=seed,
                begins_at=ends_at - DAYS * DAY,
                ends_at=ends_at,
                orders_per_day=per_day,
            )
        )
        if len(events) >= count:
            return events[-count:]
        per_day = per_day * count // max(1, len(events)) + per_day // 50 + 1


def _disordered(events: Sequence[CloudEvent], draw: random.Random) -> Iterator[CloudEvent]:
    """Hold some back for long, and send some twice."""
    late: list[CloudEvent] = []
    for event in events:
        if draw.random() < _LATE:
            late.append(event)
            if len(late) > _HELD_BACK:
                yield late.pop(draw.randrange(len(late)))
        else:
            yield event
        if draw.random() < _REPEATED:
            yield event
        if late and draw.random() < _LATE / 2:
            yield late.pop(draw.randrange(len(late)))
    draw.shuffle(late)
    yield from late


def _spoilt(event: CloudEvent, draw: random.Random, route: Route) -> CloudEvent:
    """An event that breaks the contract; its id is its own, so that it spoils nothing else."""
    bad = deepcopy(event)
    bad["id"] = f"{event['id']}-spoilt-{draw.randrange(10**9)}"
    kinds = ["no type", "unknown type", "no offset"]
    if route is Route.KAFKA:
        kinds.append("no object")
    match draw.choice(kinds):
        case "no type":
            del bad["type"]
        case "unknown type":
            bad["type"] = "workorder.forgotten"
        case "no offset":
            bad["time"] = "2026-01-01T00:00:00"
        case _:
            bad["data"] = []
    return bad
