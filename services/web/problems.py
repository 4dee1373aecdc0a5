"""Every HTTP error as RFC 9457 problem JSON, in English and Chinese, echoing no input value.

    {"type": "/problems/unknown_unit", "title": …, "title_zh": …, "status": 404, "detail": …,
     "instance": "urn:uuid:…", "errors": [{"in": "query", "path": "from", "reason": …, …}]}

``type`` is relative to the service and fixed for each cause (docs/api.md lists them). ``instance``
names this one occurrence; for a failure of the service the log has it too.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import uuid4

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.validation import explain

MEDIA_TYPE: Final = "application/problem+json"

_LOG: Final = logging.getLogger(__name__)

# What the framework itself answers, by status: code and titles.
_BY_STATUS: Final[Mapping[int, tuple[str, str, str]]] = {
    400: ("bad_request", "The request cannot be read", "无法读取请求"),
    404: ("not_found", "There is nothing at this address", "该地址不存在"),
    405: ("method_not_allowed", "This address does not take this method", "该地址不支持此请求方法"),
    413: ("body_too_large", "The body is too large", "请求体过大"),
    415: ("unsupported_media_type", "Unsupported content type", "不支持的内容类型"),
    422: ("invalid_request", "The request breaks the contract", "请求不符合接口约定"),
    500: ("internal_error", "The service failed", "服务内部错误"),
    503: ("unavailable", "The service cannot answer now", "服务暂时不可用"),
}


class Problem(Exception):  # noqa: N818 (the word of RFC 9457)
    """An error to be answered as problem JSON.

    ``code`` is the last part of the type; ``detail`` says how to mend it and echoes no input;
    ``errors`` are mistakes one by one: ``path`` (JSON pointer into the body, or the name of a
    parameter), ``reason`` (a code), ``detail``, ``detail_zh``, and ``index`` or ``in``.
    """

    def __init__(
        self,
        status: int,
        code: str,
        *,
        title: str,
        title_zh: str,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
        detail_zh: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.title = title
        self.title_zh = title_zh
        self.detail = detail
        self.detail_zh = detail_zh
        self.errors = errors
        self.headers = headers


class ProblemKind(NamedTuple):
    """What all problems of one code have in common."""

    status: int
    title: str
    title_zh: str

    def problem(
        self,
        code: str,
        detail: str,
        detail_zh: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Problem:
        """Build the problem of one occurrence."""
        return Problem(
            self.status,
            code,
            title=self.title,
            title_zh=self.title_zh,
            detail=detail,
            detail_zh=detail_zh,
            errors=errors,
            headers=headers,
        )


def install_problem_handlers(app: FastAPI) -> None:
    """Make the application answer every error, its own and the framework's, as problem JSON."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_middleware(_Catcher)


def problem_response(problem: Problem, instance: str | None = None) -> Response:
    """Write a problem as a response."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": problem.title,
        "title_zh": problem.title_zh,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.detail_zh is not None:
        body["detail_zh"] = problem.detail_zh
    body["instance"] = instance or uuid4().urn
    body["errors"] = list(problem.errors)
    return Response(
        orjson.dumps(body),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(problem.headers or {})},
    )


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 (narrows what Starlette types as Exception)
    return problem_response(error)


async def _on_invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (as above)
    return problem_response(
        _of_status(
            422,
            "Mend what the errors name.",
            "请按 errors 中的说明修改请求。",
            errors=[explain(mistake) for mistake in error.errors()],
        )
    )


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (as above)
    return problem_response(
        _of_status(
            error.status_code,
            "See /openapi.json for what this service offers.",
            "本服务提供的接口见 /openapi.json。",
            headers=error.headers,
        )
    )


class _Catcher:
    """Answers 500 for what nobody expected. Logs the place, never the message: it may hold input.

    A middleware rather than a handler, because Starlette raises the error again after a handler
    for Exception, and the server would then print all of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001 (the last resort)
            instance = uuid4().urn
            frames = "".join(traceback.format_tb(error.__traceback__))
            _LOG.error("%s: %s\n%s", instance, type(error).__qualname__, frames)
            if started:
                raise ConnectionAbortedError(f"the answer {instance} broke off") from None
            problem = _of_status(
                500,
                "The failure is logged under the instance.",
                "错误已按 instance 编号记录在日志中。",
            )
            await problem_response(problem, instance)(scope, receive, send)


def _of_status(
    status: int,
    detail: str,
    detail_zh: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Problem:
    code, title, title_zh = _BY_STATUS.get(
        status, (f"http_{status}", "The request cannot be answered", "无法处理该请求")
    )
    kind = ProblemKind(status, title, title_zh)
    return kind.problem(code, detail, detail_zh, errors=errors, headers=headers)
