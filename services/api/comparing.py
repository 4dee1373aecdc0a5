"""A window beside the one before it (环比) and that of a year earlier (同比).

Earlier windows are looked at as they stood at the same age, so they are added up from the orders'
spans: a question that compares takes longer than one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, Field

from schemas.instants import Instant
from schemas.records import FlushMark
from services.api.compare_models import Basis, Compared, Line, RateThen
from services.api.context import ApiContext
from services.api.figures import by_unit
from services.api.parameters import Chosen
from services.api.refusals import refusal
from services.api.register import in_force_at, read_entries
from services.api.scored import Scored, scored_by
from services.api.snapshot import read_sums
from services.api.writing import decimal_text, local_text
from services.domain.adjustments import Entry
from services.domain.changes import Figured, changes
from services.domain.earlier_windows import Comparison, comparison, same_period_last_year
from services.domain.pooling import sums_of_kind
from services.domain.ranking import Ranking, figures_of, rank
from services.domain.registry import Registry
from services.domain.score import OwnSums
from services.domain.windows import WindowError

Wanted = Literal["previous", "year", "both"]

_BASES: Final[Mapping[Wanted | None, Sequence[Basis]]] = {
    None: (),
    "previous": ("previous",),
    "year": ("year",),
    "both": ("previous", "year"),
}


class Comparable(BaseModel):
    """A question that may ask for comparisons."""

    compare: Wanted | None = Field(
        None,
        description="Each line beside the previous window, as it stood at the same local day and "
        "time, the same window a year earlier, or both. 与上期（环比）、上年同期（同比）对比。",
    )


class Earlier(NamedTuple):
    """A window to compare with, how it is scored, and the adjustments of its units."""

    compared: Comparison
    scored: Scored
    entries: Sequence[Entry]


class Then(NamedTuple):
    """How a list stood in an earlier window; ``entries`` its units, ``own`` all units' sums."""

    head: Compared
    ranking: Ranking
    entries: Mapping[str, Figured]
    own: Mapping[str, OwnSums]
    scored: Scored

    def line(self, code: str, now: Figured) -> Line:
        """One unit then, and what has changed until now."""
        found = changes(now, self._figures(code))
        return Line(
            rank=found.rank,
            rank_change=found.rank_change,
            score=decimal_text(found.score),
            score_change=decimal_text(found.score_change),
            volume=found.volume,
            volume_change=decimal_text(found.volume_change),
            indicators={
                name: RateThen(rate=decimal_text(each.rate), change=decimal_text(each.change))
                for name, each in found.rates.items()
            },
        )

    def _figures(self, code: str) -> Figured:
        found = self.entries.get(code)
        return found or figures_of(self.own.get(code, {}), self.scored.scoring)


class Thens(dict[Basis, Then]):
    """All windows that were asked for; none without a question."""

    def heads(self) -> dict[Basis, Compared] | None:
        """For the head of an answer."""
        return {basis: then.head for basis, then in self.items()} or None

    def lines(self, code: str, now: Figured) -> dict[Basis, Line] | None:
        """For the line of one unit."""
        return {basis: then.line(code, now) for basis, then in self.items()} or None


async def earlier(
    context: ApiContext, wanted: Wanted | None, scored: Scored, at: Instant
) -> dict[Basis, Earlier]:
    """What a window that is looked at from ``at`` is compared with.

    Raises:
        Problem: 422, there is no window before this one.
    """
    policy, found = context.policy, dict[Basis, Earlier]()
    for basis in _BASES[wanted]:
        compare = comparison if basis == "previous" else same_period_last_year
        try:
            compared = compare(policy, scored.window, at)
        except WindowError:
            raise refusal(
                "invalid_window",
                "There is no window before this one, from 1900 on.",
                "该窗口之前没有可比的窗口（1900 年起）。",
            ) from None
        then = scored_by(policy, compared.window, scored.kind, scored.group)
        found[basis] = Earlier(compared, then, await read_entries(context, then))
    return found


async def read_thens(
    context: ApiContext,
    marks: Mapping[int, FlushMark],
    registry: Registry,
    asked: Mapping[Basis, Earlier],
) -> Thens:
    """Rank the units of a list in each of the earlier windows, by the registry of now."""
    return Thens(
        {basis: await _read(context, marks, registry, each) for basis, each in asked.items()}
    )


def looked_from(chosen: Chosen, live_at: Instant) -> Instant:
    """The instant at which a window is compared: ``as_of``, or live the stored clock."""
    return live_at if chosen.as_of is None else chosen.as_of


async def _read(
    context: ApiContext, marks: Mapping[int, FlushMark], registry: Registry, asked: Earlier
) -> Then:
    (window, as_of), scored = asked.compared, asked.scored
    snapshot, found = await read_sums(context, marks, window, as_of, scored.scoring.basis)
    sums = sums_of_kind(found, registry, scored.kind)
    listed = registry.of_kind(scored.kind, scored.group)
    ranking = rank(listed, sums, scored.scoring, in_force_at(snapshot, asked.entries))
    entries: dict[str, Figured] = {entry.unit.code: entry for entry in ranking.ranked}
    entries |= {entry.unit.code: entry for entry in ranking.unranked}
    return Then(
        head=Compared(
            window=snapshot.window_text(window),
            as_of=local_text(as_of, context.policy.time_zone),
            version=scored.rules.version,
        ),
        ranking=ranking,
        entries=entries,
        own=by_unit(sums),
        scored=scored,
    )
