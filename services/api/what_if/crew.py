"""Evaluates stored orders in processes of their own, while this one reads the archive."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from subprocess import DEVNULL, Popen
from typing import Final, NamedTuple

from schemas.instants import Instant
from schemas.records import Sums
from services.api.what_if.worker import END, Done, Task, clock_message
from services.domain.in_force import UnitName

Block = tuple[Instant, bytes]
"""The lines of whole orders, and the instant at which they are looked at."""

_PROGRAM: Final = "from services.api.what_if.worker import main; main()"
_MOST: Final = 8
_SECONDS: Final = 0.2  # until it is asked again whether anybody still wants the result


class Stopped(Exception):  # noqa: N818 (no error: it was wanted)
    """Nobody wants the result any more."""


class WorkerLostError(RuntimeError):
    """A process that evaluates has ended by itself."""


class Counted(NamedTuple):
    """Sums of all orders, and those that the policy cannot evaluate."""

    sums: dict[UnitName, Sums]
    not_evaluable: tuple[str, ...]


class _Member(NamedTuple):
    process: Popen[bytes]
    pipe: Connection


def count(
    task: Task,
    blocks: Iterable[Block],
    on_orders: Callable[[int], None],
    is_wanted: Callable[[], bool],
    workers: int | None = None,
) -> Counted:
    """Evaluate all orders of the blocks.

    Each process has one block at a time, and the next one is read meanwhile. ``on_orders`` is told
    how many more are done.

    Raises:
        Stopped: ``is_wanted`` says no.
        WorkerLostError: a process has died.
    """
    failed: list[str] = []

    def take(pipe: Connection) -> None:
        done: Done = pipe.recv()
        failed.extend(done.not_evaluable)
        on_orders(done.orders)

    try:
        with _crew(task, workers or min(_MOST, _cores())) as crew:
            idle, busy = list(crew), set[Connection]()
            for at, block in blocks:
                while not idle:
                    for pipe in _ready(busy, is_wanted):
                        take(pipe)
                        busy.remove(pipe)
                        idle.append(pipe)
                pipe = idle.pop()
                pipe.send_bytes(clock_message(at))
                pipe.send_bytes(block)
                busy.add(pipe)
            while busy:
                for pipe in _ready(busy, is_wanted):
                    take(pipe)
                    busy.remove(pipe)
            return Counted(_total(_results(crew)), tuple(sorted(failed)))
    except (EOFError, OSError) as error:
        raise WorkerLostError("a process that evaluates orders has ended") from error


def _ready(busy: Iterable[Connection], is_wanted: Callable[[], bool]) -> Sequence[Connection]:
    """The pipes with an answer; perhaps none, after a moment."""
    if not is_wanted():
        raise Stopped
    return [pipe for pipe in wait(list(busy), _SECONDS) if isinstance(pipe, Connection)]


def _results(crew: Sequence[Connection]) -> Iterator[Mapping[UnitName, Sums]]:
    for pipe in crew:
        pipe.send_bytes(END)
    for pipe in crew:
        yield pipe.recv()


def _total(parts: Iterable[Mapping[UnitName, Sums]]) -> dict[UnitName, Sums]:
    denominators: Counter[UnitName] = Counter()
    numerators: Counter[UnitName] = Counter()
    for part in parts:
        for key, sums in part.items():
            denominators[key] += sums.denominator
            numerators[key] += sums.numerator
    return {key: Sums(denominators[key], numerators[key]) for key in denominators}


@contextmanager
def _crew(task: Task, workers: int) -> Iterator[list[Connection]]:
    """Run so many processes; they end with the block, whatever they do then.

    Programs of their own, which import what they need and no more: a fork would hold the engine's
    files and threads, and `multiprocessing` would import all of this program first.
    """
    members: list[_Member] = []
    try:
        for _ in range(workers):
            ours, theirs = Pipe()
            with theirs:
                process = Popen(
                    [sys.executable, "-c", _PROGRAM, str(theirs.fileno())],
                    stdin=DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
            members.append(_Member(process, ours))
        pipes = [member.pipe for member in members]
        for pipe in pipes:
            pipe.send(task)
        yield pipes
    finally:
        for process, pipe in members:
            pipe.close()
            process.terminate()
            process.wait()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # those that this process may use; not known everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
