"""`hotline dlq` against a running service whose log is a Kafka of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from schemas.topics import BATCH_JSON, WORK_ORDER_EVENTS, partition_of
from services.cli.main import app
from services.ingest.producer import connect, dispose
from tests.integration.embedded.city import Json, event
from tests.support.brokers import Broker
from tests.support.service import Service, running_service
from tests.support.waiting import await_that

RUNNER = CliRunner()
GOOD = event("received", 1, 0, demand_type="complaint", urgency="normal", phone="139 0000 0000")
BAD = event("dispatched", 1, 1)  # by no unit
HOME = partition_of(GOOD["subject"], 2)
ELSEWHERE = 1 - HOME


def write(bootstrap: str, partition: int, value: bytes) -> None:
    producer = connect([bootstrap], 30)
    try:
        headers = [("content-type", BATCH_JSON.encode())]
        producer.send(WORK_ORDER_EVENTS, value=value, partition=partition, headers=headers).get(30)
    finally:
        dispose(producer, 30)


@pytest.fixture
def service(tansu: Broker, tmp_path: Path) -> Iterator[Service]:
    """Its log holds, in the wrong partition, a good event, one without a unit, and no JSON."""
    log = {"HOTLINE_KAFKA_BOOTSTRAP": tansu.bootstrap}
    with running_service(tmp_path / "data", environment=log) as running:
        write(tansu.bootstrap, ELSEWHERE, orjson.dumps([GOOD, BAD])[:-1] + b",{,}]")
        await_that(lambda: len(letters(running)) == 3)
        yield running


def letters(service: Service) -> list[Json]:
    found: list[Json] = service.get("/v1/dead-letters")["dead_letters"]
    return found


def hotline(service: Service, *arguments: str, **settings: str) -> Result:
    command = ("dlq", *arguments, "--url", service.url)
    return RUNNER.invoke(app, command, env={"COLUMNS": "200", **settings})


def test_dead_letters_are_listed_shown_and_replayed_any_number_of_times(
    service: Service, tansu: Broker
) -> None:
    listed = hotline(service, "list")
    assert listed.exit_code == 0, listed.output
    reasons = ("malformed_json", "missing_field", "wrong_partition")
    assert listed.stdout.splitlines()[:3] == [f"{reason}: 1" for reason in reasons]
    places = [f"{ELSEWHERE}/1/0/{index}" for index in range(3)]
    assert all(place in listed.stdout for place in places)
    some = hotline(service, "list", "--reason", "missing_field")
    assert places[1] in some.stdout
    assert places[0] not in some.stdout
    assert "no dead letters" in hotline(service, "list", "--to", "2020-01-01T00:00:00Z").stdout

    shown = hotline(service, "show", places[1])
    assert shown.exit_code == 0, shown.output
    for line in (f"place: {places[1]}", "reason: missing_field", "path: /data/unit"):
        assert line in shown.stdout
    absent = hotline(service, "show", "0/1/77/0")
    assert absent.exit_code == 1
    assert "hotline dlq list" in absent.stderr

    log = {"HOTLINE_KAFKA_BOOTSTRAP": tansu.bootstrap}
    for status in ("accepted", "duplicate"):
        replayed = hotline(service, "replay", **log)
        assert replayed.exit_code == 1, replayed.output
        for line in (
            f"{places[0]} wrong_partition → {status}",
            f"{places[1]} missing_field → refused missing_field /data/unit: ",
            f"{places[2]} malformed_json → unreadable",
        ):
            assert line in replayed.stdout
        assert "139 0000" not in replayed.output
    order = service.order(GOOD["subject"])
    assert [each["id"] for each in order["events"]] == [GOOD["id"]]
    assert len(letters(service)) == 3  # what was replayed and still is bad gave no other letter

    one = hotline(service, "replay", places[0], **log)
    assert one.exit_code == 0, one.output
    assert one.stdout.splitlines()[-1] == "duplicate: 1"

    later = hotline(service, "replay", "--reason", "wrong_partition", HOTLINE_EPOCH="2", **log)
    assert later.exit_code == 1
    assert "wrong_partition → gone" in later.stdout

    nowhere = hotline(service, "replay")
    assert nowhere.exit_code == 1
    assert "HOTLINE_KAFKA_BOOTSTRAP" in nowhere.stderr
