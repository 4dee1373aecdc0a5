"""``GET /v1/elapsed``: how long units took to sign, to contact and to resolve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from schemas.instants import EARLIEST, Instant
from schemas.records import FlushMark, Unit
from services.api.context import ApiContext, ask
from services.api.elapsed_models import ElapsedAnswer, ElapsedFigures, ElapsedLine, StepElapsed
from services.api.figures import nameless, unit_model
from services.api.parameters import choose
from services.api.rankings import UnitRatesQuery, check_list, marks_and_units
from services.api.refusals import refusal
from services.api.scored import Scored, scored_by
from services.api.snapshot import Snapshot, live_instant, read_marks
from services.api.tables.download import RESPONSES, Download, reply, wanted
from services.api.tables.elapsed import elapsed_table
from services.api.writing import plain_text
from services.domain.pooling import holders
from services.domain.registry import KINDS, Registry
from services.storage.elapsed_reader import ALL, Took, UnitElapsed, elapsed_quantiles
from services.storage.movers import Range

_ATTEMPTS: Final = 3  # each looks at every order of the window
_NOTHING: Final = Took(0, None, None)
_NO_ORDERS: Final = UnitElapsed(0, 0, {})
_MICRO: Final = -6


class ElapsedQuery(UnitRatesQuery, Download):
    """A window, and whose times are told."""

    unit: Annotated[str | None, Field(min_length=1, max_length=64)] = Field(
        None, description="Code of one unit; else all of `kind` and `group`. 单位代码。"
    )
    kind: Annotated[str | None, Field(max_length=20)] = Field(
        None,
        description=f"One of {', '.join(sorted(KINDS))}; street if no unit is given either. "
        "单位类别，缺省为街道。",
    )


class _Asked(NamedTuple):
    """Whose times are told, and by the code of each unit whose orders count: the unit they count for."""

    units: Sequence[Unit]
    held: Mapping[str, str]
    kind: str
    group: str


def create_elapsed_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["rates"])

    @router.get(
        "/v1/elapsed",
        response_model=ElapsedAnswer,
        summary="Elapsed times to sign, contact and resolve · 签收、联系、办结用时",
        responses={
            **RESPONSES,
            404: {"description": "Neither registered nor counted · 未登记且无工单"},
        },
    )
    async def elapsed(request: Request, query: Annotated[ElapsedQuery, Query()]) -> Response:
        """Tell the median and the 90th percentile of each unit, with the sample behind them.

        Times run on the wall clock from the dispatch to the unit that leads. Every order of the
        window is looked at: this takes longer than a ranking.
        给出各单位签收、联系、办结用时的中位数和 90 分位数及样本量；自派单起按自然时间计算。
        """
        marks, registry = await marks_and_units(context)
        asked = _asked(registry, query)
        window, as_of = choose(context, query, await live_instant(context, marks))
        scored = scored_by(context.policy, window, asked.kind, asked.group)
        read_at, found = await _read(context, marks, scored, asked, as_of)
        if query.unit is not None and query.unit not in registry and not found:
            raise refusal(
                "unknown_unit",
                "No unit of this code is registered, and no order in the window names it.",
                "没有登记该代码的单位，窗口内也没有它的工单。",
            )
        answer = ElapsedAnswer(
            **scored.head(Snapshot(context, read_at, as_of)),
            kind=asked.kind,
            group=asked.group,
            units=[
                ElapsedLine(
                    unit=unit_model(unit) if unit.code in registry else nameless(unit.code),
                    **_fields(found.get(unit.code, _NO_ORDERS)),
                )
                for unit in asked.units
            ],
            total=ElapsedFigures(**_fields(found.get(ALL, _NO_ORDERS))),
        )
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [elapsed_table(answer, registry.names())],
            f"用时-{query.unit or asked.kind}-{answer.window.name}",
        )

    return router


def _asked(registry: Registry, query: ElapsedQuery) -> _Asked:
    """Read whose times are meant.

    Raises:
        Problem: 422, no such kind or group, or the unit is of another kind.
    """
    if query.unit is None:
        kind = query.kind or "street"
        check_list(registry, kind, query.group)
        units = registry.of_kind(kind, query.group)
        return _Asked(units, holders(units, registry), kind, query.group)
    unit = registry.get(query.unit) or Unit(query.unit, "", "")
    if query.kind not in (None, unit.kind):
        raise refusal(
            "unknown_kind",
            "The unit is of another kind: leave kind out.",
            "该单位不属于此类别，请不要给出 kind。",
            path="kind",
        )
    if unit.kind:
        check_list(registry, unit.kind, query.group)
    return _Asked((unit,), holders((unit,), registry), unit.kind, query.group)


async def _read(
    context: ApiContext,
    marks: Mapping[int, FlushMark],
    scored: Scored,
    asked: _Asked,
    as_of: Instant | None,
) -> tuple[Mapping[int, FlushMark], dict[str, UnitElapsed]]:
    """The times, and the flushes that they are exactly those of (as `read_sums` does)."""
    window = scored.window
    of = Range(context.ruleset, scored.scoring.basis, window.begins_at, window.ends_at)
    for attempt in range(_ATTEMPTS):
        if attempt:
            marks = await read_marks(context)
        clocks = {shard: mark.clock if as_of is None else as_of for shard, mark in marks.items()}
        otherwise = EARLIEST if as_of is None else as_of
        found = await ask(elapsed_quantiles, context.database, of, asked.held, clocks, otherwise)
        if as_of is not None:
            break
        versions = await ask(context.readers.order_versions, context.ruleset)
        if all(
            shard in marks and version <= marks[shard].version()
            for shard, version in versions.items()
        ):
            break
    return marks, found


def _fields(found: UnitElapsed) -> dict[str, Any]:
    return {
        "volume": found.volume,
        "untimed": found.untimed,
        **{step: _step(found.steps.get(step, _NOTHING)) for step in ("sign", "contact", "resolve")},
    }


def _step(took: Took) -> StepElapsed:
    return StepElapsed(sample=took.sample, p50=_seconds(took.p50), p90=_seconds(took.p90))


def _seconds(took: int | None) -> str | None:
    return None if took is None else plain_text(Decimal(took).scaleb(_MICRO))
