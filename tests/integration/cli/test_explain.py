"""`hotline explain` against a running service."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from schemas.instants import DAY, MINUTE, format_instant
from services.cli.errors import CommandError
from services.cli.explain_command import ask
from services.cli.main import app
from services.web.connection import AddressError
from tests.integration.api.city import NOW, STREETS, City, open_city
from tests.integration.api.server import serving
from tests.support.orders import event, local, rated

START = local("2026-10-26 09:00")
UNIT = STREETS[0].code
NUMBER = "热线/[bold]?#"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    where = {"subject": NUMBER}
    with open_city(tmp_path_factory.mktemp("explain") / "engine") as found:
        found.store(
            [
                event("received", START, demand_type="complaint", **where),
                event("dispatched", START + MINUTE, unit=UNIT, **where),
                event("extended", START + DAY, unit=UNIT, decision="refused", **where),
                rated(START + 8 * DAY, "dissatisfied", **where),
            ]
        )
        yield found


@pytest.fixture(scope="module")
def url(city: City) -> Iterator[str]:
    with serving(city) as found:
        yield found


def told(url: str, *options: str) -> str:
    done = CliRunner().invoke(app, ["explain", NUMBER, "--url", url, *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_prints_sentences_deadlines_and_steps_in_both_languages(url: str) -> None:
    lines = told(url).splitlines()
    assert lines[0] == NUMBER
    against = next(n for n, line in enumerate(lines) if line.startswith("✗"))
    assert lines[against] == (
        f"✗ 计入{STREETS[0].name}（{UNIT}）的“满意率”，不得分，拉低该率：2026-11-03 09:00 的回访中，"
        "对“是否满意”的回答是“不满意”。"
    )
    assert lines[against + 1].strip().startswith("Counts against")
    assert "  ● 延期" in lines
    assert "    没有变化：未获批准" in lines
    assert "  ● 办结期限已过，尚未办结" in lines
    assert any("考核办法版本 1 期限表第 4 条，7 天" in line for line in lines)


def test_one_language_leaves_the_other_out(url: str) -> None:
    assert "Counts against" not in told(url, "--lang", "zh")
    english = told(url, "--lang", "en")
    assert "Counts against" in english
    assert "不得分" not in english


def test_a_past_instant_and_the_plain_answer(url: str) -> None:
    past = told(url, "--as-of", format_instant(START + 2 * DAY), "--lang", "zh")
    assert "尚未发生" in past
    assert "还没有回访" in past
    answer = json.loads(told(url, "--json"))
    assert answer["id"] == NUMBER
    assert answer["state"] == "valid"


def test_what_cannot_be_asked_is_said(url: str) -> None:
    with pytest.raises(CommandError, match="没有这个工单"):
        ask("nobody", None, url)
    with pytest.raises(CommandError, match="不能查询未来时刻"):
        ask(NUMBER, format_instant(NOW + DAY), url)
    with pytest.raises(CommandError, match="--url"):
        ask(NUMBER, None, "http://127.0.0.1:1")
    with pytest.raises(AddressError):
        ask(NUMBER, None, "ftp://x")
