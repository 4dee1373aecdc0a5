"""A mistake that FastAPI found in a request, told in two languages and without its value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

# Reason code and Chinese sentence by pydantic's error type; {…} are bounds of our own models.
_KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("missing", "缺少该项"),
    "repeated": ("repeated_name", "该项只能出现一次"),
    "extra_forbidden": ("unknown_name", "没有这一项"),
    "json_invalid": ("malformed_json", "不是有效的 JSON"),
    "int_parsing": ("not_an_integer", "应为整数"),
    "int_type": ("not_an_integer", "应为整数"),
    "bool_parsing": ("not_a_boolean", "应为 true 或 false"),
    "string_type": ("not_a_string", "应为字符串"),
    "list_type": ("not_a_list", "应为数组"),
    "model_attributes_type": ("not_an_object", "应为对象"),
    "literal_error": ("unknown_value", "应为 {expected} 之一"),
    "greater_than_equal": ("too_small", "应不小于 {ge}"),
    "less_than_equal": ("too_large", "应不大于 {le}"),
    "string_too_short": ("too_short", "长度应不少于 {min_length} 个字符"),
    "string_too_long": ("too_long", "长度应不超过 {max_length} 个字符"),
    "too_short": ("too_short", "应至少有 {min_length} 项"),
    "too_long": ("too_long", "应至多有 {max_length} 项"),
    "string_pattern_mismatch": ("invalid_form", "格式不正确"),
}
_OTHER: Final = ("invalid_value", "取值不符合要求")

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)


def explain(mistake: Mapping[str, Any]) -> dict[str, str]:
    """One entry of a problem's ``errors`` from one of FastAPI's.

    ``in`` is query, path, header, cookie or body; ``path`` the name of the parameter, or a JSON
    pointer into the body.
    """
    place, *steps = mistake["loc"]
    reason, detail_zh = _KNOWN.get(mistake["type"], _OTHER)
    if reason == "malformed_json":
        steps = []  # there it is the offset of the mistake
    return {
        "in": str(place),
        "path": _pointer(steps) if place == "body" else ".".join(map(_safe, steps)),
        "reason": reason,
        "detail": str(mistake["msg"]),
        "detail_zh": detail_zh.format_map(mistake.get("ctx", {})),
    }


def _pointer(steps: Sequence[object]) -> str:
    return "".join(f"/{_safe(step)}" for step in steps)


def _safe(step: object) -> str:
    """A step of a path; a name that the caller made up is not repeated unless it is a plain one."""
    text = str(step)
    return text if isinstance(step, int) or _NAME.fullmatch(text) else "(other)"
