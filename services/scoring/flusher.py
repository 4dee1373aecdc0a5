"""One flush of one shard: compute, store in the fixed order, publish, commit.

    events ▸ orders ▸ counters ▸ flush row ▸ dead letters ▸ street-rates ▸ commit

Every step may be repeated, and a crash between two of them is mended by the next load.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import orjson

from schemas.instants import HOUR, MINUTE
from schemas.records import CounterKey, DeadLetter, FlushMark, OrderRow, Sums
from schemas.topics import DEAD_LETTERS, STREET_RATES
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.frames import Message, read_messages
from services.scoring.lease import Lease, LostError
from services.scoring.load import Loaded
from services.scoring.rates import encode_rates
from services.scoring.shard import Changes, Shard
from services.storage import dead_letters
from services.storage.shard_store import ShardStore

logger = logging.getLogger(__name__)

T = TypeVar("T")

_HORIZON: Final = HOUR
_REFILL_BEFORE: Final = 5 * MINUTE
_PUBLISH_PAUSE: Final = 0.5
_SENT_AT_ONCE: Final = 1_000  # dead letters; one message of 1 MiB can hold half a million mistakes


class Flusher:
    """The flushes of one claim of one partition.

    ``mark`` is the last one stored. Not to be called concurrently.
    """

    def __init__(
        self,
        context: ScoringContext,
        kafka: Kafka,
        store: ShardStore,
        loaded: Loaded,
        lease: Lease,
    ) -> None:
        self.mark = loaded.mark
        self._context = context
        self._kafka = kafka
        self._store = store
        self._lease = lease
        self._shard: Shard = loaded.shard

    async def flush(self, messages: Sequence[Message]) -> None:
        """Fold messages (there may be none), move the clock, store, publish, commit.

        Raises:
            LostError: the partition has another owner; nothing more may be written or committed.
        """
        changes, mark = await self._context.in_thread(lambda: self._compute_and_store(messages))
        self.mark = mark
        await self._publish_dead_letters(changes.dead_letters)
        self._context.on_step("rates")
        await self.publish_rates(mark, changes.counters)
        if messages:
            self._context.on_step("commit")
            # Not the mark: what is read again after a crash may end before it, and behind that
            # lie messages whose dead letters nobody has published yet.
            if not await self._kafka.commit(self._shard.partition, messages[-1].offset + 1):
                raise LostError

    async def publish_rates(self, mark: FlushMark, counters: Mapping[CounterKey, Sums]) -> None:
        """Tell `street-rates` what a flush changed."""
        messages = encode_rates(self._shard.partition, self._context.ruleset, mark, counters)
        for value in messages:
            await self._send(STREET_RATES, value)

    def _compute_and_store(self, messages: Sequence[Message]) -> tuple[Changes, FlushMark]:
        changes = self._compute(messages)
        mark = FlushMark(self.mark.fence, self.mark.flush + 1, changes.position, changes.clock)
        self._write(changes, mark)
        return changes, mark

    def _compute(self, messages: Sequence[Message]) -> Changes:
        shard, lease, store = self._shard, self._lease, self._store
        now = max(self._context.clock(), shard.clock)
        if now + _REFILL_BEFORE > shard.horizon:
            horizon = now + _HORIZON
            upcoming = lease.patiently(
                "reading deadlines", lambda: store.upcoming(shard.clock, horizon)
            )
            shard.refill(upcoming, horizon)
        shard.advance(now, self._rows)
        if messages:
            batch = read_messages(shard.partition, self._context.epoch, messages)
            missing = shard.missing(batch)
            if missing:
                rows, archived = lease.patiently(
                    "fetching orders", lambda: store.fetch(list(missing))
                )
                shard.admit(missing, rows, archived)
            shard.apply(batch)
        return shard.settle()

    def _rows(self, subjects: Sequence[str]) -> dict[str, OrderRow]:
        return self._lease.patiently("fetching orders", lambda: self._store.fetch_rows(subjects))

    def _write(self, changes: Changes, mark: FlushMark) -> None:
        store = self._store
        if changes.events:
            self._step("events", lambda: store.write_events(mark.fence, changes.events))
        if changes.orders:
            self._step("orders", lambda: store.write_orders(mark, changes.orders))
        if changes.counters:
            self._step("counters", lambda: store.write_counters(mark, changes.counters))
        self._step("flush", lambda: store.write_flush(mark))
        # A stale writer's rows are voided in silence by the engine; this is how it finds out.
        if not self._lease.patiently("checking the claim", lambda: store.is_owner(mark.fence)):
            raise LostError

    def _step(self, name: str, write: Callable[[], None]) -> None:
        self._context.on_step(name)
        self._lease.patiently(f"writing {name}", write)

    async def _publish_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        context = self._context
        now = context.clock()
        context.on_step("dead_letters")
        await context.in_thread(
            lambda: self._lease.patiently(
                "writing dead letters",
                lambda: dead_letters.write(context.database, letters, now),
            )
        )
        for start in range(0, len(letters), _SENT_AT_ONCE):
            part = letters[start : start + _SENT_AT_ONCE]
            await asyncio.gather(
                *(self._send(DEAD_LETTERS, encode_dead_letter(letter)) for letter in part)
            )

    async def _send(self, topic: str, value: bytes) -> None:
        await persist(self._lease, lambda: self._kafka.send(topic, 0, None, value))


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """Write a message of `dead-letters` (schemas.feeds)."""
    return orjson.dumps(letter._asdict() | {"position": letter.position._asdict()})


async def persist(lease: Lease, operation: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call to the broker until it succeeds.

    Raises:
        LostError: the lease was given up.
    """
    while not lease.given_up:
        try:
            return await operation()
        except LostError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever ails the broker, nothing is lost
            logger.warning("writing to Kafka failed: %s", type(error).__name__)
        await asyncio.sleep(_PUBLISH_PAUSE)
    raise LostError
