"""docs/metrics.md lists every metric there is, and what a process tells is what happened."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path

import httpx
from fastapi import FastAPI

from services.cli.observing import JsonFormatter
from services.metrics.registry import Metrics
from services.web.metrics import install_request_metrics, metrics_app

_PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
_ROW = re.compile(r"^\| `(hotline_\w+)` \| (\w+) \|(.*?)\| .+ \|$", re.MULTILINE)


def known_metrics() -> dict[str, str]:
    """Name and kind of every metric."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in Metrics().registry.collect()
    }


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    rows = {name: kind for name, kind, _ in _ROW.findall(_PAGE)}

    assert rows == known_metrics()


def test_the_documented_labels_are_those_of_the_metric() -> None:
    metrics = Metrics()
    labels = {
        each._name: each._labelnames  # noqa: SLF001 - there is no public way to ask
        for each in vars(metrics).values()
        if hasattr(each, "_labelnames")
    }

    for name, _, text in _ROW.findall(_PAGE):
        assert tuple(re.findall(r"`(\w+)`", text)) == labels[name.removesuffix("_total")]


async def test_requests_are_counted_by_route_and_never_by_what_a_caller_makes_up() -> None:
    app, metrics = FastAPI(), Metrics()

    @app.get("/v1/work-orders/{order}")
    def order(order: str) -> str:
        return order

    install_request_metrics(app, metrics)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        for number in range(3):
            await http.get(f"/v1/work-orders/热线-{number}")
        await http.get("/made-up/13900000000")
        await http.request("INVENTED", "/v1/work-orders/1")

    route = "/v1/work-orders/{order}"
    told = {
        tuple(sample.labels[name] for name in ("method", "route", "status")): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "hotline_http_requests_total" and sample.value
    }
    assert told == {
        ("GET", route, "200"): 3,
        ("other", "other", "404"): 1,
        ("other", "other", "405"): 1,
    }
    assert b"13900000000" not in metrics.text()


def test_what_a_rule_waits_for_begins_at_zero() -> None:
    app, metrics = FastAPI(), Metrics()
    install_request_metrics(app, metrics)
    lines = metrics.text().decode().splitlines()
    for series in (
        'dead_letters_total{reason="wrong_partition"}',
        'store_retries_total{cause="refused"}',
        'push_deliveries_total{outcome="given_up"}',
        'http_requests_total{method="POST",route="/v1/events",status="503"}',
    ):
        assert f"hotline_{series} 0.0" in lines


async def test_the_metrics_port_tells_values_and_readiness() -> None:
    metrics, checks = Metrics(), {"scoring": False}
    metrics.on_scrape.append(lambda: metrics.gateway_pending_bytes.set(17))
    transport = httpx.ASGITransport(metrics_app(metrics, lambda: checks))
    async with httpx.AsyncClient(transport=transport, base_url="http://process") as http:
        scraped = await http.get("/metrics")
        assert scraped.headers["content-type"].startswith("text/plain")
        assert "hotline_gateway_pending_bytes 17.0" in scraped.text.splitlines()
        assert (await http.get("/livez")).status_code == 200
        waiting = await http.get("/readyz")
        assert (waiting.status_code, waiting.json()["checks"]) == (503, {"scoring": False})
        assert waiting.headers["retry-after"] == "1"
        checks["scoring"] = True
        assert (await http.get("/readyz")).status_code == 200


def test_a_line_of_the_log_is_an_object_that_names_the_order() -> None:
    record = logging.makeLogRecord(
        {"name": "services.scoring", "levelno": logging.ERROR, "levelname": "ERROR"}
        | {"msg": "shard %d: 无法评估", "args": (3,), "created": 1_700_000_000.5, "order": "热线-1"}
    )
    assert json.loads(JsonFormatter().format(record)) == {
        "time": "2023-11-14T22:13:20.500000+00:00",
        "level": "error",
        "logger": "services.scoring",
        "message": "shard 3: 无法评估",
        "order": "热线-1",
    }


def test_an_error_keeps_its_traceback_on_one_line() -> None:
    try:
        int("?")
    except ValueError:
        record = logging.makeLogRecord({"exc_info": sys.exc_info()})
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "ValueError" in json.loads(line)["traceback"]
