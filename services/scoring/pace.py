"""How long the shards of a process rest between two flushes, so that flushes leave room for the rest.

A flush is a chain of calls to the engine that costs about the same however few events it holds. In
a small city it takes some hundredths of a second. With millions of orders on few cores shards that
flushed as often as they can would take all of them, and each flush would hold next to nothing.
"""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 1.0  # seconds: how much later than by the interval alone a number may be


class Pace:
    """Of one process, whose shards share its cores.

    Each rests for half as long as the flushes of all of them take, so that on average one of two
    shards flushes, and of many less than two.
    """

    def __init__(self) -> None:
        self._took: dict[int, float] = {}

    def rest(self, partition: int, took: float, interval: float) -> float:
        """Seconds that a partition rests after a flush that took so many.

        ``interval`` at least; else half as long as the last flushes of all partitions here took
        together, but not more than a second.
        """
        self._took[partition] = took
        return max(interval, min(sum(self._took.values()) / 2, _LONGEST))

    def forget(self, partition: int) -> None:
        """The partition is not flushed here any more."""
        self._took.pop(partition, None)
