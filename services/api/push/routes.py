"""``/v1/webhooks`` and ``/v1/channels``: who is told of alerts, and what became of each message."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.api.context import ApiContext, ask
from services.api.push import register
from services.api.push.models import (
    CreatedWebhook,
    DeliveriesAnswer,
    DeliveryModel,
    EndpointChange,
    EndpointModel,
    EndpointsAnswer,
    NewEndpoint,
    ReplayAnswer,
    ReplaySince,
)
from services.api.refusals import refusal
from services.storage import deliveries, endpoints, push_feed
from services.storage.endpoints import CHANNEL, WEBHOOK, Endpoint

_PATHS: Final = {WEBHOOK: "/v1/webhooks", CHANNEL: "/v1/channels"}
_NAMES: Final = {WEBHOOK: ("webhook", "webhook"), CHANNEL: ("channel of chat or mail", "消息通道")}

_Id = Annotated[str, Path(max_length=64, description="Of the endpoint. 端点编号。")]
_DeliveryId = Annotated[str, Path(max_length=1000, description="Of the message. 消息编号。")]


class DeliveriesQuery(BaseModel):
    """Which page of the deliveries."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[str | None, Field(max_length=2000)] = Field(
        None, description="`next` of the page before. 上一页的 next。"
    )
    limit: Annotated[int, Field(ge=1, le=500)] = Field(100, description="每页条数。")


def create_push_router(context: ApiContext) -> APIRouter:
    """Build the routes of both kinds."""
    router = APIRouter(tags=["push"])
    for kind in (WEBHOOK, CHANNEL):
        _add_creating(router, context, kind)
        _add_register(router, context, kind)
        _add_deliveries(router, context, kind)
    return router


def _add_creating(router: APIRouter, context: ApiContext, kind: str) -> None:
    english, chinese = _NAMES[kind]
    refused: dict[int | str, dict[str, Any]] = {
        409: {"description": "There are too many · 数量已满"},
        501: {"description": "Channels need an optional library · 未安装可选组件"},
    }

    @router.post(
        _PATHS[kind],
        status_code=201,
        response_model=CreatedWebhook if kind == WEBHOOK else EndpointModel,
        summary=f"Register a {english} · 新建{chinese}",
        responses=refused,
    )
    async def create(new: Annotated[NewEndpoint, Body()]) -> EndpointModel:
        """Register where alerts are sent from now on; secrets are never shown again.

        登记接收端，自登记起推送；密钥不再显示。
        """
        await register.check(context, kind, new)
        endpoint, secret = await ask(register.create, context, kind, new)
        fields = register.endpoint_fields(context, endpoint, 0)
        if kind == WEBHOOK:
            return CreatedWebhook.model_validate(fields | {"secret": secret})
        return EndpointModel.model_validate(fields)


def _add_register(router: APIRouter, context: ApiContext, kind: str) -> None:
    english, chinese = _NAMES[kind]

    @router.get(_PATHS[kind], summary=f"Every {english} and how it fares · 全部{chinese}")
    async def listing() -> EndpointsAnswer:
        """List all, with what waits for each and why one was disabled.

        列出全部端点、待投递数与停用原因。
        """
        found = [
            each for each in await ask(endpoints.listing, context.database) if each.kind == kind
        ]
        waiting = await ask(deliveries.waiting, context.database, [each.id for each in found])
        return EndpointsAnswer(
            endpoints=[
                register.endpoint_model(context, each, waiting.get(each.id, 0)) for each in found
            ]
        )

    @router.patch(_PATHS[kind] + "/{id}", summary=f"Change a {english} · 修改{chinese}")
    async def change(
        id: _Id,  # noqa: A002 - its name in the address
        wish: Annotated[EndpointChange, Body()],
    ) -> EndpointModel:
        """Change what is given; switch on, off, or on again after it was disabled.

        修改给出的项；可启用、停用。
        """
        endpoint = await _found(context, kind, id)
        register.refuse_mistakes(await register.unit_mistakes(context, wish.units or []))
        values = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in wish.model_dump(exclude_none=True).items()
        }
        if wish.state is not None:
            values["reason"] = ""
        if wish.state == endpoints.ON and endpoint.state != endpoints.ON:
            values["since"] = await ask(push_feed.newest_alert, context.database)
        endpoint = await ask(
            endpoints.changed, context.database, endpoint, context.clock(), **values
        )
        waiting = await ask(deliveries.waiting, context.database, [endpoint.id])
        return register.endpoint_model(context, endpoint, waiting.get(endpoint.id, 0))

    @router.delete(
        _PATHS[kind] + "/{id}", status_code=204, summary=f"Delete a {english} · 删除{chinese}"
    )
    async def delete(id: _Id) -> None:  # noqa: A002 - as above
        """Delete the endpoint and its secret; what waits for it is not sent.

        删除端点及其密钥，未投递的消息不再发送。
        """
        await ask(register.delete, context, await _found(context, kind, id))


def _add_deliveries(router: APIRouter, context: ApiContext, kind: str) -> None:
    english, chinese = _NAMES[kind]
    one = _PATHS[kind] + "/{id}"

    @router.post(one + "/test", status_code=202, summary=f"Test a {english} · 测试{chinese}")
    async def test(id: _Id) -> DeliveryModel:  # noqa: A002 - as above
        """Send a test message soon; its delivery tells how it went.

        发送测试消息，结果见投递记录。
        """
        endpoint = await _found(context, kind, id)
        return register.delivery_model(context, await ask(register.test, context, endpoint))

    @router.get(one + "/deliveries", summary=f"Deliveries to a {english} · {chinese}投递记录")
    async def list_deliveries(
        id: _Id,  # noqa: A002 - as above
        query: Annotated[DeliveriesQuery, Query()],
    ) -> DeliveriesAnswer:
        """List what was sent, what waits and what failed, for 90 days.

        列出 90 天内的投递。
        """
        endpoint = await _found(context, kind, id)
        found = await ask(
            deliveries.listing,
            context.database,
            endpoint.id,
            before=None if query.after is None else register.read_cursor(query.after),
            limit=query.limit,
        )
        return DeliveriesAnswer(
            deliveries=[register.delivery_model(context, each) for each in found],
            next=register.cursor(found[-1]) if len(found) == query.limit else None,
        )

    @router.post(
        one + "/deliveries/{delivery:path}/replay",
        status_code=202,
        summary=f"Send one message to a {english} again · 重新投递",
    )
    async def replay(
        id: _Id,  # noqa: A002 - as above
        delivery: _DeliveryId,
    ) -> DeliveryModel:
        """Send a message again under the same id, whether it was delivered or not.

        以相同编号重新投递一条消息。
        """
        endpoint = await _found(context, kind, id)
        known = await ask(deliveries.find, context.database, endpoint.id, delivery)
        if known is None:
            raise refusal(
                "unknown_delivery",
                "No message of this id was ever for this endpoint.",
                "该端点没有此编号的投递。",
            )
        return register.delivery_model(context, await ask(register.replay, context, known))

    @router.post(
        one + "/replay",
        status_code=202,
        summary=f"Send alerts to a {english} again from an instant on · 按时间重新投递",
    )
    async def replay_since(
        id: _Id,  # noqa: A002 - as above
        wish: Annotated[ReplaySince, Body()],
    ) -> ReplayAnswer:
        """Send all its alerts from an instant on, also those of while it was off.

        重新投递某一时刻以来的全部预警，含停用期间的。
        """
        endpoint = await _found(context, kind, id)
        count = await ask(register.replay_since, context, endpoint, wish.since)
        return ReplayAnswer(deliveries=count)


async def _found(context: ApiContext, kind: str, id_: str) -> Endpoint:
    """Find an endpoint.

    Raises:
        Problem: 404.
    """
    endpoint = await ask(endpoints.find, context.database, id_)
    if endpoint is None or endpoint.kind != kind:
        raise refusal("unknown_endpoint", "No endpoint has this id.", "没有该编号的端点。")
    return endpoint
