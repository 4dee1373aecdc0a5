"""What the hotline does with a demand: take it, send it to a unit, link it, end it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from schemas.events.base import Data, DemandType, Urgency
from schemas.fields import Code, Codes, Count, KeyedHash, Levels, Moment, Name


class Received(Data):
    """The hotline takes the demand (受理)."""

    demand_type: DemandType = Field(
        description="What kind of demand: 求助 help, 投诉 complaint, 举报 report, 建议 suggestion "
        "are assessed; 咨询 consultation, 感谢 thanks, 表扬 praise, 撤单 withdrawn, 骚扰 harassment, "
        "无效 invalid are not; unclassified where the source does not say."
    )
    channel: Code | None = Field(None, description="Where it came in: phone, web, wechat, app, …")
    category: Levels | None = Field(None, description="Category, coarse to fine, up to 5 levels.")
    urgency: Urgency | None = Field(
        None,
        description="critical: life or property (2 h); urgent: water, power, gas, heat (24 h); "
        "normal (7 days); complex (15 days).",
    )
    tags: Codes | None = Field(
        None,
        description="Labels a policy may refer to; `secret` or 保密 hides the place from units.",
    )
    community: Code | None = Field(None, description="Community or neighborhood (社区).")
    place_code: Code | None = Field(
        None, description="Statistical division code of the place; empty where unknown (不详)."
    )
    previous_order: Name | None = Field(None, description="Order that this one follows up.")
    caller_hash: KeyedHash | None = Field(
        None, description="Keyed hash of the caller, made by the platform; finds repeat appeals."
    )
    sign_due: Moment | None = Field(None, description="Sign-off deadline set by the platform.")
    contact_due: Moment | None = Field(None, description="Contact deadline set by the platform.")
    resolve_due: Moment | None = Field(None, description="Completion deadline set by the platform.")

    example: ClassVar[dict[str, Any]] = {
        "demand_type": "complaint",
        "channel": "phone",
        "category": ["环境", "噪声", "施工噪声"],
        "urgency": "normal",
        "tags": ["夜间"],
        "community": "多福巷社区",
        "place_code": "110101001001",
        "caller_hash": "9f86d081884c7d659a2feaa0c55ad015",
    }


class Dispatched(Data):
    """The order goes to a unit (派单, 转派); the clocks start here, never at sign-off."""

    unit: Code = Field(description="Code of the lead unit (主办). Only the lead is rated.")
    assisting: Codes | None = Field(None, description="Codes of assisting units (协办).")
    level: Code | None = Field(None, description="Level of the unit: street, district, city, …")
    round: Count = Field(1, description="1 for the first handling, 2 for the second, …")
    sign_due: Moment | None = Field(None, description="Overrides the policy's deadline.")
    contact_due: Moment | None = Field(None, description="Overrides the policy's deadline.")
    resolve_due: Moment | None = Field(None, description="Overrides the policy's deadline.")

    example: ClassVar[dict[str, Any]] = {
        "unit": "110101001",
        "assisting": ["110101002"],
        "level": "street",
        "round": 1,
        "resolve_due": "2026-07-10T07:05:00+08:00",
    }


class Cancelled(Data):
    """The citizen withdraws the demand. Never the deletion of an event."""

    ground: Code | None = Field(None, description="Code of the ground.")

    example: ClassVar[dict[str, Any]] = {"ground": "withdrawn_by_citizen"}


class Linked(Data):
    """The order belongs together with another one."""

    order: Name = Field(description="The other order's id.")
    relation: Code = Field(description="same_case (arrived twice), repeat, follow_up, …")

    example: ClassVar[dict[str, Any]] = {"order": "热线-260701-000088", "relation": "same_case"}
