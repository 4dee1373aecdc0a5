"""``GET /v1/work-orders/{id}``: one order with everything about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response

from schemas.fields import Name
from schemas.instants import Instant
from schemas.records import Contribution, Event, LoggedEvent, Outcome
from services.api.context import ApiContext
from services.api.explain import create_explain_router
from services.api.figures import nameless, unit_model
from services.api.found_orders import FoundOrder, OrderQuery, find_order
from services.api.models import LogPosition
from services.api.order_list import create_order_list_router
from services.api.order_models import (
    ContributionModel,
    OrderAnswer,
    Step,
    StoredEvent,
)
from services.api.order_summary import maybe_local, summary_model, without_community
from services.api.writing import local_text, thousandths_text
from services.domain.confidential import without_place
from services.domain.corrections import in_order
from services.domain.outcome import contributions_at
from services.domain.ranking import STATE
from services.web.access.caller import restriction_of


def create_orders_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["work orders"])
    router.include_router(create_order_list_router(context))
    router.include_router(create_explain_router(context))  # before the path that fits any id

    @router.get(
        "/v1/work-orders/{order:path}",
        response_model=OrderAnswer,
        summary="One order, and why it counts as it does · 单个工单的计算过程",
        responses={404: {"description": "There is no such order · 没有这个工单"}},
    )
    async def order(
        request: Request, order: Annotated[Name, Path()], query: Annotated[OrderQuery, Query()]
    ) -> Response:
        """Show state, events, steps and contributions of an order.

        给出工单的状态、事件、步骤与贡献，说明“为什么算、为什么不算”。
        """
        answer = _order(await find_order(context, order, query.as_of, restriction_of(request)))
        return Response(answer.model_dump_json(by_alias=True), media_type="application/json")

    return router


def _order(found: FoundOrder) -> OrderAnswer:
    """Describe an order as it stood at an instant."""
    snapshot, stored, registry, at, hides_place = found
    outcome = stored.row.outcome
    zone = snapshot.context.policy.time_zone
    in_force = contributions_at(outcome.spans, at)
    counts = {each.indicator: each.unit for each in in_force if each.numerator == 0}
    present = counts.keys() & {"volume", "incomplete"}
    lead = counts[present.pop()] if present else ""
    state = next((name for name in counts if name.startswith(STATE)), None)
    unit = registry.get(lead)
    counting = found.events
    summary = summary_model(outcome.summary, zone)
    return OrderAnswer(
        **(snapshot.head() | {"as_of": local_text(at, zone)}),
        id=stored.row.subject,
        shard=stored.shard,
        unit=(unit_model(unit) if unit else nameless(lead)) if lead else None,
        known_unit=not lead or unit is not None,
        state=state.removeprefix(STATE) if state else None,
        incomplete="incomplete" in counts,
        open="open" in counts,
        overdue="overdue" in counts,
        resolve_due=maybe_local(outcome.summary.resolve_due, zone),
        summary=without_community(summary) if hides_place else summary,
        events=[
            _event(
                logged._replace(event=without_place(logged.event)) if hides_place else logged,
                stored.shard,
                zone,
                counts=logged.event in counting,
            )
            for logged in stored.events
        ],
        steps=_steps(outcome, counting, at, zone),
        contributions=_contributions(in_force, zone),
    )


def _event(logged: LoggedEvent, shard: int, zone: ZoneInfo, *, counts: bool) -> StoredEvent:
    event, position = logged.event, logged.position
    return StoredEvent(
        type=event.type,
        source=event.source,
        id=event.id,
        time=local_text(event.occurred_at, zone),
        data=dict(event.data),
        digest=event.digest.hex(),
        position=LogPosition(
            shard=shard, epoch=position.epoch, offset=position.offset, index=logged.frame_index
        ),
        dropped=list(logged.dropped),
        counts=counts,
    )


def _steps(outcome: Outcome, events: Iterable[Event], at: Instant, zone: ZoneInfo) -> list[Step]:
    """Every step, those to come included: a deadline may still pass."""
    causes: defaultdict[Instant, list[str]] = defaultdict(list)
    for event in in_order(events):
        causes[event.occurred_at].append(event.id)
    reached = [boundary for boundary in outcome.boundaries if boundary <= at]
    current = max(reached, default=None)
    return [
        Step(
            from_=local_text(boundary, zone),
            in_force=boundary == current,
            causes=causes.get(boundary, []),
            contributions=_contributions(contributions_at(outcome.spans, boundary), zone),
        )
        for boundary in outcome.boundaries
    ]


def _contributions(found: Sequence[Contribution], zone: ZoneInfo) -> list[ContributionModel]:
    return [
        ContributionModel(
            ranking=each.ranking,
            unit=each.unit,
            indicator=each.indicator,
            attributed_at=local_text(each.attributed_at, zone),
            denominator=each.denominator,
            numerator=thousandths_text(each.numerator),
        )
        for each in found
    ]
