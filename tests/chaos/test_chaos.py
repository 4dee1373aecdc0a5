"""The short run: some of the faults, a small city, the whole comparison.

It takes minutes and goes another way each time, so it is asked for by name: ``HOTLINE_CHAOS=1``.
`make chaos` is the long one.
"""

from __future__ import annotations

import os

import pytest

from tests.chaos.faults import (
    engine_cut_after,
    freeze_worker,
    kill_broker,
    kill_gateway,
    kill_worker,
)
from tests.chaos.run import Given, run
from tests.support import usage
from tests.support.brokers import LABELS

KINDS = (kill_worker, engine_cut_after, kill_broker, freeze_worker, kill_gateway)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif("HOTLINE_CHAOS" not in os.environ, reason="asked for by HOTLINE_CHAOS=1")
def test_whatever_is_killed_the_numbers_are_exact() -> None:
    usage.note(LABELS["kafka"])
    usage.note(usage.CHDB)
    report = run(
        Given(events=10_000, faults=0, seed=1, lasting=4, kinds=KINDS), lambda *_progress: None
    )
    assert report.differences == []
    assert report.counts["events accepted"] == 10_000
    assert report.counts["alerts"] > 0
    assert report.counts["dead letters"] > 0
