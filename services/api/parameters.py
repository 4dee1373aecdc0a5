"""What a caller may ask: the window, the instant, the page. Everything else is refused by name."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Final, NamedTuple

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from schemas.instants import Instant, parse_instant
from services.api.context import ApiContext
from services.api.refusals import refusal
from services.domain.ranking import COUNTS
from services.domain.registry import KINDS as UNIT_KINDS
from services.domain.timeline import LEAD
from services.domain.windows import (
    KINDS,
    ROLLING,
    Window,
    WindowError,
    custom_window,
    window,
)

__all__ = ["LEAD", "Chosen", "WindowQuery", "check_indicator", "choose", "read_instant"]

_WINDOWS: Final = (*KINDS, *ROLLING)
_STATES: Final = frozenset(
    f"state:{name}"
    for name in (
        "not_assessed",
        "not_yet_due",
        "callback_pending",
        "unreachable",
        "valid",
        "suspended",
    )
)
_EXCLUDED: Final = "state:excluded:"
_COUNTED: Final = frozenset({"volume", "incomplete", *COUNTS, *_STATES})

# A plus sign in a query string arrives as a blank unless it was escaped.
_LOST_PLUS: Final = re.compile(r" (?=\d\d:\d\d$)", re.ASCII)
_NAIVE: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?)?", re.ASCII)

_Time = Annotated[
    str | None,
    Field(max_length=40, examples=["2026-11-19T00:00:00+08:00"]),
]


class WindowQuery(BaseModel):
    """A window by name or by its ends, and the instant at which it is looked at."""

    model_config = ConfigDict(extra="forbid")

    window: Annotated[str | None, Field(max_length=20)] = Field(
        None,
        description=f"One of {', '.join(_WINDOWS)}; cycle if nothing is given. Rolling windows "
        f"({', '.join(ROLLING)}) end at `as_of`. 时间窗口类型，缺省为考核周期 cycle；"
        "滚动窗口以 as_of 为终点。",
    )
    name: Annotated[str | None, Field(max_length=20)] = Field(
        None,
        description="Which one: 2026-11 (cycle, month), 2026-11-22 (day), 2026-11-26 (week, its "
        "last day), 2026-Q4, 2026 (year); the one that holds `as_of` if left out. "
        "窗口名称，缺省为 as_of 所在的窗口。",
    )
    from_: _Time = Field(
        None,
        alias="from",
        description="First instant of a window of your own, RFC 3339 with an offset. "
        "自定义窗口的起点（含），须带时区。",
    )
    to: _Time = Field(None, description="Its end, not included. 自定义窗口的终点（不含）。")
    as_of: _Time = Field(
        None,
        description="A past instant to look from; now if left out. 截至时刻，缺省为实时。",
    )


class Chosen(NamedTuple):
    """A window, and the past instant to look from (None: live)."""

    window: Window
    as_of: Instant | None


def choose(context: ApiContext, query: WindowQuery, live_at: Instant) -> Chosen:
    """Read the window; one without a name is that of ``as_of``, or live that of ``live_at``.

    Raises:
        Problem: 422.
    """
    as_of = read_as_of(context, query.as_of)
    if query.from_ is None and query.to is None:
        return Chosen(_named(context, query, live_at if as_of is None else as_of), as_of)
    if query.window is not None or query.name is not None:
        raise refusal(
            "invalid_window",
            "Give either window and name, or from and to.",
            "window、name 与 from、to 只能任选一组。",
            path="window",
            reason="two_windows",
        )
    if query.from_ is None or query.to is None:
        raise refusal(
            "invalid_window",
            "from and to go together.",
            "from 与 to 须同时给出。",
            path="from" if query.from_ is None else "to",
            reason="missing",
        )
    begins_at = read_instant("from", query.from_)
    ends_at = read_instant("to", query.to)
    try:
        return Chosen(custom_window(begins_at, ends_at), as_of)
    except WindowError:
        raise refusal(
            "invalid_window", "from must come before to.", "from 须早于 to。",
            path="from", reason="empty_window",
        ) from None  # fmt: skip


def read_as_of(context: ApiContext, text: str | None) -> Instant | None:
    """Read ``as_of``; None is live.

    Raises:
        Problem: 422, no time, or one to come.
    """
    if text is None:
        return None
    as_of = read_instant("as_of", text)
    if as_of > context.clock():
        raise refusal(
            "future_as_of",
            "as_of must not lie in the future.",
            "as_of 不能晚于当前时刻。",
            path="as_of",
        )
    return as_of


def read_instant(name: str, text: str) -> Instant:
    """Read one time parameter.

    Raises:
        Problem: 422, not RFC 3339, without an offset, or out of range.
    """
    try:
        return parse_instant(_LOST_PLUS.sub("+", text))
    except ValueError:
        naive = _NAIVE.fullmatch(text) is not None
        raise refusal(
            "invalid_time",
            f"{name} is RFC 3339 with an offset, 1900 to 2299, such as 2026-11-19T00:00:00+08:00.",
            f"{name} 须为 1900 至 2299 年间带时区的 RFC 3339 时间，如 2026-11-19T00:00:00+08:00。",
            path=name,
            reason="time_without_offset" if naive else "invalid_time",
        ) from None


def check_kind(kind: str) -> str:
    """Accept a kind of unit.

    Raises:
        Problem: 422.
    """
    if kind in UNIT_KINDS:
        return kind
    known = sorted(UNIT_KINDS)
    raise refusal(
        "unknown_kind", f"Kinds are {', '.join(known)}.", f"单位类别：{'、'.join(known)}。",
        path="kind",
    )  # fmt: skip


async def each_once(request: Request) -> None:
    """Refuse a question that says one parameter twice: of the two answers one would be wrong.

    It waits for nothing, but a plain function would send every request through another thread.

    Raises:
        RequestValidationError: naming each repeated parameter.
    """
    names = Counter(name for name, _ in request.query_params.multi_items())
    mistakes = [
        {"type": "repeated", "loc": ("query", name), "msg": "Give this parameter once"}
        for name, times in names.items()
        if times > 1
    ]
    if mistakes:
        raise RequestValidationError(mistakes)


def check_indicator(context: ApiContext, indicator: str) -> str:
    """Accept an indicator that some version of the policy counts, or the name of a count.

    Raises:
        Problem: 422.
    """
    codes = {code for version in context.policy.versions for code in version.codes}
    if (
        indicator in codes
        or indicator in _COUNTED
        or (indicator.startswith(_EXCLUDED) and len(indicator) > len(_EXCLUDED))
    ):
        return indicator
    known = ", ".join([*sorted(codes), *sorted(_COUNTED), f"{_EXCLUDED}<ground>"])
    raise refusal("unknown_indicator", f"Known are {known}.", f"可用：{known}。", path="indicator")


def _named(context: ApiContext, query: WindowQuery, at: Instant) -> Window:
    kind = query.window or "cycle"
    try:
        return window(context.policy, kind, query.name, at)
    except WindowError as error:
        is_kind = kind not in _WINDOWS
        raise refusal(
            "invalid_window",
            f"{str(error)[0].upper()}{str(error)[1:]}.",
            f"window 须为 {'、'.join(_WINDOWS)} 之一。"
            if is_kind
            else "滚动窗口以 as_of 为终点，不接受 name。"
            if kind in ROLLING and query.name is not None
            else "name 与窗口类型不符，例如 2026-11（周期、月）、2026-11-22（日）、"
            "2026-11-26（周，以末日命名）、2026-Q4、2026（年）。",
            path="window" if is_kind else "name",
            reason="unknown_window" if is_kind else "invalid_name",
        ) from None
