"""One attempt to deliver one message: what came of it, as a code."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol
from urllib.parse import quote

import httpcore
from standardwebhooks.webhooks import Webhook

from schemas.instants import SECOND, Instant, to_datetime
from services.api.push.addresses import ForbiddenAddressError, GuardedBackend
from services.storage.deliveries import Delivery

ATTEMPT_SECONDS: Final = 15

_GONE: Final = 410
_SUCCESS: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)


class Outcome(NamedTuple):
    """What an attempt gave: no ``problem`` is a success; ``gone`` asks never to come again."""

    problem: str = ""
    status: int = 0
    gone: bool = False


class Sender(Protocol):
    """One way to deliver."""

    async def send(self, delivery: Delivery, address: str, secret: str, now: Instant) -> Outcome:
        """Try once. Never raises for what a receiver does."""


class WebhookSender:
    """Posts signed JSON. Follows no redirect, reads no answer but its status."""

    def __init__(self, *, private: bool, seconds: float = ATTEMPT_SECONDS) -> None:
        self._seconds = seconds
        self._backend = GuardedBackend(private=private)
        self._tls = ssl.create_default_context()

    async def send(self, delivery: Delivery, address: str, secret: str, now: Instant) -> Outcome:
        """Try once; every attempt is signed anew, under the same id."""
        headers = signed(delivery, secret, now)
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._post(address, headers, delivery.body.encode())
        except (TimeoutError, httpcore.TimeoutException):
            return Outcome("timeout")
        except ForbiddenAddressError:
            return Outcome("private_address")
        except (httpcore.ConnectError, OSError):
            return Outcome("no_connection")
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return Outcome("broken_connection")
        return _outcome(status)

    async def _post(self, address: str, headers: Mapping[str, str], body: bytes) -> int:
        # A connection of its own for each attempt: nothing of one receiver waits for another's.
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=self._tls, network_backend=self._backend, max_connections=1
            ) as pool,
            pool.stream("POST", address, headers=_pairs(headers), content=body) as answer,
        ):
            return answer.status


def _pairs(headers: Mapping[str, str]) -> list[tuple[bytes | str, bytes | str]]:
    return list(headers.items())


def signed(delivery: Delivery, secret: str, now: Instant) -> dict[str, str]:
    """The headers of the Standard Webhooks specification."""
    at = now // SECOND
    id_ = quote(delivery.id, safe=":")  # an id may name a group in Chinese; headers are ASCII
    return {
        "content-type": "application/json",
        "user-agent": "hotline-rates",
        "webhook-id": id_,
        "webhook-timestamp": str(at),
        "webhook-signature": Webhook(secret).sign(id_, to_datetime(at * SECOND), delivery.body),
    }


def _outcome(status: int) -> Outcome:
    if status in _SUCCESS:
        return Outcome(status=status)
    if status in _REDIRECT:
        return Outcome("redirect", status)
    return Outcome("refused", status, gone=status == _GONE)
