"""A real shard without a log and a store: fed at once, its clock moved by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from schemas.instants import DAY, Instant
from schemas.records import CounterKey, Event, LoggedEvent, OrderRow, Position, Sums
from schemas.topics import partition_of
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy
from services.domain.windows import bucket_of
from services.scoring.shard import Batch, Shard


class Run:
    """One shard, its rows kept in a dict; nothing stays hot, so every turn fetches them."""

    def __init__(
        self, policy: Policy, clock: Instant, partition: int = 0, partitions: int = 1
    ) -> None:
        self.policy = policy
        self.partition, self.partitions = partition, partitions
        self.rows: dict[str, OrderRow] = {}
        self.shard = Shard(
            partition=partition,
            partitions=partitions,
            policy=policy,
            clock=clock,
            position=Position(0, -1),
            counters={},
            capacity=0,
        )

    def feed(self, events: Sequence[Event]) -> None:
        """Take the events that belong to this partition, as one batch of a log."""
        mine = [e for e in events if partition_of(e.subject, self.partitions) == self.partition]
        logged = [LoggedEvent(event, Position(0, n), 0) for n, event in enumerate(mine)]
        batch = Batch(logged, [], Position(0, len(logged)))
        self.shard.admit(self.shard.missing(batch), self.rows, {})
        self.shard.apply(batch)
        self._settle()

    def advance(self, now: Instant) -> None:
        """Move the clock, looking one day ahead at a time."""
        while self.shard.clock < now:
            horizon = min(self.shard.clock + 30 * DAY, now)
            upcoming = (
                (boundary, subject)
                for subject, row in self.rows.items()
                for boundary in row.outcome.boundaries
                if self.shard.clock < boundary <= horizon
            )
            self.shard.refill(upcoming, horizon)
            self.shard.advance(horizon, lambda subjects: {s: self.rows[s] for s in subjects})
            self._settle()

    def sums(self, events: Iterable[Event]) -> dict[CounterKey, Sums]:
        """What the counters must be: every order evaluated by itself and added up."""
        orders: defaultdict[str, list[Event]] = defaultdict(list)
        for event in events:
            orders[event.subject].append(event)
        totals: defaultdict[CounterKey, list[int]] = defaultdict(lambda: [0, 0])
        for own in orders.values():
            for part in contributions_at(evaluate(own, self.policy).spans, self.shard.clock):
                bucket = bucket_of(part.attributed_at)
                sums = totals[CounterKey(part.ranking, part.unit, part.indicator, bucket)]
                sums[0] += part.denominator
                sums[1] += part.numerator
        return {key: Sums(*sums) for key, sums in totals.items()}

    def _settle(self) -> None:
        for row in self.shard.settle().orders:
            self.rows[row.subject] = row
