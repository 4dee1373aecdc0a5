"""``/v1/policies/what-if``: the ranking under another policy, without changing what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Header, Path, Response

from services.api.context import ApiContext
from services.api.refusals import refusal
from services.api.what_if.jobs import Job, Jobs
from services.api.what_if.models import NewWhatIf, Progress, State, WhatIfAnswer
from services.api.what_if.plan import prepare
from services.api.what_if.table import csv_of

_AT: Final = "/v1/policies/what-if"
_CSV: Final = "text/csv"
_STATES_ZH: Final[dict[State, str]] = {"running": "计算中", "done": "已完成", "failed": "失败"}

_Id = Annotated[str, Path(max_length=64)]


def create_what_if_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    jobs = Jobs(context.clock)

    @asynccontextmanager
    async def stopping(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(jobs.close)

    router = APIRouter(tags=["policies"], lifespan=stopping)
    one_at_a_time = asyncio.Lock()

    @router.post(
        _AT,
        status_code=202,
        summary="The ranking under another policy · 按另一办法试算排名",
        responses={
            409: {"description": "Another one is being counted · 已有试算在进行"},
            422: {"description": "The policy has mistakes · 考核办法有误"},
        },
    )
    async def ask_what_if(asked: NewWhatIf, response: Response) -> WhatIfAnswer:
        """Start counting; `Location` tells progress and, at the end, the table.

        Where both policies count orders alike, stored sums are scored and no order is evaluated.
        开始试算，进度与结果见 Location。
        """
        async with one_at_a_time:
            if jobs.running() is not None:
                raise refusal(
                    "what_if_running",
                    "One what-if is counted at a time: wait for it, or DELETE it.",
                    "同一时间只能进行一次试算，请等待或取消。",
                    headers={"Retry-After": "5"},
                )
            job = jobs.start(context, await prepare(context, asked))
        response.headers["Location"] = f"{_AT}/{job.id}"
        return _answer(job)

    @router.get(
        _AT + "/{id}",
        response_model=WhatIfAnswer,
        summary="Progress, then the table · 试算进度与结果",
        responses={200: {"content": {_CSV: {}}}, 404: {"description": "Unknown · 不存在"}},
    )
    async def what_if(
        id: _Id,  # noqa: A002 - the name of the parameter
        accept: Annotated[str, Header(max_length=500)] = "",
    ) -> Response:
        """Tell how many orders are done, and at the end both rankings; also as `text/csv`.

        试算进度；完成后给出两种办法的对照表，可用 text/csv。
        """
        job = _known(jobs, id)
        if _CSV in accept:
            if job.result is None:
                raise refusal(
                    "what_if_unfinished",
                    "There is no table yet: ask for JSON to see the progress.",
                    "尚无结果，请以 JSON 查看进度。",
                )
            name = f'attachment; filename="what-if-{job.result.other.window.name}.csv"'
            return Response(
                csv_of(job.result),
                media_type=f"{_CSV}; charset=utf-8",
                headers={"Content-Disposition": name},
            )
        headers = {"Retry-After": "1"} if job.state == "running" else {}
        return Response(
            _answer(job).model_dump_json(by_alias=True),
            media_type="application/json",
            headers={"Cache-Control": "no-store", **headers},
        )

    @router.delete(_AT + "/{id}", status_code=204, summary="Stop and forget a what-if · 取消试算")
    async def forget(id: _Id) -> None:  # noqa: A002 - as above
        """Stop counting, or forget a result.

        取消或删除一次试算。
        """
        await asyncio.to_thread(jobs.discard, _known(jobs, id))

    return router


def _known(jobs: Jobs, id_: str) -> Job:
    job = jobs.get(id_)
    if job is None:
        raise refusal(
            "unknown_what_if",
            "There is no such what-if; results are kept for 15 minutes.",
            "没有这次试算；结果保留 15 分钟。",
        )
    return job


def _answer(job: Job) -> WhatIfAnswer:
    return WhatIfAnswer(
        id=job.id,
        state=job.state,
        state_zh=_STATES_ZH[job.state],
        orders=Progress(done=job.done, of=job.of),
        error=job.error,
        result=job.result,
    )
