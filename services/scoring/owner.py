"""One partition on this worker: claimed, loaded and flushed for as long as it is assigned."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from schemas.records import FlushMark
from services.scoring.claims import claim
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.flusher import Flusher, Sizes
from services.scoring.frames import Message
from services.scoring.lease import Lease, LostError, Trouble, persist
from services.scoring.letters import Letters
from services.scoring.load import Loaded, load_shard
from services.scoring.mailbox import Mailbox
from services.scoring.succession import Succession
from services.scoring.tenure import Tenure
from services.storage.rules import ActivePolicy
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
        self.sizes: Sizes | None = None
        self._context = context
        self._kafka = kafka
        self._partition = partition
        self._on_stored = on_stored
        self._lease = Lease()
        self._attempt = Lease()
        self._draining = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._real_gap: int | None = None

    @property
    def trouble(self) -> Trouble | None:
        """Why the store does not take what is written at the moment; None if it does."""
        return self._attempt.trouble

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
            self._attempt = attempt = Lease(on_trouble=self._retried)
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
        context, partition = self._context, self._partition
        rules = await context.in_thread(
            lambda: lease.patiently("reading the rules", context.rules.read)
        )
        store = ShardStore(context.database, partition, rules.current.ruleset)
        fence = await claim(context, self._kafka, store, partition, lease)
        tenure = Tenure(
            context=context,
            kafka=self._kafka,
            partition=partition,
            fence=fence,
            lease=lease,
            letters=Letters(context, self._kafka, lease),
        )
        loaded = await context.in_thread(lambda: load_lanes(tenure, store, rules.current))
        flusher = Flusher(tenure, [each.lane for each in loaded])
        context.on_step("load.rates")
        for lane, corrected in loaded:
            await flusher.publish_rates(lane, corrected)
        self._stored(flusher)
        await self._rewind_if_beyond(flusher.mark, lease)
        succession = Succession(tenure, store, flusher, self.mailbox.wake)
        try:
            while await self._next():
                messages = await self._in_sequence(self.mailbox.take(), flusher.mark, lease)
                began = time.monotonic()
                await flusher.flush(messages)
                took = time.monotonic() - began
                self._stored(flusher)
                await succession.follow(context.rules.last)
                await self._pause(context.pace.rest(partition, took, context.flush_interval))
        finally:
            succession.stop()
            context.pace.forget(partition)

    def _stored(self, flusher: Flusher) -> None:
        self.mark, self.sizes = flusher.mark, flusher.sizes
        self._on_stored()

    def _retried(self, trouble: Trouble) -> None:
        self._context.metrics.store_retries.labels(trouble).inc()

    async def _next(self) -> bool:
        """Wait for messages or the heartbeat; False when the partition is to be handed over."""
        if self._draining.is_set():
            return not self.mailbox.empty()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.mailbox.wait(), _HEARTBEAT)
        return not (self._draining.is_set() and self.mailbox.empty())

    async def _pause(self, rest: float) -> None:
        """Let the interval pass, and the rest of the rest unless much waits."""
        interval = self._context.flush_interval
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._draining.wait(), interval)
        if rest > interval and not self._draining.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.mailbox.wait_for_many(), rest - interval)

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


def load_lanes(tenure: Tenure, store: ShardStore, current: ActivePolicy) -> list[Loaded]:
    """Load the ruleset in force, and the later ones that this shard has completed already.

    Such a one may come into force at any moment, so it has to be kept up from the start.
    """
    context, lease = tenure.context, tenure.lease
    begun = lease.patiently(
        "reading the rulesets", lambda: store.begun_rulesets(current.ruleset + 1)
    )
    later = [rules for rules in map(context.rules.get, begun) if rules is not None]
    return [
        load_shard(
            store.under(rules.ruleset),
            partition=tenure.partition,
            partitions=context.partitions,
            policy=rules.policy,
            fence=tenure.fence,
            now=context.clock(),
            lease=lease,
            on_step=context.on_step,
            publish=tenure.letters.publish_from_thread,
        )
        for rules in (current, *later)
    ]
