"""Alerts as a list, the last stored first: what was told, of whom, and for which numbers."""

from __future__ import annotations

from typing import NamedTuple

from services.storage import push_feed
from services.storage.database import Database
from services.storage.push_feed import LoggedAlert


class Wanted(NamedTuple):
    """Which alerts; None is any. ``window_name`` within whichever kind of window."""

    unit: str | None = None
    rule: str | None = None
    window_kind: str | None = None
    window_name: str | None = None

    def fits(self, alert: LoggedAlert) -> bool:
        """Whether an alert is one of them."""
        pairs = (
            (self.unit, alert.unit),
            (self.rule, alert.rule),
            (self.window_kind, alert.window_kind),
            (self.window_name, alert.window_name),
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
    alerts = (
        alert for logged in reversed(found) for alert in reversed(push_feed.alerts_of(logged))
    )
    fitting = [
        alert
        for alert in alerts
        if wanted.fits(alert) and (before is None or alert.sequence < before)
    ]
    return fitting[:limit]
