"""One partition on this worker: claimed, loaded and flushed for as long as it is assigned."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from schemas.records import FlushMark
from services.scoring.claims import claim
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.flusher import Flusher, persist
from services.scoring.frames import Message
from services.scoring.lease import Lease, LostError
from services.scoring.load import load_shard
from services.scoring.mailbox import Mailbox
from services.storage.shard_store import ShardStore

logger = logging.getLogger(__name__)

_HEARTBEAT: Final = 2.0  # seconds: without events the clock still moves, and with it `as_of`
_CLAIM_PAUSE: Final = 0.5


class Owner:
    """Takes a partition over at every assignment and hands it over at every revocation.

    Between the two it holds one `Lease`. Losing the partition in between (a commit that fails, a
    greater claim) throws all state away and claims again.

    Args:
        on_stored: Called after every flush that is stored and ours.
    """

    def __init__(
        self,
        context: ScoringContext,
        kafka: Kafka,
        partition: int,
        on_stored: Callable[[], None],
    ) -> None:
        self.mailbox = Mailbox()
        self.mark: FlushMark | None = None
        self._context = context
        self._kafka = kafka
        self._partition = partition
        self._on_stored = on_stored
        self._store = ShardStore(context.database, partition, context.ruleset)
        self._lease = Lease()
        self._draining = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._real_gap: int | None = None

    async def take_over(self) -> None:
        """Begin a new claim and load, also when Faust kept the partition over a rebalance."""
        await self._end()
        self._lease = Lease()
        self._draining = asyncio.Event()
        self._real_gap = None  # what was read under an earlier assignment proves nothing
        self._task = asyncio.create_task(
            self._run(self._lease), name=f"scoring partition {self._partition}"
        )

    async def hand_over(self) -> None:
        """Flush what is held, within the time limit, and let go."""
        task = self._task
        if task is not None:
            self._draining.set()
            self.mailbox.wake()
            await asyncio.wait({task}, timeout=self._context.handover_limit)
        await self._end()
        self.mailbox.reset()

    async def _end(self) -> None:
        task, self._task = self._task, None
        self.mark = None
        self._lease.give_up()
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, lease: Lease) -> None:
        while not lease.given_up and not self._draining.is_set():
            attempt = Lease()
            try:
                await self._own(attempt)
            except LostError:
                logger.info("partition %d is lost; claiming again", self._partition)
            except asyncio.CancelledError:
                raise
            except Exception:
                logger.exception("partition %d failed; claiming again", self._partition)
            finally:
                attempt.give_up()
                self.mark = None
            await asyncio.sleep(_CLAIM_PAUSE)

    async def _own(self, lease: Lease) -> None:
        context = self._context
        fence = await claim(context, self._kafka, self._store, self._partition, lease)
        loaded = await context.in_thread(
            lambda: load_shard(
                self._store,
                partition=self._partition,
                partitions=context.partitions,
                policy=context.policy,
                fence=fence,
                now=context.clock(),
                lease=lease,
                on_step=context.on_step,
            )
        )
        flusher = Flusher(context, self._kafka, self._store, loaded, lease)
        context.on_step("load.rates")
        await flusher.publish_rates(loaded.mark, loaded.corrected)
        self._stored(flusher.mark)
        await self._rewind_if_beyond(flusher.mark, lease)
        while await self._next():
            messages = await self._in_sequence(self.mailbox.take(), flusher.mark, lease)
            await flusher.flush(messages)
            self._stored(flusher.mark)
            await self._pause()

    def _stored(self, mark: FlushMark) -> None:
        self.mark = mark
        self._on_stored()

    async def _next(self) -> bool:
        """Wait for messages or the heartbeat; False when the partition is to be handed over."""
        if self._draining.is_set():
            return not self.mailbox.empty()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.mailbox.wait(), _HEARTBEAT)
        return not (self._draining.is_set() and self.mailbox.empty())

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._draining.wait(), self._context.flush_interval)

    async def _in_sequence(
        self, messages: list[Message], mark: FlushMark, lease: Lease
    ) -> list[Message]:
        """Cut off what follows a gap, and seek back to it; a gap that stays is one of the log.

        Messages at or before the mark are kept: they change nothing any more, but the dead
        letters they gave may not have been published before a crash.
        """
        expected = mark.position.offset + 1
        for index, message in enumerate(messages):
            if message.offset > expected and expected != self._real_gap:
                await self._rewind(expected, lease)
                return messages[:index]
            expected = max(expected, message.offset + 1)
        return messages

    async def _rewind_if_beyond(self, mark: FlushMark, lease: Lease) -> None:
        expected = mark.position.offset + 1
        position = await persist(lease, lambda: self._kafka.position(self._partition))
        if self.mailbox.empty() and position is not None and position > expected:
            await self._rewind(expected, lease)

    async def _rewind(self, expected: int, lease: Lease) -> None:
        """Read again from the last message before ``expected``, which the log surely holds."""
        earliest = await persist(lease, lambda: self._kafka.earliest(self._partition))
        target = max(expected - 1, earliest)
        if earliest > expected:
            logger.error(
                "partition %d: the log begins at %d, but is stored only up to %d",
                self._partition,
                earliest,
                expected - 1,
            )
        self._real_gap = expected
        if not await self._kafka.commit(self._partition, target):
            raise LostError
        self.mailbox.rewind(target)
        await self._kafka.seek(self._partition, target)
