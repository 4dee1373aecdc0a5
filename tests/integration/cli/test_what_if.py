"""`hotline what-if` and `hotline policy diff current …` against a running service."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.domain.policy import preset
from tests.integration.api.city import City, city_events, open_city
from tests.integration.api.server import serving

BEIJING = preset("beijing-district")
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with open_city(tmp_path_factory.mktemp("city") / "engine") as city:
        _store(city)
        with serving(city) as address:
            yield address


def _store(city: City) -> None:
    city.store(city_events())


def hotline(*arguments: str) -> Result:
    return RUNNER.invoke(app, arguments, env={"COLUMNS": "200"})


def test_moves_and_a_csv(url: str, tmp_path: Path) -> None:
    file, table = tmp_path / "other.yaml", tmp_path / "table.csv"
    file.write_text(
        BEIJING.replace("minimum_sample: 10", "minimum_sample: 1").replace(
            "basis: last", "basis: first"
        ),
        "utf-8",
    )

    result = hotline(
        "what-if", "--policy", str(file), "--cycle", "2026-11", "--csv", str(table), "--url", url
    )

    assert result.exit_code == 0, result.output
    assert "现行 present: beijing-district" in result.output
    assert "orders evaluated again" in result.output
    rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    for row in rows:
        if row["move"] not in {"", "0"}:
            move = int(row["move"])
            assert (f"↑{move}" if move > 0 else f"↓{-move}") in result.output
    assert sum(row["rank"] != "" for row in rows) > sum(row["present_rank"] != "" for row in rows)


def test_the_present_policy_moves_nobody(url: str) -> None:
    result = hotline("what-if", "--policy", "beijing-district", "--cycle", "2026-11", "--url", url)

    assert result.exit_code == 0, result.output
    assert "上升 up 0, 下降 down 0" in result.output
    assert "none was evaluated again" in result.output


def test_mistakes_in_the_policy_are_named_by_line(url: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    text = BEIJING.replace("ranking: {", "ranking: {worst: 3, ")
    file.write_text(text, "utf-8")

    result = hotline("what-if", "--policy", str(file), "--url", url)

    line = next(n for n, row in enumerate(text.splitlines(), 1) if "worst" in row)
    assert result.exit_code == 1
    assert "The policy has mistakes. 考核办法有误。" in result.output
    assert f"line {line}, ranking.worst: there is no such key" in result.output


def test_a_cycle_that_is_none_is_refused(url: str) -> None:
    result = hotline("what-if", "--policy", "on-time", "--cycle", "autumn", "--url", url)

    assert result.exit_code == 1
    assert "2026-11" in result.output


def test_without_a_service_it_says_so() -> None:
    result = hotline("what-if", "--policy", "on-time", "--url", "http://127.0.0.1:9")

    assert result.exit_code == 1
    assert "no service answers" in result.output


def test_the_policy_of_a_service_is_current(url: str, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(BEIJING.replace("bottom: 10,", "bottom: 9,", 1), "utf-8")

    same = hotline("policy", "diff", "current", "beijing-district", "--url", url)
    other = hotline("policy", "diff", "current", str(file), "--url", url)

    assert same.exit_code == 0, same.output
    assert other.exit_code == 1
    assert "~ [1] ranking.bottom: 10 → 9" in other.output
