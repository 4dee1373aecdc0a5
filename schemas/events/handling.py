"""What a unit does with an order, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from schemas.events.base import ConsistentData, Data, Decision
from schemas.fields import Code, Count, Moment, References


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


class Extended(Decided, ConsistentData):
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

    @staticmethod
    def inconsistency(content: Mapping[str, Any]) -> tuple[str, str] | None:
        """Approved without a deadline."""
        if content["decision"] == "approved" and "resolve_due" not in content:
            return "missing", "resolve_due"
        return None


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


class Reopened(Data):
    """The order goes back to its unit (重办); the earlier rating stays until the next callback."""

    unit: Code | None = Field(None, description="The unit; the present lead if absent.")
    round: Count | None = Field(None, description="Number of the handling that begins.")
    ground: Code | None = Field(None, description="Code of the ground.")

    example: ClassVar[dict[str, Any]] = {"unit": "110101001", "round": 2, "ground": "not_solved"}
