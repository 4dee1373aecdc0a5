"""Fixtures of all tests, and the closing lines: which brokers and which engine were used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import usage
from tests.support.brokers import LABELS, Broker, Kind, fresh_broker
from tests.support.kafka import kafka_missing

# No absolute time decides a test, and the same commit gives the same result.
settings.register_profile(
    "project",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")

_REQUIRE_KAFKA = os.environ.get("HOTLINE_REQUIRE_KAFKA") == "1"
_KAFKA_SKIPPED = "skipped for want of Apache Kafka"
_NOTES = "notes"

BROKER_KINDS = [
    pytest.param("tansu", id="tansu"),
    pytest.param("kafka", id="kafka", marks=pytest.mark.kafka),
]


@pytest.fixture(params=BROKER_KINDS)
def broker_kind(request: pytest.FixtureRequest) -> Kind:
    """Run the test once for each kind of broker; for tests that start brokers themselves."""
    kind: Kind = request.param
    return kind


@pytest.fixture
def broker(broker_kind: Kind) -> Iterator[Broker]:
    """Give each test a fresh, empty broker, once Tansu and once Apache Kafka."""
    with fresh_broker(broker_kind) as running:
        yield running


@pytest.fixture
def tansu() -> Iterator[Broker]:
    """Give the test a fresh, empty Tansu only: where the kind of broker makes no difference."""
    with fresh_broker("tansu") as running:
        yield running


def pytest_configure() -> None:
    """Watch which tests use the engine."""
    usage.watch_for_chdb()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `kafka` where Apache Kafka cannot run."""
    if item.get_closest_marker("kafka") and (reason := kafka_missing()):
        usage.note(_KAFKA_SKIPPED)
        pytest.skip(reason)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of pytest-xdist noted; one that died has no output."""
    usage.take_over(getattr(node, "workeroutput", {}).get(_NOTES, {}))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that had to use Apache Kafka and did not."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # one process of several: the first one decides
        output[_NOTES] = usage.noted()
    elif _REQUIRE_KAFKA and usage.count(LABELS["kafka"]) == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which brokers and which engine the tests really used."""
    used = [f"{LABELS[kind]} ({usage.count(LABELS[kind])} tests)" for kind in LABELS]
    engines = f"chDB {version('chdb-core')} ({usage.count(usage.CHDB)} tests)"
    terminalreporter.section("brokers and engine")
    terminalreporter.line(f"brokers used: {', '.join(used)}; engine: {engines}")
    if skipped := usage.count(_KAFKA_SKIPPED):
        terminalreporter.line(
            f"SKIPPED for want of Apache Kafka: {skipped} tests ({kafka_missing()})", yellow=True
        )
    if _REQUIRE_KAFKA and usage.count(LABELS["kafka"]) == 0:
        terminalreporter.line("FAILED: HOTLINE_REQUIRE_KAFKA=1, but no test used it", red=True)
