"""``GET /v1/alerts``: the alerts that were given, for whoever was not listening."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.api.context import ApiContext, ask
from services.api.cursors import read_cursor, write_cursor
from services.api.models import Model, TimeText
from services.api.push.messages import alert_data
from services.storage import alerts, units
from services.storage.alerts import Wanted

_Cursor = tuple[Annotated[int, Field(ge=0, lt=1 << 63)]]
"""The place of the last alert of a page."""

_CURSOR: Final = TypeAdapter[_Cursor](_Cursor)

_Text = Annotated[str | None, Field(max_length=64)]


class AlertsQuery(BaseModel):
    """Which alerts, and a page of them."""

    model_config = ConfigDict(extra="forbid")

    unit: _Text = Field(None, description="Code of the unit. 单位代码。")
    rule: _Text = Field(None, description="Such as bottom_entered. 预警规则。")
    window_kind: _Text = Field(None, description="Such as cycle. 窗口类别。")
    window_name: _Text = Field(None, description="Such as 2026-11. 窗口名称。")
    after: Annotated[str | None, Field(max_length=500)] = Field(
        None, description="`next` of the page before. 上一页的 next。"
    )
    limit: Annotated[int, Field(ge=1, le=500)] = Field(100, description="每页条数。")


class AlertUnit(Model):
    """Whom an alert is about; the name is empty where the registry has none."""

    code: str
    name: str
    kind: str


class AlertWindowName(Model):
    """The window that was ranked."""

    kind: str
    name: str


class AlertModel(Model):
    """One alert, as webhooks and the stream tell it.

    一条预警，与推送内容一致。
    """

    id: str
    rule: str
    unit: AlertUnit
    group: str = Field(description="Peer group; empty: all units of the kind. 分类组。")
    window: AlertWindowName
    as_of: TimeText = Field(description="Instant of the evaluation. 评价时刻。")
    evidence: dict[str, Any] = Field(
        description="rank, score and margin; empty where the unit had no rank. 名次、得分与差距。"
    )


class AlertsAnswer(Model):
    """Alerts, the last stored first.

    预警记录，最新在前。
    """

    alerts: list[AlertModel]
    next: str | None = Field(description="`after` of the next page. 下一页标记。")


def create_alerts_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["push"])

    @router.get("/v1/alerts", summary="Alerts that were given · 预警记录")
    async def listing(query: Annotated[AlertsQuery, Query()]) -> AlertsAnswer:
        """List alerts, the last stored first.

        预警记录，按入库时间倒序。
        """
        before = None if query.after is None else read_cursor(_CURSOR, query.after)[0]
        wanted = Wanted(query.unit, query.rule, query.window_kind, query.window_name)
        found = await ask(
            alerts.listing, context.database, wanted, before=before, limit=query.limit
        )
        names = {unit.code: unit.name for unit in await ask(units.all_units, context.database)}
        return AlertsAnswer(
            alerts=[
                AlertModel.model_validate(alert_data(alert, names.get(alert.unit, "")))
                for alert in found
            ],
            next=write_cursor((found[-1].sequence,)) if len(found) == query.limit else None,
        )

    return router
