"""Evaluations of rankings: the list, the bottom, and the alerts it gave, in one insert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from schemas.instants import Instant
from schemas.records import Position
from services.domain.alerting import Track, Tracks, Withheld
from services.storage.database import Database

ALERT_COLUMNS: Final = "`alert.id`, `alert.kind`, `alert.unit`, `alert.withheld`, `alert.detail`"
NO_EVIDENCE: Final[Mapping[str, Any]] = MappingProxyType({})


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
    """What changed with an evaluation. The id is the same each time it is sent.

    ``kind`` is the rule, ``name`` what it is called in the policy. ``withheld`` says why it is not
    pushed, "" if it is. ``not_before``: 0, or when it may wake somebody. ``evidence``: numbers by
    name, decimals as text.
    """

    id: str
    kind: str
    unit: str
    name: str = ""
    withheld: Withheld = ""
    not_before: Instant = 0
    recipients: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = NO_EVIDENCE


class Evaluation(NamedTuple):
    """One evaluation, numbered from 1 within its series, and what it was computed from.

    ``state`` is that of the alert rules after it, by the names of the rules; None where it was
    stored before rules had any. ``told``: what of single orders was told (`order_watch`).
    """

    series: Series
    window_from: Instant
    window_to: Instant
    number: int
    as_of: Instant
    positions: Mapping[int, Position]
    ranked: tuple[RankedLine, ...]
    bottom: tuple[str, ...]
    alerts: tuple[Alert, ...]
    state: Mapping[str, Tracks] | None = None
    told: tuple[str, ...] = ()


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
        "alert.withheld": [alert.withheld for alert in alerts],
        "alert.detail": [_detail(alert) for alert in alerts],
        "state": _state_text(evaluation.state),
        "told": list(evaluation.told),
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
        " `ranked.score`, bottom, state, `alert.id`, `alert.kind`, `alert.unit`,"
        " `alert.withheld`, `alert.detail`, told"
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
    units, ranks, scores, bottom, state, *alerts, told = lists
    return Evaluation(
        series,
        window_from,
        window_to,
        number,
        as_of,
        {at["shard"]: Position(at["epoch"], at["offset"]) for at in positions},
        tuple(map(RankedLine, units, ranks, scores)),
        tuple(bottom),
        read_alerts(alerts),
        _read_state(state),
        tuple(told),
    )


def read_alerts(columns: Sequence[Sequence[str]]) -> tuple[Alert, ...]:
    """The alerts of one evaluation, from `ALERT_COLUMNS`."""
    return tuple(map(_alert, *columns))


def _alert(id_: str, kind: str, unit: str, withheld: Withheld, detail: str) -> Alert:
    if not detail:  # stored before alerts had any
        return Alert(id_, kind, unit)
    found = orjson.loads(detail)
    return Alert(
        id_,
        kind,
        unit,
        found["name"],
        withheld,
        found["not_before"],
        tuple(found["recipients"]),
        found["evidence"],
    )


def _detail(alert: Alert) -> str:
    return orjson.dumps(
        {
            "name": alert.name,
            "not_before": alert.not_before,
            "recipients": alert.recipients,
            "evidence": dict(alert.evidence),
        }
    ).decode()


def _state_text(state: Mapping[str, Tracks] | None) -> str:
    if state is None:
        return ""
    return orjson.dumps(
        {
            rule: {unit: tuple(track) for unit, track in tracks.items()}
            for rule, tracks in state.items()
        }
    ).decode()


def _read_state(text: str) -> Mapping[str, Tracks] | None:
    if not text:
        return None
    return {
        rule: {unit: _track(fields) for unit, fields in tracks.items()}
        for rule, tracks in orjson.loads(text).items()
    }


def _track(fields: Sequence[Any]) -> Track:
    holds, since, seen, late, orders, count, told = fields
    return Track(holds, since, seen, late, tuple(orders), count, told)
