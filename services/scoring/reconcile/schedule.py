"""Compares the shards of a worker from time to time, beside its flushes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final

from services.scoring.context import ScoringContext
from services.scoring.reconcile.feed import Published, read_feed
from services.scoring.reconcile.shard import Compared, Plan, compare_shard
from services.storage.rules import ActivePolicy
from services.storage.shard_audit import ShardAudit

logger = logging.getLogger(__name__)

_PAUSE: Final = 0.25  # seconds: a flush that is under way ends meanwhile


class _StoppedError(Exception):
    """The worker stops; what was compared so far says nothing."""


class Schedule:
    """One round after the other, the shards one by one: flushes keep most of the processor.

    Args:
        context: Of the worker.
        bootstrap: Where the feed is.
        every: Seconds between two rounds.
        held: Gives the shards that are loaded here.
        suffix: Behind the names of the topics.
    """

    def __init__(
        self,
        context: ScoringContext,
        bootstrap: str,
        every: float,
        held: Callable[[], Collection[int]],
        *,
        suffix: str = "",
    ) -> None:
        self.last: dict[int, Compared] = {}
        self._context = context
        self._bootstrap = bootstrap
        self._suffix = suffix
        self._every = every
        self._held = held
        self._stopped = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._block_began = 0.0

    def start(self) -> None:
        """Begin; the first round comes after one interval."""
        self._task = asyncio.create_task(self._run(), name="reconcile")

    async def stop(self) -> None:
        """End the round that runs, at its next block."""
        self._stopped.set()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def round(self) -> None:
        """Compare every shard that is held, and say in the log what differs.

        A shard that cannot be read now keeps what was found of it before.
        """
        current = self._context.rules.last.current
        published = await self._context.in_thread(
            partial(read_feed, self._bootstrap, current.ruleset, self._suffix)
        )
        for shard in sorted(self._held()):
            compared = await self._context.in_thread(
                partial(self._compare, shard, current, published)
            )
            self.last[shard] = compared
            _tell(compared)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.round()
            except _StoppedError:
                return
            except Exception as error:  # noqa: BLE001 - whatever it was, the next time
                logger.warning("shards cannot be compared now: %s", type(error).__name__)

    def _compare(
        self, shard: int, current: ActivePolicy, published: Mapping[int, Published]
    ) -> Compared:
        store = ShardAudit(self._context.database, shard, current.ruleset)
        plan = Plan(on_progress=self._rest, wait=lambda: self._wait(_PAUSE))
        self._block_began = time.monotonic()
        return compare_shard(store, current.policy, published.get(shard, {}), plan)

    def _rest(self, _orders: int) -> None:
        """Leave the processor to the flushes for as long as the last block has taken it."""
        self._wait(time.monotonic() - self._block_began)
        self._block_began = time.monotonic()

    def _wait(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise _StoppedError


def _tell(compared: Compared) -> None:
    for difference in compared.differences:
        logger.error("the numbers differ: %s", difference.line())
    if not compared.complete:
        logger.warning(
            "shard %d was never at rest: %d orders and %s counters were not compared",
            compared.shard,
            compared.unsettled,
            "no" if compared.settled else "all",
        )
