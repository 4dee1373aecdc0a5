"""A list of orders as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.api.order_models import OrderLine, OrdersAnswer
from services.api.tables.figures import Names, about
from services.api.tables.table import Row, Table, number

_LEVELS: Final = 5  # of a category


def orders_table(answer: OrdersAnswer, names: Names) -> Table:
    """One row for each contribution: an order that was returned twice has two.

    The columns 分母 and 分子 add up to the number, over all pages.
    """
    return Table(
        title=f"工单 {answer.window.name}",
        about=(*about(answer, answer.window), ("指标或计数", answer.indicator)),
        headings=(
            "工单号", "计入单位代码", "计入单位", "归属时刻", "分母", "分子",
            "受理时间", "诉求类型", "渠道", "紧急程度",
            *(f"{level}级分类" for level in "一二三四五"),
            "社区", "办结期限", "办结时间", "来源",
        ),
        rows=[row for order in answer.orders for row in _rows(order, names)],
    )  # fmt: skip


def _rows(order: OrderLine, names: Names) -> Iterator[Row]:
    category = [*order.category, *[""] * _LEVELS][:_LEVELS]
    for each in order.contributions:
        yield (
            order.id,
            each.unit,
            names.get(each.unit, ""),
            each.attributed_at,
            each.denominator,
            number(each.numerator),
            order.received_at,
            order.demand_type,
            order.channel,
            order.urgency,
            *category,
            order.community,
            order.resolve_due,
            order.resolved_at,
            order.source,
        )
