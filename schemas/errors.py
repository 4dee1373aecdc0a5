"""Why an event was refused: a reason code, the place, and how to mend it, in two languages.

No sentence ever repeats a value from the input: it may be personal data.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from pydantic import ValidationError


class EventError(ValueError):
    """An event, or the body that should hold it, was refused.

    ``reason`` is a key of `REASONS`; ``path`` a JSON pointer (RFC 6901) into the event, "" for
    the whole of it. ``source``, ``id``, ``subject``, ``type`` are those of the event where they
    are valid, otherwise "".
    """

    def __init__(
        self,
        reason: str,
        path: str,
        detail: str,
        detail_zh: str,
        *,
        source: str = "",
        id: str = "",  # noqa: A002 (the attribute's name in CloudEvents)
        subject: str = "",
        type: str = "",  # noqa: A002 (as above)
    ) -> None:
        super().__init__(f"{reason} at {path or '/'}: {detail}")
        self.reason = reason
        self.path = path
        self.detail = detail
        self.detail_zh = detail_zh
        self.source = source
        self.id = id
        self.subject = subject
        self.type = type


class Fault(NamedTuple):
    """A reason code, and how to mend it."""

    reason: str
    detail: str
    detail_zh: str


REASONS: Final[dict[str, tuple[str, str]]] = {
    "malformed_json": ("The body or the event is not JSON.", "正文或事件不是合法的 JSON。"),
    "invalid_utf8": ("The body or the event is not UTF-8.", "正文或事件不是 UTF-8 编码。"),
    "not_an_object": ("An event must be a JSON object.", "事件必须是 JSON 对象。"),
    "missing_field": ("A required field is absent or null.", "缺少必填字段。"),
    "invalid_field": ("A field holds what it may not hold.", "字段取值不符合规定。"),
    "unknown_type": ("The type is none of those listed.", "事件类型不在清单内。"),
    "time_without_offset": ("A time names no offset from UTC.", "时间缺少时区偏移。"),
    "event_without_data": ("The event has no data.", "事件没有 data。"),
    "personal_data": (
        "A field holds what looks like a phone or identity number.",
        "字段内容疑似电话号码或身份证号。",
    ),
    "frame_too_large": ("The body is larger than allowed.", "正文超过允许的大小。"),
    "time_in_future": (
        "The event is dated more than 5 minutes ahead of the service's clock (HTTP only).",
        "事件时间比服务时钟超前 5 分钟以上（仅 HTTP）。",
    ),
    "id_conflict": (
        "The id was used before, within source and order, with other content.",
        "同一来源、同一工单内，该 id 已用于其他内容。",
    ),
    "wrong_partition": (
        "The message is in a partition that is not its order's (Kafka only).",
        "消息不在该工单所属的分区（仅 Kafka）。",
    ),
    "not_evaluable": (
        "The policy in force cannot evaluate the order with this event; the event is kept.",
        "现行考核办法无法计算含有该事件的工单；事件已保留。",
    ),
}
"""Every reason code, in English and Chinese."""

MALFORMED: Final = Fault(
    "malformed_json",
    "Send JSON (RFC 8259): one event as an object, or several as an array of objects.",
    "请发送合法的 JSON（RFC 8259）：单个事件为对象，多个事件为对象数组。",
)
NOT_UTF8: Final = Fault("invalid_utf8", "Encode the text as UTF-8.", "请使用 UTF-8 编码。")
NOT_AN_OBJECT: Final = Fault(
    "not_an_object",
    "Send each event as a JSON object with the CloudEvents attributes and data.",
    "请将每个事件作为 JSON 对象发送，包含 CloudEvents 属性和 data。",
)
WITHOUT_DATA: Final = Fault(
    "event_without_data",
    "Add data as a JSON object; where all its fields are optional it may be {}.",
    "请加上 data（JSON 对象）；字段全部可选时可为 {}。",
)
UNKNOWN_TYPE: Final = Fault(
    "unknown_type",
    "Use one of the types listed in docs/events.md, such as workorder.received.",
    "请使用 docs/events.md 所列的事件类型，例如 workorder.received。",
)

MISSING: Final = Fault(
    "missing_field", "Add this field; it is required here.", "请补充该字段；此处必填。"
)
_NO_OFFSET: Final = Fault(
    "time_without_offset",
    "Write the time with its offset from UTC, such as 2026-07-03T07:03:07+08:00.",
    "请写明时区偏移，例如 2026-07-03T07:03:07+08:00。",
)
_PERSONAL: Final = Fault(
    "personal_data",
    "Send a code instead; this looks like a phone or identity number, which is never stored.",
    "请改用代码；内容疑似电话号码或身份证号，系统不予保存。",
)

# By pydantic's error type. Where a key of the error's context is meant, it is from our own model.
_SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "string_type": ("Write it as a JSON string.", "请写成 JSON 字符串。"),
    "string_unicode": (
        "Remove the lone surrogate; the text must be valid Unicode.",
        "请去掉孤立的代理码位；文本必须是合法的 Unicode。",
    ),
    "string_too_short": ("It must not be empty.", "内容不能为空。"),
    "string_too_long": (
        "Shorten it to {max_length} characters or fewer.",
        "请缩短到 {max_length} 个字符以内。",
    ),
    "int_type": ("Write it as a JSON integer.", "请写成 JSON 整数。"),
    "bool_type": ("Write it as true or false.", "请写成 true 或 false。"),
    "greater_than_equal": ("It must be {ge} or more.", "取值不得小于 {ge}。"),
    "less_than_equal": ("It must be {le} or less.", "取值不得大于 {le}。"),
    "list_type": ("Write it as a JSON array.", "请写成 JSON 数组。"),
    "too_long": (
        "Shorten the list to {max_length} items or fewer.",
        "请将列表缩短到 {max_length} 项以内。",
    ),
    "model_type": ("Write it as a JSON object.", "请写成 JSON 对象。"),
    "literal_error": ("Use one of: {expected}.", "请使用以下取值之一：{expected}。"),
    "instant": (
        "Write an RFC 3339 time within 1900 to 2299, such as 2026-07-03T07:03:07+08:00.",
        "请写成 1900 至 2299 年间的 RFC 3339 时间，例如 2026-07-03T07:03:07+08:00。",
    ),
    "superfluous": (
        "Leave it out: answers belong to a citizen who was reached, a reason to one who was not.",
        "请删去该字段：已接通才有回答，未接通才有原因。",
    ),
    "uncorrectable": (
        'Name "time" or a data field of the corrected event.',
        "请填写 time，或被更正事件 data 中的字段名。",
    ),
    "misfit": (
        "Write a value that the corrected field may hold, or null.",
        "请填写该字段允许的取值，或 null。",
    ),
}
_PATTERNS: Final[dict[str, tuple[str, str]]] = {
    "specversion": ('Use "1.0".', "请使用 “1.0”。"),
    "caller_hash": (
        "Send a keyed hash in lower-case hexadecimal, 32 to 128 digits.",
        "请填写小写十六进制的加密散列值，32 至 128 位。",
    ),
}
_ONE_LINE: Final = (
    "Write one line of text without control characters.",
    "请写成不含控制字符的一行文字。",
)


def explain(error: ValidationError) -> tuple[str, Fault]:
    """Give the JSON pointer of the first fault, and the fault."""
    first = error.errors(include_url=False)[0]
    context: dict[str, Any] = first.get("ctx", {})
    place = [*first["loc"]]
    if "field" in context:
        place.append(context["field"])
    elif first["input"] is None and isinstance(place[-1], str):
        return pointer(place), MISSING
    return pointer(place), _fault(first["type"], str(place[-1]), context)


def pointer(place: list[int | str]) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def _fault(kind: str, field: str, context: dict[str, Any]) -> Fault:
    if kind == "missing":
        return MISSING
    if kind == "time_without_offset":
        return _NO_OFFSET
    if kind == "personal_data":
        return _PERSONAL
    if kind == "string_pattern_mismatch":
        detail, detail_zh = _PATTERNS.get(field, _ONE_LINE)
    else:
        detail, detail_zh = _SENTENCES.get(kind, _ONE_LINE)
    return Fault("invalid_field", detail.format(**context), detail_zh.format(**context))
