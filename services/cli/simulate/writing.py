"""The events of one order, written down as CloudEvents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from schemas.envelope import PREFIX
from schemas.instants import EPOCH, MINUTE, Instant
from services.cli.simulate.demand import ZONE

SOURCE: Final = "urn:hotline:demo-city"

CloudEvent = dict[str, Any]

_LOCAL_EPOCH: Final = EPOCH.astimezone(ZONE)


def local_time(instant: Instant) -> str:
    """RFC 3339 with the city's offset."""
    return (_LOCAL_EPOCH + timedelta(microseconds=instant)).isoformat()


class Journal:
    """What has happened to an order, in the order of writing; ids count up."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._entries: list[tuple[Instant, int, CloudEvent]] = []

    def write(self, at: Instant, kind: str, **data: Any) -> None:
        """Note an event; fields that are None are left out."""
        number = len(self._entries) + 1
        event = {
            "specversion": "1.0",
            "type": PREFIX + kind,
            "source": SOURCE,
            "id": f"{self._subject}-{number:02}",
            "subject": self._subject,
            "time": local_time(at),
            "data": {name: value for name, value in data.items() if value is not None},
        }
        self._entries.append((at, number, event))

    def correct(self, at: Instant, kind: str, field: str, new: Any) -> None:
        """Note that a field of the first event of a kind was wrong; "time" moves a minute back."""
        for noted_at, _, event in self._entries:
            if event["type"] == PREFIX + kind:
                old = event["time"] if field == "time" else event["data"].get(field)
                right = local_time(noted_at - MINUTE) if field == "time" else new
                self.write(at, "corrected", event=event["id"], field=field, old=old, new=right)
                return

    def ends_at(self) -> Instant:
        """When the last event noted so far happened."""
        return max(at for at, _, _ in self._entries)

    def events(self) -> list[tuple[Instant, CloudEvent]]:
        """All events by time, those of one instant as written."""
        return [(at, event) for at, _, event in sorted(self._entries, key=lambda entry: entry[:2])]
