"""`hotline freeze`, `revise` and `audit` against a running service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from tests.integration.api.city import City, open_city
from tests.integration.api.server import serving
from tests.integration.api.test_cycles import CYCLE, DISSATISFIED, FEWER, FROZEN, exclude

RUNNER = CliRunner()
WHY = ("--ground", "committee", "--approver", "1101")


@pytest.fixture
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("frozen") / "engine", text=FEWER) as found:
        found.now = FROZEN
        found.store(DISSATISFIED)
        yield found


def hotline(*arguments: str) -> Result:
    return RUNNER.invoke(app, arguments, env={"COLUMNS": "200"})


def test_a_cycle_is_frozen_revised_and_audited(city: City) -> None:
    with serving(city) as url:
        early = hotline("audit", CYCLE, "--url", url)
        assert early.exit_code == 1
        assert "The cycle is not frozen" in early.stderr

        first = hotline("freeze", CYCLE, *WHY, "--url", url)
        assert first.exit_code == 0, first.output
        assert "revision 1" in first.stdout
        again = hotline("freeze", CYCLE, *WHY, "--url", url)
        assert again.exit_code == 1
        assert "/revise" in again.stderr

        exclude(city)
        second = hotline("revise", CYCLE, *WHY, "--url", url)
        assert second.exit_code == 0, second.output
        assert "revision 2" in second.stdout
        assert "street  110101001:" in second.stdout

        for revision in ("1", "2"):
            equal = hotline("audit", CYCLE, "--revision", revision, "--url", url)
            assert equal.exit_code == 0, equal.output
            assert "一致 equal" in equal.stdout

        city.database.execute(
            "ALTER TABLE cycle_orders UPDATE contributions = '[]' WHERE subject != ''"
            " SETTINGS mutations_sync = 2"
        )
        differs = hotline("audit", CYCLE, "--url", url)
        assert differs.exit_code == 1
        assert "differs at /orders/热线-不满意" in differs.stderr


def test_no_service_is_said(city: City) -> None:
    with serving(city) as url:
        pass
    for command in (("freeze", CYCLE, *WHY), ("audit", CYCLE)):
        result = hotline(*command, "--url", url)
        assert result.exit_code == 1
        assert url in result.stderr
