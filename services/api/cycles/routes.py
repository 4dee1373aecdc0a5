"""``/v1/cycles``: frozen cycles, their revisions, what is pending, and the audit."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.api.context import ApiContext, ask
from services.api.cycles import changes
from services.api.cycles.auditing import MEDIA_TYPE, audited
from services.api.cycles.described import described, fields, unit_changes, whole
from services.api.cycles.freezing import behind, freeze, frozen, one_of, revise
from services.api.cycles.models import (
    ChangesAnswer,
    CyclesAnswer,
    Decision,
    PendingAnswer,
    RevisedAnswer,
    Revision,
    RevisionAnswer,
)
from services.api.snapshot import live_instant, read_marks
from services.api.writing import local_text
from services.storage import cycles

_UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "Not frozen, or no such revision · 未冻结或无此版次"}
}
_LAGS: Final[dict[int | str, dict[str, Any]]] = {
    503: {"description": "A shard lags: ask again · 有分区滞后"}
}

_Name = Annotated[str, Path(max_length=20, description="2026-11, or 2026-Q4. 考核周期。")]


class RevisionQuery(BaseModel):
    """Which revision; the last one if left out."""

    model_config = ConfigDict(extra="forbid")

    revision: Annotated[int | None, Field(ge=1, lt=1 << 32)] = Field(
        None, description="The last one if left out. 版次，缺省为最新。"
    )


class PageQuery(BaseModel):
    """A part of a list."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[str, Field(max_length=128)] = Field(
        "", description="`next` of the page before. 上一页的 next。"
    )
    limit: Annotated[int, Field(ge=1, le=1_000)] = Field(200, description="Orders. 每页工单数。")


class ChangesQuery(RevisionQuery, PageQuery):
    """A part of the changes of a revision."""


def create_cycles_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["cycles"])
    one_at_a_time = asyncio.Lock()

    @router.get("/v1/cycles", summary="All frozen cycles · 已冻结的考核周期")
    async def listing() -> CyclesAnswer:
        """List every revision of every cycle.

        列出全部考核周期的各版次。
        """
        found = await ask(cycles.all_revisions, context.database)
        return CyclesAnswer(revisions=[described(each) for each in found])

    @router.get("/v1/cycles/{name}", summary="A frozen cycle · 冻结的考核周期", responses=_UNKNOWN)
    async def one(name: _Name, query: Annotated[RevisionQuery, Query()]) -> RevisionAnswer:
        """Give a revision with all its rankings, as they were published.

        返回一个版次及其全部排名。
        """
        all_ = [each.revision for each in await frozen(context, name)]
        return whole(await one_of(context, name, query.revision), all_)

    @router.post(
        "/v1/cycles/{name}/freeze",
        status_code=201,
        summary="Freeze a cycle · 冻结考核周期",
        responses={409: {"description": "Not ended, or frozen already · 未结束或已冻结"}, **_LAGS},
    )
    async def freezing(name: _Name, decision: Annotated[Decision, Body()]) -> Revision:
        """Compute revision 1 from the archive and store it; the answer comes when it is there.

        按日志计算并存储第一版；大城市需数分钟。
        """
        async with one_at_a_time:
            return described(await freeze(context, name, decision))

    @router.post(
        "/v1/cycles/{name}/revise",
        status_code=201,
        summary="Publish the next revision · 发布修订版",
        responses={**_UNKNOWN, **_LAGS},
    )
    async def revising(name: _Name, decision: Annotated[Decision, Body()]) -> RevisedAnswer:
        """Compute the cycle again with all facts that are known now; earlier revisions stay.

        Policy, calendar and registry are those of revision 1. 以冻结时的办法与单位重算，旧版保留。
        """
        async with one_at_a_time:
            stored = await revise(context, name, decision)
        before = await one_of(context, name, stored.revision - 1)
        return RevisedAnswer(**fields(stored), changes=list(unit_changes(before, stored)))

    @router.get(
        "/v1/cycles/{name}/changes",
        summary="What a revision changed, by order · 修订涉及的工单",
        responses=_UNKNOWN,
    )
    async def changed(name: _Name, query: Annotated[ChangesQuery, Query()]) -> ChangesAnswer:
        """List the orders that a revision counts otherwise than the one before it, and why.

        列出与上一版计入不同的工单及原因；第一版没有。
        """
        stored = await one_of(context, name, query.revision)
        page = changes.Page([], None)
        if stored.revision > 1:
            before = await one_of(context, name, stored.revision - 1)
            page = await ask(
                changes.between, context.database, before, stored, query.after, query.limit
            )
        return ChangesAnswer(cycle=name, revision=stored.revision, **page._asdict())

    @router.get(
        "/v1/cycles/{name}/pending",
        summary="What the next revision would change · 待修订台账",
        responses={**_UNKNOWN, **_LAGS},
    )
    async def pending(name: _Name, query: Annotated[PageQuery, Query()]) -> PendingAnswer:
        """List orders that count otherwise now than in the last revision: late facts, exclusions.

        冻结后到达的事实、剔除与到期，尚未进入任何版次。
        """
        last = await one_of(context, name, None)
        marks = await read_marks(context)
        if len(marks) < context.partitions:
            raise behind()
        at = await live_instant(context, marks)
        page = await ask(
            changes.pending,
            context.database,
            last,
            marks,
            at,
            since=query.after,
            limit=query.limit,
        )
        return PendingAnswer(
            cycle=name,
            revision=last.revision,
            as_of=local_text(at, context.policy.time_zone),
            **page._asdict(),
        )

    @router.post(
        "/v1/cycles/{name}/audit",
        summary="Compute a revision again and compare · 审计复算",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "Lines of JSON: progress, then `equal` and `differences` · 进度与结论",
                "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
            },
            **_UNKNOWN,
        },
    )
    async def audit(name: _Name, query: Annotated[RevisionQuery, Query()]) -> StreamingResponse:
        """Fold the archive again up to the stored positions, and compare every stored number.

        从日志复算并逐项比对；变更不落库。
        """
        stored = await one_of(context, name, query.revision)
        return StreamingResponse(audited(context, stored), media_type=MEDIA_TYPE)

    return router
