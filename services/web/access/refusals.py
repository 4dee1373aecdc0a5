"""Why a caller is turned away: one code for each cause, with titles in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.web.access.caller import Scope
from services.web.problems import Problem, ProblemKind

KINDS: Final[Mapping[str, ProblemKind]] = {
    "unauthenticated": ProblemKind(401, "A valid key is needed", "需要有效的密钥"),
    "missing_scope": ProblemKind(403, "The key lacks a scope", "密钥权限不足"),
    "outside_restriction": ProblemKind(
        403, "The key is restricted to some units", "密钥仅限部分单位"
    ),
    "provider_unavailable": ProblemKind(
        503, "The identity provider cannot be reached", "身份认证服务暂时无法访问"
    ),
    "too_many_requests": ProblemKind(429, "Too many requests", "请求过于频繁"),
}
_REALM: Final = 'Bearer realm="hotline-rates"'


def unauthenticated(*, given: bool) -> Problem:
    """Nobody known asks. ``given``: with a key, but none that is valid."""
    error = ', error="invalid_token"' if given else ""
    return KINDS["unauthenticated"].problem(
        "unauthenticated",
        "Send a valid key: Authorization: Bearer hk_….",
        "请在请求头中提供有效密钥：Authorization: Bearer hk_…。",
        headers={"WWW-Authenticate": _REALM + error},
    )


def missing_scope(scope: Scope) -> Problem:
    """The caller is known, and may not."""
    return KINDS["missing_scope"].problem(
        "missing_scope",
        f"This needs a key with the scope {scope}.",
        f"此操作需要具有 {scope} 权限的密钥。",
        headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{scope}"'},
    )


def outside_restriction() -> Problem:
    """The answer would be about other units too."""
    return KINDS["outside_restriction"].problem(
        "outside_restriction",
        "The answer is not only about the units of this key.",
        "该内容超出此密钥限定的单位范围。",
    )


def provider_unavailable() -> Problem:
    """A token cannot be checked: the provider's keys are not known."""
    return KINDS["provider_unavailable"].problem(
        "provider_unavailable",
        "Ask again in a moment, or use an API key.",
        "请稍后重试，或使用 API 密钥。",
        headers={"Retry-After": "30"},
    )


def too_many_requests(wait: int, policy: str) -> Problem:
    """Asked too often; ``wait``: seconds until the next one is let in."""
    return KINDS["too_many_requests"].problem(
        "too_many_requests",
        f"Ask again in {wait} s, or less often.",
        f"请在 {wait} 秒后重试，或降低请求频率。",
        headers={
            "Retry-After": str(wait),
            "RateLimit-Policy": policy,
            "RateLimit": f'"requests";r=0;t={wait}',
        },
    )
