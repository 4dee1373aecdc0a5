"""``/v1/appeals`` (申诉, 复核): filed by units, reviewed by levels, each with its state."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from schemas.fields import Name
from schemas.instants import EARLIEST, FOREVER
from services.api.appeals.if_upheld import if_upheld
from services.api.appeals.models import (
    AppealAnswer,
    AppealModel,
    AppealsAnswer,
    NewAppeal,
    NewReview,
)
from services.api.appeals.reading import Book, Chosen, find, page
from services.api.appeals.told import appeal_model
from services.api.appeals.writing import Written, file_appeal, open_book, review, unknown_appeal
from services.api.context import ApiContext, ask
from services.api.cursors import next_page, read_cursor, write_cursor
from services.api.cycles.freezing import cycle_named
from services.api.parameters import read_as_of
from services.api.snapshot import Snapshot
from services.api.tables.appeals import appeals_table
from services.api.tables.download import RESPONSES, Download, reply, wanted
from services.domain.appeals import State
from services.storage.appeals import Asked, Filing
from services.web.access.caller import restriction_of
from services.web.access.refusals import outside_restriction

_Cursor = tuple[Annotated[int, Field(ge=EARLIEST, le=FOREVER)], str, str, str]
_CURSOR: Final = TypeAdapter[_Cursor](_Cursor)
_WRITES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "It was there already · 已登记"},
    404: {"description": "There is no such order or appeal · 没有该工单或申诉"},
    409: {"description": "The rules refuse it, or the number is taken · 不予受理或编号已占用"},
    501: {"description": "This process only reads · 本进程不能写入"},
}


class AppealsQuery(Download):
    """Which appeals, and a page of them."""

    model_config = ConfigDict(extra="forbid")

    unit: Annotated[str, Field(max_length=64)] = Field(
        "", description="Of all if empty. 申诉单位代码。"
    )
    state: State | None = Field(None, description="In this state only. 状态。")
    overdue: bool | None = Field(
        None, description="Whether a level let its term run out. 是否有层级逾期。"
    )
    cycle: Annotated[str | None, Field(max_length=20)] = Field(
        None, description="Filed during this cycle, such as 2026-11. 在该考核周期内提交。"
    )
    as_of: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="A past instant; now if left out. 截至时刻。"
    )
    after: Annotated[str | None, Field(max_length=1000)] = Field(
        None, description="`next` of the page before. 翻页标记。"
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class AppealQuery(BaseModel):
    """Which of several appeals of one number, and when."""

    model_config = ConfigDict(extra="forbid")

    order: Name | None = Field(
        None, description="Its order, where platforms gave two appeals one number. 工单号。"
    )
    as_of: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="A past instant; now if left out. 截至时刻。"
    )


class ReviewQuery(BaseModel):
    """Which of several appeals of one number."""

    model_config = ConfigDict(extra="forbid")

    order: Name | None = Field(
        None, description="Its order, where platforms gave two appeals one number. 工单号。"
    )


def create_appeals_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["appeals"])
    one_at_a_time = asyncio.Lock()

    def answered(written: Written, response: Response) -> AppealModel:
        response.status_code = 201 if written.is_new else 200
        return appeal_model(written.appeal, context.policy.time_zone)

    @router.get(
        "/v1/appeals",
        response_model=AppealsAnswer,
        summary="Appeals and their states · 申诉列表",
        responses=RESPONSES,
    )
    async def listing(request: Request, query: Annotated[AppealsQuery, Query()]) -> Response:
        """List appeals, the last filed first, each with its state and history.

        按提交时间倒序列出申诉及其状态、经过。
        """
        book, registry = await open_book(context, read_as_of(context, query.as_of))
        after = None if query.after is None else Filing(*read_cursor(_CURSOR, query.after))
        found = await ask(page, book, _chosen(context, query), after, query.limit)
        cursor = None if found.next is None else write_cursor(tuple(found.next))
        answer = AppealsAnswer(
            **_head(context, book),
            appeals=[appeal_model(each, context.policy.time_zone) for each in found.appeals],
            next=cursor,
        )
        names = registry.names()
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [appeals_table(answer, names)],
            "申诉台账",
            next_page(request, cursor),
        )

    @router.post(
        "/v1/appeals", status_code=201, summary="File an appeal · 提交申诉", responses=_WRITES
    )
    async def file(
        request: Request, new: Annotated[NewAppeal, Body()], response: Response
    ) -> AppealModel:
        """Contest one indicator of one order. The same appeal sent again changes nothing.

        对一件工单的一项指标提出申诉；重复提交不产生新的申诉。
        """
        only = restriction_of(request)
        if only is not None and not only.sees(new.unit):
            raise outside_restriction()
        async with one_at_a_time:
            return answered(await file_appeal(context, new), response)

    @router.post(
        "/v1/appeals/{id:path}/reviews",
        status_code=201,
        summary="Review an appeal at one level · 复核",
        responses=_WRITES,
    )
    async def decide(
        number: Annotated[Name, Path(alias="id")],
        query: Annotated[ReviewQuery, Query()],
        new: Annotated[NewReview, Body()],
        response: Response,
    ) -> AppealModel:
        """Uphold or reject it; upheld at the last level, the order is excluded from the indicator.

        由当前层级作出决定；末级认定成立即剔除。重复提交不改变结果，并补齐未完成的剔除。
        """
        async with one_at_a_time:
            return answered(await review(context, number, query.order, new), response)

    @router.get(
        "/v1/appeals/{id:path}",
        summary="One appeal, and the score if it is upheld · 申诉详情",
        responses={404: {"description": "There is no such appeal · 没有该申诉"}},
    )
    async def one(
        request: Request,
        number: Annotated[Name, Path(alias="id")],
        query: Annotated[AppealQuery, Query()],
    ) -> AppealAnswer:
        """Give an appeal with its history, and the unit's score and rank as if it were upheld.

        申诉经过，以及若申诉成立该单位的得分与名次。
        """
        book, registry = await open_book(context, read_as_of(context, query.as_of))
        found = await ask(find, book, number, query.order)
        only = restriction_of(request)
        if found is None or (only is not None and not only.sees(found.appeal.unit)):
            raise unknown_appeal()
        appeal = found.appeal
        snapshot = Snapshot(context, book.marks, book.at)
        at = book.instant_of(appeal.order)
        return AppealAnswer(
            **_head(context, book),
            appeal=appeal_model(appeal, context.policy.time_zone),
            if_upheld=await if_upheld(context, snapshot, registry, appeal, at),
        )

    return router


def _head(context: ApiContext, book: Book) -> dict[str, Any]:
    return Snapshot(context, book.marks, book.at).head()


def _chosen(context: ApiContext, query: AppealsQuery) -> Chosen:
    asked = Asked(query.unit)
    if query.cycle is not None:
        of = cycle_named(context, query.cycle)
        asked = asked._replace(begins_at=of.begins_at, ends_at=of.ends_at)
    return Chosen(asked, query.state, query.overdue)
