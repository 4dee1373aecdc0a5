"""Where webhooks may go."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from services.api.push.addresses import (
    ForbiddenAddressError,
    GuardedBackend,
    is_public,
    url_mistake,
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::",
        "64:ff9b::7f00:1", "64:ff9b::a00:1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "mistake"),
    [
        ("https://example.org/hook?x=1", None),
        ("https://1.1.1.1:8443/hook", None),
        ("http://example.org/hook", "not_https"),
        ("https://127.0.0.1/hook", "private_address"),
        ("https://[::1]/hook", "private_address"),
        ("https://[::ffff:10.0.0.1]/hook", "private_address"),
        ("https://localhost/hook", "private_address"),
        ("https://clickhouse/hook", "private_address"),
        ("https://user:password@example.org/", "url_with_credentials"),
        ("https://example.org/#part", "invalid_url"),
        ("https://example.org/a b", "invalid_url"),
        ("https://example.org/\r\nx: y", "invalid_url"),
        ("https://example.org:99999/", "invalid_url"),
        ("https:///nowhere", "invalid_url"),
        ("https://[::1/", "invalid_url"),
        ("ftp://example.org/", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("https://例子.中国/", "invalid_url"),
        ("https://example.org/" + "x" * 2048, "invalid_url"),
    ],
)
def test_what_a_url_itself_tells(url: str, mistake: str | None) -> None:
    assert url_mistake(url, private=False) == mistake


def test_private_networks_when_they_are_allowed() -> None:
    assert url_mistake("http://10.0.0.1:8080/hook", private=True) is None
    assert url_mistake("file:///etc/passwd", private=True) == "invalid_url"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_name_that_leads_inside_is_refused_when_connecting(
    listener: socket.socket, host: str
) -> None:
    with pytest.raises(ForbiddenAddressError):
        await GuardedBackend(private=False).connect_tcp(host, listener.getsockname()[1])

    stream = await GuardedBackend(private=True).connect_tcp(host, listener.getsockname()[1])
    await stream.aclose()
