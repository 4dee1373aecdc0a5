"""``GET /v1/rankings``: live, as of an instant, or as a revision of a cycle holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field

from schemas.instants import Instant
from schemas.records import FlushMark
from services.api.compare_models import Basis
from services.api.comparing import Comparable, Earlier, earlier, looked_from, read_thens
from services.api.context import ApiContext, ask
from services.api.cycles.frozen_ranking import check_asked, read_frozen
from services.api.kept import Kept, KeptAnswers
from services.api.parameters import WindowQuery, check_kind, choose
from services.api.ranking_lines import ranking_answer
from services.api.ranking_models import RankingAnswer
from services.api.refusals import refusal
from services.api.register import read_entries
from services.api.scored import Scored, scored_by
from services.api.snapshot import live_instant, read_marks, read_sums
from services.api.tables.download import RESPONSES, Download, Format, reply, wanted
from services.api.tables.rankings import list_name, ranking_table
from services.domain.adjustments import Entry
from services.domain.registry import KINDS, Registry
from services.storage import units as stored_units
from services.web.access.caller import Restriction, restriction_of
from services.web.etags import is_known, tag_of

_NO_CACHE: Final = {"Cache-Control": "no-cache"}  # ask again each time; 304 says it still holds


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


def create_rankings_router(context: ApiContext) -> APIRouter:
    """Build the route."""
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
    thens = await read_thens(context, marks, registry, asked)
    return await asyncio.to_thread(
        ranking_answer, snapshot, sums, registry, scored, entries, thens=thens, only=only
    )


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
