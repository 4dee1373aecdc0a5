"""Rules and dashboard speak of metrics that exist, and every rule has its section in the runbook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.unit.test_metrics import known_metrics

_ROOT = Path(__file__).parents[2]
_PROMETHEUS: dict[str, Any] = yaml.safe_load(
    (_ROOT / "deploy/prometheus/prometheus.yml").read_text()
)
_RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((_ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
_DASHBOARD: dict[str, Any] = json.loads(
    (_ROOT / "deploy/grafana/dashboards/hotline.json").read_text()
)
_COMPOSE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
_EXPRESSIONS = [rule["expr"] for rule in _RULES] + [
    target["expr"] for panel in _DASHBOARD["panels"] for target in panel["targets"]
]
_DURATION = re.compile(r"[1-9]\d*[smh]")


def told() -> set[str]:
    """The names of all series of the service."""
    names = set()
    for name, kind in known_metrics().items():
        names |= (
            {f"{name}_{part}" for part in ("bucket", "sum", "count")}
            if kind == "histogram"
            else {name}
        )
    return names


@pytest.mark.parametrize("expression", _EXPRESSIONS)
def test_an_expression_is_one_and_asks_for_series_that_exist(expression: str) -> None:
    promql_parser.parse(expression)

    assert set(re.findall(r"hotline_\w+", expression)) <= told()


def test_the_parser_refuses_what_is_misspelt() -> None:
    with pytest.raises(ValueError, match=r"."):
        promql_parser.parse("sum by (le (rate(hotline_flush_seconds_bucket[5m]))")


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule["alert"])
def test_a_rule_is_complete(rule: dict[str, Any]) -> None:
    assert rule.keys() - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert _DURATION.fullmatch(rule.get("for", "1m"))
    assert re.search(r"[a-z]{4}", rule["annotations"]["summary"])
    assert re.search(r"[\u4e00-\u9fff]{2}", rule["annotations"]["summary_zh"])


def test_every_rule_has_a_section_in_the_runbook_and_every_section_a_rule() -> None:
    runbook = (_ROOT / "docs/runbook.md").read_text("utf-8")
    names = [rule["alert"] for rule in _RULES]

    assert re.findall(r"^## (\w+)$", runbook, re.MULTILINE) == names
    assert set(re.findall(r"\bHotline\w+", runbook)) == set(names)


def test_prometheus_scrapes_every_part_on_the_metrics_port() -> None:
    ours = {"worker", "gateway", "api"}
    scraped = {}
    for job in _PROMETHEUS["scrape_configs"]:
        (found,) = job["dns_sd_configs"]
        scraped[job["job_name"]] = (found["names"], found["port"])

    port = int(_COMPOSE["services"]["worker"]["environment"]["HOTLINE_METRICS_PORT"])
    assert scraped == {f"hotline-{part}": ([part], port) for part in ours}
    assert _PROMETHEUS["rule_files"] == ["rules.yml"]


def test_the_rule_on_missing_shards_knows_how_many_there_are() -> None:
    partitions = _COMPOSE["services"]["worker"]["environment"]["HOTLINE_PARTITIONS"]
    (rule,) = (rule for rule in _RULES if rule["alert"] == "HotlineShardMissing")

    assert rule["expr"].endswith(f"< {partitions}")


def test_what_compose_mounts_is_there() -> None:
    for name in ("prometheus", "grafana"):
        for volume in _COMPOSE["services"][name]["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (_ROOT / source).is_dir()
    provider = yaml.safe_load(
        (_ROOT / "deploy/grafana/provisioning/dashboards/hotline.yml").read_text()
    )["providers"][0]
    assert f":{provider['options']['path']}:" in str(_COMPOSE["services"]["grafana"]["volumes"])


def test_every_panel_asks_the_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load(
        (_ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"]

    assert len({panel["id"] for panel in _DASHBOARD["panels"]}) == len(_DASHBOARD["panels"])
    assert {panel["datasource"]["uid"] for panel in _DASHBOARD["panels"]} == {source["uid"]}
    assert "prometheus" in _COMPOSE["services"]
    assert source["url"].startswith("http://prometheus:")
