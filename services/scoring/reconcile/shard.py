"""One shard compared with itself, in all its sources."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, NamedTuple
from zlib import crc32

from services.domain.policy import Policy
from services.scoring.reconcile.difference import (
    COUNTERS,
    ORDERS,
    TOTALS,
    Difference,
    differing,
)
from services.scoring.reconcile.feed import Published, compare_feed
from services.scoring.reconcile.orders import Block, look
from services.scoring.totals import CycleTotals
from services.storage.shard_audit import ShardAudit

NAMED: Final = 100
"""So many differences of one kind are named; a shard that is wrong altogether needs no million."""

_PAUSE: Final = 0.25  # seconds: a flush that is under way ends meanwhile


def _wait() -> None:
    time.sleep(_PAUSE)


def _no_progress(_orders: int) -> None:
    """Tell nobody."""


class Plan(NamedTuple):
    """How a shard is compared.

    One order in ``sample`` is evaluated again, others from time to time; all counters are compared
    whatever it is. ``on_progress`` hears after each block how many orders were passed; what it
    raises ends the comparison. ``tries`` is how often something that a flush is changing is read
    again, after ``wait``.
    """

    sample: int = 1
    tries: int = 20
    block: int = 2_000
    on_progress: Callable[[int], None] = _no_progress
    wait: Callable[[], None] = _wait


class Compared(NamedTuple):
    """What was compared, and what differs.

    ``settled``: the counters were found at rest; if not, they were not compared, as the
    ``unsettled`` orders were not. Orders that are ``not_evaluable`` are dead letters, and not
    compared either.
    """

    shard: int
    orders: int
    not_evaluable: int
    unsettled: int
    settled: bool
    differences: tuple[Difference, ...]

    @property
    def complete(self) -> bool:
        """Whether all that was to be compared was."""
        return self.settled and not self.unsettled


def compare_shard(
    store: ShardAudit, policy: Policy, published: Published | None, plan: Plan
) -> Compared:
    """Compare one shard under one ruleset (blocking; long for many orders).

    Args:
        store: The shard.
        policy: Of the ruleset.
        published: What the feed told, read before; None: it is not compared.
        plan: How.

    Raises:
        StorageUnavailable: the engine cannot answer now.
    """
    found: list[Difference] = []
    if published is not None:
        found += _some(compare_feed(store.shard, published, store.versioned_counters()))
    counters = _counters(store, policy, plan)
    orders = _orders(store, policy, plan)
    guilty = {difference.key: difference.order for difference in reversed(orders.differences)}
    found += (each._replace(order=guilty.get(each.key, "")) for each in counters or ())
    return Compared(
        shard=store.shard,
        orders=orders.compared,
        not_evaluable=orders.not_evaluable,
        unsettled=len(orders.unsettled),
        settled=counters is not None,
        differences=(*found, *orders.differences),
    )


def _counters(store: ShardAudit, policy: Policy, plan: Plan) -> list[Difference] | None:
    """Counters, sums of the orders, totals; None if they never were at rest.

    The sums are those at the clock of the last flush row. They are comparable when no order and no
    counter has a later version, asked after all else was read: a flush writes both before its row.
    """
    for attempt in range(plan.tries):
        if attempt:
            plan.wait()
        mark = store.last_flush()
        if mark is None:
            continue
        counters, totals = store.counters(), store.totals()
        sums = store.contribution_sums(mark.clock)
        if store.newest_version() > mark.version():
            continue
        found = _some(differing(store.shard, COUNTERS, counters, ORDERS, sums))
        if mark.totals:
            added = CycleTotals(policy, counters).sums
            found += _some(differing(store.shard, TOTALS, totals, COUNTERS, added))
        return found
    return None


def _orders(store: ShardAudit, policy: Policy, plan: Plan) -> Block:
    """Every order of the sample against the archive, and stored orders without any event."""
    mark = store.last_flush()
    part = 0 if mark is None else mark.flush % plan.sample
    whole, passed = Block(0, 0, [], []), 0
    for subjects in store.touched(None, plan.block):
        chosen = [each for each in subjects if crc32(each.encode()) % plan.sample == part]
        whole = _joined(whole, look(store, policy, chosen)) if chosen else whole
        passed += len(subjects)
        plan.on_progress(passed)
    strays = store.orders_without_events(NAMED)
    whole = _joined(whole, look(store, policy, strays)) if strays else whole
    for _ in range(plan.tries):
        if not whole.unsettled:
            break
        plan.wait()
        waiting, whole = whole.unsettled, whole._replace(unsettled=[])
        for start in range(0, len(waiting), plan.block):
            whole = _joined(whole, look(store, policy, waiting[start : start + plan.block]))
    return whole


def _joined(one: Block, other: Block) -> Block:
    return Block(
        one.compared + other.compared,
        one.not_evaluable + other.not_evaluable,
        one.unsettled + other.unsettled,
        _some([*one.differences, *other.differences]),
    )


def _some(differences: Iterable[Difference]) -> list[Difference]:
    return list(islice(differences, NAMED))
