"""``GET /v1/alerts``: the alerts that were given, for whoever was not listening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from schemas.fields import Code, Reference
from schemas.policy.alerts import Recipient
from services.api.context import ApiContext, ask
from services.api.cursors import read_cursor, write_cursor
from services.api.models import Model, TimeText
from services.api.push.messages import alert_data
from services.api.refusals import refusal
from services.api.writing import local_text
from services.storage import alert_notes, alerts, units
from services.storage.alerts import Wanted
from services.storage.push_feed import LoggedAlert
from services.web.access.caller import restriction_of

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
    withheld: Literal["found_later", "cool_down", "no"] | None = Field(
        None, description="Those that were not pushed for this reason; no: pushed. 未推送原因。"
    )
    acknowledged: bool | None = Field(
        None, description="Only those that someone took note of, or nobody. 是否已确认。"
    )
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


class AcknowledgementModel(Model):
    """Someone took note of an alert.

    预警确认。
    """

    id: str
    note: str = Field(description="What is done about it. 处置说明。")
    by: str = Field(description="Who. 确认人。")
    at: TimeText = Field(description="When it was recorded. 登记时间。")


class NewAcknowledgement(BaseModel):
    """That someone took note of an alert, and what is done about it.

    登记预警确认。
    """

    model_config = ConfigDict(extra="forbid")

    note: Reference = Field(description="Nothing personal. 处置说明，不含个人信息。")
    by: Code = Field(description="Code of the office or person. 确认人代码。")


class AlertModel(Model):
    """One alert, as webhooks and the stream tell it, and who took note of it.

    一条预警，与推送内容一致，并附确认记录。
    """

    id: str
    rule: str
    unit: AlertUnit
    group: str = Field(description="Peer group; empty: all units of the kind. 分类组。")
    window: AlertWindowName
    as_of: TimeText = Field(description="Instant of the evaluation. 评价时刻。")
    evidence: dict[str, Any] = Field(
        description="Numbers by name, such as rank, score and margin, and the orders that moved "
        "the unit. 依据。"
    )
    name: str = Field(description="What the rule is called in the policy. 规则名称。")
    recipients: list[Recipient] = Field(description="Whose contacts are to be told. 告知对象。")
    withheld: Literal["found_later", "cool_down"] | None = Field(
        description="Why nobody was told; null if it was pushed. 未推送原因。"
    )
    not_before: TimeText | None = Field(
        description="End of the quiet hours it was held back for. 免打扰结束时刻。"
    )
    acknowledgements: list[AcknowledgementModel] = Field(
        description="Who took note, the first one first. 确认记录。"
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
        wanted = Wanted(
            query.unit,
            query.rule,
            query.window_kind,
            query.window_name,
            "" if query.withheld == "no" else query.withheld,
            query.acknowledged,
        )
        found = await ask(
            alerts.listing, context.database, wanted, before=before, limit=query.limit
        )
        return AlertsAnswer(
            alerts=await _models(context, found),
            next=write_cursor((found[-1].sequence,)) if len(found) == query.limit else None,
        )

    @router.post(
        "/v1/alerts/{id:path}/acknowledgements",
        status_code=201,
        summary="Take note of an alert · 确认预警",
        responses={404: {"description": "There is no such alert · 没有这条预警"}},
    )
    async def acknowledge(
        request: Request,
        id: Annotated[str, Path(max_length=500)],  # noqa: A002 - its name in the address
        new: Annotated[NewAcknowledgement, Body()],
    ) -> AlertModel:
        """Record that someone took note; nothing that was recorded before changes.

        登记确认，只增不改。
        """
        found = await ask(alerts.find, context.database, id)
        only = restriction_of(request)
        if found is None or (only is not None and not only.sees(found.unit)):
            raise refusal("unknown_alert", "Take an id of /v1/alerts.", "请使用预警记录中的 id。")
        await ask(alert_notes.record, context.database, found.id, new.note, new.by, context.clock())
        (model,) = await _models(context, [found])
        return model

    return router


async def _models(context: ApiContext, found: Sequence[LoggedAlert]) -> list[AlertModel]:
    """The alerts with the names of their units, and who took note."""
    names = {unit.code: unit.name for unit in await ask(units.all_units, context.database)}
    notes = await ask(alert_notes.of_alerts, context.database, [alert.id for alert in found])
    zone = context.policy.time_zone
    return [
        AlertModel.model_validate(
            {
                **alert_data(alert, names.get(alert.unit, "")),
                "acknowledgements": [
                    {
                        "id": each.id,
                        "note": each.note,
                        "by": each.by,
                        "at": local_text(each.at, zone),
                    }
                    for each in notes.get(alert.id, ())
                ],
            }
        )
        for alert in found
    ]
