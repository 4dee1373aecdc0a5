"""Who listens where other machines can reach it, without keys, is told so, once, in both languages."""

from __future__ import annotations

import pytest

from services.cli.http_server import bind
from services.cli.web_app import warn_if_open
from services.settings import Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104 (what the warning is about)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_the_machine_itself_is_no_reason_to_warn(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    with bind(host, 0) as listener:
        warn_if_open(Settings(access="open", host=host), listener)

    assert caplog.messages == []


def test_an_address_that_others_reach_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with bind(EVERYWHERE, 0) as listener:
        warn_if_open(Settings(access="open", host=EVERYWHERE), listener)

    (message,) = caplog.messages
    assert "read and change everything" in message
    assert "任何人均可读写" in message


def test_with_keys_it_may_be_reached(caplog: pytest.LogCaptureFixture) -> None:
    with bind(EVERYWHERE, 0) as listener:
        warn_if_open(Settings(access="keys", host=EVERYWHERE), listener)

    assert caplog.messages == []
