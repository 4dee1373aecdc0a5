"""Runs a program until it ends or a signal ends it: the first signal politely, the second at once.

The first Ctrl-C (or SIGTERM) cancels the program's task, whose ``async with`` blocks then stop
what they started, in the opposite order. What was acknowledged is stored, so ending at once is
safe too.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import uvloop

from services.cli.errors import EXPECTED, end_with

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_THREADS: Final = 32  # they wait for the engine or the broker; queries must not wait for flushes


def run_until_stopped(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``main``; return when it has returned, or has been stopped by a signal.

    A failure of `services.cli.errors.EXPECTED` ends the process with its sentence.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(main))


async def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="hotline"))
    program = loop.create_task(main())
    asked: list[int] = []

    def stop(number: int) -> None:
        if asked:
            os._exit(128 + number)
        asked.append(number)
        program.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        await program
    except asyncio.CancelledError:
        if not asked:
            raise
    except EXPECTED as error:
        end_with(error)  # here, because leaving the loop would wait for its threads
