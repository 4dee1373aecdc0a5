"""What the tests of the gateway share: an event, and a broker that comes back on its old port."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.cli.guarded import GuardedProcess
from services.cli.local_broker import broker_binary

Json = dict[str, Any]


def dispatched(number: int, **changes: Any) -> Json:
    """A valid event of an order of its own; a change to ... removes the attribute."""
    event = {
        "specversion": "1.0",
        "type": "workorder.dispatched",
        "source": "city",
        "id": f"dispatch-{number}",
        "subject": f"热线-260703-{number:06}",
        "time": "2026-07-03T07:05:00+08:00",
        "data": {"unit": "110105001", "round": number % 1000 + 1},
    }
    return {name: value for name, value in {**event, **changes}.items() if value is not ...}


def tansu_at(bootstrap: str, log: Path) -> GuardedProcess:
    """Start an empty Tansu on a port of the caller's choice."""
    url = f"tcp://{bootstrap}"
    command = [broker_binary(), "--listener-url", url, "--advertised-listener-url", url]
    command += ["--storage-engine", "memory://tansu/"]
    return GuardedProcess.start(command, log=log, ready="ready in", seconds=30)
