"""``GET /v1/reports/monthly.xlsx`` (月度通报): the workbook of a cycle, ready to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.instants import Instant
from schemas.records import FlushMark, Sums
from services.api.context import ApiContext
from services.api.cycles.frozen_ranking import Frozen, check_asked, read_frozen
from services.api.gain_models import GainsAnswer
from services.api.gains import read_gains
from services.api.parameters import Chosen, WindowQuery, check_kind, choose
from services.api.ranking_lines import ranking_answer
from services.api.ranking_models import RankingAnswer
from services.api.rankings import check_list, marks_and_units
from services.api.register import read_entries
from services.api.scored import scored_by
from services.api.snapshot import Snapshot, live_instant, read_sums
from services.api.tables.download import EXCEL, sent
from services.api.tables.monthly import Bulletin, monthly_tables
from services.api.tables.rankings import KINDS_ZH
from services.domain.registry import KINDS, Registry
from services.domain.windows import Window
from services.storage.readers import UnitIndicator
from services.web.problems import Problem


class MonthlyQuery(BaseModel):
    """Which cycle, of which units, as of when."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str | None, Field(max_length=20)] = Field(
        None, description="Name of the cycle, such as 2026-11; the present one if left out. 周期。"
    )
    kind: Annotated[str, Field(max_length=20)] = Field(
        "street", description=f"One of {', '.join(sorted(KINDS))}. 单位类别。"
    )
    as_of: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="A past instant; what is stored now if left out. 截至时刻。"
    )
    revision: Annotated[int | None, Field(ge=1, lt=1 << 32)] = Field(
        None, description="As this revision of the frozen cycle `name` holds it. 冻结版次。"
    )


def create_reports_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["reports"])

    @router.get(
        "/v1/reports/monthly.xlsx",
        response_class=Response,
        summary="The workbook of a cycle, ready to be sent · 月度通报",
        responses={
            200: {
                "description": "An Excel workbook · Excel 工作簿",
                "content": {EXCEL: {"schema": {"type": "string", "format": "binary"}}},
            },
            304: {"description": "Unchanged since the ETag · 无变化"},
        },
    )
    async def monthly(query: Annotated[MonthlyQuery, Query()]) -> Response:
        """Give ranking, bottom, peer groups, gains and the unranked of a cycle, with notes.

        All sheets are as of one instant, which the workbook names with policy and log positions;
        or of one revision, which has no gains.
        排名、末位、分类排名、环比、未参加排名及说明，全部取自同一时刻，或同一冻结版次。
        """
        kind = KINDS_ZH.get(query.kind, query.kind)
        if query.revision is not None:
            check_kind(query.kind)
            cycle = check_asked("cycle", query.name, query.as_of)
            frozen, names = await _frozen(context, cycle, query.revision, query.kind)
            return await sent(
                "xlsx",
                lambda: monthly_tables(frozen, names),
                f"{kind}考核通报-{cycle}-{query.revision}",
            )
        marks, registry = await marks_and_units(context)
        check_list(registry, query.kind, "")
        live_at = await live_instant(context, marks)
        asked = WindowQuery(window="cycle", name=query.name, as_of=query.as_of)
        window, as_of = choose(context, asked, live_at)
        at = live_at if as_of is None else as_of
        bulletin = await _Reading(context, marks, registry, window, at).bulletin(query.kind)
        return await sent(
            "xlsx",
            lambda: monthly_tables(bulletin, registry.names()),
            f"{kind}考核通报-{window.name}",
        )

    return router


async def _frozen(
    context: ApiContext, cycle: str, revision: int, kind: str
) -> tuple[Bulletin, dict[str, str]]:
    """The bulletin that a revision makes, and the names of its units.

    Raises:
        Problem: 404, no such revision.
    """

    async def ranking(group: str) -> tuple[Frozen, RankingAnswer]:
        found = await read_frozen(context, cycle, revision, kind, group)
        answer = ranking_answer(
            found.snapshot, found.sums, found.registry, found.scored, found.entries
        )
        return found, answer.model_copy(update=found.head)

    found, whole = await ranking("")
    groups = [(await ranking(group))[1] for group in found.registry.groups(kind)]
    bulletin = Bulletin(whole, groups, None, found.scored.scoring.bottom, is_over=True)
    return bulletin, found.registry.names()


class _Reading:
    """Reads the lists of one window as of one instant; sums that several need only once."""

    def __init__(
        self,
        context: ApiContext,
        marks: Mapping[int, FlushMark],
        registry: Registry,
        window: Window,
        at: Instant,
    ) -> None:
        self._context = context
        self._marks = marks
        self._registry = registry
        self._window = window
        self._at = at
        self._sums: dict[str, tuple[Snapshot, dict[UnitIndicator, Sums]]] = {}

    async def bulletin(self, kind: str) -> Bulletin:
        """Everything about the units of a kind."""
        rules = self._context.policy.at(self._window.ends_at - 1)
        return Bulletin(
            ranking=await self._ranking(kind, ""),
            groups=[await self._ranking(kind, each) for each in self._registry.groups(kind)],
            gains=await self._gains(kind),
            bottom=rules.scorings.of(kind).bottom,
            is_over=self._at >= self._window.ends_at,
        )

    async def _ranking(self, kind: str, group: str) -> RankingAnswer:
        scored = scored_by(self._context.policy, self._window, kind, group)
        basis = scored.scoring.basis
        if basis not in self._sums:
            self._sums[basis] = await read_sums(
                self._context, self._marks, self._window, self._at, basis
            )
        snapshot, sums = self._sums[basis]
        entries = await read_entries(self._context, scored)
        return ranking_answer(snapshot, sums, self._registry, scored, entries)

    async def _gains(self, kind: str) -> GainsAnswer | None:
        try:
            return await read_gains(
                self._context,
                self._marks,
                self._registry,
                Chosen(self._window, self._at),
                kind=kind,
                group="",
                live_at=self._at,
            )
        except Problem as problem:
            if problem.code != "invalid_window":
                raise
            return None
