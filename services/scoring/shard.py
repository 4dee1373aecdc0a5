"""The state of one partition, as a plain class without Kafka and without a store.

One cycle is: `refill` when the horizon is near, `advance`, `missing`, `admit`, `apply`, `settle`.
`settle` hands out everything that has to be stored; the values are absolute, so writing them
twice changes nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.instants import QUARTER_HOUR, Instant
from schemas.records import (
    ZERO,
    Contribution,
    CounterKey,
    DeadLetter,
    LoggedEvent,
    OrderRow,
    Outcome,
    Position,
    Sums,
)
from schemas.topics import partition_of
from services.domain.outcome import contributions_at
from services.domain.policy import Policy
from services.scoring.boundaries import BOUNDARIES, Boundaries
from services.scoring.folding import Refusal, dead_letter, fold_order
from services.scoring.order_state import OrderState
from services.scoring.totals import CycleTotals

_TURN_AT_ONCE: Final = 2_000  # orders fetched at once when many deadlines pass together


_Key = tuple[str, str, str, Instant]  # a `CounterKey`, unnamed while it is only added to


class Batch(NamedTuple):
    """Some frames of one partition's log, decoded. ``last`` is the position of the last one."""

    events: Sequence[LoggedEvent]
    rejected: Sequence[DeadLetter]
    last: Position


class Changes(NamedTuple):
    """What a flush writes. ``counters`` are absolute; one that became zero is in it as zero.

    ``totals`` are those of the cycles that the counters belong to.
    """

    events: list[LoggedEvent]
    orders: list[OrderRow]
    counters: dict[CounterKey, Sums]
    totals: dict[CounterKey, Sums]
    dead_letters: list[DeadLetter]
    position: Position
    clock: Instant


class Shard:
    """One partition: hot orders, the boundaries of the next hour, counters, a clock.

    The counters are at every moment the sum of all orders' contributions in force at `clock`,
    given that they were so for the arguments. The clock never goes backwards.

    Args:
        partition: Which partition of how many.
        partitions: Of the topic, for the check that an order belongs here.
        policy: What the orders are evaluated under.
        clock: The instant that ``counters`` hold for.
        position: The last one that is stored.
        counters: All that are not zero.
        totals: Of these counters, where they are known already.
        capacity: How many orders stay hot between two cycles.
        event_capacity: How many events these may have together.
        boundary_capacity: See `services.scoring.boundaries`.
    """

    def __init__(
        self,
        *,
        partition: int,
        partitions: int,
        policy: Policy,
        clock: Instant,
        position: Position,
        counters: Mapping[CounterKey, Sums],
        totals: CycleTotals | None = None,
        capacity: int = 20_000,
        event_capacity: int = 200_000,
        boundary_capacity: int = BOUNDARIES,
    ) -> None:
        self.partition = partition
        self.clock = clock
        self.position = position
        self._partitions = partitions
        self._policy = policy
        self._capacity = capacity
        self._event_capacity = event_capacity
        self._counters = dict(counters)
        self._totals = totals or CycleTotals(policy, counters)
        self._hot: OrderedDict[str, OrderState] = OrderedDict()
        self._hot_events = 0
        self._boundaries = Boundaries(clock, boundary_capacity)
        self._delta: dict[_Key, list[int]] = {}
        self._events: list[LoggedEvent] = []
        self._orders: dict[str, OrderRow] = {}
        self._dead_letters: list[DeadLetter] = []

    @property
    def counters(self) -> Mapping[CounterKey, Sums]:
        """As of the last `settle`, without zeros."""
        return self._counters

    @property
    def totals(self) -> Mapping[CounterKey, Sums]:
        """Of the cycles, likewise."""
        return self._totals.sums

    @property
    def hot_orders(self) -> int:
        """How many orders are kept with their events."""
        return len(self._hot)

    @property
    def hot_events(self) -> int:
        """How many events these orders have together, all contents of each."""
        return self._hot_events

    @property
    def boundaries(self) -> int:
        """How many boundaries are kept."""
        return len(self._boundaries)

    @property
    def horizon(self) -> Instant:
        """The clock may be moved up to here before the next `refill`."""
        return self._boundaries.horizon

    def refill(self, upcoming: Iterable[tuple[Instant, str]], horizon: Instant) -> None:
        """Take the boundaries in (clock, horizon] of all stored orders; nothing may be unstored."""
        self._boundaries.refill(upcoming, horizon)

    def advance(
        self, now: Instant, fetch: Callable[[Sequence[str]], Mapping[str, OrderRow]]
    ) -> None:
        """Move the clock, and the contributions of every order with a boundary on the way.

        Args:
            now: Not beyond `horizon`. Ignored when the clock is already there.
            fetch: Gives the stored rows of the orders named, all of which are not hot.
        """
        if now <= self.clock:
            return
        if now > self.horizon:
            raise ValueError("the deadlines up to the new clock were not refilled")
        cold = []
        for subject in self._boundaries.pass_to(now):
            state = self._hot.get(subject)
            if state is None:
                cold.append(subject)
            elif state.outcome is not None:
                self._turn(state.outcome, now)
        for start in range(0, len(cold), _TURN_AT_ONCE):
            for row in fetch(cold[start : start + _TURN_AT_ONCE]).values():
                self._turn(row.outcome, now)
        self.clock = now

    def missing(self, batch: Batch) -> set[str]:
        """The orders of a batch that have to be fetched and admitted before it is applied."""
        subjects = {logged.event.subject for logged in batch.events}
        return {s for s in subjects if s not in self._hot and self._is_mine(s)}

    def admit(
        self,
        subjects: Iterable[str],
        rows: Mapping[str, OrderRow],
        archived: Mapping[str, Sequence[LoggedEvent]],
    ) -> None:
        """Make orders hot. An order without row and events is a new one."""
        for subject in subjects:
            row = rows.get(subject)
            state = OrderState(archived.get(subject, ()), None if row is None else row.outcome)
            replaced = self._hot.get(subject)
            self._hot[subject] = state
            self._hot_events += state.size - (0 if replaced is None else replaced.size)

    def apply(self, batch: Batch) -> None:
        """Fold a batch. Its orders are hot, or of another partition."""
        self._dead_letters += batch.rejected
        refold: dict[str, list[LoggedEvent]] = {}
        for logged in batch.events:
            subject = logged.event.subject
            state = self._hot.get(subject)
            if state is None:
                self._refuse(logged, Refusal.WRONG_PARTITION)
                continue
            size = state.size
            taken = state.take(logged)
            self._hot_events += state.size - size
            if taken.new:
                self._events.append(logged)
            if taken.loser is not None:
                self._refuse(taken.loser, Refusal.ID_CONFLICT)
            if taken.refold:
                refold.setdefault(subject, []).append(logged)
        for subject, causes in refold.items():
            self._fold(subject, causes)
        self.position = max(self.position, batch.last)
        for subject in {logged.event.subject for logged in batch.events}:
            if subject in self._hot:
                self._hot.move_to_end(subject)
        self._cool()

    def refold(self, subjects: Iterable[str]) -> None:
        """Evaluate hot orders again: they were admitted with events that no fold has seen."""
        for subject in subjects:
            self._fold(subject, [self._hot[subject].latest()])
        self._cool()

    def settle(self) -> Changes:
        """Hand out what changed since the last time."""
        changed: dict[CounterKey, Sums] = {}
        deltas = {
            CounterKey(*key): Sums(*delta) for key, delta in self._delta.items() if any(delta)
        }
        for key, delta in deltas.items():
            old = self._counters.get(key, ZERO)
            new = Sums(old.denominator + delta.denominator, old.numerator + delta.numerator)
            changed[key] = new
            if new == ZERO:
                del self._counters[key]
            else:
                self._counters[key] = new
        changes = Changes(
            events=self._events,
            orders=list(self._orders.values()),
            counters=changed,
            totals=self._totals.add(deltas),
            dead_letters=self._dead_letters,
            position=self.position,
            clock=self.clock,
        )
        self._delta, self._events, self._orders, self._dead_letters = {}, [], {}, []
        return changes

    def move_to(self, position: Position) -> None:
        """All events up to a position are folded; another hand has stored them."""
        self.position = max(self.position, position)

    def _cool(self) -> None:
        while len(self._hot) > self._capacity or self._hot_events > self._event_capacity:
            _, state = self._hot.popitem(last=False)
            self._hot_events -= state.size

    def _is_mine(self, subject: str) -> bool:
        return partition_of(subject, self._partitions) == self.partition

    def _fold(self, subject: str, causes: Sequence[LoggedEvent]) -> None:
        state = self._hot[subject]
        row = fold_order(subject, state, self._policy)
        if row is None:
            for logged in causes:
                self._refuse(logged, Refusal.NOT_EVALUABLE)
            return
        if state.outcome is not None:
            self._add(contributions_at(state.outcome.flat, self.clock), -1)
        self._add(contributions_at(row.outcome.flat, self.clock), 1)
        state.outcome = row.outcome
        self._orders[subject] = row
        for boundary in row.outcome.boundaries:
            if boundary > self.clock:
                self._boundaries.add(boundary, subject)

    def _turn(self, outcome: Outcome, now: Instant) -> None:
        self._add(contributions_at(outcome.flat, self.clock), -1)
        self._add(contributions_at(outcome.flat, now), 1)

    def _add(self, contributions: Iterable[Contribution], sign: int) -> None:
        delta = self._delta
        for ranking, unit, indicator, attributed_at, denominator, numerator in contributions:
            bucket = attributed_at - attributed_at % QUARTER_HOUR
            key = (ranking, unit, indicator, bucket)
            sums = delta.get(key)
            if sums is None:
                delta[key] = [sign * denominator, sign * numerator]
            else:
                sums[0] += sign * denominator
                sums[1] += sign * numerator

    def _refuse(self, logged: LoggedEvent, refusal: Refusal) -> None:
        self._dead_letters.append(dead_letter(self.partition, logged, refusal))
