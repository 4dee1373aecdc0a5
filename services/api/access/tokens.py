"""Tokens of an OpenID provider beside the keys of the store: who asks, by what it says of him.

Authorization: Bearer eyJ…   signed by the issuer, for our audience, within its time
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, get_args

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from schemas.instants import SECOND, Instant
from services.api.access.issuer_keys import IssuerKeys
from services.api.access.keys import StoredKeys
from services.web.access.caller import Caller, Scope

WHOLE_CITY: Final = "*"
PREFIX: Final = "hotline:"

# Asymmetric ones only: with a shared secret, whoever can check a token can make one.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "Ed25519")
_LEEWAY: Final = 30  # seconds between two clocks
_LONGEST: Final = 8_192
_DOTS: Final = 2
_SCOPES: Final = frozenset(get_args(Scope))


class Trusted(NamedTuple):
    """Which tokens are believed, and where they say what their bearer may do.

    A claim within another one is written with a dot (``realm_access.roles``). An empty
    ``units_claim``: every token is for the whole city.
    """

    issuer: str
    audience: str
    scopes_claim: str
    units_claim: str


class BearerTokens:
    """The doorkeeper of a process that knows both."""

    def __init__(
        self,
        keys: StoredKeys,
        issuer: IssuerKeys,
        trusted: Trusted,
        clock: Callable[[], Instant],
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._trusted = trusted
        self._claims = jwt.JWTClaimsRegistry(
            lambda: clock() // SECOND,
            _LEEWAY,
            iss={"essential": True, "value": trusted.issuer},
            aud={"essential": True, "value": trusted.audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def caller(self, token: str) -> Caller | None:
        """Whose key or token it is; see `services.web.access.caller.Doorkeeper`."""
        if token.count(".") != _DOTS or len(token) > _LONGEST:
            return await self._keys.caller(token)
        claims = await self._believed(token)
        if claims is None:
            return None
        granted = {
            word.removeprefix(PREFIX)
            for word in _words(claims, self._trusted.scopes_claim)
            if word.startswith(PREFIX)
        }
        units = tuple(_words(claims, self._trusted.units_claim))
        is_city = not self._trusted.units_claim or WHOLE_CITY in units
        return Caller(
            name=name_of(self._trusted.issuer, claims["sub"]),
            scopes=frozenset(granted & _SCOPES),
            restriction=None if is_city else await self._keys.restriction(units),
        )

    async def note(self, who: str, method: str, route: str, target: str, status: int) -> None:
        """Add to the audit log; see `services.web.access.caller.Doorkeeper`."""
        await self._keys.note(who, method, route, target, status)

    async def _believed(self, token: str) -> Mapping[str, Any] | None:
        """The claims, if its signature and all that is asked of them hold."""
        keys = await self._issuer.keys()
        try:
            claims = _signed(token, keys)
        except InvalidKeyIdError:  # the provider may have changed its keys
            newer = await self._issuer.keys(other_than=keys)
            claims = None if newer is keys else _signed_or_none(token, newer)
        if claims is None:
            return None
        try:
            self._claims.validate(claims)
        except (JoseError, ValueError, OverflowError):
            return None
        return claims


def name_of(issuer: str, subject: str) -> str:
    """Name a bearer in the audit log; a subject may be a person's name, so it is not kept itself."""
    return f"oidc:{hashlib.sha256(f'{issuer} {subject}'.encode()).hexdigest()[:16]}"


def _signed(token: str, keys: KeySet) -> dict[str, Any] | None:
    """The claims of a token that one of the keys has signed.

    Raises:
        InvalidKeyIdError: it names a key that is not among them.
    """
    try:
        return jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
    except InvalidKeyIdError:
        raise
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _signed_or_none(token: str, keys: KeySet) -> dict[str, Any] | None:
    try:
        return _signed(token, keys)
    except InvalidKeyIdError:
        return None


def _words(claims: Mapping[str, Any], name: str) -> list[str]:
    """A claim as a list of words, however the provider writes it."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, str):
        return found.split()
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
