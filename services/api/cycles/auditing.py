"""An audit as it goes on: one line of JSON for each step, the last one says what was found."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from services.api.context import ApiContext
from services.storage import cycle_fold
from services.storage.cycles import StoredRevision
from services.storage.errors import StorageError, StorageUnavailable

MEDIA_TYPE: Final = "application/x-ndjson"

_SHOWN: Final = 400  # characters of a value


class _Unwanted(Exception):  # noqa: N818 (no error: the caller has gone)
    """Nobody reads the answer any more."""


async def audited(context: ApiContext, stored: StoredRevision) -> AsyncIterator[str]:
    """Compute a revision again in a thread; tell progress, then the result.

    The last line has ``equal`` and ``differences``, or ``error`` if the store was lost.
    """
    lines: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    loop, unwanted = asyncio.get_running_loop(), threading.Event()

    def on_progress(done: int, of: int) -> None:
        if unwanted.is_set():
            raise _Unwanted
        loop.call_soon_threadsafe(lines.put_nowait, {"done": done, "of": of})

    def run() -> None:
        loop.call_soon_threadsafe(lines.put_nowait, _result(context, stored, on_progress))

    thread = asyncio.create_task(asyncio.to_thread(run))
    try:
        while True:
            line = await lines.get()
            yield json.dumps(line, ensure_ascii=False) + "\n"
            if "done" not in line:
                break
    finally:
        unwanted.set()
        await thread


def _result(
    context: ApiContext, stored: StoredRevision, on_progress: cycle_fold.OnProgress
) -> Mapping[str, Any]:
    head = {"cycle": stored.cycle, "revision": stored.revision, "checksum": stored.checksum}
    try:
        found = cycle_fold.audit(context.database, stored, on_progress)
    except _Unwanted:
        return head
    except (StorageError, StorageUnavailable):
        return head | {"error": "storage_unavailable"}
    return head | {
        "equal": not found,
        "differences": [
            {
                "path": each.path,
                "stored": each.stored[:_SHOWN],
                "computed": each.computed[:_SHOWN],
            }
            for each in found
        ],
    }
