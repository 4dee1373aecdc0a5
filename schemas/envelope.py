"""The CloudEvents 1.0 envelope, JSON format, as work-order events use it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from schemas.events import DATA_TYPES, Data
from schemas.fields import EventTime, Name

PREFIX: Final = "workorder."

# CloudEvents attributes that say nothing beyond what is fixed here; neither stored nor counted.
IGNORED_ATTRIBUTES: Final = frozenset({"datacontenttype", "dataschema"})


class Envelope(BaseModel):
    """The attributes of every event."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    specversion: Literal["1.0"] = Field(description='Always "1.0".')
    type: str = Field(description='"workorder." and the event type.')
    source: Name = Field(description="Names the platform that sends, such as a URN.")
    id: Name = Field(description="Unique within the source; a repetition is a duplicate.")
    subject: Name = Field(description="Id of the work order (order number).")
    time: EventTime = Field(description="When it happened: RFC 3339 with an offset.")
    dropped: Annotated[str, Field(max_length=8192)] | None = Field(
        None,
        description="Extension: names of unknown fields dropped before, comma separated. "
        "Set by the gateway; not part of the content.",
    )
    data: Data = Field(description="The listed fields of the type; unknown ones are dropped.")


def _model(name: str, data: type[Data]) -> type[Envelope]:
    fields: dict[str, Any] = {
        "type": (Literal[PREFIX + name], Field(description=f'Always "{PREFIX}{name}".')),
        "data": (data, Field(description="The listed fields; unknown ones are dropped.")),
    }
    return create_model(data.__name__ + "Event", __base__=Envelope, __doc__=data.__doc__, **fields)


ENVELOPES: Final[dict[str, type[Envelope]]] = {
    name: _model(name, data) for name, data in DATA_TYPES.items()
}
"""One whole-event model for each type, by its name without prefix."""
