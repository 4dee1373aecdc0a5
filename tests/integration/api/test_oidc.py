"""Tokens of an OpenID provider that runs here: who is let in with what, and who is not."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from schemas.instants import SECOND
from services.api.access.issuer_keys import IssuerKeys
from services.api.access.keys import StoredKeys, create
from services.api.access.tokens import BearerTokens, Trusted, name_of
from services.cli.web_app import build_app, query_routers
from services.storage import audit_log
from services.web.access.guard import install_access
from tests.integration.api.city import STREETS, City, city_events, open_city
from tests.integration.api.client import problem

AUDIENCE = "三率"
STREET = STREETS[0]
OTHER = next(unit for unit in STREETS if unit.parent != STREET.parent)


class Provider:
    """An issuer with its keys; what it answers can be changed."""

    def __init__(self) -> None:
        self.keys: list[Key] = [RSAKey.generate_key(2048, {"kid": "first"}, auto_kid=False)]
        self.asked: list[str] = []
        self.extra: dict[str, Any] = {}
        self.listed: list[Any] = []
        self.issuer = ""

    def answer(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        if path == "/realm/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.extra}
        if path == "/realm/keys":
            public = [
                key.as_dict(private=False) for key in self.keys if not isinstance(key, OctKey)
            ]
            return {"keys": [*self.listed, *public]}
        return None

    def token(
        self, city: City, *, key: Key | None = None, alg: str = "RS256", **claims: Any
    ) -> str:
        now = city.now // SECOND
        told = {
            "iss": self.issuer,
            "aud": [AUDIENCE, "another"],
            "sub": "8f1c",
            "iat": now,
            "exp": now + 300,
            "scope": "openid hotline:read",
            "hotline_units": ["*"],
        } | claims
        signer = key or self.keys[-1]
        header = {"alg": alg, "kid": signer.kid}
        given = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(header, given, signer, algorithms=[alg])


@contextmanager
def running(provider: Provider) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = provider.answer(self.path)
            body = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as in the base class)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_address[1]}/realm"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city; its tests leave keys and log entries to each other."""
    with open_city(tmp_path_factory.mktemp("oidc") / "engine") as found:
        found.store(city_events())
        yield found


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    with running(found):
        yield found


class Elapsed:
    """Seconds, as told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def asking(
    city: City, provider: Provider, elapsed: Elapsed, **trusted: str
) -> AsyncIterator[httpx.AsyncClient]:
    believed = Trusted(provider.issuer, AUDIENCE, "scope", "hotline_units")._replace(**trusted)
    keys = StoredKeys(city.database, lambda: city.now, read_every=0, always_units=True)
    issuer = IssuerKeys(provider.issuer, elapsed)
    app = build_app(query_routers(city.context()))
    install_access(app, BearerTokens(keys, issuer, believed, lambda: city.now), keys=True)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://service"
    ) as http:
        yield http


@pytest.fixture
async def http(city: City, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(city, provider, Elapsed()) as found:
        yield found


async def get(http: httpx.AsyncClient, token: str, path: str = "/v1/policy") -> httpx.Response:
    return await http.get(path, headers={"authorization": f"Bearer {token}"})


async def test_a_token_of_the_issuer_is_let_in_for_what_it_says(
    city: City, provider: Provider, http: httpx.AsyncClient
) -> None:
    reader = provider.token(city)
    assert (await get(http, reader)).status_code == 200
    problem(await get(http, reader, "/v1/keys"), 403, "missing_scope")
    admin = provider.token(city, scope=["hotline:admin"])
    assert (await get(http, admin, "/v1/keys")).status_code == 200
    problem(await get(http, provider.token(city, scope="openid read")), 403, "missing_scope")


async def test_keys_of_the_store_open_beside_them(
    city: City, provider: Provider, http: httpx.AsyncClient
) -> None:
    _, text = create(city.database, city.now, label="test", scopes=("read",))

    assert (await get(http, text)).status_code == 200
    assert provider.asked == []


async def test_a_token_of_some_units_sees_nothing_of_others(
    city: City, provider: Provider, http: httpx.AsyncClient
) -> None:
    district = provider.token(city, hotline_units=[STREET.parent])

    assert (await get(http, district, f"/v1/units/{STREET.code}/rates")).status_code == 200
    outside = await get(http, district, f"/v1/units/{OTHER.code}/rates")
    problem(outside, 403, "outside_restriction")
    lines = (await get(http, district, "/v1/rankings")).json()
    seen = {line["unit"]["code"] for line in [*lines["ranked"], *lines["unranked"]]}
    assert seen == {unit.code for unit in STREETS if unit.parent == STREET.parent}


@pytest.mark.parametrize("units", [None, [], 7, {"a": 1}])
async def test_a_token_that_names_no_unit_is_of_none(
    city: City, provider: Provider, http: httpx.AsyncClient, units: Any
) -> None:
    token = provider.token(city, hotline_units=units)

    problem(await get(http, token, f"/v1/units/{STREET.code}/rates"), 403, "outside_restriction")
    assert (await get(http, token)).status_code == 200, "the policy is about no unit"


async def test_where_no_claim_names_units_every_token_is_of_the_whole_city(
    city: City, provider: Provider
) -> None:
    async with asking(city, provider, Elapsed(), units_claim="") as http:
        token = provider.token(city, hotline_units=None)
        assert (await get(http, token, f"/v1/units/{OTHER.code}/rates")).status_code == 200


async def test_scopes_may_lie_within_another_claim(city: City, provider: Provider) -> None:
    async with asking(city, provider, Elapsed(), scopes_claim="realm_access.roles") as http:
        token = provider.token(city, realm_access={"roles": ["hotline:read"]})
        assert (await get(http, token)).status_code == 200
        problem(await get(http, provider.token(city)), 403, "missing_scope")


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "http://127.0.0.1/another"},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"exp": None},
        {"exp": 1},
        {"exp": "tomorrow"},
        {"nbf": 10**12},
        {"iat": 10**12},
    ],
    ids=str,
)
async def test_a_token_for_another_or_another_time_opens_nothing(
    city: City, provider: Provider, http: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    problem(await get(http, provider.token(city, **wrong)), 401, "unauthenticated")


async def test_clocks_may_differ_by_some_seconds(
    city: City, provider: Provider, http: httpx.AsyncClient
) -> None:
    now = city.now // SECOND

    assert (await get(http, provider.token(city, exp=now - 20))).status_code == 200
    problem(await get(http, provider.token(city, exp=now - 30)), 401, "unauthenticated")


async def test_only_the_issuer_can_sign(
    city: City, provider: Provider, http: httpx.AsyncClient
) -> None:
    (own,) = provider.keys
    assert isinstance(own, RSAKey)
    forger = RSAKey.generate_key(2048, {"kid": "first"}, auto_kid=False)
    good = provider.token(city)
    head, claims, signature = good.split(".")
    unsigned = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    for token in (
        provider.token(city, key=forger),
        _signed_with_the_public_key(own, claims),
        f"{unsigned}.{claims}.",
        f"{unsigned}.{claims}.{signature}",
        f"{head}.{claims}.",
        f"{head}.{claims[:-2]}.{signature}",
        f"{head}..{signature}",
        "..",
        "a.b.c",
        f"{'a' * 9000}.b.c",
    ):
        problem(await get(http, token), 401, "unauthenticated")
    assert (await get(http, good)).status_code == 200


def _signed_with_the_public_key(key: RSAKey, claims: str) -> str:
    """As if the text that everybody may read were a shared secret."""
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"first"}').decode().rstrip("=")
    digest = hmac.digest(key.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    return f"{head}.{claims}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


async def test_new_keys_of_the_issuer_are_fetched_when_one_is_met_but_not_at_every_guess(
    city: City, provider: Provider
) -> None:
    elapsed = Elapsed()
    async with asking(city, provider, elapsed) as http:
        assert (await get(http, provider.token(city))).status_code == 200
        fetched = len(provider.asked)
        provider.keys.append(ECKey.generate_key("P-256", {"kid": "second"}, auto_kid=False))
        token = provider.token(city, alg="ES256")
        problem(await get(http, token), 401, "unauthenticated")
        assert len(provider.asked) == fetched, "they were fetched just now"
        elapsed.now = 31
        assert (await get(http, token)).status_code == 200
        guess = RSAKey.generate_key(2048, {"kid": "third"}, auto_kid=False)
        fetched = len(provider.asked)
        for _ in range(5):
            problem(await get(http, provider.token(city, key=guess)), 401, "unauthenticated")
        assert len(provider.asked) == fetched


async def test_what_cannot_check_a_signature_is_left_out(city: City, provider: Provider) -> None:
    secret = OctKey.generate_key(256, {"kid": "shared"}, auto_kid=False)
    provider.listed = [
        secret.as_dict(private=True),
        {"kty": "of the future"},
        {"kty": "RSA"},
        "nonsense",
        {**provider.keys[0].as_dict(private=False), "use": "enc", "kid": "enc"},
    ]
    async with asking(city, provider, Elapsed()) as http:
        assert (await get(http, provider.token(city))).status_code == 200
        forged = provider.token(city, key=secret, alg="HS256")
        problem(await get(http, forged), 401, "unauthenticated")


async def test_keys_hold_for_a_day_while_the_provider_is_away(
    city: City, provider: Provider
) -> None:
    elapsed = Elapsed()
    async with asking(city, provider, elapsed) as http:
        token = provider.token(city)
        assert (await get(http, token)).status_code == 200
        provider.extra = {"issuer": "https://another.example"}
        elapsed.now = 86_399
        assert (await get(http, token)).status_code == 200
        elapsed.now = 86_400
        answer = await get(http, token)
        assert problem(answer, 503, "provider_unavailable")["detail_zh"]
        assert answer.headers["retry-after"] == "30"
        provider.extra = {}
        elapsed.now = 86_430
        assert (await get(http, token)).status_code == 200


@pytest.mark.parametrize(
    "extra", [{"jwks_uri": "https://elsewhere.example/keys"}, {"jwks_uri": None}, {"issuer": "x"}]
)
async def test_a_discovery_that_leads_astray_is_not_followed(
    city: City, provider: Provider, http: httpx.AsyncClient, extra: dict[str, Any]
) -> None:
    provider.extra = extra

    problem(await get(http, provider.token(city)), 503, "provider_unavailable")
    assert provider.asked == ["/realm/.well-known/openid-configuration"]


async def test_the_audit_log_names_the_bearer_without_his_name(
    city: City, provider: Provider, http: httpx.AsyncClient
) -> None:
    token = provider.token(city, scope="hotline:admin", sub="zhang.san@example.org")
    body = {"label": "dashboard", "scopes": ["read"]}

    made = await http.post("/v1/keys", json=body, headers={"authorization": f"Bearer {token}"})

    assert made.status_code == 201
    (entry,) = audit_log.before(city.database, city.now + 1, "", 1)
    assert entry.who == name_of(provider.issuer, "zhang.san@example.org")
    assert entry.who.startswith("oidc:")
    assert "zhang" not in entry.who
