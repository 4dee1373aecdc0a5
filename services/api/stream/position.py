"""Event ids of the stream: where a client stands in each topic that it follows.

A place of the log of alerts and of that of evaluations is the sequence in the store; of the rates
of a unit it is a digest of what was sent last. So an id means the same to every process, and after
a restart of all of them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ALERTS: Final = "alerts"
RANKINGS: Final = "rankings"
RATES: Final = "rates"
TOPICS: Final = (RANKINGS, RATES, ALERTS)

_PIECE: Final = 8  # letters of base64 for six bytes
_ID: Final = re.compile(r"(?:a(\d{1,20}))?(?:\.r(\d{1,20}))?(?:\.u((?:[\w-]{16})*))?", re.ASCII)


def short_digest(text: str) -> str:
    """Six bytes as eight letters."""
    return base64.urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=6).digest()).decode()


@dataclass(slots=True)
class Position:
    """None: the topic is not followed. ``rates`` maps keys of units to what was sent last."""

    alerts: int | None = None
    rankings: int | None = None
    rates: dict[str, str] | None = field(default=None)

    def of_log(self, topic: str) -> int | None:
        """The place in the log of alerts or of rankings."""
        return self.alerts if topic == ALERTS else self.rankings

    def set_log(self, topic: str, sequence: int) -> None:
        """Move to a place of a log."""
        if topic == ALERTS:
            self.alerts = sequence
        else:
            self.rankings = sequence

    def text(self) -> str:
        """The event id."""
        parts = [] if self.alerts is None else [f"a{self.alerts}"]
        if self.rankings is not None:
            parts.append(f".r{self.rankings}")
        if self.rates is not None:
            parts.append(".u" + _joined(self.rates))
        return "".join(parts)


def read_position(text: str) -> Position | None:
    """Read an event id; None if it never was one."""
    found = _ID.fullmatch(text)
    if found is None:
        return None
    alerts, rankings, rates = found.groups()
    return Position(
        None if alerts is None else int(alerts),
        None if rankings is None else int(rankings),
        None if rates is None else _split(rates),
    )


def unit_key(code: str) -> str:
    """How an id names a unit."""
    return short_digest(code)


def _joined(rates: Mapping[str, str]) -> str:
    return "".join(key + digest for key, digest in rates.items())


def _split(text: str) -> dict[str, str]:
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))
