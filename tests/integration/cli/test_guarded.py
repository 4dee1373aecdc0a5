from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.guarded import GuardedProcess, ProcessFailedError
from services.cli.local_broker import LocalBroker
from tests.support.waiting import await_that


def _runs(pid: int) -> bool:
    """Tell whether the process runs; one that waits to be collected does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_two_local_brokers_get_ports_of_their_own(tmp_path: Path) -> None:
    first = LocalBroker.start(tmp_path / "first.log")
    second = LocalBroker.start(tmp_path / "second.log")

    assert first.bootstrap != second.bootstrap
    first.process.stop()
    assert not _runs(first.process.pid)
    assert second.process.alive()
    second.process.kill()
    assert not _runs(second.process.pid)


def test_stop_after_the_end_is_harmless(tmp_path: Path) -> None:
    broker = LocalBroker.start(tmp_path / "broker.log")

    broker.process.kill()
    broker.process.stop()

    assert not broker.process.alive()


def test_a_killed_parent_leaves_no_broker_behind(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; "
        "from services.cli.local_broker import LocalBroker; "
        f"broker = LocalBroker.start(Path({str(tmp_path / 'broker.log')!r})); "
        "print(broker.process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _runs(pid)
        parent.kill()
    await_that(lambda: not _runs(pid), seconds=10, failing="the process outlived its parent")


def test_a_command_that_ends_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such engine')"]

    with pytest.raises(ProcessFailedError, match="no such engine"):
        GuardedProcess.start(command, log=tmp_path / "log", ready="ready", seconds=20)


def test_a_command_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    )

    with pytest.raises(ProcessFailedError):
        GuardedProcess.start(
            [sys.executable, "-c", script], log=tmp_path / "log", ready="ready", seconds=1
        )
    assert not _runs(int(pid_file.read_text()))
