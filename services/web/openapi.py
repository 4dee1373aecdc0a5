"""What /openapi.json says about errors: every operation may answer with problem JSON, in one form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from services.web.problems import MEDIA_TYPE

_TEXT: Final = {"type": "string"}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. 错误说明。",
    "required": ["type", "title", "title_zh", "status", "detail", "instance", "errors"],
    "properties": {
        "type": {
            "type": "string",
            "pattern": "^/problems/[a-z0-9_]+$",
            "description": "Fixed for each cause. 错误类型。",
        },
        "title": _TEXT,
        "title_zh": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "How to mend it. 如何修正。"},
        "detail_zh": _TEXT,
        "instance": {
            "type": "string",
            "pattern": "^urn:uuid:",
            "description": "This one occurrence. 本次错误的编号。",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "reason"],
                "properties": {
                    "in": _TEXT,
                    "path": {
                        "type": "string",
                        "description": "A parameter, or a JSON pointer into the body. 位置。",
                    },
                    "reason": {"type": "string", "description": "A code. 原因代码。"},
                    "detail": _TEXT,
                    "detail_zh": _TEXT,
                },
            },
            "description": "Mistakes one by one. 逐条错误。",
        },
    },
}
_CONTENT: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ANY: Final = {"description": "Refused, or failed · 被拒绝或出错", "content": _CONTENT}
_FRAMEWORK: Final = ("HTTPValidationError", "ValidationError")  # which is never answered


def install_openapi(app: FastAPI) -> None:
    """Let the application describe its errors as it answers them."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(plain())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way


def _described(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FRAMEWORK:
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    for responses in _responses(document):
        framework = responses.get("422", {}).get("description") == "Validation Error"
        if framework:
            del responses["422"]
        for status, response in responses.items():
            if status >= "400":
                response["content"] = _CONTENT
        responses["default"] = _ANY
    return document


def _responses(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document.get("paths", {}).values():
        for operation in methods.values():
            yield operation["responses"]
