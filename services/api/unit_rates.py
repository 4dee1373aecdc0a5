"""``GET /v1/units/{code}/rates``: the figures that a ranking shows, of one unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from schemas.fields import Code
from schemas.instants import Instant
from schemas.records import FlushMark
from services.api.certainty import ABOUT, NOTHING, certainty
from services.api.comparing import Comparable, earlier, looked_from, read_thens
from services.api.context import ApiContext
from services.api.figures import REASONS_ZH, by_unit, figures, nameless, unit_model
from services.api.parameters import choose
from services.api.ranking_lines import adjusted, fields, surely
from services.api.ranking_models import UnitRatesAnswer
from services.api.rankings import UnitRatesQuery, check_list, marks_and_units
from services.api.refusals import refusal
from services.api.register import in_force_at, read_entries
from services.api.scored import scored_by
from services.api.snapshot import live_instant, read_sums
from services.domain.pooling import sums_of_kind
from services.domain.ranking import figures_of, rank
from services.domain.registry import Registry

_UNADJUSTED: Final[Mapping[str, Any]] = {
    "score_before": None,
    "adjustment": None,
    "adjusted_by": [],
}


class _RatesQuery(UnitRatesQuery, Comparable):
    """The same of one unit."""


def create_unit_rates_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["rates"])

    @router.get(
        "/v1/units/{code:path}/rates",
        response_model=UnitRatesAnswer,
        summary="The figures of one unit · 单个单位的指标",
        responses={404: {"description": "Neither registered nor counted · 未登记且无工单"}},
    )
    async def unit_rates(
        code: Annotated[Code, Path()], query: Annotated[_RatesQuery, Query()]
    ) -> Response:
        """Give the figures that the ranking shows for a unit.

        A unit that is not registered answers too, if orders name it (`known` is false).
        未登记但有工单的单位同样可查。
        """
        marks, registry = await marks_and_units(context)
        live_at = await live_instant(context, marks)
        answer = await _unit_rates(
            context, marks, registry, code=code, query=query, live_at=live_at
        )
        return Response(answer.model_dump_json(by_alias=True), media_type="application/json")

    return router


async def _unit_rates(
    context: ApiContext,
    marks: Mapping[int, FlushMark],
    registry: Registry,
    *,
    code: str,
    query: _RatesQuery,
    live_at: Instant,
) -> UnitRatesAnswer:
    chosen, group = choose(context, query, live_at), query.group
    unit = registry.get(code)
    if unit is not None:
        check_list(registry, unit.kind, group)
    scored = scored_by(context.policy, chosen.window, unit.kind if unit else "", group)
    entries = await read_entries(context, scored)
    asked = await earlier(context, query.compare, scored, looked_from(chosen, live_at))
    snapshot, sums = await read_sums(context, marks, *chosen, scored.scoring.basis)
    of_list = sums_of_kind(sums, registry, scored.kind)
    own = by_unit(of_list).get(code)
    if unit is None and own is None:
        raise refusal(
            "unknown_unit",
            "No unit of this code is registered, and no order in the window names it.",
            "没有登记该代码的单位，窗口内也没有它的工单。",
        )
    listed = registry.of_kind(unit.kind, group) if unit is not None else ()
    ranking = rank(listed, of_list, scored.scoring, in_force_at(snapshot, entries))
    thens = await read_thens(context, marks, registry, asked)
    sure = certainty(ranking, scored.scoring).get(code, NOTHING)
    ranked = next((entry for entry in ranking.ranked if entry.unit.code == code), None)
    reason = next((entry.reason for entry in ranking.unranked if entry.unit.code == code), None)
    return UnitRatesAnswer(
        **scored.head(snapshot),
        compared=thens.heads(),
        changes=thens.lines(code, ranked or figures_of(own or {}, scored.scoring)),
        uncertainty=ABOUT,
        known=unit is not None,
        unit=unit_model(unit) if unit else nameless(code),
        rank=ranked.rank if ranked else None,
        ranked_units=len(ranking.ranked),
        bottom=ranked.bottom if ranked else False,
        score=f"{ranked.score:f}" if ranked else None,
        **(adjusted(ranked) if ranked else _UNADJUSTED),
        **surely(sure),
        reason=reason,
        reason_zh=REASONS_ZH[reason] if reason else None,
        **fields(figures(own or {}, scored)),
    )
