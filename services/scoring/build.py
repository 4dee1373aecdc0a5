"""The results of a new ruleset of one shard, made beside those in force while events arrive.

1. Every archived order whose row of this ruleset is missing or has not folded its events is
   evaluated and written. A predecessor that died here has left rows: those are not made again.
2. The contributions are summed at the clock in force then, and the counters written.
3. What arrived meanwhile is caught up with, in rounds that become small.

All this runs in a thread beside the flushes. `finish` then runs between two of them, when the
archive holds exactly what the ruleset in force has folded: it takes the rest of the orders and
writes the flush row, with which the shard is complete. Nobody else writes rows of this ruleset.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from schemas.records import FlushMark, Position
from services.scoring.context import no_step
from services.scoring.lane import Lane
from services.scoring.lease import LostError
from services.scoring.load import refold, sum_up
from services.scoring.shard import Shard
from services.scoring.tenure import Tenure
from services.storage.rules import ActivePolicy
from services.storage.shard_store import ShardStore

_ROUNDS: Final = 10
_FEW: Final = 500  # orders whose catching up no flush notices


class Build:
    """One attempt, under one claim.

    Args:
        tenure: The claim; its lease ends also when another ruleset is to be built.
        store: Of this shard and the new ruleset.
        rules: What is built.
        in_force: Gives the last flush stored under the ruleset in force.
        flush: Flush number of the first rows: beyond those of earlier attempts under the claim,
            whose rows would replace ours otherwise.
    """

    def __init__(
        self,
        tenure: Tenure,
        store: ShardStore,
        rules: ActivePolicy,
        in_force: Callable[[], FlushMark],
        *,
        flush: int,
    ) -> None:
        self.rules = rules
        self._store = store
        self._in_force = in_force
        self._first_flush = flush
        self._fence = tenure.fence
        self._lease = tenure.lease
        self._partitions = tenure.context.partitions
        self._block = tenure.context.block
        self._on_step = tenure.context.on_step
        self._publish = tenure.letters.publish_from_thread
        self._caught_up = Position(0, -1)
        self._lane: Lane | None = None

    @property
    def flush(self) -> int:
        """The greatest flush number used."""
        return self._first_flush if self._lane is None else self._lane.mark.flush

    def run(self) -> None:
        """Do all that can be done beside the flushes (blocking).

        Raises:
            LostError: the lease was given up.
        """
        self._caught_up = self._in_force().position
        self._evaluate()
        self._lane = lane = self._sum_up()
        for _ in range(_ROUNDS):
            if self._catch_up(lane, self._in_force()) <= _FEW:
                return

    def finish(self) -> Lane:
        """Complete the shard (blocking). No flush may run.

        Raises:
            LostError: the lease was given up, or the partition has another owner.
        """
        lane = self._lane
        if lane is None:
            raise RuntimeError("the build has not run")
        self._on_step("build.finish")
        mark = self._in_force()
        self._catch_up(lane, mark)
        self._on_step("build.flush")
        complete = FlushMark(self._fence, lane.mark.flush + 1, mark.position, lane.shard.clock)
        lane.write_flush(complete, no_step)
        if not self._lease.patiently("checking the claim", self._is_owner):
            raise LostError
        return lane

    def _evaluate(self) -> None:
        mark = FlushMark(self._fence, self._first_flush, self._caught_up, self._in_force().clock)
        for subjects in self._store.unbuilt(self._block):
            self._on_step("build.orders")
            self._publish(refold(self._store, subjects, self.rules.policy, mark, self._lease))

    def _sum_up(self) -> Lane:
        """Write the counters of what is evaluated, and begin a lane with them."""
        store, lease = self._store, self._lease
        clock = self._in_force().clock
        mark = FlushMark(self._fence, self._first_flush, self._caught_up, clock)
        self._on_step("build.counters")
        sums, totals, _ = sum_up(store, self.rules.policy, mark, lease)
        shard = Shard(
            partition=store.shard,
            partitions=self._partitions,
            policy=self.rules.policy,
            clock=clock,
            position=self._caught_up,
            counters=sums,
            totals=totals,
        )
        return Lane(store, shard, mark, lease)

    def _catch_up(self, lane: Lane, until: FlushMark) -> int:
        """Evaluate again what arrived since the last time; return how many orders that was."""
        since, count = self._caught_up, 0
        touched = self._lease.patiently(
            "listing new orders", lambda: list(self._store.touched(since, self._block))
        )
        for subjects in touched or [[]]:  # the clock moves in any case
            self._on_step("build.catch_up")
            changes = lane.catch_up(until.clock, subjects)
            lane.mark = lane.next_mark(changes)  # before: what fails halfway has used it
            lane.write_results(changes, lane.mark, no_step)
            self._publish(changes.dead_letters)
            count += len(subjects)
        self._caught_up = until.position
        lane.shard.move_to(until.position)
        return count

    def _is_owner(self) -> bool:
        return self._store.is_owner(self._fence)
