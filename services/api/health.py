"""``/livez`` and ``/readyz``: does the process answer, and can it answer with numbers."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.api.context import ApiContext
from services.api.models import Health
from services.api.policies import unknown_years
from services.api.refusals import problem
from services.api.snapshot import read_marks
from services.web.problems import Problem

_DAYS_AHEAD: Final = 60


def create_health_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", summary="The process answers · 进程存活")
    async def livez() -> Health:
        """Answer.

        应答即存活。
        """
        return Health(status="ok", checks={"process": True}, warnings=[])

    @router.get(
        "/readyz",
        summary="Everything is ready · 服务就绪",
        responses={503: {"description": "Not yet; the errors name the checks · 尚未就绪"}},
    )
    async def readyz() -> Health:
        """Check each part by name, storage, and that every shard has stored its state.

        逐项检查：各组件、存储、全部分区。
        """
        checks = {**context.is_ready(), "storage": True, "shards": True}
        try:
            await context.pin()
            marks = await read_marks(context)
            checks["shards"] = marks.keys() >= set(range(context.partitions))
        except Problem:
            checks |= {"storage": False, "shards": False}
        failed = [name for name, passed in checks.items() if not passed]
        if failed:
            raise problem(
                "not_ready",
                "The errors name the checks that fail.",
                "未通过的检查见 errors。",
                errors=[
                    {
                        "path": name,
                        "reason": "not_ready",
                        "detail": f"{name} is not ready",
                        "detail_zh": f"{name} 未就绪",
                    }
                    for name in failed
                ],
                headers={"Retry-After": "1"},
            )
        return Health(status="ok", checks=checks, warnings=_warnings(context))

    return router


def _warnings(context: ApiContext) -> list[str]:
    """What will be wanting soon: the days off of the next year, mostly."""
    years = unknown_years(context.policy, context.clock(), days_ahead=_DAYS_AHEAD)
    return [
        f"The working days of {year} are not known, but deadlines will need them within "
        f"{_DAYS_AHEAD} days: update the package chinesecalendar, or activate the policy with a "
        f"calendar. {year} 年放假安排未知，{_DAYS_AHEAD} 天内的时限将用到，请更新日历。"
        for year in years
    ]
