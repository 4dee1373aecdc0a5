"""The sums of one window over all shards, kept up by `street-rates`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from schemas.instants import Instant
from schemas.records import ZERO, CounterKey, FlushMark, Sums
from services.domain.windows import Window
from services.scoring.rates import RatesMessage

RANKING: Final = "lead"


class Verdict(Enum):
    """What became of a message: taken over, already known, or missing something before it."""

    APPLIED = "applied"
    OLD = "old"
    RELOAD = "reload"


class RankingBoard:
    """Every shard's counters in one window, and their sums by unit and indicator.

    A message is applied only if it continues the flush that is known of its shard. Under a newer
    fence, or after a gap, the shard has to be loaded from the store again; what comes from an
    older fence is ignored.
    """

    def __init__(self, ruleset: int, partitions: int) -> None:
        self.window: Window | None = None
        self._ruleset = ruleset
        self._partitions = partitions
        self._marks: dict[int, FlushMark] = {}
        self._counters: dict[int, dict[CounterKey, Sums]] = {}
        self._sums: dict[tuple[str, str], Sums] = {}
        self._parts: dict[int, dict[int, Mapping[CounterKey, Sums]]] = {}

    def open(self, window: Window) -> None:
        """Begin a window with no shard present."""
        self.window = window
        self._marks, self._counters, self._sums, self._parts = {}, {}, {}, {}

    def load(self, shard: int, mark: FlushMark, counters: Mapping[CounterKey, Sums]) -> None:
        """Replace one shard by what the store holds; ``mark`` was read before ``counters``."""
        for key in list(self._counters.get(shard, ())):
            self._set(shard, key, ZERO)
        self._marks[shard] = mark
        self._parts.pop(shard, None)
        self._take(shard, counters)

    def accept(self, message: RatesMessage) -> Verdict:
        """Take one message of the feed."""
        known = self._marks.get(message.shard)
        mark = message.mark
        if message.ruleset != self._ruleset:
            return Verdict.OLD
        if known is None or mark.fence > known.fence:
            return Verdict.RELOAD
        if mark.fence < known.fence or mark.flush <= known.flush:
            return Verdict.OLD
        if mark.flush > known.flush + 1:
            return Verdict.RELOAD
        parts = self._parts.setdefault(message.shard, {})
        parts[message.part] = message.counters
        if len(parts) == message.parts:
            for counters in parts.values():
                self._take(message.shard, counters)
            del self._parts[message.shard]
            self._marks[message.shard] = mark
        return Verdict.APPLIED

    def complete(self) -> bool:
        """Whether every shard is present."""
        return len(self._marks) == self._partitions

    def marks(self) -> Mapping[int, FlushMark]:
        """What the sums hold, by shard."""
        return self._marks

    def as_of(self) -> Instant:
        """The instant that every shard has reached."""
        return min(mark.clock for mark in self._marks.values())

    def sums(self) -> Mapping[tuple[str, str], Sums]:
        """By unit code and indicator or count."""
        return self._sums

    def _take(self, shard: int, counters: Mapping[CounterKey, Sums]) -> None:
        window = self.window
        if window is None:
            raise ValueError("no window is open")
        for key, sums in counters.items():
            if key.ranking == RANKING and window.begins_at <= key.bucket < window.ends_at:
                self._set(shard, key, sums)

    def _set(self, shard: int, key: CounterKey, sums: Sums) -> None:
        of_shard = self._counters.setdefault(shard, {})
        old = of_shard.pop(key, ZERO)
        if sums != ZERO:
            of_shard[key] = sums
        name = (key.unit, key.indicator)
        total = self._sums.get(name, ZERO)
        self._sums[name] = Sums(
            total.denominator + sums.denominator - old.denominator,
            total.numerator + sums.numerator - old.numerator,
        )
