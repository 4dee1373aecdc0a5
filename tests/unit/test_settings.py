from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.settings import PREFIX, Settings, SettingsError, load_settings

_DOCS = Path(__file__).parents[2] / "docs" / "settings.md"
_ROW = re.compile(r"^\| `(HOTLINE_\w+)` \| (?:`(.*?)`|\(empty\)) \| (.*) \|$", re.MULTILINE)


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def test_every_setting_is_documented_with_its_default_and_its_text() -> None:
    rows = {name: (default, text) for name, default, text in _ROW.findall(_DOCS.read_text())}

    assert rows.keys() == {PREFIX + name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default, text = rows[PREFIX + name.upper()]
        shown = "" if name == "clickhouse_url" else str(field.default)
        assert default == shown
        assert field.title
        assert field.description
        assert _plain(field.description) in _plain(text)


def test_an_option_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_PORT", "9001")
    monkeypatch.setenv("HOTLINE_PARTITIONS", "7")

    settings = load_settings(port=9002, partitions=None)

    assert (settings.port, settings.partitions) == (9002, 7)


def test_an_error_names_the_variable_and_shows_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_PORT", "s3cret")

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert "HOTLINE_PORT" in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOTLINE_FUTURE_TOLERANCE", "inf"),
        ("HOTLINE_FUTURE_TOLERANCE", "nan"),
        ("HOTLINE_FLUSH_INTERVAL", "nan"),
        ("HOTLINE_PARTITIONS", ""),
        ("HOTLINE_TIME_ZONE", "Mars/Olympus"),
        ("HOTLINE_TIME_ZONE", "America"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError, match=rf"设置无效：\n  {variable}: (Input|not the name)"):
        load_settings()


def test_a_misspelt_variable_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOTLINE_POLCIY", "s3cret")
    monkeypatch.setenv("HOTLINE_URL", "http://127.0.0.1:8000")

    load_settings()

    (message,) = caplog.messages
    assert "HOTLINE_POLCIY" in message
    assert "did you mean HOTLINE_POLICY?" in message
    assert "s3cret" not in message


def test_a_password_is_never_shown() -> None:
    settings = load_settings(clickhouse_url="http://me:s3cret@host:8123/hotline")

    assert "s3cret" not in repr(settings)
    assert settings.database_url == "http://me:s3cret@host:8123/hotline"


def test_the_embedded_engine_lives_under_the_data_directory(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "with space")

    assert settings.database_url == f"chdb://{tmp_path}/with%20space/chdb"


_OIDC = {
    "HOTLINE_ACCESS": "keys",
    "HOTLINE_OIDC_ISSUER": "https://login.example",
    "HOTLINE_OIDC_AUDIENCE": "hotline-rates",
}


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("HOTLINE_ACCESS", "open", "HOTLINE_OIDC_ISSUER: needs HOTLINE_ACCESS=keys"),
        ("HOTLINE_OIDC_ISSUER", "http://login.example", "HOTLINE_OIDC_ISSUER: an https:// address"),
        ("HOTLINE_OIDC_AUDIENCE", "", "HOTLINE_OIDC_AUDIENCE: is needed with"),
    ],
)
def test_a_provider_needs_keys_encryption_and_an_audience(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, what: str
) -> None:
    for name, given in _OIDC.items():
        monkeypatch.setenv(name, given)
    assert load_settings().oidc_issuer == "https://login.example"
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError, match=what):
        load_settings()
