"""The CloudEvents 1.0 envelope and what each of the 18 work-order events carries.

An absent field, a null and an empty list say the same. Field descriptions and examples are the
source of `docs/events.md` and of the JSON Schemas (``python -m schemas.generate``).
"""

from __future__ import annotations

from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from schemas.fields import (
    Code,
    Codes,
    Count,
    KeyedHash,
    Levels,
    Moment,
    Name,
    References,
)

DemandType = Literal[
    "help",
    "complaint",
    "report",
    "suggestion",
    "consultation",
    "thanks",
    "praise",
    "withdrawn",
    "harassment",
    "invalid",
    "unclassified",
]
Urgency = Literal["critical", "urgent", "normal", "complex"]
CallbackChannel = Literal["phone", "sms", "web"]
Decision = Literal["requested", "approved", "refused"]
Review = Literal["upheld", "rejected"]
YesNo = Literal["yes", "no"]
Solved = Literal["yes", "partly", "basically", "no"]
Grade = Literal["satisfied", "basically_satisfied", "neutral", "dissatisfied", "very_dissatisfied"]


class Data(BaseModel):
    """The listed fields of one event type. Others are dropped by whoever reads the event."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    listed: ClassVar[frozenset[str]]
    example: ClassVar[dict[str, Any]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.listed = frozenset(cls.model_fields)

    def content(self) -> dict[str, Any]:
        """Fields that say something, as JSON values: no nulls, no empty lists."""
        return {name: value for name, value in self.__dict__.items() if value or value is False}

    @classmethod
    def unknown_names(cls, raw: dict[str, Any]) -> set[str]:
        """Names in the raw object that are not listed."""
        return set() if cls.listed.issuperset(raw) else raw.keys() - cls.listed


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
    tags: Codes | None = Field(None, description="Labels a policy may refer to.")
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


class Signed(Data):
    """A unit takes the order over (签收)."""

    unit: Code = Field(description="Who signed. Only the lead's sign-off moves its clock.")

    example: ClassVar[dict[str, Any]] = {"unit": "110101001"}


class Contacted(Data):
    """A unit says it spoke to the citizen (联系)."""

    unit: Code = Field(description="Who contacted the citizen.")
    evidence: References | None = Field(None, description="References of photos or recordings.")

    example: ClassVar[dict[str, Any]] = {"unit": "110101001", "evidence": ["photo/2607/0001"]}


class Resolved(Data):
    """A unit reports the order done (办结). Adds nothing to a rate that citizens answer for."""

    unit: Code = Field(description="Who reports it done.")
    evidence: References | None = Field(None, description="References of photos or records.")

    example: ClassVar[dict[str, Any]] = {"unit": "110101001", "evidence": ["photo/2607/0002"]}


class Answers(Data):
    """One answer per question; an absent one was not answered, which is not a "no"."""

    contacted: YesNo | None = Field(None, description="Did the unit contact you?")
    solved: Solved | None = Field(None, description="Is it solved?")
    satisfaction: Grade | None = Field(None, description="Are you satisfied?")
    effect: Grade | None = Field(None, description="Effect of the handling (办理效果).")
    attitude: Grade | None = Field(None, description="Attitude of the staff (工作人员态度).")


# No answers, or none of them given.
_NO_ANSWERS: Final[dict[str, Any]] = {"additionalProperties": {"type": "null"}}


class Callback(Data):
    """The hotline asks the citizen, or tries to (回访)."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"reached": {"const": True}}},
            "then": {"properties": {"unreached_reason": {"type": "null"}}},
            "else": {
                "required": ["unreached_reason"],
                "properties": {"unreached_reason": {"type": "string"}, "answers": _NO_ANSWERS},
            },
        }
    )

    attempt: Count = Field(description="1 for the first attempt in this round, and so on.")
    reached: bool = Field(description="Whether the citizen was reached.")
    channel: CallbackChannel | None = Field(None, description="How: phone, sms or web.")
    unreached_reason: Code | None = Field(
        None,
        description="Required when not reached, refused otherwise: no_answer 无人接听, "
        "not_connected_1 未接通1, not_connected_2 未接通2, cannot_call_back 无法回访, "
        "silent (no reply on SMS or web), …",
    )
    rater: Code | None = Field(None, description="Who answers: citizen, …")
    answers: Answers | None = Field(None, description="Only when reached.")

    example: ClassVar[dict[str, Any]] = {
        "attempt": 1,
        "channel": "phone",
        "reached": True,
        "rater": "citizen",
        "answers": {
            "contacted": "yes",
            "solved": "yes",
            "satisfaction": "basically_satisfied",
            "effect": "satisfied",
            "attitude": "satisfied",
        },
    }

    @model_validator(mode="after")
    def _reached_or_reason(self) -> Self:
        if self.reached and self.unreached_reason is not None:
            raise PydanticCustomError("superfluous", "reached", {"field": "unreached_reason"})
        if not self.reached and self.unreached_reason is None:
            raise PydanticCustomError("missing", "not reached", {"field": "unreached_reason"})
        if not self.reached and self.answers is not None and self.answers.content():
            raise PydanticCustomError("superfluous", "not reached", {"field": "answers"})
        return self

    def content(self) -> dict[str, Any]:
        """As `Data.content`, with the answers as a plain object."""
        content = super().content()
        if self.answers is not None:
            answers = self.answers.content()
            if answers:
                content["answers"] = answers
            else:
                del content["answers"]
        return content

    @classmethod
    def unknown_names(cls, raw: dict[str, Any]) -> set[str]:
        """As `Data.unknown_names`, those among the answers included."""
        answers = raw.get("answers")
        return super().unknown_names(raw) | (Answers.unknown_names(answers) if answers else set())


class Decided(Data):
    """What a unit asks for and an office decides. Only `approved` has effect."""

    unit: Code = Field(description="The unit that asks.")
    decision: Decision = Field(description="requested, approved or refused.")
    requester: Code | None = Field(None, description="Code of the office or role that asks.")
    approver: Code | None = Field(None, description="Code of the office or role that decides.")
    requested_at: Moment | None = Field(None, description="When it was asked for.")
    decided_at: Moment | None = Field(None, description="When it was decided.")
    ground: Code | None = Field(None, description="Code of the ground.")

    example: ClassVar[dict[str, Any]] = {
        "unit": "110101001",
        "decision": "approved",
        "requester": "110101001",
        "approver": "110101",
        "requested_at": "2026-07-03T10:00:00+08:00",
        "decided_at": "2026-07-03T15:00:00+08:00",
        "ground": "out_of_jurisdiction",
    }


class Returned(Decided):
    """A unit sends the order back (退单)."""


class Extended(Decided):
    """A later deadline (延期). Moves the deadline only if approved before it expires."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"decision": {"const": "approved"}}},
            "then": {
                "required": ["resolve_due"],
                "properties": {"resolve_due": {"type": "string"}},
            },
        }
    )

    resolve_due: Moment | None = Field(
        None, description="The new completion deadline; required when approved."
    )

    example: ClassVar[dict[str, Any]] = {
        **Decided.example,
        "ground": "needs_budget",
        "resolve_due": "2026-07-18T00:00:00+08:00",
    }

    @model_validator(mode="after")
    def _deadline(self) -> Self:
        if self.decision == "approved" and self.resolve_due is None:
            raise PydanticCustomError("missing", "approved", {"field": "resolve_due"})
        return self


class Suspended(Decided):
    """The order rests (挂账): out of all denominators until it is resumed."""

    until: Moment | None = Field(None, description="When it is planned to be taken up again.")

    example: ClassVar[dict[str, Any]] = {
        **Decided.example,
        "ground": "needs_legislation",
        "until": "2026-09-01T00:00:00+08:00",
    }


class Resumed(Data):
    """The suspended order is taken up again."""

    unit: Code = Field(description="The unit that takes it up.")
    ground: Code | None = Field(None, description="Code of the ground.")

    example: ClassVar[dict[str, Any]] = {"unit": "110101001", "ground": "budget_granted"}


class Excluded(Data):
    """The order leaves denominators (剔除)."""

    indicators: Codes | None = Field(
        None, description="Codes of the indicators it leaves; none listed means all."
    )
    ground: Code = Field(description="Code of the ground; excluded orders are counted by it.")
    approver: Code | None = Field(None, description="Code of the office or role that approved.")
    evidence: References | None = Field(None, description="References of the records.")

    example: ClassVar[dict[str, Any]] = {
        "indicators": ["satisfaction"],
        "ground": "unreasonable_demand",
        "approver": "110101",
        "evidence": ["file/2607/0031"],
    }


class Reinstated(Data):
    """An exclusion is taken back."""

    indicators: Codes | None = Field(None, description="As in excluded; none listed means all.")
    ground: Code | None = Field(None, description="Code of the ground.")
    approver: Code | None = Field(None, description="Code of the office or role that approved.")

    example: ClassVar[dict[str, Any]] = {"ground": "appeal_of_citizen", "approver": "1101"}


class Reopened(Data):
    """The order goes back to its unit (重办); the earlier rating stays until the next callback."""

    unit: Code | None = Field(None, description="The unit; the present lead if absent.")
    round: Count | None = Field(None, description="Number of the handling that begins.")
    ground: Code | None = Field(None, description="Code of the ground.")

    example: ClassVar[dict[str, Any]] = {"unit": "110101001", "round": 2, "ground": "not_solved"}


class Corrected(Data):
    """A field of an earlier event of the same source was wrong."""

    event: Name = Field(description="`id` of the event that is corrected; same source and order.")
    field: Code = Field(description='"time", or the name of a field of that event\'s `data`.')
    old: Any = Field(None, description="The value as it was, for the record.")
    new: Any = Field(
        None,
        description="The right value, of the kind the field holds. Null or absent empties the "
        "field; for `time` it withdraws the event.",
    )

    example: ClassVar[dict[str, Any]] = {
        "event": "e-000001-3",
        "field": "time",
        "old": "2026-07-03T09:12:00+08:00",
        "new": "2026-07-03T08:12:00+08:00",
    }

    @model_validator(mode="before")
    @classmethod
    def _values(cls, raw: Any) -> Any:
        """Hold old and new to the rules of the field they belong to, so that no text slips in."""
        if not isinstance(raw, dict) or not isinstance(raw.get("field"), str):
            return raw
        field = _correctable().get(raw["field"])
        if field is None:
            raise PydanticCustomError("uncorrectable", "no such field", {"field": "field"})
        checked = dict(raw)
        for side in ("old", "new"):
            try:
                value = field.validate_python(raw.get(side))
            except ValidationError:
                raise PydanticCustomError("misfit", "other kind", {"field": side}) from None
            checked[side] = value.content() if isinstance(value, Data) else value
        return checked

    @classmethod
    def unknown_names(cls, raw: dict[str, Any]) -> set[str]:
        """As `Data.unknown_names`, those among corrected answers included."""
        unknown = super().unknown_names(raw)
        for side in ("old", "new"):
            if isinstance(raw.get(side), dict):
                unknown |= Answers.unknown_names(raw[side])
        return unknown


class Cancelled(Data):
    """The citizen withdraws the demand. Never the deletion of an event."""

    ground: Code | None = Field(None, description="Code of the ground.")

    example: ClassVar[dict[str, Any]] = {"ground": "withdrawn_by_citizen"}


class Appealed(Data):
    """A unit contests one indicator of the order (申诉)."""

    appeal: Name = Field(description="Number of the appeal.")
    unit: Code = Field(description="The unit that appeals.")
    indicator: Code = Field(description="Code of the indicator contested.")
    ground: Code | None = Field(None, description="Code of the ground.")
    evidence: References | None = Field(None, description="References of the records.")
    filer: Code | None = Field(None, description="Code of the office or role that filed.")

    example: ClassVar[dict[str, Any]] = {
        "appeal": "申诉-2607-0009",
        "unit": "110101001",
        "indicator": "satisfaction",
        "ground": "unreasonable_demand",
        "evidence": ["file/2607/0031"],
        "filer": "110101001-office",
    }


class Reviewed(Data):
    """An appeal is decided at one level (复核). Upheld at the last level, an exclusion follows."""

    appeal: Name = Field(description="Number of the appeal.")
    decision: Review = Field(description="upheld or rejected.")
    level: Code | None = Field(None, description="district, city, …")
    reviewer: Code | None = Field(None, description="Code of the office or role that decided.")
    ground: Code | None = Field(None, description="Code of the ground.")

    example: ClassVar[dict[str, Any]] = {
        "appeal": "申诉-2607-0009",
        "level": "city",
        "decision": "upheld",
        "reviewer": "1101-review",
        "ground": "unreasonable_demand",
    }


class Linked(Data):
    """The order belongs together with another one."""

    order: Name = Field(description="The other order's id.")
    relation: Code = Field(description="same_case (arrived twice), repeat, follow_up, …")

    example: ClassVar[dict[str, Any]] = {"order": "热线-260701-000088", "relation": "same_case"}


DATA_TYPES: Final[dict[str, type[Data]]] = {
    "received": Received,
    "dispatched": Dispatched,
    "signed": Signed,
    "contacted": Contacted,
    "resolved": Resolved,
    "callback": Callback,
    "returned": Returned,
    "extended": Extended,
    "suspended": Suspended,
    "resumed": Resumed,
    "excluded": Excluded,
    "reinstated": Reinstated,
    "reopened": Reopened,
    "corrected": Corrected,
    "cancelled": Cancelled,
    "appealed": Appealed,
    "reviewed": Reviewed,
    "linked": Linked,
}
"""In the order of the life cycle: events of one instant are folded in this order."""


@cache
def _correctable() -> dict[str, TypeAdapter[Any]]:
    """What a correction may name, with every kind of value that field has in some type."""
    kinds: dict[str, list[Any]] = {"time": [Moment]}
    for model in DATA_TYPES.values():
        if model is Corrected:
            continue
        for name, field in model.model_fields.items():
            kind = (
                Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            )
            kinds.setdefault(name, []).append(kind)
    config = ConfigDict(strict=True)
    adapters = {}
    for name, found in kinds.items():
        union = reduce(or_, found, None)
        has_model = name == "answers"
        adapters[name] = TypeAdapter(union) if has_model else TypeAdapter(union, config=config)
    return adapters
