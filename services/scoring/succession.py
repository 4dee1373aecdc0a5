"""How one partition follows the rules: it builds what is newest, and leaves what is past."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from services.scoring.build import Build
from services.scoring.flusher import Flusher
from services.scoring.lease import Lease, LostError
from services.scoring.tenure import Tenure
from services.storage.rules import ActivePolicy, InForce
from services.storage.shard_store import ShardStore

logger = logging.getLogger(__name__)

_RETRY: Final = 5.0  # seconds before a build that failed begins again, where it ended


class Succession:
    """The change from one ruleset to the next, within one claim.

    A lane is dropped only when a later ruleset is in force. So whatever may come into force, every
    shard that has completed it keeps it up.

    Args:
        tenure: The claim.
        store: Of the partition, by the claimant.
        flusher: Stores what is in force, and what may come into force.
        wake: Lets the next flush begin at once.
    """

    def __init__(
        self,
        tenure: Tenure,
        store: ShardStore,
        flusher: Flusher,
        wake: Callable[[], None],
    ) -> None:
        self._tenure = tenure
        self._context = tenure.context
        self._store = store
        self._flusher = flusher
        self._wake = wake
        self._lease = Lease(tenure.lease)
        self._build: Build | None = None
        self._task: asyncio.Task[None] | None = None
        self._flush = 0  # the greatest number that a build has used
        self._not_before = 0.0

    async def follow(self, rules: InForce) -> None:
        """Take the next step, if it is time for one. Called between two flushes.

        Raises:
            LostError: the partition has another owner.
        """
        if rules.current.ruleset in self._flusher.rulesets[1:]:
            self._context.on_step("switch")
            self._flusher.drop_before(rules.current.ruleset)
        if self._build is not None and self._build.rules.ruleset != rules.newest.ruleset:
            self.stop()  # its rows stay; nobody will ask for them
        if self._task is not None and self._task.done():
            await self._end_build()
        elif self._build is None and self._is_due(rules.newest):
            self._begin(rules.newest)

    def stop(self) -> None:
        """Give up what is being built."""
        self._lease.give_up()
        if self._task is not None:
            self._task.cancel()
        self._build, self._task = None, None

    def _is_due(self, newest: ActivePolicy) -> bool:
        is_newer = newest.ruleset > self._flusher.rulesets[-1]
        return is_newer and time.monotonic() >= self._not_before

    def _begin(self, newest: ActivePolicy) -> None:
        logger.info("partition %d: building ruleset %d", self._store.shard, newest.ruleset)
        self._lease = Lease(self._tenure.lease)
        self._build = build = Build(
            replace(self._tenure, lease=self._lease),
            self._store.under(newest.ruleset),
            newest,
            lambda: self._flusher.mark,
            flush=self._flush + 1,
        )
        self._task = asyncio.create_task(
            self._run(build), name=f"building partition {self._store.shard}"
        )
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # looked at, also when nobody waits for it any more
        self._wake()

    async def _run(self, build: Build) -> None:
        async with self._context.building:
            await self._context.in_thread(build.run)

    async def _end_build(self) -> None:
        build, task = self._build, self._task
        self._build, self._task = None, None
        if build is None or task is None:
            return
        try:
            await task
            lane = await self._context.in_thread(build.finish)
        except LostError:
            raise
        except Exception:
            logger.exception("building ruleset %d failed; trying again", build.rules.ruleset)
            self._flush = build.flush
            self._not_before = time.monotonic() + _RETRY
            return
        self._flusher.add(lane)
        logger.info("partition %d: ruleset %d is complete", self._store.shard, build.rules.ruleset)
