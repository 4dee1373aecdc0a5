"""What all event data have in common, and the closed lists of codes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

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


class ConsistentData(Data):
    """Data with a rule between its fields."""

    @staticmethod
    @abstractmethod
    def inconsistency(content: Mapping[str, Any]) -> tuple[str, str] | None:
        """What in a content breaks the rule: kind of fault, and field; None if nothing does."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        fault = self.inconsistency(self.content())
        if fault is not None:
            kind, field = fault
            raise PydanticCustomError(kind, "inconsistent", {"field": field})
        return self
