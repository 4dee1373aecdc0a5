"""Where deliveries may go: public addresses only, looked at again with every connection.

A receiver's name may point elsewhere by the time it is called, so the addresses are checked where
the connection is made, and it is made to the very address that was checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import httpcore

_SCHEMES: Final = frozenset({"https", "http"})
_PLAIN: Final = re.compile(r"[!\"$-~]{1,2048}")  # visible ASCII without #
# The IPv6 forms of an IPv4 address that `ipaddress` does not unwrap itself.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenAddressError(OSError):
    """The name leads to an address that deliveries must not go to."""


def is_public(text: str) -> bool:
    """Whether an IP address lies in the public Internet, whatever form it is written in."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


def url_mistake(url: str, *, private: bool) -> str | None:
    """Why a URL cannot be a webhook: a code, or None.

    Only what the URL itself says; where its name leads is looked at with each connection.
    ``private`` lets plain HTTP and private addresses pass.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "invalid_url"
    if "@" in parts.netloc:
        return "url_with_credentials"
    if parts.scheme not in _SCHEMES or not host or port == 0 or not _PLAIN.fullmatch(url):
        return "invalid_url"
    if private or (parts.scheme == "https" and not _is_inside(host)):
        return None
    return "private_address" if parts.scheme == "https" else "not_https"


def _is_inside(host: str) -> bool:
    """Whether a host is no public address, or a name that only means something inside."""
    try:
        return not is_public(host)
    except ValueError:  # a name
        return "." not in host


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Makes connections, to public addresses only unless ``private``."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look the name up, refuse what is not public, and connect to what was looked at.

        Raises:
            ForbiddenAddressError: one of its addresses is not public.
            OSError: the name cannot be looked up.
        """
        address = host if self._private else await self._public_address(host, port)
        return await self._plain.connect_tcp(
            address,
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )

    async def _public_address(self, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(where[0]) for *_, where in found]
        if not addresses or not all(map(is_public, addresses)):
            raise ForbiddenAddressError("not a public address")
        return addresses[0]
