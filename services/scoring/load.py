"""Taking over a shard: make the store agree with itself, then build the `Shard` from it.

A predecessor may have died between any two steps of a flush. So orders whose archive holds
events that no finished flush covers are evaluated again and written first; then the sums of all
contributions are compared with the stored counters, and every difference is written and handed
out for publishing, counters that became zero too (design: tried by simulation, without these two
rules 9 to 22 % of crashes leave wrong counters).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.instants import Instant
from schemas.records import ZERO, CounterKey, DeadLetter, Fence, FlushMark, Position, Sums
from schemas.topics import partition_of
from services.domain.policy import Policy
from services.scoring.folding import fold_archived
from services.scoring.lane import Lane
from services.scoring.lease import Lease
from services.scoring.shard import Shard
from services.scoring.totals import CycleTotals
from services.storage.database import Database
from services.storage.shard_store import ShardStore, shards_claimed

_BLOCK: Final = 2_000  # orders evaluated at once
_SAMPLE: Final = 100  # orders of a shard whose place is checked
_ANY: Final = 0  # a ruleset, for a question that does not depend on it


class EpochError(RuntimeError):
    """The store holds positions of a later epoch than the worker's."""


class PartitionsError(RuntimeError):
    """The store was filled under another number of partitions."""


class Loaded(NamedTuple):
    """A lane that agrees with the store as of its mark, and what its load corrected."""

    lane: Lane
    corrected: dict[CounterKey, Sums]


def load_shard(
    store: ShardStore,
    *,
    partition: int,
    partitions: int,
    policy: Policy,
    fence: Fence,
    now: Instant,
    lease: Lease,
    on_step: Callable[[str], None],
    publish: Callable[[Sequence[DeadLetter]], None],
) -> Loaded:
    """Load a shard under a claimed fence (blocking).

    A ruleset without any flush row is built from the whole archive, at ``now``. ``publish`` gets
    the dead letters of orders that cannot be evaluated, before the flush row counts them as done.

    Raises:
        LostError: the lease was given up meanwhile.
        EpochError: see `resume_position`.
    """
    last = lease.patiently("reading the last flush", store.last_flush)
    stored_position = lease.patiently("reading the position", store.resume_position)
    position = resume_position(stored_position, fence.epoch)
    clock = now if last is None else last.clock
    mark = FlushMark(fence, 1, position, clock)

    on_step("load.orders")
    blocks = lease.patiently("listing unfolded orders", lambda: list(store.unfolded(_BLOCK)))
    for subjects in blocks:
        publish(refold(store, subjects, policy, mark, lease))

    on_step("load.counters")
    sums, totals, corrected = sum_up(store, policy, mark, lease)

    on_step("load.flush")
    lease.patiently("writing the flush", lambda: store.write_flush(mark))
    shard = Shard(
        partition=partition,
        partitions=partitions,
        policy=policy,
        clock=clock,
        position=position,
        counters=sums,
        totals=totals,
    )
    return Loaded(Lane(store, shard, mark, lease), corrected)


def resume_position(stored: Position | None, epoch: int) -> Position:
    """The last position that counts as stored, in the log of ``epoch``.

    Raises:
        EpochError: the store is ahead of the epoch, so this log cannot continue it.
    """
    beginning = Position(epoch, -1)  # a new epoch has a new, empty log
    if stored is None or stored < beginning:
        return beginning
    if stored.epoch > epoch:
        raise EpochError(
            f"the store is at epoch {stored.epoch}, this worker runs under {epoch}: "
            "its log cannot continue what is stored"
        )
    return stored


def check_partitions(database: Database, partitions: int) -> None:
    """Make sure that every stored order belongs to the same shard now as when it was stored.

    Otherwise it would be counted twice, in its old shard and in its new one. A sample tells: under
    another number at most half of the orders stay where they are.

    Raises:
        PartitionsError: see the class.
    """
    for shard in shards_claimed(database):
        orders = ShardStore(database, shard, _ANY).some_orders(_SAMPLE)
        if shard >= partitions or any(partition_of(o, partitions) != shard for o in orders):
            raise PartitionsError(
                f"the results are stored under another number of partitions than {partitions}; "
                "it never changes: set HOTLINE_PARTITIONS as it was, or see docs/repartition.md"
            )


def refold(
    store: ShardStore,
    subjects: Sequence[str],
    policy: Policy,
    mark: FlushMark,
    lease: Lease,
) -> list[DeadLetter]:
    """Evaluate orders from the archive and write them; give a letter for each that cannot be."""
    _, archived = lease.patiently("fetching orders", lambda: store.fetch(subjects))
    folded = fold_archived(store.shard, archived, policy)
    lease.patiently("writing orders", lambda: store.write_orders(mark, folded.rows))
    return folded.dead_letters


class Summed(NamedTuple):
    """The sums of the stored orders, their totals, and the counters that were mended to be them."""

    sums: dict[CounterKey, Sums]
    totals: CycleTotals
    corrected: dict[CounterKey, Sums]


def sum_up(store: ShardStore, policy: Policy, mark: FlushMark, lease: Lease) -> Summed:
    """Add up the stored orders, and make the stored counters and totals agree with them."""
    sums = lease.patiently("summing contributions", lambda: store.contribution_sums(mark.clock))
    corrected = _differences(sums, lease.patiently("reading counters", store.counters))
    totals = CycleTotals(policy, sums)
    wrong = corrected | _differences(totals.sums, lease.patiently("reading totals", store.totals))
    if wrong:
        lease.patiently("writing counters", lambda: store.write_counters(mark, wrong))
    return Summed(sums, totals, corrected)


def _differences(
    sums: Mapping[CounterKey, Sums], stored: Mapping[CounterKey, Sums]
) -> dict[CounterKey, Sums]:
    """What has to be written so that the stored counters are these sums, zeros too."""
    wrong = {key: value for key, value in sums.items() if stored.get(key, ZERO) != value}
    return wrong | {key: ZERO for key, value in stored.items() if key not in sums and value != ZERO}
