"""The short run: some of the faults, a small city, the whole comparison.

It takes minutes and goes another way each time, so it is asked for by name: ``HOTLINE_CHAOS=1``, as CI
does. `make chaos` is the long one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from services.cli.guarded import GuardedProcess
from tests.chaos.faults import (
    engine_cut_after,
    freeze_worker,
    kill_broker,
    kill_gateway,
    kill_worker,
)
from tests.support import usage
from tests.support.brokers import LABELS

EVENTS = 10_000
KINDS = (kill_worker, engine_cut_after, kill_broker, freeze_worker, kill_gateway)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif("HOTLINE_CHAOS" not in os.environ, reason="asked for by HOTLINE_CHAOS=1")
def test_whatever_is_killed_the_numbers_are_exact(tmp_path: Path) -> None:
    """In a process of its own: a Kafka client whose broker is killed leaves sockets behind."""
    usage.note(LABELS["kafka"])
    usage.note(usage.CHDB)
    report = tmp_path / "report.json"
    options = ["--events", str(EVENTS), "--lasting", "4", "--report", str(report)]
    for kind in KINDS:
        options += ["--kind", kind.__name__]
    process = GuardedProcess.start(
        [sys.executable, "-m", "tests.chaos", *options],
        log=tmp_path / "output.log",
        ready="",
        seconds=0,
        cwd=Path(__file__).parents[2],
    )
    code = process.wait(1700)
    process.stop()
    assert code == 0, process.last_words()
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["differences"] == []
    assert told["counts"]["events accepted"] == EVENTS
    assert told["counts"]["faults"] == len(KINDS)
    assert told["counts"]["alerts stored"] > 0
    assert told["counts"]["dead letters"] > 0
