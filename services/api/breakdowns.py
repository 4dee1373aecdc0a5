"""``GET /v1/breakdowns``: the numbers of a ranking's line, by category, channel, place and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from schemas.instants import Instant
from schemas.records import FlushMark, Sums
from services.api.breakdown_models import BreakdownAnswer, BreakdownLine, Rest
from services.api.context import ApiContext, ask
from services.api.figures import by_unit, figures, pooled
from services.api.parameters import choose
from services.api.ranking_models import Figures
from services.api.rankings import UnitRatesQuery, check_list, marks_and_units
from services.api.refusals import refusal
from services.api.scored import scored_by
from services.api.snapshot import Snapshot, live_instant, read_marks
from services.api.tables.breakdowns import breakdown_table
from services.api.tables.download import RESPONSES, Download, reply, wanted
from services.domain.pooling import holders, parts_of
from services.domain.registry import KINDS, Registry
from services.domain.score import OwnSums
from services.storage.order_reader import Common
from services.storage.readers import Number
from services.web.access.caller import restriction_of

_ATTEMPTS: Final = 3  # each looks at every order of the window
_MOST: Final = 1000


class BreakdownQuery(UnitRatesQuery, Download):
    """Whose orders, in which window, and what tells them apart."""

    by: Common = Field(description="What tells orders apart. 分项依据。")
    level: Annotated[int, Field(ge=1, le=5)] = Field(
        1, description="Of a category: 1 is the coarsest. 分类级别，1 为最粗。"
    )
    unit: Annotated[str | None, Field(max_length=64)] = Field(
        None,
        description="Code of one unit; empty: orders that no unit leads; else all of `kind` and "
        "`group`. 单位代码，缺省为该类全部单位。",
    )
    kind: Annotated[str | None, Field(max_length=20)] = Field(
        None,
        description=f"One of {', '.join(sorted(KINDS))}; street if no unit is given either. "
        "单位类别，缺省为街道。",
    )
    top: Annotated[int, Field(ge=1, le=_MOST)] = Field(
        50, description="How many values are told one by one. 逐项列出的个数。"
    )


class _Asked(NamedTuple):
    """The units that are added up, and whom they are scored as."""

    units: Sequence[str]
    kind: str
    group: str


def create_breakdowns_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["rates"])

    @router.get(
        "/v1/breakdowns",
        response_model=BreakdownAnswer,
        summary="Numbers by category, channel, urgency, community or type · 分项统计",
        responses={
            **RESPONSES,
            404: {"description": "Neither registered nor counted · 未登记且无工单"},
        },
    )
    async def breakdowns(request: Request, query: Annotated[BreakdownQuery, Query()]) -> Response:
        """Tell the numbers of one unit, or of a list of units, apart by what their orders are like.

        按分类、渠道、紧急程度、社区或诉求类型分项，合计与排名一致。
        """
        marks, registry = await marks_and_units(context)
        asked = _asked(registry, query)
        window, as_of = choose(context, query, await live_instant(context, marks))
        scored = scored_by(context.policy, window, asked.kind, asked.group)
        number = Number(scored.scoring.basis, "", window.begins_at, window.ends_at, asked.units)
        hides_places = restriction_of(request) is not None
        read_at, sums = await _read(context, marks, query, number, as_of, hides_places=hides_places)
        if query.unit and query.unit not in registry and not sums:
            raise refusal(
                "unknown_unit",
                "No unit of this code is registered, and no order in the window names it.",
                "没有登记该代码的单位，窗口内也没有它的工单。",
            )
        snapshot, own = Snapshot(context, read_at, as_of), by_unit(sums)
        values = sorted(own, key=lambda value: (-_volume(own[value]), value))
        listed, others = values[: query.top], values[query.top :]
        answer = BreakdownAnswer(
            **scored.head(snapshot),
            by=query.by,
            level=query.level if query.by == "category" else None,
            unit=query.unit,
            kind=asked.kind,
            group=asked.group,
            values=[
                BreakdownLine(value=value, **_fields(figures(own[value], scored)))
                for value in listed
            ],
            rest=Rest(
                values=len(others),
                **_fields(figures(pooled(own[value] for value in others), scored)),
            )
            if others
            else None,
            total=figures(pooled(own.values()), scored),
        )
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [breakdown_table(answer, registry.names())],
            f"分项-{query.by}-{query.unit or asked.kind}-{answer.window.name}",
        )

    return router


def _asked(registry: Registry, query: BreakdownQuery) -> _Asked:
    """Read whose orders are meant.

    Raises:
        Problem: 422, no such kind or group, or the unit is of another kind.
    """
    if query.unit is None:
        kind = query.kind or "street"
        check_list(registry, kind, query.group)
        units = holders(registry.of_kind(kind, query.group), registry)
        return _Asked(list(units), kind, query.group)
    unit = registry.get(query.unit)
    kind = unit.kind if unit else ""
    if query.kind not in (None, kind):
        raise refusal(
            "unknown_kind",
            "The unit is of another kind: leave kind out.",
            "该单位不属于此类别，请不要给出 kind。",
            path="kind",
        )
    if unit is not None:
        check_list(registry, kind, query.group)
    return _Asked(parts_of(unit, registry) if unit else (query.unit,), kind, query.group)


async def _read(
    context: ApiContext,
    marks: Mapping[int, FlushMark],
    query: BreakdownQuery,
    number: Number,
    as_of: Instant | None,
    *,
    hides_places: bool,
) -> tuple[Mapping[int, FlushMark], dict[tuple[str, str], Sums]]:
    """The sums by value, and the flushes that they are exactly those of (as `read_sums` does)."""
    readers = context.readers
    for attempt in range(_ATTEMPTS):
        if attempt:
            marks = await read_marks(context)
        sums = await ask(
            readers.common_sums,
            context.ruleset,
            number,
            query.by,
            level=query.level,
            as_of=as_of,
            marks=marks,
            hides_places=hides_places,
        )
        if as_of is not None:
            break
        versions = await ask(readers.order_versions, context.ruleset)
        if all(
            shard in marks and version <= marks[shard].version()
            for shard, version in versions.items()
        ):
            break
    return marks, sums


def _volume(sums: OwnSums) -> int:
    found = sums.get("volume")
    return found.denominator if found else 0


def _fields(found: Figures) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Figures.model_fields}
