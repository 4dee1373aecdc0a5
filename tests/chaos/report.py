"""What was done, what was killed when, and what came out: one JSON file."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from schemas.instants import Instant, format_instant


def now() -> Instant:
    """The present instant."""
    return time.time_ns() // 1000


@dataclass
class Report:
    """Grows while the run goes on; any thread may add to it."""

    events: int
    faults: int
    seed: int
    began_at: Instant = field(default_factory=now)
    happened: list[dict[str, Any]] = field(default_factory=list)
    unasked: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, fault: int, kind: str, what: str) -> None:
        """Note a step of a fault; faults are numbered from 1."""
        entry = {"at": format_instant(now()), "fault": fault, "kind": kind, "what": what}
        with self._lock:
            self.happened.append(entry)

    def teller(self, fault: int, kind: str) -> Callable[[str], None]:
        """Note the steps of one fault."""
        return partial(self.tell, fault, kind)

    def note(self, what: str) -> None:
        """Note an end that no fault asked for; the supervisor starts what ended again."""
        with self._lock:
            self.unasked.append({"at": format_instant(now()), "what": what})

    def differ(self, what: str) -> None:
        """Note a difference to the oracle."""
        with self._lock:
            self.differences.append(what)

    def write(self, path: Path) -> None:
        """Write everything."""
        with self._lock:
            text = json.dumps(
                {
                    "verdict": "differs" if self.differences else "no difference",
                    "asked": {"events": self.events, "faults": self.faults, "seed": self.seed},
                    "began_at": format_instant(self.began_at),
                    "ended_at": format_instant(now()),
                    "counts": self.counts,
                    "differences": self.differences,
                    "faults": self.happened,
                    "ended_by_themselves": self.unasked,
                },
                ensure_ascii=False,
                indent=1,
            )
        path.write_text(text + "\n", encoding="utf-8")
