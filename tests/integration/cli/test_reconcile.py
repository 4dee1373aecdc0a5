"""`hotline reconcile` over a store that a service has filled."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from typer.testing import CliRunner, Result

from services.cli.local_broker import free_port
from services.cli.main import app
from services.storage.database import Database
from tests.integration.embedded.city import events
from tests.support.brokers import Broker
from tests.support.service import start_service
from tests.support.waiting import await_that

RUNNER = CliRunner()


def reconcile(settings: dict[str, str], *options: str) -> Result:
    return RUNNER.invoke(app, ("reconcile", *options), env={"COLUMNS": "200", **settings})


def scraped(process: str) -> list[str]:
    return httpx.get(f"{process}/metrics", timeout=30).text.splitlines()


def test_a_filled_store_is_equal_until_someone_changes_it(tansu: Broker, tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = {"HOTLINE_KAFKA_BOOTSTRAP": tansu.bootstrap, "HOTLINE_DATA_DIR": str(data)}
    watched = {"HOTLINE_METRICS_PORT": str(free_port()), "HOTLINE_RECONCILE_EVERY": "0.5"}
    service = start_service(data, environment=settings | watched)
    process = f"http://127.0.0.1:{watched['HOTLINE_METRICS_PORT']}"
    try:
        service.accepted(*events(range(20)))
        compared = [f'hotline_reconcile_differences{{partition="{n}"}} 0.0' for n in range(2)]
        await_that(lambda: set(compared) <= set(scraped(process)))
        assert "hotline_events_total 80.0" in scraped(process)
        assert 'hotline_gateway_events_total{outcome="accepted"} 80.0' in scraped(process)
        for part in ('method="POST"', 'route="/v1/events"', 'status="202"'):
            assert any(part in line for line in scraped(process) if "requests_total" in line)
        assert httpx.get(f"{process}/readyz").json()["checks"] == {"broker": True, "scoring": True}

        busy = reconcile(settings)
        assert busy.exit_code == 1
        assert "in use by process" in busy.stderr
        assert service.interrupt() == 0
    finally:
        service.kill()

    equal = reconcile(settings)
    assert equal.exit_code == 0, equal.output
    assert equal.stdout.count("一致 equal") == 2
    absent = reconcile(settings, "--shard", "2")
    assert absent.exit_code == 1
    assert "0 to 1" in absent.stderr

    database = Database.open(f"chdb://{data / 'chdb'}")
    database.execute(
        "ALTER TABLE counters UPDATE denominator = denominator + 1"
        " WHERE indicator = 'volume' AND shard = 1 SETTINGS mutations_sync = 2"
    )
    database.close()
    differs = reconcile(settings)
    assert differs.exit_code == 1
    assert differs.stdout.splitlines()[0].endswith("一致 equal")
    assert differs.stdout.splitlines()[1].endswith("不一致 differs")
    assert re.search(r"lead 11010100\d volume 2025-10-08T", differs.stderr)
