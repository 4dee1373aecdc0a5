"""``GET /v1/units/{code}/series`` and ``GET /v1/series``: the same figures, window after window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ConfigDict, Field

from schemas.fields import Code
from schemas.instants import Instant
from schemas.records import FlushMark, Sums
from services.api.context import ApiContext, ask
from services.api.figures import figures, nameless, unit_model
from services.api.models import UnitModel
from services.api.parameters import read_as_of, read_instant
from services.api.ranking_models import Figures
from services.api.rankings import check_list, marks_and_units
from services.api.refusals import refusal
from services.api.scored import Scored, scored_by
from services.api.series_models import Point, SeriesAnswer, Step
from services.api.snapshot import Snapshot, live_instant, read_marks
from services.api.tables.download import RESPONSES, Download, reply, wanted
from services.api.tables.series import series_table, whose
from services.api.writing import decimal_text
from services.domain.pooling import holders, parts_of
from services.domain.registry import KINDS
from services.domain.score import OwnSums, samples, score
from services.domain.windows import Window, WindowError, windows_between

MOST_STEPS: Final = 400
_ATTEMPTS: Final = 10

_Time = Annotated[str, Field(max_length=40, examples=["2026-11-19T00:00:00+08:00"])]


class UnitSeriesQuery(Download):
    """Which windows, and whom a unit is scored with."""

    model_config = ConfigDict(extra="forbid")

    step: Step = Field(description="What one point covers. 每期的时间窗口类型。")
    from_: _Time = Field(
        alias="from",
        description="The first point is the window that holds it. 首期为包含该时刻的窗口。",
    )
    to: _Time = Field(description="Not included: the last point is the window before or around it. "
        "不含；末期为其之前或包含其前一刻的窗口。")  # fmt: skip
    as_of: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="A past instant to look from; now if left out. 截至时刻，缺省为实时。"
    )
    group: Annotated[str, Field(max_length=64)] = Field(
        "", description="Score as this peer group; all of the kind if empty. 分类组。"
    )


class SeriesQuery(UnitSeriesQuery):
    """The same of all units of a list together."""

    kind: Annotated[str, Field(max_length=20)] = Field(
        "street", description=f"One of {', '.join(sorted(KINDS))}. 单位类别。"
    )


class _Whose(NamedTuple):
    """The units that are added up, and whom they are scored as."""

    codes: Sequence[str]
    unit: UnitModel | None
    kind: str
    group: str


def create_series_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["rates"])

    @router.get(
        "/v1/series",
        response_model=SeriesAnswer,
        summary="Figures pooled over a list, by day, week, cycle or month · 合计时间序列",
        responses=RESPONSES,
    )
    async def series(request: Request, query: Annotated[SeriesQuery, Query()]) -> Response:
        """Give the totals of a list, window after window: numerators and denominators are pooled.

        按日、周、周期或月给出合计，分子分母相加。
        """
        marks, registry = await marks_and_units(context)
        check_list(registry, query.kind, query.group)
        codes = holders(registry.of_kind(query.kind, query.group), registry)
        asked = _Whose(list(codes), None, query.kind, query.group)
        return await _reply(request, query, await _series(context, marks, query, asked))

    @router.get(
        "/v1/units/{code:path}/series",
        response_model=SeriesAnswer,
        summary="The figures of one unit, by day, week, cycle or month · 单位时间序列",
        responses={
            **RESPONSES,
            404: {"description": "Neither registered nor counted · 未登记且无工单"},
        },
    )
    async def unit_series(
        request: Request,
        code: Annotated[Code, Path()],
        query: Annotated[UnitSeriesQuery, Query()],
    ) -> Response:
        """Give the figures of one unit, window after window.

        按日、周、周期或月给出该单位的指标。
        """
        marks, registry = await marks_and_units(context)
        unit = registry.get(code)
        if unit is not None:
            check_list(registry, unit.kind, query.group)
        model = unit_model(unit) if unit else nameless(code)
        codes = parts_of(unit, registry) if unit else [code]
        asked = _Whose(codes, model, model.kind, query.group)
        answer = await _series(context, marks, query, asked)
        if unit is None and not any(_counted(point) for point in answer.points):
            raise refusal(
                "unknown_unit",
                "No unit of this code is registered, and no order in the windows names it.",
                "没有登记该代码的单位，各窗口内也没有它的工单。",
            )
        return await _reply(request, query, answer)

    return router


async def _series(
    context: ApiContext, marks: Mapping[int, FlushMark], query: UnitSeriesQuery, asked: _Whose
) -> SeriesAnswer:
    as_of = read_as_of(context, query.as_of)
    steps = [
        scored_by(context.policy, each, asked.kind, asked.group) for each in _steps(context, query)
    ]
    marks, sums = await _read(context, marks, steps, asked.codes, as_of)
    snapshot = Snapshot(context, marks, as_of)
    at = await live_instant(context, marks) if as_of is None else as_of
    return SeriesAnswer(
        **snapshot.head(),
        step=query.step,
        unit=asked.unit,
        kind=asked.kind,
        group=asked.group,
        points=[_point(snapshot, each, sums.get(each.window.begins_at, {}), at) for each in steps],
    )


def _steps(context: ApiContext, query: UnitSeriesQuery) -> list[Window]:
    """The windows from the one that holds ``from`` on.

    Raises:
        Problem: 422, none, too many, or outside the years.
    """
    begins_at, ends_at = read_instant("from", query.from_), read_instant("to", query.to)
    try:
        return windows_between(context.policy, query.step, begins_at, ends_at, MOST_STEPS)
    except WindowError as error:
        raise refusal(
            "invalid_window",
            f"{str(error)[0].upper()}{str(error)[1:]}.",
            f"from 须早于 to，年份在 1900 至 2299 之间，且不超过 {MOST_STEPS} 期。",
            path="to",
        ) from None


async def _read(
    context: ApiContext,
    marks: Mapping[int, FlushMark],
    steps: Sequence[Scored],
    codes: Sequence[str],
    as_of: Instant | None,
) -> tuple[Mapping[int, FlushMark], dict[Instant, dict[str, Sums]]]:
    """Sums by step, and the flushes that they are exactly those of (as `read_sums` does).

    One question, and one more wherever a version counts the orders of this list otherwise.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            marks = await read_marks(context)
        sums: dict[Instant, dict[str, Sums]] = {}
        settled = True
        for basis, part in groupby(steps, key=lambda step: step.scoring.basis):
            windows = [step.window for step in part]
            bounds = [each.begins_at for each in windows] + [windows[-1].ends_at]
            where = (context.ruleset, basis)
            found = await ask(
                context.readers.series_sums, *where, codes, bounds, as_of, marks=marks
            )
            for (begins_at, indicator), value in found.items():
                sums.setdefault(begins_at, {})[indicator] = value
            if as_of is None:
                versions = await ask(context.readers.live_versions, *where, bounds[0], bounds[-1])
                settled &= all(
                    shard in marks and version <= marks[shard].version()
                    for shard, version in versions.items()
                )
        if settled:
            break
    return marks, sums


def _point(snapshot: Snapshot, scored: Scored, own: OwnSums, at: Instant) -> Point:
    scoring = scored.scoring
    is_enough = min(samples(own, scoring).values()) >= scoring.minimum_sample
    found = figures(own, scored)
    return Point(
        window=snapshot.window_text(scored.window),
        version=scored.rules.version,
        ended=scored.window.ends_at <= at,
        score_before=decimal_text(score(own, scoring)) if is_enough else None,
        **{name: getattr(found, name) for name in Figures.model_fields},
    )


def _counted(point: Point) -> bool:
    rates = point.indicators.values()
    return bool(point.volume or point.incomplete or point.returned) or any(
        rate.denominator for rate in rates
    )


async def _reply(request: Request, query: UnitSeriesQuery, answer: SeriesAnswer) -> Response:
    form = wanted(request, query.format)
    return await reply(form, answer, lambda: [series_table(answer)], f"{whose(answer)}时间序列")
