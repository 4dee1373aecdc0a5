"""``/v1/adjustments`` (加减分): the register of points given and taken in a cycle, and why."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Code, EventTime, Name
from schemas.instants import FOREVER
from services.api.adjustment_models import AdjustmentModel, AdjustmentsAnswer
from services.api.context import ApiContext, ask
from services.api.parameters import read_as_of
from services.api.refusals import refusal
from services.api.register import decision_mistakes, listed, mistakes, read_cycle, refuse
from services.api.tables.download import RESPONSES, Download, reply, wanted
from services.api.tables.registers import adjustments_table
from services.domain.adjustments import Entry
from services.domain.registry import Registry
from services.storage import adjustments, units

_NO_POINTS: Final = Decimal(0)


class NewAdjustment(BaseModel):
    """Points for a unit in a cycle, decided by somebody on some ground."""

    model_config = ConfigDict(extra="forbid")

    id: Name = Field(description="Yours; the same entry sent again changes nothing. 条目编号。")
    unit: Code = Field(description="Code of a registered unit. 单位代码。")
    cycle: Annotated[str, Field(max_length=20)] = Field(
        description="Name of the cycle, such as 2026-11. 考核周期。"
    )
    points: Annotated[str, Field(pattern=r"^-?[0-9]{1,6}(\.[0-9]{1,6})?$")] = Field(
        description="A decimal as text: bonus above zero, deduction below. 加分为正，减分为负。"
    )
    ground: Code = Field(description="Code of a ground that the policy accepts. 理由代码。")
    approver: Code = Field(description="Code of the office or role that decided. 批准单位。")
    decided_at: EventTime = Field(description="RFC 3339 with an offset. 批准时间。")


class NewWithdrawal(BaseModel):
    """An adjustment was wrong, or was revoked."""

    model_config = ConfigDict(extra="forbid")

    id: Name = Field(description="Of this withdrawal. 本撤销条目编号。")
    ground: Code = Field(description="Code of the ground. 理由代码。")
    approver: Code = Field(description="Code of the office or role that decided. 批准单位。")
    decided_at: EventTime = Field(description="RFC 3339 with an offset. 批准时间。")


class AdjustmentsQuery(Download):
    """Which entries: of one cycle, of one unit, as of an instant."""

    model_config = ConfigDict(extra="forbid")

    cycle: Annotated[str | None, Field(max_length=20)] = Field(
        None, description="Name of the cycle; the present one if left out. 考核周期，缺省为本期。"
    )
    unit: Annotated[str, Field(max_length=64)] = Field(
        "", description="Of all if empty. 单位代码。"
    )
    as_of: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="A past instant; now if left out. 截至时刻。"
    )


def create_adjustments_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["adjustments"])
    one_at_a_time = asyncio.Lock()

    async def shown(entry: Entry) -> AdjustmentModel:
        """An entry as the list shows it."""
        entries = await ask(adjustments.of_cycle, context.database, entry.cycle)
        registry = Registry(await ask(units.all_units, context.database))
        models = listed(entries, context.policy, registry, FOREVER)
        return next(model for model in models if model.id == entry.id)

    @router.get(
        "/v1/adjustments",
        response_model=AdjustmentsAnswer,
        summary="Adjustments of a cycle · 加减分台账",
        responses=RESPONSES,
    )
    async def listing(request: Request, query: Annotated[AdjustmentsQuery, Query()]) -> Response:
        """List all entries of a cycle as they were recorded, withdrawn ones too.

        按登记顺序列出一个考核周期的加减分，含已撤销的条目。
        """
        as_of = read_as_of(context, query.as_of)
        policy = context.policy
        cycle = read_cycle(policy, query.cycle, context.clock() if as_of is None else as_of)
        entries = await ask(adjustments.of_cycle, context.database, cycle)
        registry = Registry(await ask(units.all_units, context.database))
        models = listed(entries, policy, registry, FOREVER if as_of is None else as_of)
        answer = AdjustmentsAnswer(
            cycle=cycle,
            adjustments=[model for model in models if query.unit in {"", model.unit}],
        )
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [adjustments_table(answer, registry.names())],
            f"加减分-adjustments-{cycle}",
        )

    @router.post(
        "/v1/adjustments",
        status_code=201,
        summary="Record an adjustment · 登记加减分",
        responses={
            200: {"description": "It was there already · 已登记"},
            409: {"description": "The id names another entry · 编号已被占用"},
        },
    )
    async def record(new: Annotated[NewAdjustment, Body()], response: Response) -> AdjustmentModel:
        """Record a bonus or a deduction for one unit in one cycle.

        It counts in rankings of that cycle as soon as their instant has passed its recording.
        登记后计入该周期的排名。
        """
        registry = Registry(await ask(units.all_units, context.database))
        unit, points = registry.get(new.unit), Decimal(new.points)
        refuse(
            [
                *decision_mistakes(new.decided_at, context.clock()),
                *mistakes(context.policy, unit, new.cycle, points, new.ground),
            ]
        )
        entry = Entry(
            id=new.id,
            kind="adjustment",
            unit=new.unit,
            cycle=new.cycle,
            points=points,
            withdraws="",
            ground=new.ground,
            approver=new.approver,
            decided_at=new.decided_at,
            recorded_at=0,
        )
        async with one_at_a_time:
            stored, is_new = await _record(context, entry)
        response.status_code = 201 if is_new else 200
        return await shown(stored)

    @router.post(
        "/v1/adjustments/{id:path}/withdrawal",
        status_code=201,
        summary="Withdraw an adjustment · 撤销加减分",
        responses={
            200: {"description": "It was there already · 已登记"},
            404: {"description": "There is no such adjustment · 没有这条加减分"},
            409: {
                "description": "It is withdrawn already, or the id is taken · 已撤销或编号已占用"
            },
        },
    )
    async def withdraw(
        adjustment: Annotated[Name, Path(alias="id")],
        new: Annotated[NewWithdrawal, Body()],
        response: Response,
    ) -> AdjustmentModel:
        """Withdraw an adjustment by an entry of its own; both stay on record.

        以新条目撤销，原条目保留。
        """
        refuse(decision_mistakes(new.decided_at, context.clock()))
        async with one_at_a_time:
            of = await ask(adjustments.find, context.database, adjustment)
            if of is None or of.kind != "adjustment":
                raise refusal(
                    "unknown_adjustment",
                    "No adjustment is recorded under this id.",
                    "没有登记该编号的加减分。",
                )
            entry = Entry(
                id=new.id,
                kind="withdrawal",
                unit=of.unit,
                cycle=of.cycle,
                points=_NO_POINTS,
                withdraws=of.id,
                ground=new.ground,
                approver=new.approver,
                decided_at=new.decided_at,
                recorded_at=0,
            )
            entries = await ask(adjustments.of_cycle, context.database, of.cycle)
            if any(each.withdraws == of.id and each.id != new.id for each in entries):
                raise refusal(
                    "adjustment_conflict",
                    "Another entry withdraws this adjustment already.",
                    "该加减分已被其他条目撤销。",
                )
            stored, is_new = await _record(context, entry)
        response.status_code = 201 if is_new else 200
        return await shown(stored)

    return router


async def _record(context: ApiContext, entry: Entry) -> tuple[Entry, bool]:
    """Add an entry; the one that is there already, and False, if it was sent before.

    Raises:
        Problem: 409, the id names another entry.
    """
    known = await ask(adjustments.find, context.database, entry.id)
    stored = known
    if stored is None:
        stored = await ask(adjustments.record, context.database, entry, context.clock())
    if stored._replace(recorded_at=0) != entry:
        raise refusal(
            "adjustment_conflict",
            "The id names another entry of the register; entries are never changed.",
            "该编号已用于其他条目；条目登记后不可更改。",
        )
    return stored, known is None
