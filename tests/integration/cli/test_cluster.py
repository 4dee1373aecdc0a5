"""The cluster profile: every process on its own, on Apache Kafka and an engine over HTTP."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from services.cli.guarded import GuardedProcess
from services.cli.local_broker import free_port
from tests.integration.embedded.city import Json, events
from tests.support.brokers import fresh_broker
from tests.support.engines import shared_engine
from tests.support.service import plain_environment, run_hotline

_HOTLINE = str(Path(sys.executable).with_name("hotline"))


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with fresh_broker("kafka") as kafka, shared_engine(tmp_path / "engine") as url:
        yield plain_environment() | {
            "HOTLINE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "HOTLINE_CLICKHOUSE_URL": url,
            "HOTLINE_DATA_DIR": str(tmp_path / "data"),
            "HOTLINE_PARTITIONS": "3",
        }


@contextmanager
def _running(
    environment: dict[str, str], directory: Path, *command: str, ready: str
) -> Iterator[GuardedProcess]:
    process = GuardedProcess.start(
        [_HOTLINE, *command],
        log=directory / f"{'-'.join(command)}.log",
        ready=ready,
        seconds=120,
        env=environment,
    )
    try:
        yield process
    finally:
        process.send(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stop()


@pytest.mark.kafka
def test_the_parts_work_as_processes_of_their_own(
    environment: dict[str, str], tmp_path: Path
) -> None:
    unprepared = run_hotline("api", environment=environment)
    assert unprepared.returncode == 1
    assert "hotline prepare" in unprepared.stderr

    for _ in range(2):  # again is harmless
        prepared = run_hotline("prepare", environment=environment)
        assert prepared.returncode == 0, prepared.stderr
    listed = run_hotline("topics", "create", environment=environment)
    assert "all topics are there" in listed.stdout

    with ExitStack() as stack:
        stack.enter_context(_running(environment, tmp_path, "worker", ready="ready"))
        urls = {}
        for part in ("gateway", "api"):
            command = (part, "--port", str(free_port()))
            process = stack.enter_context(_running(environment, tmp_path, *command, ready="ready"))
            found = re.search(r"http://\S+", process.output())
            assert found
            urls[part] = found[0]
        answer = httpx.post(f"{urls['gateway']}/v1/events", json=events(range(30)), timeout=60)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        assert httpx.get(f"{urls['gateway']}/livez").status_code == httpx.codes.OK

        query = {"window": "month", "name": "2025-10"}
        deadline = time.monotonic() + 60
        page: Json = {"totals": {"volume": 0}}
        while page["totals"]["volume"] < 30 and time.monotonic() < deadline:
            page = httpx.get(f"{urls['api']}/v1/rankings", params=query, timeout=60).json()
        assert page["totals"]["states"]["valid"] == 30
        assert page["complete"] is True
        assert page["missing_shards"] == []


def test_without_an_address_of_kafka_the_error_names_the_setting(tmp_path: Path) -> None:
    done = run_hotline("topics", "create", environment={"HOTLINE_DATA_DIR": str(tmp_path)})

    assert done.returncode == 1
    assert "HOTLINE_KAFKA_BOOTSTRAP" in done.stderr
