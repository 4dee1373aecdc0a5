"""What lies in deploy/ and docker-compose.yml speaks of settings and commands that exist."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.main import get_command

from services.cli.main import app
from services.settings import PREFIX, Settings

_ROOT = Path(__file__).parents[2]
_COMPOSE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
_SCHEMA = json.loads((_ROOT / "tests/data/compose/compose-spec.json").read_text())
_OURS = {
    name: service
    for name, service in _COMPOSE["services"].items()
    if service["image"] == "hotline-rates"
}


def test_the_cluster_has_every_part() -> None:
    ours = {"prepare", "worker", "gateway", "api"}
    assert ours | {"kafka", "clickhouse", "prometheus", "grafana"} == set(_COMPOSE["services"])
    assert _OURS["worker"]["deploy"]["replicas"] == 2


def test_compose_sets_only_settings_that_exist() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}

    for service in _OURS.values():
        assert service["environment"].keys() <= known


def test_compose_asks_for_keys() -> None:
    assert all(service["environment"]["HOTLINE_ACCESS"] == "keys" for service in _OURS.values())


def test_compose_runs_only_commands_that_exist() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]

    for service in _OURS.values():
        assert service["command"][0] in commands


def test_services_wait_for_services_that_exist() -> None:
    for service in _COMPOSE["services"].values():
        for name, wait in service.get("depends_on", {}).items():
            depended = _COMPOSE["services"][name]
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in depended


def test_the_image_runs_as_a_plain_user_and_copies_what_is_there() -> None:
    dockerfile = (_ROOT / "deploy" / "Dockerfile").read_text()

    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    for name in " ".join(sources).split():
        assert (_ROOT / name).exists()


def test_the_compose_file_is_one_by_the_specification() -> None:
    mistakes = Draft202012Validator(_SCHEMA).iter_errors(_COMPOSE)

    assert [f"{mistake.json_path}: {mistake.message}" for mistake in mistakes] == []


def test_the_specification_refuses_what_is_misspelt() -> None:
    misspelt = {"services": {"api": {"image": "i", "healtcheck": {}}}}

    assert not Draft202012Validator(_SCHEMA).is_valid(misspelt)


@pytest.mark.parametrize("name", _COMPOSE["services"])
def test_no_container_gains_rights(name: str) -> None:
    service = _COMPOSE["services"][name]

    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert not service.get("privileged")
    if name in _OURS:
        assert service["read_only"] is True
        assert "cap_add" not in service


def test_only_gateway_api_and_dashboard_are_reached_and_only_from_this_machine() -> None:
    published = {
        name: service["ports"]
        for name, service in _COMPOSE["services"].items()
        if "ports" in service
    }

    assert published.keys() == {"gateway", "api", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert _COMPOSE["networks"]["store"]["internal"] is True
    for name, service in _COMPOSE["services"].items():
        assert service["networks"] == (["store", "front"] if name in published else ["store"])


def test_no_secret_is_in_the_repository_and_each_variable_is_in_the_sample() -> None:
    text = (_ROOT / "docker-compose.yml").read_text()
    sample = dict(re.findall(r"^(\w+)=(.*)$", (_ROOT / ".env.example").read_text(), re.MULTILINE))

    assert set(re.findall(r"\$\{(\w+)", text)) == sample.keys()
    assert set(sample.values()) == {""}
    assert all(default.startswith("?") for default in re.findall(r"\$\{\w*PASSWORD:(.)", text))
    assert ".env" in (_ROOT / ".gitignore").read_text().splitlines()


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"

    found = subprocess.run(
        [hadolint, "--no-color", _ROOT / "deploy" / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
