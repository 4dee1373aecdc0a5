"""What the citizen says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import ConfigDict, Field

from schemas.events.base import CallbackChannel, ConsistentData, Data, Grade, Solved, YesNo
from schemas.fields import Code, Count


class Answers(Data):
    """One answer per question; an absent one was not answered, which is not a "no"."""

    contacted: YesNo | None = Field(None, description="Did the unit contact you?")
    solved: Solved | None = Field(None, description="Is it solved?")
    satisfaction: Grade | None = Field(None, description="Are you satisfied?")
    effect: Grade | None = Field(None, description="Effect of the handling (办理效果).")
    attitude: Grade | None = Field(None, description="Attitude of the staff (工作人员态度).")


# No answers, or none of them given.
_NO_ANSWERS: Final[dict[str, Any]] = {"additionalProperties": {"type": "null"}}


class Callback(ConsistentData):
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

    @staticmethod
    def inconsistency(content: Mapping[str, Any]) -> tuple[str, str] | None:
        """A reason although reached, or none although not; answers of nobody."""
        if content["reached"]:
            return ("superfluous", "unreached_reason") if "unreached_reason" in content else None
        if "unreached_reason" not in content:
            return "missing", "unreached_reason"
        return ("superfluous", "answers") if "answers" in content else None

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
