"""The scoring worker: one Faust application inside another asyncio program."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from schemas.instants import Instant
from schemas.records import FlushMark, Position
from services.metrics.registry import Metrics
from services.scoring.condition import Changed
from services.scoring.context import ScoringContext, no_step
from services.scoring.faust_app import Kafka, check_topics
from services.scoring.frames import Message
from services.scoring.load import check_partitions, resume_position
from services.scoring.measuring import measure
from services.scoring.owner import Owner
from services.scoring.ranking_agent import RankingAgent
from services.scoring.reconcile.schedule import Schedule
from services.storage.database import Database
from services.storage.rules import RuleBook
from services.storage.shard_store import ShardStore
from services.traces.spans import Traces

logger = logging.getLogger(__name__)

_EMBEDDED_TIMEOUT: Final = 6.0  # seconds
_CLUSTER_TIMEOUT: Final = 60.0
_COLLECTOR: Final = (200_000, 20, 100)
_RULES_EVERY: Final = 1.0  # seconds
_ANY: Final = 0  # a ruleset, for questions that do not depend on it


class ScoringWorker:
    """Scores the partitions that the group assigns to it, and ranks if it gets the feed.

    Args:
        bootstrap: ``host:port`` of the broker, several separated by commas.
        database: Migrated already; a policy has been activated in it.
        partitions: Of `work-order-events`.
        epoch: Of the log: + 1 whenever a new, empty log continues an old one.
        clock: Gives the present instant.
        flush_interval: Seconds between two flushes of a partition at low load.
        embedded_timeouts: Short group timeouts, for one process beside its broker and for tests.
        timeout: Seconds without a sign of life after which the partitions here go to others,
            unless the timeouts are the embedded ones.
        on_step: Called before every step of a flush and of a build (`services.scoring.context`).
        block: Orders evaluated at once under a new policy.
        reconcile_every: Seconds between two comparisons of the shards held here; 0: none.
        metrics: Where it counts; its own if left out.
        traces: Of what it stores and ranks; none if left out.
        suffix: Behind the names of the topics.
        ranks: Whether it ranks when it gets the feed. Not while a log is being filled: what was
            counted halfway would give alerts.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        database: Database,
        partitions: int,
        epoch: int,
        clock: Callable[[], Instant],
        flush_interval: float = 0.1,
        embedded_timeouts: bool,
        timeout: float = _CLUSTER_TIMEOUT,
        on_step: Callable[[str], None] = no_step,
        block: int = 2_000,
        reconcile_every: float = 0,
        metrics: Metrics | None = None,
        traces: Traces | None = None,
        suffix: str = "",
        ranks: bool = True,
    ) -> None:
        rebalance_timeout = (_EMBEDDED_TIMEOUT if embedded_timeouts else timeout) / 2
        self._bootstrap = bootstrap
        self._suffix = suffix
        self._ranks = ranks
        # A flush and a build of every partition, and a little for the others.
        self._executor = ThreadPoolExecutor(2 * partitions + 2, thread_name_prefix="scoring")
        self._context = ScoringContext(
            database=database,
            rules=RuleBook(database, partitions),
            partitions=partitions,
            epoch=epoch,
            clock=clock,
            flush_interval=flush_interval,
            handover_limit=rebalance_timeout / 2,
            on_step=on_step,
            executor=self._executor,
            building=asyncio.Semaphore(1),
            block=block,
            metrics=metrics or Metrics(),
            traces=traces or Traces(),
        )
        self._directory = tempfile.TemporaryDirectory(prefix="hotline-scoring-")
        self._rebalance_timeout = rebalance_timeout
        self._assigned: set[int] | None = None
        self._changed = Changed()
        self._owners: dict[int, Owner] = {}
        self._kafka: Kafka | None = None
        self._ranking: RankingAgent | None = None
        self._following: asyncio.Task[None] | None = None
        self._schedule: Schedule | None = None
        if reconcile_every:
            self._schedule = Schedule(
                self._context, bootstrap, reconcile_every, self.marks, suffix=suffix
            )

    async def start(self) -> None:
        """Join the group; return when the partitions assigned here are loaded.

        Raises:
            NoRulesError: no policy was ever activated in the database.
            TopicsMissingError: see `services.scoring.faust_app.check_topics`.
            EpochError: the store holds a later epoch than this worker's.
            PartitionsError: the store was filled under another number of partitions.
            RuntimeError: Faust crashed while starting.
        """
        context = self._context
        # A batch is many thousand tuples that all live until it is stored; looking through them
        # again and again for cycles, of which there are none, took a third of the time.
        gc.set_threshold(*_COLLECTOR)
        await check_topics(self._bootstrap, context.partitions, self._suffix)
        await context.in_thread(context.rules.read)
        await context.in_thread(self._check_store)
        self._kafka = kafka = Kafka(
            bootstrap=self._bootstrap,
            data_directory=self._directory.name,
            rebalance_timeout=self._rebalance_timeout,
            on_event=self._on_event,
            on_rates=self._on_rates,
            on_assigned=self._on_assigned,
            on_revoked=self._on_revoked,
            suffix=self._suffix,
        )
        self._owners = {
            partition: Owner(context, kafka, partition, self._changed.announce)
            for partition in range(context.partitions)
        }
        context.metrics.on_scrape.append(self._measure)
        if self._ranks:
            self._ranking = RankingAgent(context, kafka)
            self._ranking.start()
        self._following = asyncio.create_task(self._follow_rules(), name="rules")
        await kafka.start()
        loaded = asyncio.create_task(self._changed.wait_for(self.ready))
        down = asyncio.create_task(kafka.wait_until_down())
        try:
            await asyncio.wait({loaded, down}, return_when=asyncio.FIRST_COMPLETED)
            if not loaded.done():
                raise RuntimeError("the Kafka consumer failed while starting")
        finally:
            down.cancel()
            loaded.cancel()
        if self._schedule is not None:
            self._schedule.start()

    async def stop(self) -> None:
        """Flush and hand over what is held, and leave the group."""
        if self._schedule is not None:
            await self._schedule.stop()
        await asyncio.gather(*(owner.hand_over() for owner in self._owners.values()))
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        if self._ranking is not None:
            await self._ranking.stop()
        if self._kafka is not None:
            await self._kafka.stop()
        await asyncio.to_thread(self._executor.shutdown)
        self._directory.cleanup()

    async def failed(self) -> BaseException | None:
        """Return when Faust is down: the worker then does nothing any more."""
        if self._kafka is None:
            raise RuntimeError("the worker was not started")
        return await self._kafka.wait_until_down()

    def ready(self) -> bool:
        """Whether an assignment has come, and the store takes all partitions in it.

        Not while a step of one is being repeated, because the store is away or refuses.
        """
        assigned = self._assigned
        return assigned is not None and all(map(self._is_ready, assigned))

    def _is_ready(self, partition: int) -> bool:
        owner = self._owners[partition]
        return owner.mark is not None and owner.trouble is None

    def marks(self) -> dict[int, FlushMark]:
        """The last stored flush of every partition that is loaded here."""
        marks = {partition: owner.mark for partition, owner in self._owners.items()}
        return {partition: mark for partition, mark in marks.items() if mark is not None}

    async def wait_stored(self, offsets: Mapping[int, int]) -> None:
        """Return when flushes of this worker hold every partition up to the offset given."""

        def stored() -> bool:
            marks = self.marks()
            return all(
                partition in marks
                and marks[partition].position >= Position(self._context.epoch, offset)
                for partition, offset in offsets.items()
            )

        await self._changed.wait_for(stored)

    def _measure(self) -> None:
        measure(
            self._context,
            {p: self._owners[p] for p in sorted(self._assigned or ())},
            {} if self._schedule is None else self._schedule.last,
            self._end_of_log,
        )

    def _end_of_log(self, partition: int) -> int | None:
        return None if self._kafka is None else self._kafka.end(partition)

    def _check_store(self) -> None:
        context = self._context
        check_partitions(context.database, context.partitions)
        for partition in range(context.partitions):
            store = ShardStore(context.database, partition, _ANY)
            resume_position(store.resume_position(), context.epoch)

    async def _follow_rules(self) -> None:
        """Look for activations, and for the moment when every shard has completed one."""
        rules = self._context.rules
        while True:
            await asyncio.sleep(_RULES_EVERY)
            before = rules.last
            try:
                found = await self._context.in_thread(rules.read)
            except Exception as error:  # noqa: BLE001 - whatever ails the store, the next time
                logger.warning("the rules cannot be read: %s", type(error).__name__)
                continue
            if found != before:
                for owner in self._owners.values():
                    owner.mailbox.wake()

    async def _on_event(self, partition: int, message: Message) -> None:
        await self._owners[partition].mailbox.put(message)

    async def _on_rates(self, _partition: int, message: Message) -> None:
        if self._ranking is not None:
            await self._ranking.put(message)

    async def _on_assigned(self, assigned: set[int]) -> None:
        for partition, owner in self._owners.items():
            if partition in assigned:
                await owner.take_over()
        if self._ranking is not None:
            self._ranking.begin_again()
        self._assigned = assigned
        self._changed.announce()

    async def _on_revoked(self, revoked: set[int]) -> None:
        self._assigned = None if self._assigned is None else self._assigned - revoked
        await asyncio.gather(*(self._owners[partition].hand_over() for partition in revoked))
