"""One order as a route looks at it: what is stored, when it is looked at, and who the units are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from schemas.instants import Instant
from schemas.records import Event
from services.api.context import ApiContext, ask
from services.api.parameters import read_as_of
from services.api.refusals import refusal
from services.api.snapshot import Snapshot, read_marks
from services.domain.confidential import is_confidential
from services.domain.registry import Registry
from services.storage import units as stored_units
from services.storage.readers import StoredOrder
from services.web.access.caller import Restriction

_UNIT_FIELDS: Final = frozenset({"unit", "assisting"})


class OrderQuery(BaseModel):
    """The instant at which an order is looked at."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="A past instant; now if left out. 截至时刻。"
    )


class FoundOrder(NamedTuple):
    """A stored order. ``at`` is the instant asked for, or the stored clock of its shard.

    ``hides_place``: whoever asks may not know it.
    """

    snapshot: Snapshot
    stored: StoredOrder
    registry: Registry
    at: Instant
    hides_place: bool

    @property
    def events(self) -> list[Event]:
        """Those that the order has folded: of two contents under one id the first in the log."""
        first: dict[tuple[str, str], Event] = {}
        for logged in self.stored.events:
            first.setdefault((logged.event.source, logged.event.id), logged.event)
        return [event for event in first.values() if event.digest in self.stored.row.folded]


async def find_order(
    context: ApiContext, order: str, as_of: str | None, only: Restriction | None
) -> FoundOrder:
    """Look an order up. With ``only`` there are none but those that name no other unit.

    Raises:
        Problem: 404, there is no such order; 422, no such instant; 503, storage is away.
    """
    asked_at = read_as_of(context, as_of)
    marks = await read_marks(context)
    stored = await ask(context.readers.order, context.ruleset, order)
    registry = Registry(await ask(stored_units.all_units, context.database))
    if stored is None or (only is not None and _names_others(stored, registry, only)):
        raise refusal(
            "unknown_order",
            "No event of such an order is stored.",
            "没有存储该工单的任何事件。",
        )
    mark = marks.get(stored.shard)
    live_at = mark.clock if mark else context.clock()
    at = live_at if asked_at is None else asked_at
    hides = only is not None and is_confidential(logged.event for logged in stored.events)
    return FoundOrder(Snapshot(context, marks, asked_at), stored, registry, at, hides)


def _names_others(stored: StoredOrder, registry: Registry, only: Restriction) -> bool:
    """Whether an order is about nobody inside, or names a unit that is neither inside nor above.

    Above: the district that approves what its street asks for.
    """
    counted = {span.unit for span in stored.row.outcome.spans if span.unit}
    if not any(only.sees(unit) for unit in counted):
        return True
    acted = {unit for logged in stored.events for unit in _units(logged.event.data, registry)}
    above = {unit for own in only.units for unit in _above(own, registry)}
    return not all(only.sees(unit) for unit in (counted | acted) - above)


def _units(data: object, registry: Registry, field: str = "") -> Iterator[str]:
    """Codes of units in an event's data: what stands where a unit does, or is registered as one."""
    if isinstance(data, str):
        if field in _UNIT_FIELDS or data in registry:
            yield data
    elif isinstance(data, Mapping):
        for name, value in data.items():
            yield from _units(value, registry, name)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _units(value, registry, field)


def _above(code: str, registry: Registry) -> set[str]:
    found: set[str] = set()
    while (unit := registry.get(code)) is not None and unit.parent and unit.parent not in found:
        code = unit.parent
        found.add(code)
    return found
