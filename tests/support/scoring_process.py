"""A scoring worker in a process of its own, so that tests can kill and freeze it.

Started with one JSON argument (``ahead``: microseconds that its clock is ahead); then it reads one JSON command a line and answers each with a line:

* ``{"wait": {"0": 17}}``: until flushes of this worker hold these offsets;
* ``{"verify": true}``: whether the counters of the shards held here are the sums of the orders;
* ``{"ahead": 3600}``: from now on the worker's clock is so many seconds ahead;
* ``{"kill_before": "orders"}``: ends this process by SIGKILL at that step of the next flush that
  holds events; a step of a build, or one that a build brings with it, at once when it comes, or
  with ``"times": 2`` when it comes for the second time;
* ``{"freeze_before": "orders"}``: stops it there by SIGSTOP, once;
* ``{"activate": "on-time"}``: puts a preset in force and answers its number;
* ``{"current": 2}``: until readers answer under this number, and nothing is left to do for it.

The end of the input stops the worker politely.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from typing import Any

from schemas.instants import SECOND
from services.domain.policy import load_policy, preset
from services.scoring.context import BUILD_STEPS
from services.scoring.worker import ScoringWorker
from services.storage import rulesets
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.support.waiting import await_that

RULESET = 1
FIRST_POLICY = "beijing-district"


class Fault:
    """Sends this process a signal before one step of the next flush that writes events."""

    def __init__(self) -> None:
        self._step: str | None = None
        self._signal = signal.SIGKILL
        self._seen_events = False
        self._times = 1

    def arm(self, step: str, number: signal.Signals, times: int = 1) -> None:
        self._step, self._signal, self._times = step, number, times
        self._seen_events = step in BUILD_STEPS

    def __call__(self, step: str) -> None:
        if self._step is None:
            return
        if step == "events":
            self._seen_events = True
        if self._seen_events and step == self._step:
            self._times -= 1
            if self._times == 0:
                self._step = None
                os.kill(os.getpid(), self._signal)


def activate(database: Database, name: str) -> int:
    """Put a preset in force."""
    return activate_text(database, preset(name))


def activate_text(database: Database, text: str) -> int:
    """Put a policy in force."""
    policy = load_policy(text)
    now = time.time_ns() // 1000
    return rulesets.activate(
        database, policy.id, policy.version, policy.checksum, policy.document, now
    )


def prepare_store(url: str) -> None:
    """Make the tables, and put a policy in force if none is."""
    database = Database.open(url)
    migrate(database)
    if rulesets.newest(database) is None:
        assert activate(database, FIRST_POLICY) == RULESET
    database.close()


async def main(arguments: dict[str, Any]) -> None:
    database = Database.open(arguments["database"])
    fault = Fault()
    ahead = arguments.get("ahead", 0)
    worker = ScoringWorker(
        bootstrap=arguments["bootstrap"],
        database=database,
        partitions=arguments["partitions"],
        epoch=arguments["epoch"],
        clock=lambda: time.time_ns() // 1000 + ahead,
        flush_interval=arguments.get("flush_interval", 0.1),
        embedded_timeouts=True,
        on_step=fault,
        block=arguments.get("block", 2_000),
    )
    await worker.start()
    _answer(ready=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        if "kill_before" in command:
            fault.arm(command["kill_before"], signal.SIGKILL, command.get("times", 1))
            _answer(armed=True)
        elif "freeze_before" in command:
            fault.arm(command["freeze_before"], signal.SIGSTOP)
            _answer(armed=True)
        elif "activate" in command:
            number = await asyncio.to_thread(activate, database, command["activate"])
            _answer(activated=number)
        elif "current" in command:
            await asyncio.to_thread(_await_current, worker, database, command["current"])
            _answer(current=True)
        elif "ahead" in command:
            ahead = command["ahead"] * SECOND
            _answer(ahead=True)
        elif "wait" in command:
            offsets = {int(p): offset for p, offset in command["wait"].items()}
            await worker.wait_stored(offsets)
            _answer(stored=True)
        else:
            _answer(wrong=await asyncio.to_thread(_wrong, worker, database))
    await worker.stop()
    database.close()


def is_left_behind(database: Database, partitions: int, past: int, present: int) -> bool:
    """Whether no shard goes on with what is past: its lane was always stored first."""
    for shard in range(partitions):
        # The present one first: a flush between the two questions moves both.
        new, old = (ShardStore(database, shard, n).last_flush() for n in (present, past))
        if new is None or (old is not None and old.clock >= new.clock):
            return False
    return True


def _await_current(worker: ScoringWorker, database: Database, ruleset: int) -> None:
    partitions = len(worker.marks())

    def is_settled() -> bool:
        found = rulesets.current(database, partitions)
        is_current = found is not None and found.ruleset == ruleset
        return is_current and is_left_behind(database, partitions, ruleset - 1, ruleset)

    await_that(is_settled)


def _wrong(worker: ScoringWorker, database: Database) -> list[str]:
    """Shards whose stored counters are not the sums of the stored orders at the shard's clock."""
    wrong = []
    for shard in worker.marks():
        store = ShardStore(database, shard, RULESET)
        while True:  # the clock may move between the reads
            mark = store.last_flush()
            assert mark is not None
            sums, counters = store.contribution_sums(mark.clock), store.counters()
            if store.last_flush() == mark:
                break
        if sums != counters:
            wrong.append(f"shard {shard}: {set(sums.items()) ^ set(counters.items())}")
    return wrong


def _answer(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=os.environ.get("SCORING_LOG", "WARNING"))
    asyncio.run(main(json.loads(sys.argv[1])))
