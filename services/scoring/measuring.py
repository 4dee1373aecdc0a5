"""What the gauges of a worker say: of the partitions that are assigned here, and of no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import Gauge

from schemas.instants import SECOND
from services.scoring.context import ScoringContext
from services.scoring.owner import Owner
from services.scoring.reconcile.shard import Compared


def measure(
    context: ScoringContext,
    owners: Mapping[int, Owner],
    compared: Mapping[int, Compared],
    end_of_log: Callable[[int], int | None],
) -> None:
    """Set every gauge by partition.

    Args:
        context: Of the worker.
        owners: Of the partitions assigned here.
        compared: What was found when shards were compared, here or elsewhere.
        end_of_log: The offset that the next message of a partition gets; None: not known yet.
    """
    metrics, now = context.metrics, context.clock()
    values: dict[Gauge, dict[int, float]] = {
        metrics.partition_lag: {},
        metrics.shard_behind_seconds: {},
        metrics.shard_ready: {},
        metrics.shard_counters: {},
        metrics.shard_hot_orders: {},
        metrics.shard_hot_events: {},
        metrics.shard_boundaries: {},
        metrics.shard_mailbox_bytes: {},
        metrics.reconcile_differences: {},
        metrics.reconcile_incomplete: {},
    }
    for partition, owner in owners.items():
        mark, sizes, end = owner.mark, owner.sizes, end_of_log(partition)
        is_ready = mark is not None and owner.trouble is None
        values[metrics.shard_ready][partition] = int(is_ready)
        values[metrics.shard_mailbox_bytes][partition] = owner.mailbox.held_bytes
        if mark is not None and sizes is not None:
            behind = max(0, now - mark.clock)
            values[metrics.shard_behind_seconds][partition] = behind / SECOND
            values[metrics.shard_counters][partition] = sizes.counters
            values[metrics.shard_hot_orders][partition] = sizes.hot_orders
            values[metrics.shard_hot_events][partition] = sizes.hot_events
            values[metrics.shard_boundaries][partition] = sizes.boundaries
        if mark is not None and end is not None:
            values[metrics.partition_lag][partition] = max(0, end - mark.position.offset - 1)
        found = compared.get(partition)
        if found is not None:
            values[metrics.reconcile_differences][partition] = len(found.differences)
            values[metrics.reconcile_incomplete][partition] = int(not found.complete)
    for gauge, of_partitions in values.items():
        gauge.clear()  # what went to another worker is told by that one
        for partition, value in of_partitions.items():
            gauge.labels(str(partition)).set(value)
