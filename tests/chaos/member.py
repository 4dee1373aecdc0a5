"""One process of the cluster under a supervisor: whatever ends it, it is started again.

As `restart: always` in a Compose file or a pod of Kubernetes would. A member is told apart from
the process that is running for it at the moment, which is killed and frozen by the faults.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from services.cli.guarded import GuardedProcess, ProcessFailedError

_START_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 60.0
_PAUSE: Final = 0.5  # between an end and the next start

Note = Callable[[str], None]


class Member:
    """A command that is kept running from `start` to `stop`.

    Args:
        name: For the logs and the report.
        command: What runs.
        environment: All of its variables.
        directory: Gets a log for each process.
        ready: What the process says when it works.
        note: Hears of ends that no fault and no `stop` has caused.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        ready: str,
        note: Note,
    ) -> None:
        self.name = name
        self.started = 0  # processes
        self._command = list(command)
        self._environment = dict(environment)
        self._directory = directory
        self._ready = ready
        self._note = note
        self._process: GuardedProcess | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._is_ready = threading.Event()
        self._ended_by_us = False
        self._program: list[str] = []
        self._extra: dict[str, str] = {}

    def start(self) -> None:
        """Begin to keep it running; returns at once."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_running, name=self.name, daemon=True)
        self._thread.start()

    def await_ready(self, seconds: float = _START_SECONDS) -> None:
        """Return when the present process has said that it works."""
        if not self._is_ready.wait(seconds):
            raise TimeoutError(f"{self.name} does not get ready")

    @property
    def wanted(self) -> bool:
        """Whether it is kept running."""
        return self._thread is not None and not self._stopping.is_set()

    def change(self, program: Sequence[str] = (), **variables: str) -> None:
        """Put another program in place of the first word, and add variables, from the next start.

        Without arguments all is as it was.
        """
        self._program = list(program)
        self._extra = variables

    def kill(self) -> None:
        """End the process by SIGKILL; another one starts."""
        self._signal(signal.SIGKILL, ends=True)

    def freeze(self) -> None:
        """Stop the process where it is."""
        self._signal(signal.SIGSTOP, ends=False)

    def wake(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT, ends=False)

    def stop(self) -> None:
        """End it politely and for good; by force if that takes a minute."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.send(signal.SIGCONT)
            process.send(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._note(f"{self.name} does not stop when asked")
                process.kill()
        self._join()

    def kill_for_good(self) -> None:
        """End it by SIGKILL, and start no other."""
        self._stopping.set()
        if self._process is not None:
            self._process.send(signal.SIGKILL)
        self._join()

    def output(self) -> str:
        """Return what its present or last process has written."""
        return self._process.output() if self._process is not None else ""

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._is_ready.clear()

    def _signal(self, number: signal.Signals, *, ends: bool) -> None:
        process = self._process
        if process is not None:
            self._ended_by_us = self._ended_by_us or ends
            if ends:
                self._is_ready.clear()
            with contextlib.suppress(ProcessLookupError):
                process.send(number)

    def _keep_running(self) -> None:
        while not self._stopping.is_set():
            self._run_once()
            self._is_ready.clear()
            self._stopping.wait(_PAUSE)

    def _run_once(self) -> None:
        """Run one process to its end."""
        self.started += 1
        self._ended_by_us = False
        log = self._directory / f"{self.name}.{self.started}.log"
        try:
            self._process = process = GuardedProcess.start(
                [*(self._program or self._command[:1]), *self._command[1:]],
                log=log,
                ready=self._ready,
                seconds=_START_SECONDS,
                env=self._environment | self._extra,
                cwd=self._directory,
            )
        except ProcessFailedError:
            self._note(f"{self.name} did not start, see {log.name}")
            return
        self._is_ready.set()
        code = process.wait()
        process.stop()  # its pipe
        if not (self._ended_by_us or self._stopping.is_set()):
            self._note(f"{self.name} ended by itself with code {code}, see {log.name}")


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process, with these settings of the service and no others."""
    inherited = {name: value for name, value in os.environ.items() if "HOTLINE_" not in name}
    return inherited | dict(settings)
