"""`kill -9`: what was acknowledged is there, and the numbers are those of an undisturbed run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.integration.embedded.city import archived, course, events, live_numbers, numbers
from tests.support.brokers import Kind, fresh_log
from tests.support.service import Service, running_service, start_service

_WRITERS = 8
Log = dict[str, str]


@pytest.fixture
def log(broker_kind: Kind) -> Iterator[Log]:
    """The broker that comes along dies with the service; a Kafka of one's own goes on."""
    with fresh_log(broker_kind) as environment:
        yield environment


def test_an_event_acknowledged_right_before_the_kill_is_there(tmp_path: Path, log: Log) -> None:
    for number in range(3):
        service = start_service(tmp_path, environment=log)
        service.accepted(*course(number))
        service.kill()

    with running_service(tmp_path, environment=log) as service:
        assert archived(service) == {"order-0", "order-1", "order-2"}
        assert live_numbers(service)["totals"]["volume"] == 3


class _Flood:
    """Writers that push order after order until the service dies; notes what was acknowledged."""

    def __init__(self, service: Service) -> None:
        self.acknowledged: list[int] = []
        self._service = service
        self._enough = threading.Condition()

    def write(self, orders: range) -> None:
        for number in orders:
            try:
                answer = httpx.post(
                    f"{self._service.url}/v1/events", json=course(number), timeout=30
                )
            except httpx.TransportError:
                return
            if answer.status_code == httpx.codes.ACCEPTED:
                with self._enough:
                    self.acknowledged.append(number)
                    self._enough.notify_all()

    def await_acknowledged(self, count: int) -> None:
        with self._enough:
            assert self._enough.wait_for(lambda: len(self.acknowledged) >= count, timeout=60)


def test_every_acknowledged_order_of_many_writers_survives(tmp_path: Path, log: Log) -> None:
    acknowledged: set[int] = set()
    for round_ in range(3):
        service = start_service(tmp_path, environment=log)
        flood = _Flood(service)
        with ThreadPoolExecutor(_WRITERS) as writers:
            for writer in range(_WRITERS):
                first = (round_ * _WRITERS + writer) * 1000
                writers.submit(flood.write, range(first, first + 1000))
            flood.await_acknowledged(40 + 17 * round_)
            service.kill()
        acknowledged |= set(flood.acknowledged)

    with running_service(tmp_path, environment=log) as service:
        missing = {f"order-{number}" for number in acknowledged} - archived(service)
        assert missing == set()
        for number in sorted(acknowledged)[:: len(acknowledged) // 10]:
            assert service.order(f"order-{number}")["state"] == "valid"


def test_a_flood_cut_off_and_sent_again_gives_the_numbers_of_an_undisturbed_run(
    tmp_path: Path, log: Log
) -> None:
    orders = range(600)
    requests = [events(range(first, first + 20)) for first in range(0, len(orders), 20)]
    with running_service(tmp_path / "undisturbed") as service:
        for request in requests:
            service.accepted(*request)
        expected = numbers(service)
        assert live_numbers(service) == expected

    disturbed = tmp_path / "disturbed"
    for seconds in (0.4, 1.1):
        service = start_service(disturbed, environment=log)
        killer = threading.Timer(seconds, service.process.kill)
        killer.start()
        began = time.monotonic()
        while time.monotonic() - began < 30:
            try:
                for request in requests:
                    service.push(*request)
            except httpx.TransportError:
                break
        killer.join()

    with running_service(disturbed, environment=log) as service:
        for request in requests:
            service.accepted(*request)
        assert numbers(service) == expected
        assert live_numbers(service) == expected
