"""Whether this process is the one that delivers; see `services.storage.beats`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from uuid import uuid4

from services.storage import beats
from services.storage.database import Database


class Lease:
    """Beats while it is asked, and knows for how long its last answer holds.

    ``clock`` gives seconds that only grow, also while the process is paused.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._holder = uuid4().hex
        self._leads = False
        self._beat_at: float | None = None

    async def leads(self) -> bool:
        """Whether this process delivers now; beats first when it is time.

        Raises:
            StorageUnavailable: nobody can say.
        """
        began = self._clock()
        if self._beat_at is None or began - self._beat_at >= beats.BEAT_SECONDS:
            self._leads = await asyncio.to_thread(beats.beat, self._database, self._holder)
            self._beat_at = began
        return self.holds()

    def holds(self) -> bool:
        """Whether the last beat still speaks for this process; before each attempt."""
        if self._beat_at is None or not self._leads:
            return False
        return self._clock() - self._beat_at < beats.LEASE_SECONDS
