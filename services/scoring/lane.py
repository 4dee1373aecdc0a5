"""One ruleset of one partition: what is stored under it, and the shard that continues it.

A partition has one lane, and a second one from the moment when a newer ruleset has all its orders
until every shard is that far. Each lane reads and writes the rows of its own ruleset only; the
archive of events is common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from schemas.instants import HOUR, Instant
from schemas.records import FlushMark, OrderRow
from services.scoring.boundaries import BOUNDARIES
from services.scoring.lease import Lease
from services.scoring.shard import Batch, Changes, Shard
from services.storage.shard_store import ShardStore

_HORIZON: Final = HOUR


class Lane:
    """``mark`` is the last flush that is stored. Blocking; not to be called concurrently."""

    def __init__(self, store: ShardStore, shard: Shard, mark: FlushMark, lease: Lease) -> None:
        self.mark = mark
        self.shard = shard
        self.store = store
        self._lease = lease

    @property
    def ruleset(self) -> int:
        """Number of the policy."""
        return self.store.ruleset

    def compute(self, now: Instant, batch: Batch | None) -> Changes:
        """Move the clock, fold a batch (None: there is nothing to fold), say what changed."""
        self._advance(now)
        if batch is not None:
            self._admit(list(self.shard.missing(batch)))
            self.shard.apply(batch)
        return self.shard.settle()

    def catch_up(self, now: Instant, subjects: Sequence[str]) -> Changes:
        """Move the clock, evaluate orders again whose events another lane has stored."""
        self._advance(now)
        self._admit(subjects)
        self.shard.refold(subjects)
        return self.shard.settle()

    def next_mark(self, changes: Changes) -> FlushMark:
        """The mark under which ``changes`` are to be stored."""
        return FlushMark(self.mark.fence, self.mark.flush + 1, changes.position, changes.clock)

    def write_results(
        self, changes: Changes, mark: FlushMark, on_step: Callable[[str], None]
    ) -> None:
        """Store orders and counters, in this order."""
        if changes.orders:
            on_step("orders")
            self._write("orders", lambda: self.store.write_orders(mark, changes.orders))
        if changes.counters:
            on_step("counters")
            counters = changes.counters | changes.totals
            self._write("counters", lambda: self.store.write_counters(mark, counters))

    def write_flush(self, mark: FlushMark, on_step: Callable[[str], None]) -> None:
        """Store the flush row: from here on all up to the mark counts as stored."""
        on_step("flush")
        self._write("the flush", lambda: self.store.write_flush(mark))
        self.mark = mark

    def _write(self, what: str, write: Callable[[], None]) -> None:
        self._lease.patiently(f"writing {what}", write)

    def _advance(self, now: Instant) -> None:
        """Move the clock, in more than one step if more boundaries lie before than are held."""
        shard = self.shard
        while now > shard.horizon:
            self._refill(now + _HORIZON)
            shard.advance(min(now, shard.horizon), self._rows)
        shard.advance(now, self._rows)

    def _refill(self, horizon: Instant) -> None:
        shard, store = self.shard, self.store
        upcoming = self._lease.patiently(
            "reading deadlines", lambda: store.upcoming(shard.clock, horizon, BOUNDARIES)
        )
        is_cut = len(upcoming) >= BOUNDARIES
        shard.refill(upcoming, upcoming[-1][0] if is_cut else horizon)

    def _rows(self, subjects: Sequence[str]) -> dict[str, OrderRow]:
        return self._lease.patiently("fetching orders", lambda: self.store.fetch_rows(subjects))

    def _admit(self, subjects: Sequence[str]) -> None:
        if subjects:
            rows, archived = self._lease.patiently(
                "fetching orders", lambda: self.store.fetch(subjects)
            )
            self.shard.admit(subjects, rows, archived)
