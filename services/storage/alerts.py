"""Alerts as a list, the last stored first: what was told, of whom, and for which numbers."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from services.storage import alert_notes, push_feed
from services.storage.database import Database
from services.storage.push_feed import LoggedAlert


class Wanted(NamedTuple):
    """Which alerts; None is any. ``window_name`` within whichever kind of window.

    ``withheld``: for this reason, "" those that were pushed.
    """

    unit: str | None = None
    rule: str | None = None
    window_kind: str | None = None
    window_name: str | None = None
    withheld: str | None = None
    acknowledged: bool | None = None

    def fits(self, alert: LoggedAlert, noted: Container[str]) -> bool:
        """Whether an alert is one of them; ``noted`` are the ids that someone took note of."""
        pairs = (
            (self.unit, alert.unit),
            (self.rule, alert.rule),
            (self.window_kind, alert.window_kind),
            (self.window_name, alert.window_name),
            (self.withheld, alert.withheld),
            (self.acknowledged, alert.id in noted),
        )
        return all(wish is None or wish == found for wish, found in pairs)


def listing(
    db: Database, wanted: Wanted, *, before: int | None = None, limit: int = 100
) -> list[LoggedAlert]:
    """Alerts with places below ``before``, the last first; fewer than ``limit`` at the end only.

    Each evaluation that is read holds a wanted alert, except perhaps the one that ``before`` is in:
    hence one more is read than alerts are needed.
    """
    found = push_feed.evaluations_before(db, before, limit + 1, **wanted._asdict())
    alerts = [
        alert for logged in reversed(found) for alert in reversed(push_feed.alerts_of(logged))
    ]
    noted = alert_notes.of_alerts(db, [alert.id for alert in alerts])
    fitting = [
        alert
        for alert in alerts
        if wanted.fits(alert, noted) and (before is None or alert.sequence < before)
    ]
    return fitting[:limit]


def find(db: Database, id_: str) -> LoggedAlert | None:
    """One alert by its id, which ends with the number of its evaluation."""
    number = id_.rpartition(":")[2]
    if not number.isascii() or not number.isdecimal() or int(number) >= 1 << 64:
        return None
    found = push_feed.evaluations_with(db, id_, int(number))
    alerts = (alert for logged in found for alert in push_feed.alerts_of(logged))
    return next((alert for alert in alerts if alert.id == id_), None)
