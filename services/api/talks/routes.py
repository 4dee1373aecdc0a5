"""``/v1/cycles/{name}/talks`` (约谈): who is called in after a frozen cycle, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query, Request

from schemas.fields import Code
from services.api.context import ApiContext, ask
from services.api.cycles.described import fields, read_inputs
from services.api.cycles.freezing import frozen, one_of
from services.api.cycles.routes import RevisionQuery
from services.api.figures import nameless, unit_model
from services.api.refusals import refusal
from services.api.talks.models import NewRecord, TalkModel, TalksAnswer
from services.api.writing import local_text
from services.domain.earlier_windows import previous
from services.domain.governed import Entry, governed_at, stays
from services.domain.registry import Registry
from services.domain.talks import Reason, called_in, in_a_row, statement_due
from services.domain.windows import WindowError, window
from services.storage import cycles, governed, talks
from services.storage.cycles import StoredRevision
from services.web.access.caller import restriction_of

REASONS_ZH: Final[dict[Reason, str]] = {
    "bottom": "排名末位",
    "last_district": "区排名末位",
    "last_department": "部门排名末位",
    "last_company": "公服企业排名末位",
    "governed_slow": "治理进展缓慢",
    "volume_warning": "工单量前十且未列入治理类（提示谈话）",
}
_WARNING: Final[list[Reason]] = ["volume_warning"]
_UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "Not frozen, no such revision, or not called in · 未冻结或未被约谈"}
}

_Name = Annotated[str, Path(max_length=20, description="2026-11. 考核周期。")]


def create_talks_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["cycles"])

    @router.get(
        "/v1/cycles/{name}/talks",
        summary="Who is called in, and why · 约谈名单",
        responses=_UNKNOWN,
    )
    async def listing(
        request: Request, name: _Name, query: Annotated[RevisionQuery, Query()]
    ) -> TalksAnswer:
        """List the units that are called in after a cycle, how often, and what came of it.

        约谈名单、原因、次数与整改说明。
        """
        answer = await _talks(context, name, query.revision)
        if (only := restriction_of(request)) is not None:
            own = [talk for talk in answer.talks if only.sees(talk.unit.code)]
            answer = answer.model_copy(update={"talks": own})
        return answer

    @router.post(
        "/v1/cycles/{name}/talks/{unit:path}",
        status_code=201,
        summary="Record a talk or a statement · 登记约谈、整改说明",
        responses=_UNKNOWN,
    )
    async def record(
        name: _Name, unit: Annotated[Code, Path()], new: Annotated[NewRecord, Body()]
    ) -> TalkModel:
        """Record when the unit was talked to, or when its statement came; the last record counts.

        登记约谈时间或整改说明收到时间，以最后登记为准。
        """
        if new.talked_at is None and new.received_at is None:
            raise refusal("invalid_talk", "Give talked_at or received_at.", "请给出其中一个时间。")
        now = context.clock()
        if max(new.talked_at or 0, new.received_at or 0) > now:
            raise refusal(
                "invalid_talk", "It does not lie in the future.", "时间不能晚于当前时刻。"
            )
        _of(await _talks(context, name, None), unit)
        await ask(
            talks.record,
            context.database,
            talks.Record(name, unit, new.talked_at or 0, new.received_at or 0, new.approver, now),
        )
        return _of(await _talks(context, name, None), unit)

    return router


def _of(answer: TalksAnswer, unit: str) -> TalkModel:
    for talk in answer.talks:
        if talk.unit.code == unit:
            return talk
    raise refusal(
        "unknown_talk",
        "This unit is not called in after the cycle's last revision.",
        "该单位不在该周期最新版次的约谈名单中。",
    )


async def _talks(context: ApiContext, name: str, revision: int | None) -> TalksAnswer:
    stored = await one_of(context, name, revision)
    first = (await frozen(context, name))[0]
    entries = await ask(governed.all_entries, context.database)
    told = await ask(talks.of_cycle, context.database, name)
    history = await _history(context, stored)
    called = [_called(each, entries) for each in history]
    inputs, policy, of = read_inputs(stored.inputs)
    year = window(policy, "year", None, of.ends_at - 1)
    of_year = [
        place
        for place, each in enumerate(history)
        if read_inputs(each.inputs)[2].ends_at > year.begins_at
    ]
    zone, registry = policy.time_zone, Registry(inputs.units)
    known = [entry for entry in entries if entry.recorded_at <= inputs.as_of]
    watched = {
        stay.added.unit for stay in stays(known) if stay.state(of.ends_at - 1, zone) == "watched"
    }
    due = statement_due(first.recorded_at, zone)

    def model(unit: str, reasons: list[Reason]) -> TalkModel:
        talked_at, received_at = told.get(unit, (0, 0))
        warning_only = reasons == _WARNING
        registered = registry.get(unit)
        return TalkModel(
            unit=unit_model(registered) if registered else nameless(unit),
            reasons=reasons,
            reasons_zh=[REASONS_ZH[reason] for reason in reasons],
            warning_only=warning_only,
            times_this_year=sum(unit in called[place] for place in of_year),
            in_a_row=in_a_row([each.keys() for each in called], unit),
            watched=unit in watched,
            talked_at=local_text(talked_at, zone) if talked_at else None,
            statement_due=None if warning_only else local_text(due, zone),
            statement_received=local_text(received_at, zone) if received_at else None,
            statement_late=not warning_only and (received_at or context.clock()) >= due,
        )

    published = fields(stored)
    return TalksAnswer(
        cycle=stored.cycle,
        revision=stored.revision,
        standing=published["standing"],
        as_of=published["as_of"],
        published_at=local_text(first.recorded_at, zone),
        cycles_of_year=[history[place].cycle for place in of_year],
        talks=[model(unit, reasons) for unit, reasons in called[0].items()],
    )


async def _history(context: ApiContext, stored: StoredRevision) -> list[StoredRevision]:
    """The revision, and the last ones of the cycles before it while they are frozen, backwards."""
    found = [stored]
    by_cycle: dict[str, StoredRevision] = {
        each.cycle: each for each in await ask(cycles.all_revisions, context.database)
    }
    _, policy, of = read_inputs(stored.inputs)
    while True:
        try:
            of = previous(policy, of)
        except WindowError:
            return found
        before = by_cycle.get(of.name)
        if before is None:
            return found
        found.append(before)


def _called(stored: StoredRevision, entries: Sequence[Entry]) -> dict[str, list[Reason]]:
    """Who is called in by a revision: by the governed list as it knew it, at the cycle's end."""
    inputs, _, of = read_inputs(stored.inputs)
    known = [entry for entry in entries if entry.recorded_at <= inputs.as_of]
    progress = {
        entry.unit: entry.progress
        for entry in sorted(known, key=lambda each: (each.at, each.recorded_at))
        if entry.kind == "note" and entry.cycle == stored.cycle
    }
    slow = {unit for unit, told in progress.items() if told == "slow"}
    return called_in(json.loads(stored.results)["lists"], governed_at(known, of.ends_at - 1), slow)
