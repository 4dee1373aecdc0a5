"""Events for the tests of a shard, a store made of dicts, and the sums that must come out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from schemas.codec import decode_event
from schemas.instants import HOUR, Instant, format_instant, parse_instant
from schemas.records import (
    ZERO,
    CounterKey,
    Event,
    LoggedEvent,
    OrderRow,
    Position,
    Sums,
)
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy, load_policy, preset
from services.domain.windows import bucket_of
from services.scoring.shard import Batch, Changes, Shard

POLICY = load_policy(preset("beijing-district"))
START: Instant = parse_instant("2026-07-03T00:00:00Z")


def event(
    subject: str, id_: str, type_: str, after: Instant, data: dict[str, Any] | None = None
) -> Event:
    """An event ``after`` microseconds from `START`."""
    return decode_event(raw_event(subject, id_, type_, after, data)).event


def raw_event(
    subject: str, id_: str, type_: str, after: Instant, data: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The same as it comes over the wire."""
    return {
        "specversion": "1.0",
        "source": "https://hotline.example",
        "id": id_,
        "type": f"workorder.{type_}",
        "subject": subject,
        "time": format_instant(START + after),
        "data": data or _DATA[type_],
    }


def logged(item: Event, offset: int, index: int = 0) -> LoggedEvent:
    return LoggedEvent(item, Position(0, offset), index)


def batch(events: Sequence[LoggedEvent]) -> Batch:
    return Batch(events, [], max(e.position for e in events))


_DATA: dict[str, dict[str, Any]] = {
    "received": {"demand_type": "help"},
    "dispatched": {"unit": "110101001"},
    "resolved": {"unit": "110101001"},
    "callback": {
        "attempt": 1,
        "channel": "phone",
        "reached": True,
        "rater": "citizen",
        "answers": {"contacted": "yes", "solved": "yes", "satisfaction": "basically_satisfied"},
    },
}


class Memory:
    """What a store holds of one shard."""

    def __init__(self, policy: Policy = POLICY, partitions: int = 1) -> None:
        self.policy = policy
        self.partitions = partitions
        self.rows: dict[str, OrderRow] = {}
        self.events: dict[str, list[LoggedEvent]] = defaultdict(list)
        self.counters: dict[CounterKey, Sums] = {}
        self.dead: set[tuple[int, int, str]] = set()
        self.position = Position(0, -1)

    def shard(self, clock: Instant, capacity: int) -> Shard:
        return Shard(
            partition=0,
            partitions=self.partitions,
            policy=self.policy,
            clock=clock,
            position=self.position,
            counters=self.counters,
            capacity=capacity,
        )

    def cycle(self, shard: Shard, now: Instant, events: Sequence[LoggedEvent]) -> Changes:
        """What the flusher does, in its order."""
        if now > shard.horizon:
            horizon = now + HOUR
            shard.refill(self.upcoming(shard.clock, horizon), horizon)
        shard.advance(now, lambda subjects: {s: self.rows[s] for s in subjects})
        if events:
            items = batch(events)
            missing = shard.missing(items)
            shard.admit(missing, self.rows, self.events)
            shard.apply(items)
        changes = shard.settle()
        self.write(changes)
        return changes

    def upcoming(self, clock: Instant, horizon: Instant) -> list[tuple[Instant, str]]:
        return [
            (boundary, subject)
            for subject, row in self.rows.items()
            for boundary in row.outcome.boundaries
            if clock < boundary <= horizon
        ]

    def write(self, changes: Changes) -> None:
        for item in changes.events:
            self.events[item.event.subject].append(item)
        for row in changes.orders:
            self.rows[row.subject] = row
        for key, sums in changes.counters.items():
            if sums == ZERO:
                del self.counters[key]
            else:
                self.counters[key] = sums
        for letter in changes.dead_letters:
            self.dead.add((letter.position.offset, letter.frame_index, letter.reason))
        self.position = changes.position


def expected(
    events: Iterable[LoggedEvent], clock: Instant, policy: Policy = POLICY
) -> dict[CounterKey, Sums]:
    """Evaluate every order from all that was logged, the lowest position of each id counting."""
    orders: dict[str, dict[tuple[str, str], Event]] = defaultdict(dict)
    for item in sorted(events, key=lambda e: (e.position, e.frame_index), reverse=True):
        orders[item.event.subject][item.event.source, item.event.id] = item.event
    totals: dict[CounterKey, list[int]] = defaultdict(lambda: [0, 0])
    for by_id in orders.values():
        for part in contributions_at(evaluate(by_id.values(), policy).spans, clock):
            key = CounterKey(part.ranking, part.unit, part.indicator, bucket_of(part.attributed_at))
            totals[key][0] += part.denominator
            totals[key][1] += part.numerator
    return {key: Sums(*sums) for key, sums in totals.items() if sums != [0, 0]}
