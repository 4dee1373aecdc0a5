"""What a mapping file may say (docs/import.md). Unknown keys are errors with their place."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Final, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.events import DATA_TYPES, Data
from schemas.fields import Name

Value = StrictStr | StrictInt | StrictBool | None
Place = tuple[str | int, ...]
"""Where something stands in the mapping file, such as ("events", 0, "time")."""

ISO: Final = "iso"
_REFERENCE: Final = re.compile(r"\{([^{}]*)\}")
_ORDER: Final = "order"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError("no time zone of this name; write one such as Asia/Shanghai") from error
    return name


def _balanced(template: str) -> str:
    if "{" in _REFERENCE.sub("", template) or "}" in _REFERENCE.sub("", template):
        raise ValueError("a brace without its partner; write {order} or {a column's name}")
    return template


Zone = Annotated[str, AfterValidator(_known_zone)]
IdTemplate = Annotated[str, Field(min_length=1), AfterValidator(_balanced)]
ColumnName = Annotated[StrictStr, Field(min_length=1)]


class TimeRule(_Strict):
    """How times are written. The first format that fits is taken."""

    formats: list[StrictStr] = Field(
        default=[ISO],
        min_length=1,
        description='"iso" (ISO 8601, with or without an offset) or a pattern of strptime.',
    )
    zone: Zone | None = Field(None, description="Zone of times written without an offset.")


class FieldRule(_Strict):
    """Where one field of an event comes from: exactly one of the first five keys."""

    column: ColumnName | None = Field(None, description="The text of this column.")
    columns: list[ColumnName] | None = Field(
        None, min_length=1, description="A list of these columns' texts; empty cells left out."
    )
    first_of: list[ColumnName] | None = Field(
        None, min_length=1, description="The first of these columns that is not empty."
    )
    time: ColumnName | None = Field(None, description="The instant in this column.")
    fixed: Value = Field(None, description="The same value for every row.")

    kind: Literal["text", "integer", "list"] = Field(
        "text", description="integer: a whole number; list: texts divided by `separator`."
    )
    separator: str = Field(";", min_length=1)
    values: dict[StrictStr, Value] | None = Field(
        None, description="Text of the cell to value; null leaves the field out."
    )
    default: Value = Field(None, description="For texts that `values` does not list.")
    missing: Value = Field(None, description="For an empty cell; else the field is left out.")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [self.column, self.columns, self.first_of, self.time]
        count = sum(origin is not None for origin in origins) + ("fixed" in self.model_fields_set)
        if count != 1:
            raise ValueError("write exactly one of column, columns, first_of, time, fixed")
        if "default" in self.model_fields_set and self.values is None:
            raise ValueError("`default` is for texts that `values` does not list; add `values`")
        if self.values is not None and (self.time is not None or "fixed" in self.model_fields_set):
            raise ValueError("`values` belongs to column, columns or first_of")
        return self

    @property
    def many(self) -> bool:
        """Whether it yields a list."""
        return self.columns is not None or self.kind == "list"

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The columns it reads."""
        if self.columns is not None:
            return tuple(self.columns)
        if self.first_of is not None:
            return tuple(self.first_of)
        one = self.column if self.column is not None else self.time
        return () if one is None else (one,)

    def results(self) -> Iterator[tuple[Place, Value]]:
        """The values that the mapping itself lays down."""
        for key in ("fixed", "default", "missing"):
            if key in self.model_fields_set:
                yield (key,), getattr(self, key)
        for text, value in (self.values or {}).items():
            yield ("values", text), value


class Condition(_Strict):
    """A row has the event only if the column is filled, and says one of the texts if listed."""

    column: ColumnName
    is_in: list[StrictStr] | None = Field(None, alias="in", min_length=1)


class EventRule(_Strict):
    """One event that a row may yield."""

    type: StrictStr
    id: IdTemplate = Field(description="Names the event for ever: {order}, {a column's name}.")
    time: ColumnName = Field(description="The column that says when it happened.")
    when: Condition | None = None
    data: dict[StrictStr, FieldRule] = Field(
        default={}, description="Field to rule; a dot goes into an object: answers.solved."
    )

    @field_validator("type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        if value not in DATA_TYPES or value == "corrected":
            known = ", ".join(name for name in DATA_TYPES if name != "corrected")
            raise ValueError(f"no such event type; the types are {known}")
        return value

    @cached_property
    def id_columns(self) -> tuple[str, ...]:
        """The columns its id names."""
        return tuple(name for name in _REFERENCE.findall(self.id) if name != _ORDER)


class Use(NamedTuple):
    """A column that the mapping names, and where."""

    column: str
    place: Place


class Mapping(_Strict):
    """One kind of file."""

    source: Name = Field(description="The `source` of every event, such as urn:boston:311.")
    rows: Literal["order", "event"] = Field(
        "order", description="order: a row is a whole order; event: an order has several rows."
    )
    order: ColumnName = Field(description="The column with the work order's id.")
    time: TimeRule = TimeRule()
    missing: list[StrictStr] = Field(default=[""], description="Texts that mean an empty cell.")
    encoding: StrictStr = Field("utf-8-sig", description="utf-8-sig, gb18030, …")
    delimiter: str = Field(",", min_length=1, max_length=1)
    sheet: StrictStr | None = Field(None, description="Excel: the sheet's name; else the first.")
    events: list[EventRule] = Field(min_length=1)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError("no such encoding; write one such as utf-8-sig or gb18030") from None
        return value

    def uses(self) -> Iterator[Use]:
        """Every column that the mapping names, in the order of the file."""
        yield Use(self.order, ("order",))
        for index, event in enumerate(self.events):
            place: Place = ("events", index)
            for name in event.id_columns:
                yield Use(name, (*place, "id"))
            yield Use(event.time, (*place, "time"))
            if event.when is not None:
                yield Use(event.when.column, (*place, "when", "column"))
            for field, rule in event.data.items():
                for name in rule.sources:
                    yield Use(name, (*place, "data", field))


def misfits(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    """Fields that the event type does not have, and values that the field does not take."""
    for index, event in enumerate(mapping.events):
        for field, rule in event.data.items():
            place: Place = ("events", index, "data", field)
            kind = _field_kind(DATA_TYPES[event.type], field)
            if kind is None:
                listed = ", ".join(DATA_TYPES[event.type].model_fields)
                yield place, f"{event.type} has no such field; it has {listed}"
                continue
            for tail, value in rule.results():
                if value is not None and not _fits(kind, [value] if rule.many else value):
                    yield (*place, *tail), "the field does not take this value (docs/events.md)"


def _field_kind(model: type[Data], dotted: str) -> TypeAdapter[Any] | None:
    name, _, rest = dotted.partition(".")
    field = model.model_fields.get(name)
    if field is None:
        return None
    inner = [kind for kind in _members(field.annotation) if issubclass(kind, Data)]
    if inner:
        return _field_kind(inner[0], rest) if rest else None
    if rest:
        return None
    kind: Any = field.annotation
    for rule in field.metadata:
        kind = Annotated[kind, rule]
    return TypeAdapter(kind, config=ConfigDict(strict=True))


def _members(annotation: Any) -> list[type]:
    parts = getattr(annotation, "__args__", (annotation,))
    return [part for part in parts if isinstance(part, type)]


def _fits(kind: TypeAdapter[Any], value: Value | list[Value]) -> bool:
    try:
        kind.validate_python(value)
    except ValidationError:
        return False
    return True
