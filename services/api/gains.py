"""``GET /v1/rankings/gains`` (环比排名): units by what their score gained on the previous window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from schemas.instants import Instant
from schemas.records import FlushMark
from services.api.comparing import earlier, looked_from, read_thens
from services.api.context import ApiContext
from services.api.figures import unit_model
from services.api.gain_models import Gained, GainsAnswer
from services.api.parameters import Chosen, choose
from services.api.rankings import RankingQuery, check_list, marks_and_units
from services.api.register import in_force_at, read_entries
from services.api.scored import scored_by
from services.api.snapshot import live_instant, read_sums
from services.api.tables.download import RESPONSES, reply, wanted
from services.api.tables.rankings import gains_table, list_name
from services.domain.gains import rank_by_gain
from services.domain.pooling import sums_of_kind
from services.domain.ranking import rank
from services.domain.registry import Registry


def create_gains_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["rates"])

    @router.get(
        "/v1/rankings/gains",
        response_model=GainsAnswer,
        summary="Ranking by gain on the previous window · 环比排名",
        responses=RESPONSES,
    )
    async def gains(request: Request, query: Annotated[RankingQuery, Query()]) -> Response:
        """Rank units with a score in both windows by what they gained.

        The previous window is looked at as it stood at the same age: at the same day of the
        previous month, for a cycle. Each window is scored by the version at its own end.
        两期得分均有的单位按环比增量排名；上期取同日口径。
        """
        marks, registry = await marks_and_units(context)
        check_list(registry, query.kind, query.group)
        live_at = await live_instant(context, marks)
        chosen = choose(context, query, live_at)
        answer = await read_gains(
            context,
            marks,
            registry,
            chosen,
            kind=query.kind,
            group=query.group,
            live_at=live_at,
        )
        name = f"{list_name(query.kind, query.group)}环比排名-{answer.window.name}"
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [gains_table(answer, registry.names())],
            name,
        )

    return router


async def read_gains(
    context: ApiContext,
    marks: Mapping[int, FlushMark],
    registry: Registry,
    chosen: Chosen,
    *,
    kind: str,
    group: str,
    live_at: Instant,
) -> GainsAnswer:
    """Rank one list by gain; a live window is compared as it stands at ``live_at``.

    Raises:
        Problem: 422, there is no window before this one.
    """
    now = scored_by(context.policy, chosen.window, kind, group)
    asked = await earlier(context, "previous", now, looked_from(chosen, live_at))
    listed = registry.of_kind(kind, group)
    snapshot, sums = await read_sums(context, marks, *chosen, now.scoring.basis)
    entries = await read_entries(context, now)
    present = rank(
        listed,
        sums_of_kind(sums, registry, kind),
        now.scoring,
        in_force_at(snapshot, entries),
    )
    before = (await read_thens(context, marks, registry, asked))["previous"]
    found = rank_by_gain(present, before.ranking, now.scoring)
    return GainsAnswer(
        **now.head(snapshot),
        kind=kind,
        group=group,
        compared=before.head,
        ranked=[
            Gained(
                rank=entry.rank,
                unit=unit_model(entry.unit),
                gain=f"{entry.gain:f}",
                score=f"{entry.score:f}",
                previous_score=f"{entry.score_before:f}",
            )
            for entry in found.ranked
        ],
        unranked=[unit_model(unit) for unit in found.unranked],
    )
