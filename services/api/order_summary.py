"""What people filter orders by, written out."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from schemas.instants import Instant
from schemas.records import OrderSummary
from services.api.order_models import Summary
from services.api.writing import local_text


def summary_model(summary: OrderSummary, zone: ZoneInfo) -> Summary:
    """The summary of an order."""
    return Summary(
        source=summary.source,
        unit=summary.unit,
        received_at=maybe_local(summary.received_at, zone),
        demand_type=summary.demand_type,
        channel=summary.channel,
        urgency=summary.urgency,
        category=list(summary.category),
        community=summary.community,
        resolve_due=maybe_local(summary.resolve_due, zone),
        resolved_at=maybe_local(summary.resolved_at, zone),
    )


def without_community(summary: Summary) -> Summary:
    """The summary of a confidential order for those who may not know where it comes from."""
    return summary.model_copy(update={"community": ""})


def maybe_local(instant: Instant | None, zone: ZoneInfo) -> str | None:
    """An instant in a zone; null stays null."""
    return None if instant is None else local_text(instant, zone)
