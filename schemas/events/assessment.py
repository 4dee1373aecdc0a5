"""What changes whether an order counts: exclusions and appeals."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from schemas.events.base import Data, Review
from schemas.fields import Code, Codes, Name, References


class Excluded(Data):
    """The order leaves denominators (剔除)."""

    indicators: Codes | None = Field(
        None, description="Codes of the indicators it leaves; none listed means all."
    )
    ground: Code = Field(description="Code of the ground; excluded orders are counted by it.")
    approver: Code | None = Field(None, description="Code of the office or role that approved.")
    evidence: References | None = Field(None, description="References of the records.")
    appeal: Name | None = Field(None, description="Number of the appeal that was upheld.")

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
