"""``GET /v1/rankings`` and ``GET /v1/units/{code}/rates``: the same figures, of all or of one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from schemas.fields import Code
from schemas.instants import Instant
from schemas.records import FlushMark, Sums
from services.api.certainty import ABOUT, NOTHING, certainty
from services.api.certainty_models import Surely
from services.api.compare_models import Basis
from services.api.comparing import Comparable, Earlier, Thens, earlier, looked_from, read_thens
from services.api.context import ApiContext, ask
from services.api.cycles.frozen_ranking import check_asked, read_frozen
from services.api.figures import REASONS_ZH, by_unit, figures, nameless, pooled, unit_model, written
from services.api.kept import Kept, KeptAnswers
from services.api.parameters import WindowQuery, check_kind, choose
from services.api.ranking_models import (
    Figures,
    Ranked,
    RankingAnswer,
    UnitRatesAnswer,
    UnknownUnit,
    Unranked,
)
from services.api.refusals import refusal
from services.api.register import in_force_at, read_entries
from services.api.scored import Scored, scored_by
from services.api.snapshot import Snapshot, live_instant, read_marks, read_sums
from services.api.tables.download import RESPONSES, Download, Format, reply, wanted
from services.api.tables.rankings import list_name, ranking_table
from services.api.writing import plain_text
from services.domain.adjustments import Entry
from services.domain.ranking import RankedUnit, figures_of, rank
from services.domain.registry import KINDS, Registry
from services.storage import units as stored_units
from services.storage.readers import UnitIndicator
from services.web.access.caller import Restriction, restriction_of
from services.web.etags import is_known, tag_of

_ALONE: Final = Thens()
_NO_CACHE: Final = {"Cache-Control": "no-cache"}  # ask again each time; 304 says it still holds
_NOBODY = ""  # the unit of orders that no unit leads


class UnitRatesQuery(WindowQuery):
    """A window, and whom a unit is ranked with."""

    group: Annotated[str, Field(max_length=64)] = Field(
        "", description="Rank within this peer group; all of the kind if empty. 分类组。"
    )


class RankingQuery(UnitRatesQuery, Download):
    """A window, and which units are ranked."""

    kind: Annotated[str, Field(max_length=20)] = Field(
        "street", description=f"One of {', '.join(sorted(KINDS))}. 单位类别。"
    )


class PublishedQuery(RankingQuery):
    """The same, or what a revision of a cycle holds."""

    revision: Annotated[int | None, Field(ge=1, lt=1 << 32)] = Field(
        None, description="Frozen numbers of the cycle `name`; live ones if left out. 冻结版次。"
    )


class _RankingsQuery(PublishedQuery, Comparable):
    """A ranking, and what it is compared with."""


class _RatesQuery(UnitRatesQuery, Comparable):
    """The same of one unit."""


def create_rankings_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["rates"])
    answers = KeptAnswers(context.fresh_for)

    @router.get(
        "/v1/rankings",
        response_model=RankingAnswer,
        summary="Ranking of units, live or as of an instant · 排名",
        responses=RESPONSES,
    )
    async def rankings(
        request: Request,
        query: Annotated[_RankingsQuery, Query()],
        if_none_match: Annotated[str | None, Header(max_length=500)] = None,
    ) -> Response:
        """Rank units by their score. `If-None-Match` with the last ETag saves the answer.

        按综合得分排名；带上次的 ETag 可避免重复传输。
        """
        if query.revision is not None and query.compare is not None:
            raise refusal(
                "invalid_window",
                "A revision is compared with nothing: leave compare out.",
                "版次不与其他窗口对比，请不要给出 compare。",
                path="compare",
            )
        if query.revision is not None:
            return await _frozen_reply(context, request, query, query.revision)
        form, only = wanted(request, query.format), restriction_of(request)
        question = (context.ruleset, form, query.model_dump_json(), only and only.units)
        kept = await answers.get(question, lambda last: _live(context, query, form, only, last))
        if is_known(kept.tag, if_none_match or ""):
            return Response(status_code=304, headers={"ETag": kept.tag, **_NO_CACHE})
        return kept.response

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


async def _live(
    context: ApiContext,
    query: _RankingsQuery,
    form: Format,
    only: Restriction | None,
    last: Kept | None,
) -> Kept:
    """The ranking of what is stored now; the last answer, if nothing that it tells has changed."""
    marks, registry = await marks_and_units(context)
    check_list(registry, query.kind, query.group)
    live_at = await live_instant(context, marks)
    chosen = choose(context, query, live_at)
    scored = scored_by(context.policy, chosen.window, query.kind, query.group)
    entries = await read_entries(context, scored)
    asked = await earlier(context, query.compare, scored, looked_from(chosen, live_at))
    beside = [(basis, each.compared, each.entries) for basis, each in asked.items()]
    told = (query.kind, query.group, chosen, entries, form, beside, only and only.units)
    tag = _tag(context, marks, registry, told)
    if last is not None and last.tag == tag:
        return last
    answer = await _ranking(
        context,
        marks,
        registry,
        scored,
        as_of=chosen.as_of,
        entries=entries,
        asked=asked,
        only=only,
    )
    name = f"{list_name(query.kind, query.group)}排名-{answer.window.name}"
    headers = {"ETag": tag, **_NO_CACHE}
    table = partial(ranking_table, answer, registry.names())
    return Kept(tag, await reply(form, answer, lambda: [table()], name, headers))


async def marks_and_units(context: ApiContext) -> tuple[dict[int, FlushMark], Registry]:
    """The last flush of every shard, and the registry."""
    marks, units = await asyncio.gather(
        read_marks(context), ask(stored_units.all_units, context.database)
    )
    return marks, Registry(units)


async def _frozen_reply(
    context: ApiContext, request: Request, query: RankingQuery, revision: int
) -> Response:
    """The ranking that a revision of a cycle holds; it never changes."""
    cycle = check_asked(query.window, query.name, query.from_, query.to, query.as_of)
    check_kind(query.kind)
    found = await read_frozen(context, cycle, revision, query.kind, query.group)
    check_list(found.registry, query.kind, query.group)
    live = ranking_answer(
        found.snapshot,
        found.sums,
        found.registry,
        found.scored,
        found.entries,
        only=restriction_of(request),
    )
    answer = live.model_copy(update=found.head)
    name = f"{list_name(query.kind, query.group)}排名-{cycle}-{revision}"
    names = found.registry.names()
    form = wanted(request, query.format)
    return await reply(form, answer, lambda: [ranking_table(answer, names)], name)


async def _ranking(
    context: ApiContext,
    marks: Mapping[int, FlushMark],
    registry: Registry,
    scored: Scored,
    *,
    as_of: Instant | None,
    entries: Sequence[Entry],
    asked: Mapping[Basis, Earlier],
    only: Restriction | None,
) -> RankingAnswer:
    basis = scored.scoring.basis
    snapshot, sums = await read_sums(context, marks, scored.window, as_of, basis)
    thens = await read_thens(context, marks, registry.of_kind(scored.kind, scored.group), asked)
    return await asyncio.to_thread(
        ranking_answer, snapshot, sums, registry, scored, entries, thens=thens, only=only
    )


def ranking_answer(
    snapshot: Snapshot,
    sums: Mapping[UnitIndicator, Sums],
    registry: Registry,
    scored: Scored,
    entries: Sequence[Entry],
    *,
    thens: Thens = _ALONE,
    only: Restriction | None = None,
) -> RankingAnswer:
    """Rank the units of a list by sums that were read; these must be those of its ``basis``.

    ``thens`` are earlier windows, beside which each line is put. With ``only`` all are ranked, and
    nothing but the places and numbers of these units is told.
    """
    sees = _everybody if only is None else only.sees
    listed = registry.of_kind(scored.kind, scored.group)
    ranking = rank(listed, sums, scored.scoring, in_force_at(snapshot, entries))
    own = {code: found for code, found in by_unit(sums).items() if sees(code)}
    sure = certainty(ranking, scored.scoring)
    return RankingAnswer(
        **scored.head(snapshot),
        compared=thens.heads(),
        kind=scored.kind,
        group=scored.group,
        uncertainty=ABOUT,
        bottom=[e.unit.code for e in ranking.ranked if e.bottom and sees(e.unit.code)],
        ranked=[
            Ranked(
                rank=entry.rank,
                bottom=entry.bottom,
                unit=unit_model(entry.unit),
                score=f"{entry.score:f}",
                changes=thens.lines(entry.unit.code, entry),
                **_adjusted(entry),
                **_surely(sure[entry.unit.code]),
                **_fields(written(entry, own.get(entry.unit.code, {}), scored)),
            )
            for entry in ranking.ranked
            if sees(entry.unit.code)
        ],
        unranked=[
            Unranked(
                unit=unit_model(entry.unit),
                reason=entry.reason,
                reason_zh=REASONS_ZH[entry.reason],
                changes=thens.lines(entry.unit.code, entry),
                **_fields(written(entry, own.get(entry.unit.code, {}), scored)),
            )
            for entry in ranking.unranked
            if sees(entry.unit.code)
        ],
        unknown_units=[
            UnknownUnit(code=code, figures=figures(found, scored))
            for code, found in sorted(own.items())
            if code != _NOBODY and code not in registry
        ],
        undispatched=figures(own.get(_NOBODY, {}), scored),
        incomplete=pooled(own.values()).get("incomplete", Sums(0, 0)).denominator,
        totals=figures(pooled(own.get(unit.code, {}) for unit in listed), scored),
    )


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
    own = by_unit(sums).get(code)
    if unit is None and own is None:
        raise refusal(
            "unknown_unit",
            "No unit of this code is registered, and no order in the window names it.",
            "没有登记该代码的单位，窗口内也没有它的工单。",
        )
    listed = registry.of_kind(unit.kind, group) if unit is not None else ()
    ranking = rank(listed, sums, scored.scoring, in_force_at(snapshot, entries))
    thens = await read_thens(context, marks, listed, asked)
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
        **(_adjusted(ranked) if ranked else _UNADJUSTED),
        **_surely(sure),
        reason=reason,
        reason_zh=REASONS_ZH[reason] if reason else None,
        **_fields(figures(own or {}, scored)),
    )


def _everybody(_unit: str) -> bool:
    return True


_UNADJUSTED: Final[Mapping[str, Any]] = {
    "score_before": None,
    "adjustment": None,
    "adjusted_by": [],
}


def _adjusted(entry: RankedUnit) -> dict[str, Any]:
    return {
        "score_before": f"{entry.score_before:f}",
        "adjustment": plain_text(entry.adjustment),
        "adjusted_by": [counted.id for counted in entry.adjusted_by],
    }


def _surely(sure: Surely) -> dict[str, Any]:
    return {name: getattr(sure, name) for name in Surely.model_fields}


def _fields(found: Figures) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Figures.model_fields}


def check_list(registry: Registry, kind: str, group: str) -> None:
    """Refuse a ranking that cannot exist.

    Raises:
        Problem: 422.
    """
    check_kind(kind)
    groups = registry.groups(kind)
    if group and group not in groups:
        raise refusal(
            "unknown_group",
            f"Groups of this kind are {', '.join(groups) or 'none'}.",
            f"该类单位的分类组：{'、'.join(groups) or '无'}。",
            path="group",
        )


def _tag(
    context: ApiContext, marks: Mapping[int, FlushMark], registry: Registry, asked: object
) -> str:
    """A weak ETag: everything that an answer depends on."""
    content = (
        context.ruleset,
        context.policy.checksum,
        context.partitions,
        sorted((shard, mark.version()) for shard, mark in marks.items()),
        list(registry),
        asked,
    )
    return tag_of(repr(content).encode())
