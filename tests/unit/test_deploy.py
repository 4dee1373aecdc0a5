"""What lies in deploy/ and docker-compose.yml speaks of settings and commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from typer.main import get_command

from services.cli.main import app
from services.settings import PREFIX, Settings

_ROOT = Path(__file__).parents[2]
_COMPOSE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
_OURS = {
    name: service
    for name, service in _COMPOSE["services"].items()
    if service["image"] == "hotline-rates"
}


def test_the_cluster_has_every_part() -> None:
    assert {"kafka", "clickhouse", "prepare", "worker", "gateway", "api"} == set(
        _COMPOSE["services"]
    )
    assert _OURS["worker"]["deploy"]["replicas"] == 2


def test_compose_sets_only_settings_that_exist() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}

    for service in _OURS.values():
        assert service["environment"].keys() <= known


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

    assert re.search(r"^USER hotline$", dockerfile, re.MULTILINE)
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    for name in " ".join(sources).split():
        assert (_ROOT / name).exists()
