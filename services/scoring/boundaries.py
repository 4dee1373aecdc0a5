"""The next instants at which stored orders change what they contribute, in bounded memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Final

from schemas.instants import Instant

BOUNDARIES: Final = 100_000  # of one shard, some 20 MB


class Boundaries:
    """All boundaries of the orders in (clock, `horizon`], each with its order.

    When there are too many the horizon comes nearer: what lies behind it stands in the rows of the
    orders, and is read from there when the clock reaches it. Those of one instant stay together,
    so many orders with one deadline are held however many they are.

    Args:
        clock: Nothing is known beyond it until `refill`.
        limit: How many are kept when there are too many; up to twice as many are held.
    """

    def __init__(self, clock: Instant, limit: int = BOUNDARIES) -> None:
        self.horizon = clock
        self._limit = limit
        self._heap: list[tuple[Instant, str]] = []
        self._cut_at = 2 * limit

    def __len__(self) -> int:
        return len(self._heap)

    def refill(self, upcoming: Iterable[tuple[Instant, str]], horizon: Instant) -> None:
        """Begin again with all boundaries in (clock, horizon]."""
        self._heap = list(upcoming)
        heapq.heapify(self._heap)
        self._cut_at = 2 * max(self._limit, len(self._heap))
        self.horizon = horizon

    def add(self, boundary: Instant, subject: str) -> None:
        """Take one more that the clock has not reached; one behind the horizon is not kept."""
        if boundary > self.horizon:
            return
        heapq.heappush(self._heap, (boundary, subject))
        if len(self._heap) > self._cut_at:
            self._cut()

    def pass_to(self, now: Instant) -> set[str]:
        """Drop the boundaries up to ``now``, at most `horizon`; give their orders."""
        due: set[str] = set()
        while self._heap and self._heap[0][0] <= now:
            due.add(heapq.heappop(self._heap)[1])
        return due

    def _cut(self) -> None:
        kept = sorted(set(self._heap))  # an order that is folded again and again adds the same ones
        if len(kept) > self._limit:
            self.horizon = kept[self._limit - 1][0]
            kept = [each for each in kept if each[0] <= self.horizon]
        self._heap = kept
        self._cut_at = 2 * max(self._limit, len(kept))
