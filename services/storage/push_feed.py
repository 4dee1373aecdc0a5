"""Evaluations and their alerts in the order in which they were stored, for the stream and for pushes.

A place is a sequence: of an evaluation the engine's microseconds at its insert, of an alert that
number times `_ALERTS` and its place in the evaluation. One that was written twice by a retry keeps
its first place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from schemas.instants import HOUR, MINUTE, Instant
from services.domain.alerting import Withheld
from services.storage.database import Database, Rows
from services.storage.evaluations import ALERT_COLUMNS, Alert, RankedLine, Series, read_alerts

_ALERTS: Final = 4096

_KEY: Final = "ruleset, ranking, kind, peer_group, window_kind, window_name, number"
# Not of what only the orders tell of a list (`services.domain.alerting_lists.series_ranking`).
_OF_RANKING: Final = "position(ranking, '-') = 0"
_CONTENT: Final = (
    "window_from, window_to, as_of, bottom, `ranked.unit`, `ranked.rank`, `ranked.score`,"
    f" {ALERT_COLUMNS}"
)


class LoggedEvaluation(NamedTuple):
    """An evaluation and its place."""

    sequence: int
    series: Series
    number: int
    window_from: Instant
    window_to: Instant
    as_of: Instant
    bottom: tuple[str, ...]
    ranked: tuple[RankedLine, ...]
    alerts: tuple[Alert, ...]


class LoggedAlert(NamedTuple):
    """An alert, its place, and the numbers that it was given for, decimals as text.

    ``withheld``, ``not_before`` and ``recipients`` are those of `Alert`.
    """

    sequence: int
    id: str
    rule: str
    kind: str
    unit: str
    group: str
    window_kind: str
    window_name: str
    as_of: Instant
    evidence: Mapping[str, Any]
    name: str
    withheld: Withheld
    not_before: Instant
    recipients: tuple[str, ...]

    @property
    def is_pushed(self) -> bool:
        """Whether anyone is told without asking."""
        return not self.withheld


def newest_evaluation(db: Database) -> int:
    """The place of the last evaluation; 0 before the first."""
    ((sequence,),) = db.query("SELECT max(sequence) FROM evaluation_log")
    return int(sequence)


def newest_alert(db: Database) -> int:
    """A place after every alert so far."""
    return newest_evaluation(db) * _ALERTS + _ALERTS - 1


def alerts_since(instant: Instant) -> int:
    """The place before the first alert that was stored at or after an instant."""
    return max(instant, 1) * _ALERTS - 1


def evaluations_after(db: Database, sequence: int, limit: int) -> list[LoggedEvaluation]:
    """Evaluations of rankings after a place, in order."""
    return _read(db, _places(db, sequence, limit, with_alerts=False))


def alerts_after(db: Database, sequence: int, limit: int) -> list[LoggedAlert]:
    """Alerts after a place, in order; those of one evaluation are never cut apart.

    So there may be more than ``limit``.
    """
    begun = sequence // _ALERTS - 1  # the evaluation that the place is in, again
    found = _read(db, _places(db, max(begun, 0), limit, with_alerts=True))
    alerts = [alert for logged in found for alert in alerts_of(logged)]
    return [alert for alert in alerts if alert.sequence > sequence]


def evaluations_before(
    db: Database,
    place: int | None,
    limit: int,
    *,
    unit: str | None,
    rule: str | None,
    window_kind: str | None,
    window_name: str | None,
    withheld: str | None,
    acknowledged: bool | None,
) -> list[LoggedEvaluation]:
    """The last evaluations, in order, that gave such an alert; None is any.

    Up to the one that the place of an alert is in, which comes again.
    """
    rows = db.query(
        f"SELECT min(sequence), {_KEY} FROM evaluation_log"  # noqa: S608 - names of columns
        f" WHERE alerts > 0 AND ({_KEY}) IN (SELECT {_KEY} FROM evaluations"
        "  WHERE arrayExists((i, u, k, w) -> ({any_unit:Bool} OR u = {unit:String})"
        "   AND ({any_rule:Bool} OR k = {rule:String})"
        "   AND ({any_withheld:Bool} OR w = {withheld:String})"
        "   AND ({any_noted:Bool} OR {noted:Bool} ="
        "    has((SELECT groupUniqArray(alert) FROM alert_acknowledgements), i)),"
        "   `alert.id`, `alert.unit`, `alert.kind`, `alert.withheld`)"
        "  AND ({any_kind:Bool} OR window_kind = {window_kind:String})"
        "  AND ({any_name:Bool} OR window_name = {window_name:String}))"
        f" GROUP BY {_KEY} HAVING {{all:Bool}} OR min(sequence) <= {{last:UInt64}}"
        " ORDER BY min(sequence) DESC LIMIT {limit:UInt32}",
        {
            "any_unit": unit is None,
            "unit": unit or "",
            "any_rule": rule is None,
            "rule": rule or "",
            "any_kind": window_kind is None,
            "window_kind": window_kind or "",
            "any_name": window_name is None,
            "window_name": window_name or "",
            "any_withheld": withheld is None,
            "withheld": withheld or "",
            "any_noted": acknowledged is None,
            "noted": bool(acknowledged),
            "all": place is None,
            "last": (place or 0) // _ALERTS,
            "limit": limit,
        },
    )
    return _read(db, rows)


def evaluations_with(db: Database, alert: str, number: int) -> list[LoggedEvaluation]:
    """The evaluation of this number that gave the alert, if there is one."""
    rows = db.query(
        f"SELECT min(sequence), {_KEY} FROM evaluation_log"  # noqa: S608 - names of columns
        " WHERE alerts > 0 AND number = {number:UInt64}"
        f" AND ({_KEY}) IN (SELECT {_KEY} FROM evaluations"
        "  WHERE number = {number:UInt64} AND has(`alert.id`, {alert:String}))"
        f" GROUP BY {_KEY}",
        {"number": number, "alert": alert},
    )
    return _read(db, rows)


def present(db: Database, ruleset: int) -> list[LoggedEvaluation]:
    """The last evaluation of each list that is evaluated now under a ruleset."""
    rows = db.query(
        f"SELECT max(sequence), {_KEY} FROM evaluation_log WHERE ruleset = {{ruleset:UInt32}}"  # noqa: S608 - names of columns
        f" AND {_OF_RANKING}"
        f" GROUP BY {_KEY} ORDER BY window_name DESC, number DESC"
        " LIMIT 1 BY ranking, kind, peer_group, window_kind",
        {"ruleset": ruleset},
    )
    return _read(db, rows)


def _places(db: Database, sequence: int, limit: int, *, with_alerts: bool) -> Rows:
    """Rows of sequence and key. The second of a retry is left out: retries take minutes at most."""
    return db.query(
        f"SELECT sequence, {_KEY} FROM evaluation_log"  # noqa: S608 - names of columns
        " WHERE sequence > {after:UInt64} AND alerts >= {least:UInt32}"
        f" AND ({{with_alerts:Bool}} OR {_OF_RANKING})"
        f" AND (sequence, {_KEY}) IN (SELECT min(sequence), {_KEY} FROM evaluation_log"
        f"  WHERE sequence > {{before:UInt64}} AND alerts >= {{least:UInt32}} GROUP BY {_KEY})"
        " ORDER BY sequence LIMIT {limit:UInt32}",
        {
            "after": sequence,
            "before": max(sequence - HOUR, 0),
            "least": 1 if with_alerts else 0,
            "with_alerts": with_alerts,
            "limit": limit,
        },
    )


def _read(db: Database, places: Iterable[tuple[Any, ...]]) -> list[LoggedEvaluation]:
    """The evaluations at these places."""
    wanted = {key: sequence for sequence, *rest in places for key in [tuple(rest)]}
    if not wanted:
        return []
    found = db.query(
        f"SELECT {_KEY}, {_CONTENT} FROM evaluations FINAL"  # noqa: S608 - names of columns
        f" WHERE ({_KEY}) IN {{keys:Array(Tuple(UInt32, String, String, String, String, String, UInt64))}}",
        {"keys": list(wanted)},
    )
    read = {tuple(row[:7]): _logged(wanted[tuple(row[:7])], row) for row in found}
    last = max(wanted.values())
    ordered = sorted(wanted, key=lambda key: wanted[key])
    # On a replica a place may arrive before its evaluation: nothing after it is told before it is.
    waited_for = (wanted[key] for key in ordered if key not in read and last - wanted[key] < MINUTE)
    end = next(waited_for, last + 1)
    return [read[key] for key in ordered if key in read and wanted[key] < end]


def _logged(sequence: int, row: tuple[Any, ...]) -> LoggedEvaluation:
    *series, number, window_from, window_to, as_of, bottom = row[:11]
    units, ranks, scores, *alerts = row[11:]
    return LoggedEvaluation(
        sequence,
        Series(*series),
        number,
        window_from,
        window_to,
        as_of,
        tuple(bottom),
        tuple(map(RankedLine, units, ranks, scores)),
        read_alerts(alerts),
    )


def alerts_of(logged: LoggedEvaluation) -> list[LoggedAlert]:
    """The alerts of an evaluation, with their places and evidence."""
    series = logged.series
    lines = {line.unit: line for line in logged.ranked}
    return [
        LoggedAlert(
            sequence=logged.sequence * _ALERTS + place,
            id=alert.id,
            rule=alert.kind,
            kind=series.kind,
            unit=alert.unit,
            group=series.group,
            window_kind=series.window_kind,
            window_name=series.window_name,
            as_of=logged.as_of,
            evidence=alert.evidence or _evidence(alert, logged, lines),
            name=alert.name or alert.kind,
            withheld=alert.withheld,
            not_before=alert.not_before,
            recipients=alert.recipients,
        )
        for place, alert in enumerate(logged.alerts)
    ]


def _evidence(
    alert: Alert, logged: LoggedEvaluation, lines: Mapping[str, RankedLine]
) -> dict[str, Any]:
    """Rank, score, and how far it is to the nearest score on the other side of the line."""
    own = lines.get(alert.unit)
    if own is None:
        return {}
    bottom = frozenset(logged.bottom)
    across = [
        Decimal(line.score)
        for line in logged.ranked
        if (line.unit in bottom) != (alert.unit in bottom)
    ]
    found: dict[str, Any] = {"rank": own.rank, "score": own.score}
    if across:
        line = min(across) if alert.unit in bottom else max(across)
        found["margin"] = f"{Decimal(own.score) - line:f}"
    return found
