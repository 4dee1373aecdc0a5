"""What the routes of webhooks and channels do, apart from HTTP: checks, cursors, replays."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import Final

import orjson
from pydantic import TypeAdapter

from schemas.instants import Instant
from services.api.context import ApiContext, ask
from services.api.push import channels
from services.api.push.addresses import url_mistake
from services.api.push.courier import asked_again, first_of
from services.api.push.messages import Messages
from services.api.push.models import DeliveryModel, EndpointModel, NewEndpoint
from services.api.refusals import problem, refusal
from services.api.writing import local_text
from services.storage import deliveries, endpoints, push_feed, units
from services.storage.deliveries import Delivery
from services.storage.endpoints import CHANNEL, WEBHOOK, Endpoint

_ENDPOINTS: Final = 200
_SECRET_BYTES: Final = 32
_REPLAYED: Final = 10_000
_PAGE: Final = 500
_PREFIX: Final = {WEBHOOK: "wh_", CHANNEL: "ch_"}
_CURSOR: Final = TypeAdapter(tuple[Instant, str])

_MISTAKES: Final = {
    "invalid_url": ("This is not an address that can be used.", "地址无效。"),
    "not_https": ("The address begins with https://.", "地址须以 https:// 开头。"),
    "url_with_credentials": ("The address holds no user and password.", "地址不得含用户名和密码。"),
    "private_address": (
        "The address is not in the public Internet; HOTLINE_WEBHOOK_PRIVATE_NETWORKS allows it.",
        "地址不在公网；可用 HOTLINE_WEBHOOK_PRIVATE_NETWORKS 允许。",
    ),
    "unknown_channel": (
        f"A channel begins with one of {', '.join(channels.SCHEMES)}, and ://.",
        f"通道类型：{'、'.join(channels.SCHEMES)}。",
    ),
    "unknown_unit": ("The unit is not registered.", "该单位未登记。"),
}


async def check(context: ApiContext, kind: str, new: NewEndpoint) -> None:
    """Refuse an endpoint that could never be told anything.

    Raises:
        Problem: 422, naming each mistake; 501, channels need a library; 409, there are too many.
    """
    if kind == CHANNEL and not channels.available():
        raise refusal(
            "channels_unavailable",
            "Install the service with its optional part notify.",
            "请安装可选组件 notify。",
        )
    found = (
        await ask(channels.url_mistake, new.url)  # reads all kinds that the library knows, once
        if kind == CHANNEL
        else url_mistake(new.url, private=context.push.private_networks)
    )
    mistakes = [_mistake("/url", found)] if found else []
    refuse_mistakes(mistakes + await unit_mistakes(context, new.units))
    if len(await ask(endpoints.listing, context.database)) >= _ENDPOINTS:
        raise refusal(
            "too_many_endpoints",
            f"There are {_ENDPOINTS} already; delete one first.",
            f"最多 {_ENDPOINTS} 个，请先删除。",
        )


async def unit_mistakes(context: ApiContext, codes: Sequence[str]) -> list[dict[str, str]]:
    """Codes that no unit has."""
    if not codes:
        return []
    known = {unit.code for unit in await ask(units.all_units, context.database)}
    return [
        _mistake(f"/units/{place}", "unknown_unit")
        for place, code in enumerate(codes)
        if code not in known
    ]


def refuse_mistakes(mistakes: list[dict[str, str]]) -> None:
    """Raise if there are any.

    Raises:
        Problem: 422.
    """
    if mistakes:
        raise problem(
            "invalid_endpoint",
            "Mend what the errors name.",
            "请按 errors 中的说明修改。",
            errors=mistakes,
        )


def create(context: ApiContext, kind: str, new: NewEndpoint) -> tuple[Endpoint, str]:
    """Store a new endpoint with its secret, and return both (blocking).

    Its own are the alerts that are given from now on.
    """
    now = context.clock()
    id_ = _PREFIX[kind] + secrets.token_hex(8)
    secret = new.url if kind == CHANNEL else _signing_secret()
    endpoint = Endpoint(
        id=id_,
        number=1,
        kind=kind,
        address=channels.scheme_of(new.url) if kind == CHANNEL else new.url,
        description=new.description,
        rules=tuple(new.rules),
        units=tuple(new.units),
        state=endpoints.ON,
        reason="",
        since=push_feed.newest_alert(context.database),
        created_at=now,
        changed_at=now,
        recipients=tuple(new.recipients),
    )
    endpoints.keep_secret(context.database, id_, secret)  # first: an endpoint is never without
    endpoints.write(context.database, endpoint)
    return endpoint, secret


def delete(context: ApiContext, endpoint: Endpoint) -> None:
    """Delete an endpoint and its secret (blocking)."""
    endpoints.changed(context.database, endpoint, context.clock(), state=endpoints.DELETED)
    endpoints.forget_secret(context.database, endpoint.id)


def test(context: ApiContext, endpoint: Endpoint) -> Delivery:
    """Write down a test message, to be sent soon (blocking)."""
    now = context.clock()
    body = messages(context).of_test(endpoint.kind, endpoint.id, now)
    new = first_of(endpoint.id, f"test:{secrets.token_hex(8)}", deliveries.TEST, body, now)
    deliveries.write(context.database, [new])
    return new


def replay(context: ApiContext, delivery: Delivery) -> Delivery:
    """Write a delivery down once more (blocking)."""
    again = asked_again(delivery, context.clock())
    deliveries.write(context.database, [again])
    return again


def replay_since(context: ApiContext, endpoint: Endpoint, since: Instant) -> int:
    """Write down all alerts of an endpoint from an instant on; return how many (blocking).

    Also those that were given while it was off or did not exist. `_REPLAYED` at most.
    """
    database, now, written = context.database, context.clock(), 0
    sequence, names = push_feed.alerts_since(since), messages(context)
    while written < _REPLAYED and (found := push_feed.alerts_after(database, sequence, _PAGE)):
        sequence = found[-1].sequence
        wanted = [alert for alert in found if endpoint.wants(alert)]
        known = deliveries.known(database, endpoint.id, [alert.id for alert in wanted])
        again = [
            asked_again(known[alert.id], now)
            if alert.id in known
            else first_of(
                endpoint.id,
                alert.id,
                deliveries.ALERT,
                names.of_alert(endpoint.kind, alert),
                now,  # without a sequence: how far the courier has come is not for this to say
            )
            for alert in wanted
        ]
        deliveries.write(database, again)
        written += len(again)
    return written


def messages(context: ApiContext) -> Messages:
    """The writer of messages."""
    zone = context.policy.time_zone
    return Messages(context.database, zone=lambda: zone, link=context.push.public_url)


def endpoint_fields(context: ApiContext, endpoint: Endpoint, waiting: int) -> dict[str, object]:
    """The fields of `models.EndpointModel`."""
    zone = context.policy.time_zone
    return {
        "id": endpoint.id,
        "url": endpoint.address,
        "description": endpoint.description,
        "rules": list(endpoint.rules),
        "units": list(endpoint.units),
        "recipients": list(endpoint.recipients),
        "state": endpoint.state,
        "reason": endpoint.reason,
        "waiting": waiting,
        "created_at": local_text(endpoint.created_at, zone),
        "changed_at": local_text(endpoint.changed_at, zone),
    }


def endpoint_model(context: ApiContext, endpoint: Endpoint, waiting: int) -> EndpointModel:
    """An endpoint as it is shown."""
    return EndpointModel.model_validate(endpoint_fields(context, endpoint, waiting))


def delivery_model(context: ApiContext, delivery: Delivery) -> DeliveryModel:
    """A delivery as it is shown."""
    zone = context.policy.time_zone
    waits = delivery.state == deliveries.WAITING
    return DeliveryModel.model_validate(
        {
            "id": delivery.id,
            "kind": delivery.kind,
            "state": delivery.state,
            "attempts": delivery.attempt,
            "next_at": local_text(delivery.next_at, zone) if waits else None,
            "status": delivery.status or None,
            "problem": delivery.problem or None,
            "recorded_at": local_text(delivery.recorded_at, zone),
            "message": orjson.loads(delivery.body),
        }
    )


def cursor(delivery: Delivery) -> str:
    """Where a page ends."""
    place = orjson.dumps((delivery.recorded_at, delivery.id))
    return base64.urlsafe_b64encode(place).decode()


def read_cursor(text: str) -> tuple[Instant, str]:
    """Where a page begins.

    Raises:
        Problem: 422.
    """
    try:
        return _CURSOR.validate_json(base64.urlsafe_b64decode(text), strict=True)
    except ValueError:
        raise refusal(
            "invalid_cursor",
            "after is the next of an earlier answer.",
            "after 须取自前一页的 next。",
            path="after",
        ) from None


def _signing_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _mistake(path: str, reason: str) -> dict[str, str]:
    detail, detail_zh = _MISTAKES[reason]
    return {
        "in": "body", "path": path, "reason": reason, "detail": detail, "detail_zh": detail_zh,
    }  # fmt: skip
