"""The public keys of an OpenID provider: found by its discovery document, fetched now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet, OctKey

from services.web.access.refusals import provider_unavailable

_LOG: Final = logging.getLogger(__name__)

_FRESH: Final = 3_600.0  # seconds after which they are fetched again
_LONGEST: Final = 86_400.0  # and so long they go on holding if that fails
_PAUSE: Final = 30.0  # between two attempts, whoever asks with whatever key id
_TIMEOUT: Final = 5.0
_MOST_BYTES: Final = 1 << 20
_DISCOVERY: Final = "/.well-known/openid-configuration"


class IssuerKeys:
    """Of one issuer; for one event loop.

    ``clock`` gives seconds that never go back.
    """

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()

    async def keys(self, *, other_than: KeySet | None = None) -> KeySet:
        """All that sign now.

        Args:
            other_than: Does not have the one that is looked for: fetch, unless it was done just now.

        Raises:
            Problem: 503, there are none that still hold.
        """
        async with self._fetching:
            age = self._clock() - self._fetched_at
            if (self._keys is other_than or age >= _FRESH) and self._may_try():
                await self._fetch()
                age = self._clock() - self._fetched_at
            if self._keys is None or age >= _LONGEST:
                raise provider_unavailable()
            return self._keys

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= _PAUSE

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT) as http:
                document = await _json(http, f"{self._issuer.rstrip('/')}{_DISCOVERY}")
                found = await _json(http, _address_of_keys(document, self._issuer))
            self._keys = _public_keys(found)
            self._fetched_at = self._tried_at
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            # Its text may hold what the other side sent.
            _LOG.warning("the keys of the OpenID provider cannot be read: %s", type(error).__name__)


def _address_of_keys(document: Mapping[str, Any], issuer: str) -> str:
    address = document.get("jwks_uri")
    if document.get("issuer") != issuer or not isinstance(address, str):
        raise ValueError("the discovery document is another issuer's")
    if urlsplit(address).scheme != urlsplit(issuer).scheme:
        raise ValueError("the keys lie in the open")
    return address


async def _json(http: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    body = b""
    async with http.stream("GET", url) as answer:
        answer.raise_for_status()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _MOST_BYTES:
                raise ValueError("more than a provider has to say")
    found = orjson.loads(body)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - of what came, not of the program
    return found


def _public_keys(document: Mapping[str, Any]) -> KeySet:
    """Those that can check a signature; what is of a kind that we do not know is left out."""
    found: list[Key] = []
    listed = document.get("keys")
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        try:
            key = JWKRegistry.import_key(each)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if not isinstance(key, OctKey):
            found.append(key)
    return KeySet(found)
