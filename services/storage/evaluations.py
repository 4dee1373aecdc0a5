"""Evaluations of rankings: the list, the bottom, and the alerts it gave, in one insert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.instants import Instant
from schemas.records import Position
from services.storage.database import Database


class Series(NamedTuple):
    """What is ranked again and again: one list of one window. ``group`` is "" for all units."""

    ruleset: int
    ranking: str
    kind: str
    group: str
    window_kind: str
    window_name: str


class RankedLine(NamedTuple):
    """One unit of a list; ``score`` is an exact decimal as text."""

    unit: str
    rank: int
    score: str


class Alert(NamedTuple):
    """What changed with an evaluation. The id is the same each time it is sent."""

    id: str
    kind: str
    unit: str


class Evaluation(NamedTuple):
    """One evaluation, numbered from 1 within its series, and what it was computed from."""

    series: Series
    window_from: Instant
    window_to: Instant
    number: int
    as_of: Instant
    positions: Mapping[int, Position]
    ranked: tuple[RankedLine, ...]
    bottom: tuple[str, ...]
    alerts: tuple[Alert, ...]


def write(db: Database, evaluation: Evaluation) -> None:
    """Store an evaluation; writing it twice changes nothing."""
    series, ranked, alerts = evaluation.series, evaluation.ranked, evaluation.alerts
    row = {
        "ruleset": series.ruleset,
        "ranking": series.ranking,
        "kind": series.kind,
        "peer_group": series.group,
        "window_kind": series.window_kind,
        "window_name": series.window_name,
        "window_from": evaluation.window_from,
        "window_to": evaluation.window_to,
        "number": evaluation.number,
        "as_of": evaluation.as_of,
        "positions": [(shard, *at) for shard, at in sorted(evaluation.positions.items())],
        "ranked.unit": [line.unit for line in ranked],
        "ranked.rank": [line.rank for line in ranked],
        "ranked.score": [line.score for line in ranked],
        "bottom": list(evaluation.bottom),
        "alert.id": [alert.id for alert in alerts],
        "alert.kind": [alert.kind for alert in alerts],
        "alert.unit": [alert.unit for alert in alerts],
    }
    db.insert("evaluations", {name: [value] for name, value in row.items()})


def before_switch(db: Database, series: Series, as_of: Instant) -> Evaluation | None:
    """What an earlier ruleset said last of a list that the ruleset of ``series`` never evaluated.

    Of a window with ``as_of``; its bounds and its name may be others than those of ``series``.
    """
    found = db.query(
        "SELECT ruleset, window_name FROM evaluations FINAL"
        " WHERE ruleset < {ruleset:UInt32} AND ranking = {ranking:String} AND kind = {kind:String}"
        " AND peer_group = {group:String} AND window_kind = {window_kind:String}"
        " AND window_from <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
        " AND window_to > fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
        " AND NOT EXISTS (SELECT 1 FROM evaluations"
        "  WHERE ruleset = {ruleset:UInt32} AND ranking = {ranking:String}"
        "  AND kind = {kind:String} AND peer_group = {group:String}"
        "  AND window_kind = {window_kind:String})"
        " ORDER BY ruleset DESC, number DESC LIMIT 1",
        {**series._asdict(), "as_of": as_of},
    )
    if not found:
        return None
    ruleset, window_name = found[0]
    return newest(db, series._replace(ruleset=ruleset, window_name=window_name))


def newest(db: Database, series: Series) -> Evaluation | None:
    """The last evaluation of a series."""
    found = listing(db, series, limit=1)
    return found[0] if found else None


def listing(
    db: Database, series: Series, *, before: int | None = None, limit: int = 100
) -> list[Evaluation]:
    """Evaluations of a series, the last first, with numbers below ``before``."""
    found = db.query(
        "SELECT window_from, window_to, number, as_of, positions, `ranked.unit`, `ranked.rank`,"
        " `ranked.score`, bottom, `alert.id`, `alert.kind`, `alert.unit`"
        " FROM evaluations FINAL"
        " WHERE ruleset = {ruleset:UInt32} AND ranking = {ranking:String} AND kind = {kind:String}"
        " AND peer_group = {group:String} AND window_kind = {window_kind:String}"
        " AND window_name = {window_name:String}"
        " AND ({all:Bool} OR number < {before:UInt64})"
        " ORDER BY number DESC LIMIT {limit:UInt32}",
        {**series._asdict(), "all": before is None, "before": before or 0, "limit": limit},
    )
    return [_evaluation(series, row) for row in found]


def _evaluation(series: Series, row: tuple[Any, ...]) -> Evaluation:
    window_from, window_to, number, as_of, positions, *lists = row
    units, ranks, scores, bottom, ids, kinds, alerted = lists
    return Evaluation(
        series,
        window_from,
        window_to,
        number,
        as_of,
        {at["shard"]: Position(at["epoch"], at["offset"]) for at in positions},
        tuple(map(RankedLine, units, ranks, scores)),
        tuple(bottom),
        tuple(map(Alert, ids, kinds, alerted)),
    )
