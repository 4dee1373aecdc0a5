"""What-ifs of one process: one is counted at a time, results are kept for some minutes."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Final
from uuid import uuid4

from schemas.instants import MINUTE, Instant
from services.api.context import ApiContext
from services.api.what_if.crew import Block, Counted, Stopped, WorkerLostError, count
from services.api.what_if.models import Failure, State, WhatIfResult
from services.api.what_if.plan import Plan
from services.api.what_if.table import result_of
from services.api.what_if.worker import Task
from services.domain.what_if import reach
from services.storage.errors import StorageError, StorageUnavailable
from services.storage.what_if_reader import WhatIfReader

KEPT: Final = 15 * MINUTE
_MOST_KEPT: Final = 8

_LOG: Final = logging.getLogger(__name__)

_STOPPED: Final = Failure(detail="It was stopped.", detail_zh="已取消。")
_AWAY: Final = Failure(
    detail="The store or a process that evaluates orders was lost; ask again.",
    detail_zh="存储或评估进程中断，请重试。",
)
_BROKEN: Final = Failure(
    detail="The service failed; the place is in its log.", detail_zh="服务内部错误，详见日志。"
)


class Job:
    """One what-if. Its fields may be read at any time; ``of`` is None until orders are counted."""

    def __init__(self, plan: Plan) -> None:
        self.id: Final = uuid4().hex
        self.state: State = "running"
        self.done = 0
        self.of: int | None = None
        self.result: WhatIfResult | None = None
        self.error: Failure | None = None
        self.ended_at: Instant | None = None
        self.thread: threading.Thread | None = None
        self._plan = plan
        self._unwanted = threading.Event()

    def stop(self) -> None:
        """Nobody wants the result: end soon."""
        self._unwanted.set()

    def run(self, context: ApiContext) -> None:
        """Count, rank and keep the result (blocking)."""
        state: State = "failed"
        try:
            self.result = result_of(self._plan, self._counted(context), self.done)
            state = "done"
        except Stopped:
            self.error = _STOPPED
        except (StorageError, StorageUnavailable, WorkerLostError):
            self.error = _AWAY
        except Exception as error:  # noqa: BLE001 - a thread's error would reach nobody
            # The place only: the message may quote what the events hold.
            place = "".join(traceback.format_tb(error.__traceback__))
            _LOG.error("what-if: %s\n%s", type(error).__name__, place)
            self.error = _BROKEN
        self.ended_at = context.clock()
        self.state = state  # last: who sees that it has ended sees the result

    def _counted(self, context: ApiContext) -> Counted:
        plan, scored = self._plan, self._plan.other.scored
        if plan.stored is not None:
            self.of = 0
            return Counted(dict(plan.stored), ())
        marks, policy, of = plan.snapshot.marks, plan.other.policy, scored.window
        reader = WhatIfReader(context.database, marks, reach(policy, of))

        def blocks() -> Iterator[Block]:
            self.of = reader.count()  # while the processes start
            for shard, block in reader.blocks():
                yield marks[shard].clock, block

        task = Task(policy.document, of, scored.scoring.basis)
        return count(task, blocks(), self._advance, lambda: not self._unwanted.is_set())

    def _advance(self, orders: int) -> None:
        self.done += orders


class Jobs:
    """All what-ifs of the process that are known."""

    def __init__(self, clock: Callable[[], Instant]) -> None:
        self._clock = clock
        self._known: dict[str, Job] = {}

    def running(self) -> Job | None:
        """The one that is counted."""
        return next((job for job in self._known.values() if job.state == "running"), None)

    def start(self, context: ApiContext, plan: Plan) -> Job:
        """Count in a thread of its own: the engine's stream is read and closed in one thread."""
        self._forget()
        job = Job(plan)
        self._known[job.id] = job
        # The rules that the request was pinned to are those of its thread, too.
        job.thread = threading.Thread(
            target=copy_context().run, args=(job.run, context), name="what-if", daemon=True
        )
        job.thread.start()
        return job

    def get(self, id_: str) -> Job | None:
        """A what-if that is running or still kept."""
        self._forget()
        return self._known.get(id_)

    def discard(self, job: Job) -> None:
        """Stop it, and forget it once it has ended."""
        job.stop()
        if job.thread is not None:
            job.thread.join()
        self._known.pop(job.id, None)

    def close(self) -> None:
        """Stop whatever runs; it holds a connection to the engine."""
        for job in list(self._known.values()):
            self.discard(job)

    def _forget(self) -> None:
        now = self._clock()
        ended = [job for job in self._known.values() if job.state != "running"]
        for place, job in enumerate(reversed(ended)):
            if place >= _MOST_KEPT or (job.ended_at is not None and now >= job.ended_at + KEPT):
                self._known.pop(job.id, None)
