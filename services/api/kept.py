"""Finished answers that many ask for: one computation for all who wait, kept while nothing changed.

A wall in every office asks for the same ranking again and again. Whoever asks while an answer is
being computed waits for the one after it, together with all others, so that nobody is told
numbers that were read before he asked; or, where answers may have an age, gets the last one at
once while the next is computed in time. How old depends on what an answer costs: in a small city
some hundredths of a second, in a great one as much as the deployment allows.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, NamedTuple

from fastapi import Response

_MOST: Final = 64  # answers; a ranking of 343 units has 350 kB
_TIMES: Final = 10  # as old as so many computations of it take: they then have a quarter of a core
_RENEWED: Final = 3  # the next one begins at this part of the age, and has the rest to be ready


class Kept(NamedTuple):
    """An answer, and the tag of everything that it depends on."""

    tag: str
    response: Response


Make = Callable[[Kept | None], Awaitable[Kept]]
"""Reads what there is now; given the last answer, gives it back if its tag still holds."""


class KeptAnswers:
    """By whatever a question consists of. For one event loop.

    ``fresh_for``: how many seconds of ``clock`` may lie between reading the numbers and giving them
    away, at most. Beyond ten times what it took to compute the answer it is given only while the next
    one is being computed. With 0 numbers are read after the question was asked.
    """

    def __init__(self, fresh_for: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._fresh_for = fresh_for
        self._clock = clock
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    async def get(self, question: Hashable, make: Make) -> Kept:
        """The answer, and what ``make`` raises if it must be waited for."""
        entry = self._entries.setdefault(question, _Entry(self._clock))
        self._entries.move_to_end(question)
        if len(self._entries) > _MOST:
            self._entries.popitem(last=False)
        age = self._clock() - entry.read_at
        limit = min(self._fresh_for, _TIMES * entry.took)
        is_too_old = age >= (self._fresh_for if entry.is_running else limit)
        if entry.last is None or is_too_old:
            return await asyncio.shield(entry.next(make))
        if age >= limit / _RENEWED:
            entry.refresh(make)
        return entry.last


class _Entry:
    """The last answer, one computation that runs, and one that will begin when it has ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.last: Kept | None = None
        self.read_at = 0.0
        self.took = 0.0  # seconds for the last answer that was another one than before
        self._running: asyncio.Task[Kept] | None = None
        self._waiting: asyncio.Task[Kept] | None = None

    @property
    def is_running(self) -> bool:
        """Whether an answer is being computed."""
        return self._running is not None

    def next(self, make: Make) -> asyncio.Task[Kept]:
        """A computation that has not begun yet."""
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._compute(make, self._running))
        return self._waiting

    def refresh(self, make: Make) -> None:
        """Compute in the background, unless it is being done; who waits next hears of failure."""
        if self._running is None and self._waiting is None:
            self.next(make).add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _compute(self, make: Make, before: asyncio.Task[Kept] | None) -> Kept:
        if before is not None:
            await asyncio.wait({before})
        self._running, self._waiting = self._waiting, None
        read_at = self._clock()
        try:
            made = await make(self.last)
            if made is not self.last:
                self.took = self._clock() - read_at
            self.last, self.read_at = made, read_at
            return made
        finally:
            self._running = None
