"""A courier in a process of its own, so that a test can kill it. One argument: the database."""

from __future__ import annotations

import asyncio
import sys
import time
from zoneinfo import ZoneInfo

from services.api.push.courier import Courier, Leading
from services.api.push.lease import Lease
from services.api.push.messages import Messages
from services.api.push.sending import WebhookSender
from services.storage.database import Database
from services.storage.endpoints import WEBHOOK


def courier(database: Database, lease: Leading | None = None) -> Courier:
    """A courier as `services.cli.pushing` starts it, for receivers on this machine."""
    return Courier(
        database=database,
        clock=lambda: time.time_ns() // 1000,
        senders={WEBHOOK: WebhookSender(private=True)},
        messages=Messages(database, zone=lambda: ZoneInfo("Asia/Shanghai")),
        lease=lease or Lease(database),
    )


if __name__ == "__main__":
    asyncio.run(courier(Database.open(sys.argv[1])).run())
