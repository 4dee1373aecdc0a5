"""Why a whole request is refused: status, code, and a title in both languages.

What is wrong with a single event is told by `schemas.codec.EventError` instead; those come
together under ``events_refused``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.web.problems import Problem, ProblemKind

_KINDS: Final[Mapping[str, ProblemKind]] = {
    "empty_body": ProblemKind(400, "The request has no body", "请求体为空"),
    "invalid_utf8": ProblemKind(400, "The body is not valid UTF-8", "请求体不是有效的 UTF-8 编码"),
    "malformed_json": ProblemKind(400, "The body is not valid JSON", "请求体不是有效的 JSON"),
    "no_events": ProblemKind(400, "The request holds no events", "请求中没有事件"),
    "body_too_large": ProblemKind(413, "The body is too large", "请求体过大"),
    "too_many_events": ProblemKind(413, "Too many events in one request", "单次请求的事件过多"),
    "unsupported_media_type": ProblemKind(415, "Unsupported content type", "不支持的内容类型"),
    "events_refused": ProblemKind(
        422, "Some events are refused; nothing was accepted", "部分事件被拒绝，整个请求未被接收"
    ),
    "overloaded": ProblemKind(503, "Too much is waiting already", "系统繁忙，请稍后重试"),
    "broker_unavailable": ProblemKind(
        503, "The events could not be logged in time", "事件未能及时写入日志，请重试"
    ),
    "not_stored_in_time": ProblemKind(
        503, "The events could not be stored in time", "事件未能及时存储，请重试"
    ),
}

_RETRY_SECONDS: Final = "1"


def refusal(
    code: str, detail: str, detail_zh: str, errors: Sequence[Mapping[str, Any]] = ()
) -> Problem:
    """Build the problem for a request that is refused as a whole.

    Args:
        code: a key of the table above.
        detail: one sentence, how to mend it; echoes no input.
        detail_zh: the same in Chinese.
        errors: the refused events with index, path, reason, detail and detail_zh.
    """
    kind = _KINDS[code]
    headers = {"Retry-After": _RETRY_SECONDS} if kind.status == 503 else None  # noqa: PLR2004
    return kind.problem(code, detail, detail_zh, errors=errors, headers=headers)
