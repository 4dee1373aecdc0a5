"""``/v1/governed`` (治理类) and ``/v1/classes``: the governed list, and the four classes."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.instants import Instant
from services.api.context import ApiContext, ask
from services.api.governed.classes import read_classes
from services.api.governed.models import (
    ClassesAnswer,
    GovernedAnswer,
    NewEntry,
    NoteModel,
    StayModel,
)
from services.api.parameters import check_kind, read_as_of
from services.api.refusals import refusal
from services.api.writing import local_text
from services.domain.governed import Entry, contradicts, stays
from services.domain.registry import Registry
from services.domain.windows import WindowError, window
from services.storage import governed, units

_FROZEN: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "Not frozen, or no such revision · 未冻结或无此版次"}
}


class GovernedQuery(BaseModel):
    """As of when."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="A past instant; now if left out. 截至时刻。"
    )


class ClassesQuery(BaseModel):
    """Of which list of which revision."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=20)] = Field(description="A frozen cycle. 考核周期。")
    revision: Annotated[int | None, Field(ge=1, lt=1 << 32)] = Field(
        None, description="The last one if left out. 版次，缺省为最新。"
    )
    kind: Annotated[str, Field(max_length=20)] = Field("street", description="单位类别。 Kind.")
    group: Annotated[str, Field(max_length=64)] = Field("", description="分类组。 Peer group.")


def create_governed_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["cycles"])
    one_at_a_time = asyncio.Lock()

    @router.get("/v1/governed", summary="The governed list · 治理类名单")
    async def listing(query: Annotated[GovernedQuery, Query()]) -> GovernedAnswer:
        """List every unit that was ever on it, with its notes, as recorded by `as_of`.

        列出全部治理类单位及进展。
        """
        as_of = read_as_of(context, query.as_of)
        entries = await ask(governed.all_entries, context.database)
        if as_of is None:
            return _listed(context, entries, context.clock())
        return _listed(context, [each for each in entries if each.recorded_at <= as_of], as_of)

    @router.post(
        "/v1/governed",
        status_code=201,
        summary="Add, remove, or note progress · 列入、移出、记进展",
        responses={
            200: {"description": "It was there already · 已登记"},
            409: {"description": "It contradicts the list, or the id is taken · 与名单冲突"},
        },
    )
    async def record(new: Annotated[NewEntry, Body()], response: Response) -> GovernedAnswer:
        """Add an entry; entries are never changed. The answer is the list with it.

        新增条目，条目登记后不可更改。
        """
        entry = _entry(context, new)
        if Registry(await ask(units.all_units, context.database)).get(new.unit) is None:
            raise _invalid("No unit of this code is registered.", "该单位未登记。")
        async with one_at_a_time:
            entries = await ask(governed.all_entries, context.database)
            known = next((each for each in entries if each.id == entry.id), None)
            if known is None:
                if contradicts(entries, entry):
                    raise _conflict()
                known = await ask(governed.record, context.database, entry, context.clock())
                response.status_code = 201
            else:
                response.status_code = 200
            if known._replace(recorded_at=0) != entry:
                raise _conflict()
            entries = await ask(governed.all_entries, context.database)
        return _listed(context, entries, context.clock())

    @router.get("/v1/classes", summary="The four classes of a cycle · 四类单位", responses=_FROZEN)
    async def classes(query: Annotated[ClassesQuery, Query()]) -> ClassesAnswer:
        """Give the class of every unit that has one, with the labels of others that it meets.

        先进、进步、整改、治理四类；同时符合的作为标签。
        """
        check_kind(query.kind)
        return await read_classes(context, query.name, query.revision, query.kind, query.group)

    return router


def _entry(context: ApiContext, new: NewEntry) -> Entry:
    note = (new.cycle, new.progress, new.text)
    if (new.kind == "note") != (new.cycle is not None and new.progress is not None) or (
        new.kind != "note" and any(note)
    ):
        raise _invalid(
            "A note has cycle and progress; other entries have neither, nor a text.",
            "进展须给出 cycle 与 progress，其他条目不得给出。",
        )
    if new.cycle is not None:
        try:
            window(context.policy, "cycle", new.cycle, 0)
        except WindowError:
            raise _invalid("There is no such cycle.", "考核周期名称不正确。") from None
    return Entry(
        id=new.id,
        kind=new.kind,
        unit=new.unit,
        at=new.at,
        cycle=new.cycle or "",
        progress=new.progress or "",
        text=new.text or "",
        ground=new.ground,
        approver=new.approver,
        recorded_at=0,
    )


def _listed(context: ApiContext, entries: list[Entry], at: Instant) -> GovernedAnswer:
    zone = context.policy.time_zone
    found = []
    for stay in stays(entries):
        until = stay.watched_until(zone)
        found.append(
            StayModel(
                unit=stay.added.unit,
                state=stay.state(at, zone),
                from_=local_text(stay.begins_at, zone),
                ground=stay.added.ground,
                approver=stay.added.approver,
                to=local_text(stay.removed.at, zone) if stay.removed else None,
                removal_ground=stay.removed.ground if stay.removed else None,
                removal_approver=stay.removed.approver if stay.removed else None,
                watched_until=None if until is None else local_text(until, zone),
                notes=[
                    NoteModel(
                        id=note.id,
                        cycle=note.cycle,
                        progress=note.progress,
                        text=note.text,
                        at=local_text(note.at, zone),
                        ground=note.ground,
                        approver=note.approver,
                        recorded_at=local_text(note.recorded_at, zone),
                    )
                    for note in entries
                    if note.progress
                    and note.unit == stay.added.unit
                    and stay.begins_at <= note.at
                    and note.at < (stay.ends_at if until is None else until)
                ],
            )
        )
    return GovernedAnswer(as_of=local_text(at, zone), units=found)


def _invalid(detail: str, detail_zh: str) -> Exception:
    return refusal("invalid_governed", detail, detail_zh)


def _conflict() -> Exception:
    return refusal(
        "governed_conflict",
        "The id is taken, or the unit is on the list already, is not on it, or has a later entry.",
        "编号已占用，或单位已在名单、不在名单、已有更晚的条目。",
    )
