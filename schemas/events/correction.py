"""What was wrong in an earlier event."""

from __future__ import annotations

from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from schemas.events.assessment import Appealed, Excluded, Reinstated, Reviewed
from schemas.events.base import Data
from schemas.events.callback import Answers, Callback
from schemas.events.handling import (
    Contacted,
    Extended,
    Reopened,
    Resolved,
    Resumed,
    Returned,
    Signed,
    Suspended,
)
from schemas.events.intake import Cancelled, Dispatched, Linked, Received
from schemas.fields import Code, Moment, Name

TARGETS: Final[tuple[type[Data], ...]] = (
    Received,
    Dispatched,
    Cancelled,
    Linked,
    Signed,
    Contacted,
    Resolved,
    Returned,
    Extended,
    Suspended,
    Resumed,
    Reopened,
    Callback,
    Excluded,
    Reinstated,
    Appealed,
    Reviewed,
)
"""All types whose fields a correction may name."""


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


@cache
def _correctable() -> dict[str, TypeAdapter[Any]]:
    """What a correction may name, with every kind of value that field has in some type."""
    kinds: dict[str, list[Any]] = {"time": [Moment]}
    for model in TARGETS:
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
