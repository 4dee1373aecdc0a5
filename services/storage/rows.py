"""Tuples of `schemas.records` to columns of the tables, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from schemas.codec import archive_data, event_from_archive
from schemas.records import (
    Elapsed,
    LoggedEvent,
    OrderRow,
    OrderSummary,
    Outcome,
    Position,
    Span,
)

Columns = dict[str, Sequence[Any]]

EVENT_COLUMNS: Final = (
    "subject",
    "source",
    "id",
    "type",
    "occurred_at",
    "data",
    "digest",
    "epoch",
    "offset",
    "frame_index",
    "dropped",
)
SUMMARY_COLUMNS: Final = OrderSummary._fields
SPAN_COLUMNS: Final = tuple(f"span.{name}" for name in Span._fields)
ELAPSED_COLUMNS: Final = tuple(f"elapsed.{name}" for name in Elapsed._fields)
ORDER_COLUMNS: Final = ("subject", "folded", "boundaries", *SUMMARY_COLUMNS, *SPAN_COLUMNS)

# Of identical copies the one with the greatest precedence stays: the first in the log.
_FIRST_PRECEDENCE: Final = 1 << 127


def listed(names: Sequence[str]) -> str:
    """Column names as SQL."""
    return ", ".join(f"`{name}`" for name in names)


def precedence(position: Position, frame_index: int) -> int:
    """Fit into a UInt128 that is the greater the earlier the log holds it."""
    return _FIRST_PRECEDENCE - ((position.epoch << 96) | (position.offset << 32) | frame_index)


def event_columns(shard: int, fence: int, events: Sequence[LoggedEvent]) -> Columns:
    """Columns of ``events_in``."""
    bare = [logged.event for logged in events]
    return {
        "fence": [fence] * len(events),
        "shard": [shard] * len(events),
        "epoch": [logged.position.epoch for logged in events],
        "offset": [logged.position.offset for logged in events],
        "frame_index": [logged.frame_index for logged in events],
        "subject": [event.subject for event in bare],
        "source": [event.source for event in bare],
        "id": [event.id for event in bare],
        "digest": [event.digest for event in bare],
        "type": [event.type for event in bare],
        "occurred_at": [event.occurred_at for event in bare],
        "data": [archive_data(event) for event in bare],
        "dropped": [logged.dropped for logged in events],
        "precedence": [precedence(logged.position, logged.frame_index) for logged in events],
    }


def logged_events(rows: Iterable[tuple[Any, ...]]) -> Iterator[LoggedEvent]:
    """Read rows of `EVENT_COLUMNS`."""
    for (
        subject,
        source,
        id_,
        type_,
        occurred_at,
        data,
        digest,
        epoch,
        offset,
        index,
        dropped,
    ) in rows:
        event = event_from_archive(
            subject=subject,
            source=source,
            id=id_,
            type=type_,
            occurred_at=occurred_at,
            data=data,
            digest=digest,
        )
        yield LoggedEvent(event, Position(epoch, offset), index, tuple(dropped))


def order_columns(
    shard: int, ruleset: int, fence: int, version: int, orders: Sequence[OrderRow]
) -> Columns:
    """Columns of ``work_orders_in``."""
    count = len(orders)
    summaries = [order.outcome.summary for order in orders]
    spans = _arrays([order.outcome.flat for order in orders], SPAN_COLUMNS)
    elapsed = _arrays([order.elapsed or () for order in orders], ELAPSED_COLUMNS)
    return {
        "fence": [fence] * count,
        "ruleset": [ruleset] * count,
        "shard": [shard] * count,
        "version": [version] * count,
        "subject": [order.subject for order in orders],
        "folded": [sorted(order.folded) for order in orders],
        "source": [summary.source for summary in summaries],
        "unit": [summary.unit for summary in summaries],
        "received_at": [summary.received_at for summary in summaries],
        "demand_type": [summary.demand_type for summary in summaries],
        "channel": [summary.channel for summary in summaries],
        "urgency": [summary.urgency for summary in summaries],
        "category": [summary.category for summary in summaries],
        "community": [summary.community for summary in summaries],
        "resolve_due": [summary.resolve_due for summary in summaries],
        "resolved_at": [summary.resolved_at for summary in summaries],
        "boundaries": [order.outcome.boundaries for order in orders],
        "last_boundary": [max(order.outcome.boundaries, default=0) for order in orders],
        **spans,
        "timed": [order.elapsed is not None for order in orders],
        **elapsed,
    }


def _arrays(orders: Sequence[Sequence[tuple[Any, ...]]], names: Sequence[str]) -> Columns:
    """Some tuples of each order as parallel arrays, a column for each field."""
    empty: list[tuple[Any, ...]] = [()] * len(names)
    arrays = [list(zip(*each, strict=True)) if each else empty for each in orders]
    return {name: [order[place] for order in arrays] for place, name in enumerate(names)}


def order_row(row: tuple[Any, ...]) -> OrderRow:
    """Read a row of `ORDER_COLUMNS`."""
    subject, folded, boundaries = row[:3]
    spans = tuple(zip(*row[3 + len(SUMMARY_COLUMNS) :], strict=True))
    summary = order_summary(row[3 : 3 + len(SUMMARY_COLUMNS)])
    return OrderRow(subject, frozenset(folded), Outcome(spans, tuple(boundaries), summary))


def order_summary(row: Sequence[Any]) -> OrderSummary:
    """Read a row of `SUMMARY_COLUMNS`."""
    summary = OrderSummary._make(row)
    return summary._replace(category=tuple(summary.category))
