from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.web.connection import PAUSE, AddressError, Connection, retry_after

_MAPPING = "boston-311"
_BAD = ["notaurl", "", "http://", "http://[", "ftp://127.0.0.1", "http://127.0.0.1:99999"]


@pytest.mark.parametrize("url", _BAD)
def test_what_is_no_address_is_refused_in_both_languages(url: str) -> None:
    with pytest.raises(AddressError, match=r"--url is no address .*服务地址"):
        Connection(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1/", "https://localhost"])
def test_a_proxy_is_not_asked_for_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.invalid:3128")
    with Connection(url) as here, Connection("http://elsewhere.invalid") as away:
        assert here.url == url.rstrip("/")
        assert not here.http.trust_env
        assert away.http.trust_env


@pytest.mark.parametrize(
    ("header", "seconds"), [({}, PAUSE), ({"retry-after": "3"}, 3.0), ({"retry-after": "-"}, PAUSE)]
)
def test_the_service_says_how_long_to_wait(header: dict[str, str], seconds: float) -> None:
    assert retry_after(httpx.Response(503, headers=header)) == seconds


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--url", "http://["], 2, "--url is no address"),
        (["--format", "parquet"], 2, "--format is one of csv, ndjson, excel"),
        (["--exported-at", "2016-01-01"], 2, "--exported-at is not"),
        (["--report", os.devnull + "/report.csv"], 2, "--report"),
    ],
)
def test_an_option_of_the_import_that_cannot_be_used_is_named(
    tmp_path: Path, options: list[str], code: int, told: str
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("CASE_ENQUIRY_ID\n1\n", "utf-8")

    done = CliRunner().invoke(app, ["import", str(path), "--mapping", _MAPPING, *options])

    assert done.exit_code == code
    assert done.stderr.startswith(told)


def test_the_demo_city_needs_an_address() -> None:
    done = CliRunner().invoke(app, ["simulate", "--url", "http://["])

    assert done.exit_code == 1
    assert "--url is no address" in done.stderr
