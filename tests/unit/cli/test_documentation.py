"""docs/cli.md names every command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer import Typer

from services.cli.main import app

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(app: Typer, name: str) -> Iterator[str]:
    for command in app.registered_commands:
        assert command.callback is not None
        yield f"{name} {command.name or command.callback.__name__}"
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, f"{name} {group.name}")


@pytest.mark.parametrize("command", sorted(commands(app, "hotline")))
def test_every_command_is_documented(command: str) -> None:
    assert f"| `{command}` |" in PAGE


def test_every_documented_command_is_there() -> None:
    known = set(commands(app, "hotline"))
    assert set(re.findall(r"^\| `(hotline [^`]+)` \|", PAGE, flags=re.MULTILINE)) == known
