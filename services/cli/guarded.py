"""A process of ours that never outlives us and is proven to be ready by its own words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self, cast

_GUARDIAN = Path(__file__).with_name("guardian.py")


class ProcessFailedError(RuntimeError):
    """The process ended, or did not become ready in time; the text ends with its last words."""


class GuardedProcess:
    """A started command. Make it with `start`, which waits until it is ready, or with `spawn`."""

    def __init__(self, guardian: subprocess.Popen[bytes], pid: int, log: Path | None) -> None:
        self._guardian = guardian
        self._log = log
        self.pid = pid

    @classmethod
    def start(
        cls,
        command: list[str],
        *,
        log: Path,
        ready: str,
        seconds: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Self:
        """Start ``command``, writing to ``log``, and return when ``ready`` stands there.

        Ready means that the process itself has said so: another process that owns the port the
        command was given can never be taken for it.

        Raises:
            ProcessFailedError: it ended before, or took longer than ``seconds``.
        """
        with log.open("wb") as output:
            process = cls._run(command, output, log=log, cwd=cwd, env=env)
        deadline = time.monotonic() + seconds
        while ready not in process.output():
            if not process.alive() or time.monotonic() > deadline:
                process.stop()
                raise ProcessFailedError(f"{Path(command[0]).name}: {process.last_words()}")
            time.sleep(0.01)
        return process

    @classmethod
    def spawn(cls, command: list[str]) -> Self:
        """Start ``command``; what it writes goes to our standard error."""
        return cls._run(command, None, log=None, cwd=None, env=None)

    @classmethod
    def _run(
        cls,
        command: list[str],
        output: IO[bytes] | None,
        *,
        log: Path | None,
        cwd: Path | None,
        env: Mapping[str, str] | None,
    ) -> Self:
        guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARDIAN), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=cwd,
            env=env,
            start_new_session=True,  # Ctrl-C in the terminal is ours to handle, in our order
        )
        with cast("IO[bytes]", guardian.stdout) as answers:
            return cls(guardian, int(answers.readline() or b"0"), log)

    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self._guardian.poll() is None

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code when the process has ended (256 - n after signal n).

        Raises:
            subprocess.TimeoutExpired: it runs longer than ``seconds``.
        """
        return self._guardian.wait(seconds)

    def stop(self) -> None:
        """End the process: politely, after some seconds by force. Harmless when it has ended."""
        cast("IO[bytes]", self._guardian.stdin).close()
        self._guardian.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it still runs."""
        if self.alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self.send(signal.SIGKILL)
        self.stop()

    def output(self) -> str:
        """Return all it has written to its log."""
        return self._log.read_text(errors="replace") if self._log else ""

    def last_words(self) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.output().splitlines()[-12:]) or "it said nothing"
