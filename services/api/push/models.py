"""What webhooks and channels look like, as they are sent in and answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Code, EventTime, Reference
from schemas.policy.alerts import Recipient
from services.api.models import Model, TimeText

_Rules = Annotated[list[Code], Field(max_length=32)]
_Units = Annotated[list[Code], Field(max_length=500)]
_Recipients = Annotated[list[Recipient], Field(max_length=3)]


class NewEndpoint(BaseModel):
    """Where alerts are to be sent, and which."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=2048)] = Field(
        description="Of a webhook: https, a public address, no credentials. Of a channel: in the "
        "form of the apprise library, such as dingtalk://token. 接收地址。"
    )
    description: Reference | Literal[""] = Field(
        "", description="A line for people; nothing personal. 说明。"
    )
    rules: _Rules = Field([], description="Alert rules; all if empty. 预警规则，缺省为全部。")
    units: _Units = Field([], description="Unit codes; all if empty. 单位，缺省为全部。")
    recipients: _Recipients = Field(
        [], description="Alerts meant for one of these; all if empty. 告知对象，缺省为全部。"
    )


class EndpointChange(BaseModel):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    description: Reference | Literal[""] | None = Field(None, description="说明。")
    rules: _Rules | None = Field(None, description="Alert rules. 预警规则。")
    units: _Units | None = Field(None, description="Unit codes. 单位。")
    recipients: _Recipients | None = Field(
        None, description="Whom alerts are meant for. 告知对象。"
    )
    state: Literal["on", "off"] | None = Field(
        None,
        description="Alerts given while an endpoint is not on are not sent to it later, unless a "
        "replay asks for them. 启用或停用。",
    )


class ReplaySince(BaseModel):
    """From when on alerts are to be sent again."""

    model_config = ConfigDict(extra="forbid")

    since: EventTime = Field(description="RFC 3339 with an offset. 起始时间。")


class EndpointModel(Model):
    """A webhook or a channel, without its secret.

    推送端点。
    """

    id: str
    url: str = Field(description="Of a channel only its kind: the URL is a secret. 地址。")
    description: str
    rules: list[str]
    units: list[str]
    recipients: list[str]
    state: Literal["on", "off", "disabled"] = Field(
        description="Disabled: by the service, for the reason given. 状态。"
    )
    reason: Literal["", "gone", "failing"] = Field(
        description="gone: it answered 410. failing: nothing got through for three days. 停用原因。"
    )
    waiting: int = Field(description="Deliveries not made yet. 待投递数。")
    created_at: TimeText
    changed_at: TimeText


class CreatedWebhook(EndpointModel):
    """A new webhook with its secret, which is shown this once.

    新建的 webhook，密钥仅此一次可见。
    """

    secret: str = Field(description="`whsec_…`, to verify signatures with. 签名密钥。")


class EndpointsAnswer(Model):
    """All of them, as they were created.

    全部推送端点。
    """

    endpoints: list[EndpointModel]


class DeliveryModel(Model):
    """One message to one endpoint.

    一次投递。
    """

    id: str = Field(description="webhook-id; of an alert its id. 消息编号。")
    kind: Literal["alert", "test", "notice"]
    state: Literal["waiting", "delivered", "given_up"]
    attempts: int = Field(description="Since it was last asked for. 已尝试次数。")
    next_at: TimeText | None = Field(description="Not before; null when done. 下次尝试时间。")
    status: int | None = Field(description="HTTP status of the last answer. 上次应答状态。")
    problem: str | None = Field(description="Code of the last failure. 上次失败原因。")
    recorded_at: TimeText = Field(description="When this last changed. 最近变化时间。")
    message: dict[str, Any] = Field(description="The JSON that is sent. 消息内容。")


class DeliveriesAnswer(Model):
    """The deliveries of one endpoint, the last changed first.

    投递记录。
    """

    deliveries: list[DeliveryModel]
    next: str | None = Field(description="`after` of the next page. 下一页标记。")


class ReplayAnswer(Model):
    """What will be sent again.

    重新投递。
    """

    deliveries: int = Field(description="How many. 条数。")
