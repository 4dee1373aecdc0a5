"""``GET /v1/work-orders``: the orders behind a number, and lists of orders by what they are like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, TypeAdapter

from schemas.instants import EARLIEST, FOREVER, Instant
from services.api.context import ApiContext, ask
from services.api.cursors import next_page, read_cursor, write_cursor
from services.api.order_models import Counted, OrderLine, OrdersAnswer
from services.api.order_summary import summary_model, without_community
from services.api.parameters import LEAD, WindowQuery, check_indicator, choose, read_instant
from services.api.rankings import check_list, marks_and_units
from services.api.refusals import refusal
from services.api.snapshot import Snapshot, live_instant
from services.api.tables.download import RESPONSES, Download, reply, wanted
from services.api.tables.orders import orders_table
from services.api.writing import local_text, thousandths_text
from services.domain.pooling import holders, parts_of
from services.domain.registry import KINDS, Registry
from services.storage.confidential import confidential_among
from services.storage.readers import CountedOrder, Number, Place, Sort, Traits
from services.web.access.caller import Restriction, restriction_of

PAGE: Final = 100
LARGEST_PAGE: Final = 10_000

_STATES: Final = (
    r"^(not_assessed|not_yet_due|callback_pending|unreachable|valid|suspended|excluded(:.+)?)$"
)
_Cursor = tuple[Sort, Annotated[int, Field(ge=EARLIEST, le=FOREVER)] | None, str]
_CURSOR: Final = TypeAdapter[_Cursor](_Cursor)

_Word = Annotated[str | None, Field(max_length=64)]


class ListQuery(WindowQuery):
    """Whose orders are looked at, in which window."""

    unit: Annotated[str | None, Field(max_length=64)] = Field(
        None,
        description="Code of the unit, of a district with those below it; empty: orders that no "
        "unit leads; all if left out. 单位代码（区含下属单位），空为未派单，缺省为全部。",
    )
    kind: Annotated[str, Field(max_length=20)] = Field(
        "",
        description=f"Only those of registered units of a kind: {', '.join(sorted(KINDS))}. "
        "单位类别。",
    )
    group: Annotated[str, Field(max_length=64)] = Field(
        "", description="Only those of one peer group of the kind (street if left out). 分类组。"
    )
    ranking: Literal["lead", "line"] = Field(
        LEAD,
        description="Whose orders: those that a unit leads, or those of its field. "
        "按主办单位或行业部门统计。",
    )


class OrdersQuery(ListQuery, Download):
    """A number by its window, units and indicator; what its orders are like; and a page of them."""

    indicator: Annotated[str, Field(max_length=160)] = Field(
        "volume",
        description="An indicator of the policy, or a count: volume, open, overdue, returned, "
        "reopened, incomplete, state:valid, state:excluded:<ground>, … 指标或计数。",
    )
    state: Annotated[str | None, Field(max_length=160, pattern=_STATES)] = Field(
        None,
        description="Only orders in this state: not_assessed, not_yet_due, callback_pending, "
        "unreachable, valid, suspended, excluded, excluded:<ground>. 状态。",
    )
    open: bool | None = Field(None, description="Neither resolved nor withdrawn. 是否未办结。")
    overdue: bool | None = Field(None, description="Open beyond the deadline. 是否超期未办结。")
    channel: _Word = Field(None, description="Empty: orders without any, as below. 渠道。")
    urgency: _Word = Field(None, description="紧急程度。")
    demand_type: _Word = Field(None, description="诉求类型。")
    community: _Word = Field(None, description="社区。")
    category: Annotated[str | None, Field(max_length=340)] = Field(
        None, description="At any level, or as `category_level` says. 分类（任意一级）。"
    )
    category_level: Annotated[int | None, Field(ge=1, le=5)] = Field(
        None,
        description="`category` is the path down to this level, joined by a slash, as breakdowns "
        "have it. category 为到该级为止的路径，以斜线连接。",
    )
    received_from: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="Received at this instant or later, RFC 3339 with an offset. 受理起。"
    )
    received_to: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="Received before this instant. 受理止（不含）。"
    )
    sort: Sort = Field(
        "id", description="id, or received: the last received first. 排序：工单号或最近受理在前。"
    )
    after: Annotated[str | None, Field(max_length=1000)] = Field(
        None, description="`next` of the previous page. 上一页的 next。"
    )
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = PAGE


def create_order_list_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter()

    @router.get(
        "/v1/work-orders",
        response_model=OrdersAnswer,
        summary="The orders behind a number, or by what they are like · 工单列表",
        responses=RESPONSES,
    )
    async def orders(request: Request, query: Annotated[OrdersQuery, Query()]) -> Response:
        """List the orders whose contributions add up to one number of a ranking.

        Without `unit` the orders of all. Further filters narrow the list. A page that is not the
        last names the next one in the header `Link` too.

        列出某个数字由哪些工单构成，逐单给出贡献；可按状态、渠道、分类等筛选。
        """
        indicator = check_indicator(context, query.indicator)
        only = restriction_of(request)
        traits = _traits(query, only)
        after = _read_place(query)
        marks, registry = await marks_and_units(context)
        window, as_of = choose(context, query, await live_instant(context, marks))
        found = await ask(
            context.readers.orders,
            context.ruleset,
            Number(
                query.ranking,
                indicator,
                window.begins_at,
                window.ends_at,
                _units(registry, query, only),
            ),
            traits=traits,
            as_of=as_of,
            sort=query.sort,
            after=after,
            limit=query.limit,
        )
        hidden = await _confidential(context, found, only)
        snapshot, zone = Snapshot(context, marks, as_of), context.policy.time_zone
        cursor = _write_place(query.sort, found[-1]) if len(found) == query.limit else None
        answer = OrdersAnswer(
            **snapshot.head(),
            window=snapshot.window_text(window),
            unit=query.unit,
            indicator=indicator,
            orders=[
                _line(order, zone, only, hides_place=order.subject in hidden) for order in found
            ],
            next=cursor,
        )
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [orders_table(answer, registry.names())],
            f"工单-{query.unit or ''}-{indicator}-{answer.window.name}",
            next_page(request, cursor),
        )

    return router


def units_of(registry: Registry, query: ListQuery) -> Sequence[str] | None:
    """The units that a list is about, with those below them; None: all, and orders without one.

    Raises:
        Problem: 422, there is no such kind or group.
    """
    if not (query.kind or query.group):
        if query.unit is None:
            return None
        unit = registry.get(query.unit)
        return parts_of(unit, registry) if unit else (query.unit,)
    kind = query.kind or "street"
    check_list(registry, kind, query.group)
    listed = registry.of_kind(kind, query.group)
    wanted = [unit for unit in listed if query.unit in (None, unit.code)]
    return list(holders(wanted, registry))


def _units(registry: Registry, query: ListQuery, only: Restriction | None) -> Sequence[str] | None:
    asked = units_of(registry, query)
    if only is None:
        return asked
    known = [unit.code for unit in registry] if asked is None else asked
    return [code for code in known if only.sees(code)]


async def _confidential(
    context: ApiContext, found: Sequence[CountedOrder], only: Restriction | None
) -> frozenset[str]:
    """Those whose place the caller may not know."""
    if only is None:
        return frozenset()
    return await ask(confidential_among, context.database, [each.subject for each in found])


def _traits(query: OrdersQuery, only: Restriction | None) -> Traits:
    received_from = _instant("received_from", query.received_from)
    received_to = _instant("received_to", query.received_to)
    if received_from is not None and received_to is not None and received_from >= received_to:
        raise refusal(
            "invalid_window",
            "received_from must come before received_to.",
            "received_from 须早于 received_to。",
            path="received_from",
            reason="empty_window",
        )
    return Traits(
        state=query.state,
        is_open=query.open,
        is_overdue=query.overdue,
        channel=query.channel,
        urgency=query.urgency,
        demand_type=query.demand_type,
        community=query.community,
        category=query.category,
        level=query.category_level,
        received_from=received_from,
        received_to=received_to,
        hides_places=only is not None,
    )


def _instant(name: str, text: str | None) -> Instant | None:
    return None if text is None else read_instant(name, text)


def _write_place(sort: Sort, last: CountedOrder) -> str:
    return write_cursor((sort, last.summary.received_at, last.subject))


def _read_place(query: OrdersQuery) -> Place | None:
    if query.after is None:
        return None
    sort, received_at, subject = read_cursor(_CURSOR, query.after)
    if sort != query.sort:
        raise refusal(
            "invalid_cursor",
            "after is the next of a list that is sorted otherwise.",
            "after 来自另一种排序的列表。",
            path="after",
        )
    return Place(received_at, subject)


def _line(
    order: CountedOrder, zone: ZoneInfo, only: Restriction | None, *, hides_place: bool
) -> OrderLine:
    summary = summary_model(order.summary, zone)
    if hides_place:
        summary = without_community(summary)
    if only is not None and not only.sees(summary.unit):  # it was handed on
        summary = summary.model_copy(update={"unit": ""})
    return OrderLine(
        id=order.subject,
        **summary.model_dump(),
        contributions=[
            Counted(
                unit=each.unit,
                attributed_at=local_text(each.attributed_at, zone),
                denominator=each.denominator,
                numerator=thousandths_text(each.numerator),
            )
            for each in order.contributions
        ],
    )
