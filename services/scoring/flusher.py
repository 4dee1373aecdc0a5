"""One flush of one shard: compute, store in the fixed order, publish, commit.

    events ▸ orders ▸ counters ▸ flush row ▸ dead letters ▸ street-rates ▸ commit

While a newer ruleset waits for other shards there are two lanes: the events are stored once, then
orders, counters and flush row of the one, then of the other. Every step may be repeated, and a
crash between two of them is mended by the next load.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from opentelemetry.trace import SpanKind

from schemas.instants import SECOND
from schemas.records import CounterKey, DeadLetter, FlushMark, Sums
from schemas.topics import STREET_RATES
from services.scoring.frames import Message, read_messages
from services.scoring.lane import Lane
from services.scoring.lease import LostError, persist
from services.scoring.rates import encode_rates
from services.scoring.shard import Changes
from services.scoring.tenure import Tenure
from services.traces.spans import current_traceparent, name_events

_LATER: Final = "next."  # before the steps of every lane but the first


class Sizes(NamedTuple):
    """What a shard keeps in memory."""

    counters: int
    hot_orders: int
    hot_events: int
    boundaries: int


class Flusher:
    """The flushes of one claim of one partition. Not to be called concurrently.

    Args:
        tenure: The claim.
        lanes: Of the ruleset in force, and of those that may become it; ascending, at least one.
    """

    def __init__(self, tenure: Tenure, lanes: Sequence[Lane]) -> None:
        self._context = tenure.context
        self._kafka = tenure.kafka
        self._partition = tenure.partition
        self._fence = tenure.fence
        self._lease = tenure.lease
        self._letters = tenure.letters
        self._lanes = list(lanes)

    @property
    def mark(self) -> FlushMark:
        """The last flush stored, under the ruleset in force."""
        return self._lanes[0].mark

    @property
    def sizes(self) -> Sizes:
        """Of the ruleset in force."""
        shard = self._lanes[0].shard
        return Sizes(len(shard.counters), shard.hot_orders, shard.hot_events, shard.boundaries)

    @property
    def rulesets(self) -> list[int]:
        """The numbers that every flush is stored under, ascending."""
        return [lane.ruleset for lane in self._lanes]

    def add(self, lane: Lane) -> None:
        """Store every flush under one more, newer ruleset; the lane is where the others are."""
        self._lanes.append(lane)

    def drop_before(self, ruleset: int) -> None:
        """Leave the rulesets before this one as they are; it has a lane here."""
        self._lanes = [lane for lane in self._lanes if lane.ruleset >= ruleset]

    async def flush(self, messages: Sequence[Message]) -> None:
        """Fold messages (there may be none), move the clock, store, publish, commit.

        Raises:
            LostError: the partition has another owner; nothing more may be written or committed.
        """
        traces = self._context.traces
        origins = traces.read(message.traceparent for message in messages)
        with traces.continued("flush", origins, SpanKind.CONSUMER) as span:
            span.set_attribute("hotline.shard", self._partition)
            await self._flush(messages)

    async def _flush(self, messages: Sequence[Message]) -> None:
        began = time.monotonic()
        computed = await self._context.in_thread(lambda: self._compute_and_store(messages))
        self._count(messages, computed[0])
        letters = _each_once(computed)
        if letters:
            self._context.on_step("dead_letters")
            await self._letters.publish(letters)
        for lane, changes in zip(self._lanes, computed, strict=True):
            self._hook(lane)("rates")
            await self.publish_rates(lane, changes.counters)
        if messages:
            self._context.on_step("commit")
            # Not the mark: what is read again after a crash may end before it, and behind that
            # lie messages whose dead letters nobody has published yet.
            if not await self._kafka.commit(self._partition, messages[-1].offset + 1):
                raise LostError
            self._context.metrics.flush_seconds.observe(time.monotonic() - began)

    async def publish_rates(self, lane: Lane, counters: Mapping[CounterKey, Sums]) -> None:
        """Tell `street-rates` what a flush changed."""
        for value in encode_rates(self._partition, lane.ruleset, lane.mark, counters):
            send = partial(self._kafka.send, STREET_RATES, 0, None, value, current_traceparent())
            await persist(self._lease, send)

    def _compute_and_store(self, messages: Sequence[Message]) -> list[Changes]:
        """Give the changes of each lane."""
        clocks = [lane.shard.clock for lane in self._lanes]
        now = max(self._context.clock(), *clocks)
        with self._context.traces.part("fold") as span:
            epoch = self._context.epoch
            batch = read_messages(self._partition, epoch, messages) if messages else None
            computed = [lane.compute(now, batch) for lane in self._lanes]
            name_events(span, (logged.event for logged in computed[0].events))
        with self._context.traces.part("store"):
            self._write(computed)
        return computed

    def _count(self, messages: Sequence[Message], changes: Changes) -> None:
        """From here on every ranking counts them: rankings are read from the stored counters."""
        metrics, now = self._context.metrics, self._context.clock()
        metrics.events.inc(len(changes.events))
        for message in messages:
            if message.logged_at:
                waited = max(0, now - message.logged_at)  # another machine's clock may be ahead
                metrics.event_to_rank_seconds.observe(waited / SECOND)

    def _write(self, computed: Sequence[Changes]) -> None:
        store, fence = self._lanes[0].store, self._fence
        events = computed[0].events  # what is new does not depend on the rules
        if events:
            self._context.on_step("events")
            self._lease.patiently("writing events", lambda: store.write_events(fence, events))
        for lane, changes in zip(self._lanes, computed, strict=True):
            mark = lane.next_mark(changes)
            lane.write_results(changes, mark, self._hook(lane))
            lane.write_flush(mark, self._hook(lane))
        # A stale writer's rows are voided in silence by the engine; this is how it finds out.
        if not self._lease.patiently("checking the claim", lambda: store.is_owner(fence)):
            raise LostError

    def _hook(self, lane: Lane) -> Callable[[str], None]:
        prefix = "" if lane is self._lanes[0] else _LATER
        return lambda step: self._context.on_step(prefix + step)


def _each_once(computed: Sequence[Changes]) -> list[DeadLetter]:
    """What cannot be read, every lane has refused; what cannot be evaluated, some of them."""
    return list(dict.fromkeys(letter for changes in computed for letter in changes.dead_letters))
