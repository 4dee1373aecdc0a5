"""A process that evaluates orders under another policy; it opens no database.

It ends when its pipe does, so it never outlives the process that started it.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

from schemas.instants import Instant
from schemas.records import Sums
from services.domain.in_force import Tally, UnitName
from services.domain.policy import load_policy
from services.domain.windows import Window
from services.storage.order_lines import orders

END: Final = b""
_NICE: Final = 5  # what is live comes first


class Task(NamedTuple):
    """What is summed: of one window and ranking, under the policy that ``document`` says."""

    document: str
    window: Window
    ranking: str


class Done(NamedTuple):
    """So many orders of a block were evaluated; these could not be (a year without calendar)."""

    orders: int
    not_evaluable: tuple[str, ...]


def clock_message(at: Instant) -> bytes:
    """What comes before each block: the instant at which its orders are looked at."""
    return at.to_bytes(8, "big", signed=True)


def main() -> None:
    """Run the program; its argument is the descriptor of its end of the pipe."""
    with suppress(EOFError, OSError), Connection(int(sys.argv[1])) as connection:
        work(connection)  # the pipe ends: nobody waits for the result any more


def work(connection: Connection) -> None:
    """Take a `Task`, then block after block, tell `Done` for each, and at the end the sums."""
    gc.disable()  # events form no cycles, and there are millions
    os.nice(_NICE)
    task: Task = connection.recv()
    tally = Tally(load_policy(task.document), task.window, task.ranking)
    while (head := connection.recv_bytes()) != END:
        at = int.from_bytes(head, "big", signed=True)
        connection.send(_add(tally, connection.recv_bytes(), at))
    sums: dict[UnitName, Sums] = tally.sums()
    connection.send(sums)


def _add(tally: Tally, block: bytes, at: Instant) -> Done:
    count, failed = 0, []
    for subject, events in orders(block):
        count += 1
        try:
            tally.add(events, at)
        except Exception:  # noqa: BLE001 - as when scoring: one order must not stop the others
            failed.append(subject)
    return Done(count, tuple(failed))
