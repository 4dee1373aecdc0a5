"""``/v1/units``: who may be ranked. A unit that orders name already counts once it is registered."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Code
from schemas.records import Unit
from services.api.context import ApiContext, ask
from services.api.figures import unit_model
from services.api.models import Registered, UnitsAnswer
from services.api.parameters import check_kind
from services.api.refusals import problem
from services.api.tables.download import RESPONSES, Download, reply, wanted
from services.api.tables.registers import units_table
from services.domain.registry import Registry
from services.storage import units as stored_units
from services.web.access.caller import restriction_of

MOST_AT_ONCE = 10_000

OptionalCode = Annotated[Code, Field()] | Literal[""]


class UnitsQuery(Download):
    """Which units; what is left out matches all."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(max_length=20)] = ""
    group: Annotated[str, Field(max_length=64)] = ""
    parent: Annotated[str, Field(max_length=64)] = ""


class NewUnit(BaseModel):
    """One unit to register; a code that is registered already gets the new description."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    name: Code
    kind: Literal["street", "functional_zone", "district", "department", "company"]
    parent: OptionalCode = ""
    group: OptionalCode = ""


def create_units_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["units"])

    @router.get(
        "/v1/units",
        response_model=UnitsAnswer,
        summary="The registry of units · 承办单位名录",
        responses=RESPONSES,
    )
    async def units(request: Request, query: Annotated[UnitsQuery, Query()]) -> Response:
        """List registered units by code.

        按代码列出已登记的单位。
        """
        if query.kind:
            check_kind(query.kind)
        only = restriction_of(request)
        registry = Registry(await ask(stored_units.all_units, context.database))
        seen = [unit for unit in sorted(registry) if only is None or only.sees(unit.code)]
        answer = UnitsAnswer(
            units=[
                unit_model(unit)
                for unit in seen
                if query.kind in ("", unit.kind)
                and query.group in ("", unit.group)
                and query.parent in ("", unit.parent)
            ],
            groups=sorted({u.group for u in seen if u.group and query.kind in ("", u.kind)}),
        )
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [units_table(answer, registry.names())],
            "承办单位-units",
        )

    @router.post(
        "/v1/units",
        status_code=201,
        summary="Register units · 登记承办单位",
        responses={422: {"description": "Refused; none was registered · 均未登记"}},
    )
    async def register(
        units: Annotated[list[NewUnit], Body(min_length=1, max_length=MOST_AT_ONCE)],
    ) -> Registered:
        """Register a JSON array of units, all or none.

        登记一组单位，全部成功或全部拒绝。
        """
        seen: set[str] = set()
        repeated = []
        for index, unit in enumerate(units):
            if unit.code in seen:
                repeated.append(
                    {
                        "in": "body",
                        "path": f"/{index}/code",
                        "reason": "repeated_code",
                        "detail": "An earlier unit of the list has the same code.",
                        "detail_zh": "列表中已有相同代码的单位。",
                    }
                )
            seen.add(unit.code)
        if repeated:
            raise problem(
                "invalid_units", "Mend what the errors name.", "请按 errors 修改。", errors=repeated
            )
        await ask(
            stored_units.register,
            context.database,
            [Unit(u.code, u.name, u.kind, u.parent, u.group) for u in units],
            context.clock(),
        )
        return Registered(registered=len(units))

    return router
