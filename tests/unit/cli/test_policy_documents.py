"""`hotline policy check`, `show`, `diff` and `presets`, as a person calls them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.cli.policy_documents import warnings
from services.domain.policy import load_policy, preset, presets

RUNNER = CliRunner()


def hotline(*arguments: str) -> Result:
    return RUNNER.invoke(app, ["policy", *arguments], env={"COLUMNS": "200"})


@pytest.mark.parametrize("name", presets())
def test_every_preset_passes_its_check(name: str) -> None:
    result = hotline("check", name)

    assert result.exit_code == 0, result.output
    assert "The policy is good" in result.output
    assert load_policy(preset(name)).checksum in result.output


def test_a_check_names_every_mistake_with_line_and_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = preset("beijing-district").replace("response: 10,", "response: 20,")
    file.write_text(text.replace("bottom: 10", "botom: 10", 1), "utf-8")

    result = hotline("check", str(file))

    assert result.exit_code == 1
    assert "mine.yaml: the policy has mistakes. 考核办法有误" in result.output
    lines = text.splitlines()
    botom = next(n for n, line in enumerate(lines, 1) if line.startswith("ranking:"))
    assert f"line {botom}, ranking.botom: there is no such key" in result.output
    assert "weights must add up to 100" in result.output


def test_a_check_of_a_file_that_is_not_there_lists_the_presets() -> None:
    result = hotline("check", "nowhere.yaml")

    assert result.exit_code == 1
    assert "beijing-district" in result.output


def test_a_year_without_a_calendar_is_told_before_it_is_needed() -> None:
    policy = load_policy(preset("shandong"))  # working days
    last = policy.working_days.known_until()

    assert list(warnings(policy, last - timedelta(days=200))) == []
    (warning,) = warnings(policy, last - timedelta(days=60))
    assert f"the working days of {last.year + 1}" in warning
    assert list(warnings(load_policy(preset("beijing-district")), last)) == []  # wall clock only


def test_show_tells_the_rules_in_both_languages() -> None:
    result = hotline("show", "jungar")

    assert result.exit_code == 0, result.output
    for words in (
        "响应率",
        "Response rate",
        "sign_in_time 10",
        "底线 floor 100 %",
        "tag 适老化设施",
    ):
        assert words in result.output
    assert "24 小时 h" in result.output
    assert "7 天 d" in result.output


def test_show_takes_a_version_by_name() -> None:
    assert "−0.5 / % < 95 %" in hotline("show", "lianyungang-2022", "--version", "2021").output
    assert "−0.5 / % < 98 %" in hotline("show", "lianyungang-2022", "--version", "2022").output

    unknown = hotline("show", "lianyungang-2022", "--version", "1999")
    assert unknown.exit_code == 1
    assert "2021, 2022" in unknown.output


def test_show_as_json_is_the_whole_document() -> None:
    document = json.loads(hotline("show", "lianyungang-2022", "--json").stdout)

    assert document["id"] == "lianyungang-2022"
    assert [version["version"] for version in document["versions"]] == ["2021", "2022"]


def test_equal_policies_have_no_difference(tmp_path: Path) -> None:
    file = tmp_path / "same.yaml"
    file.write_text("# another comment\n" + preset("on-time"), "utf-8")

    result = hotline("diff", "on-time", str(file))

    assert result.exit_code == 0, result.output
    assert "no difference" in result.output


def test_a_difference_is_told_by_path_and_gives_exit_code_1(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(preset("on-time").replace("bottom: 3", "bottom: 4"), "utf-8")

    result = hotline("diff", "on-time", str(file))

    assert result.exit_code == 1
    assert "~ [1] ranking.bottom: 3 → 4" in result.output
    assert "orders count alike" in result.output
    (change,) = json.loads(hotline("diff", "on-time", str(file), "--json").stdout)
    assert change == {
        "kind": "changed", "version": "1", "path": "ranking.bottom", "before": "3", "after": "4",
    }  # fmt: skip


def test_presets_lists_all_of_them() -> None:
    result = hotline("presets")

    assert result.exit_code == 0
    assert all(name in result.output for name in presets())
