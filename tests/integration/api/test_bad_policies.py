"""What cannot be put in force is refused, and nothing is activated."""

from __future__ import annotations

import pytest

from services.domain.policy import preset
from services.storage import rulesets
from tests.integration.api.city import City
from tests.integration.api.client import Client, problem

YAML = {"content-type": "application/yaml"}


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("  basis: last", "  basis: lastt", "callbacks.basis"),
        ("ranking: {ties:", "ranking: {tie:", "ranking.tie"),
    ],
)
async def test_mistakes_are_named_by_their_lines(
    client: Client, city: City, old: str, new: str, path: str
) -> None:
    text = preset("beijing-district").replace(old, new, 1)
    answer = await client.http.post("/v1/policies", content=text.encode(), headers=YAML)
    errors = problem(answer, 422, "invalid_policy")["errors"]
    number = 1 + next(n for n, each in enumerate(text.splitlines()) if each.startswith(new))
    assert number in {error["line"] for error in errors}
    assert path in {error["path"] for error in errors}
    assert [entry.ruleset for entry in rulesets.history(city.database)] == [1]


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"a: [", "application/yaml", 422, "invalid_policy"),
        (b"", "text/yaml", 422, "invalid_policy"),
        (b"a: 1", "application/pdf", 415, "unreadable_policy"),
        (b"a: 1", "", 415, "unreadable_policy"),
        (b"\xff\xfe", "application/yaml; charset=utf-8", 415, "unreadable_policy"),
        (b'{"text": "a: 1"}', "application/json", 415, "unreadable_policy"),
        (b"#" * ((1 << 20) + 1), "application/yaml", 413, "policy_too_large"),
    ],
)
async def test_what_is_no_policy_is_refused(
    client: Client, content: bytes, kind: str, status: int, code: str
) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await client.http.post("/v1/policies", content=content, headers=headers)
    problem(answer, status, code)
