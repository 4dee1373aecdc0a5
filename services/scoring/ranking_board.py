"""The sums of some windows over all shards, kept up by `street-rates`. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Final, NamedTuple

from schemas.instants import Instant
from schemas.records import ZERO, CounterKey, FlushMark, Sums
from services.domain.windows import Window
from services.scoring.rates import RatesMessage

LEAD: Final = "lead"


class View(NamedTuple):
    """What is summed: one ranking's counters in one window, whose bounds are quarter hours."""

    ranking: str
    window: Window


class Verdict(Enum):
    """What became of a message: taken over, already known, or missing something before it."""

    APPLIED = "applied"
    OLD = "old"
    RELOAD = "reload"


class RankingBoard:
    """Every shard's counters since the first window begins, and the sums of every view.

    A message is applied only if it continues the flush that is known of its shard. Under a newer
    fence, or after a gap, the shard has to be loaded from the store again; what comes from an
    older fence is ignored.
    """

    def __init__(self, ruleset: int, partitions: int) -> None:
        self._ruleset = ruleset
        self._partitions = partitions
        self._since: Instant | None = None
        self._marks: dict[int, FlushMark] = {}
        self._counters: dict[int, dict[CounterKey, Sums]] = {}
        self._sums: dict[View, dict[tuple[str, str], Sums]] = {}
        self._parts: dict[int, dict[int, Mapping[CounterKey, Sums]]] = {}

    @property
    def views(self) -> Collection[View]:
        """What is summed now."""
        return self._sums.keys()

    def open(self, views: Collection[View]) -> bool:
        """Sum these views from now on; returns whether the shards have to be loaded for it.

        So they have if a view begins before all that were summed so far: then none is present.
        """
        since = min(view.window.begins_at for view in views)
        self._sums = {view: {} for view in views}
        if self._since is None or since < self._since:
            self._since = since
            self._marks, self._counters, self._parts = {}, {}, {}
            return True
        self._since = since
        for shard, counters in self._counters.items():
            kept = {key: sums for key, sums in counters.items() if key.bucket >= since}
            self._counters[shard] = kept
            for key, sums in kept.items():
                self._add(key, ZERO, sums)
        return False

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

    def sums(self, view: View) -> Mapping[tuple[str, str], Sums]:
        """By unit code and indicator or count; read it before the next message is taken."""
        return self._sums[view]

    def _take(self, shard: int, counters: Mapping[CounterKey, Sums]) -> None:
        if self._since is None:
            raise ValueError("no view is open")
        for key, sums in counters.items():
            if key.bucket >= self._since:
                self._set(shard, key, sums)

    def _set(self, shard: int, key: CounterKey, sums: Sums) -> None:
        of_shard = self._counters.setdefault(shard, {})
        old = of_shard.pop(key, ZERO)
        if sums != ZERO:
            of_shard[key] = sums
        self._add(key, old, sums)

    def _add(self, key: CounterKey, old: Sums, new: Sums) -> None:
        name = (key.unit, key.indicator)
        for view, sums in self._sums.items():
            if key.ranking != view.ranking or not (
                view.window.begins_at <= key.bucket < view.window.ends_at
            ):
                continue
            total = sums.get(name, ZERO)
            sums[name] = Sums(
                total.denominator + new.denominator - old.denominator,
                total.numerator + new.numerator - old.numerator,
            )
