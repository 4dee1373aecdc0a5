"""What receivers read: JSON for webhooks, Chinese sentences for chat and mail."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from schemas.instants import Instant, format_instant
from services.api.push.channels import Message
from services.api.writing import local_text
from services.domain.alert_texts import alert_text
from services.storage import units
from services.storage.database import Database
from services.storage.endpoints import CHANNEL, Endpoint
from services.storage.push_feed import LoggedAlert

_NAMES_SECONDS: Final = 60

_REASONS_ZH: Final = {"gone": "对方答复 410，不再接收", "failing": "连续三天投递失败"}


class Messages:
    """Writes messages with the names of units.

    ``zone`` gives that of the times that people read and may block; ``link`` is the address of the
    page, or "". Blocking where it reads the registry, at most once a minute.
    """

    def __init__(self, database: Database, *, zone: Callable[[], ZoneInfo], link: str = "") -> None:
        self._database = database
        self._zone = zone
        self._link = link
        self._names: Mapping[str, str] = {}
        self._read_at = -float(_NAMES_SECONDS)

    def of_alert(self, kind: str, alert: LoggedAlert) -> str:
        """The body of an alert for a kind of endpoint."""
        name = self._name(alert.unit)
        if kind == CHANNEL:
            return self._for_people(
                *alert_text(
                    alert.rule,
                    name or alert.unit,
                    alert.window_name,
                    alert.evidence,
                    local_text(alert.as_of, self._zone()),
                )
            )
        return _event(f"alert.{alert.rule}", alert.as_of, alert_data(alert, name))

    def of_disabled(self, kind: str, off: Endpoint, now: Instant) -> str:
        """The notice to the others that an endpoint was switched off."""
        if kind == CHANNEL:
            return self._for_people(
                "推送端点已停用",
                f"端点 {off.id}（{off.description or off.kind}）已停用："
                f"{_REASONS_ZH[off.reason]}。时间：{local_text(now, self._zone())}",
            )
        data = {"endpoint": off.id, "kind": off.kind, "reason": off.reason}
        return _event("endpoint.disabled", now, data)

    def of_test(self, kind: str, endpoint: str, now: Instant) -> str:
        """A message that says only that it is a test."""
        if kind == CHANNEL:
            at = local_text(now, self._zone())
            return self._for_people("测试消息", f"三率直播推送测试，收到即表示通道可用。时间：{at}")
        return _event("test", now, {"endpoint": endpoint})

    def _for_people(self, title: str, text: str) -> str:
        return Message(title, f"{text}\n{self._link}" if self._link else text).body()

    def _name(self, code: str) -> str:
        now = time.monotonic()
        if now - self._read_at >= _NAMES_SECONDS:
            self._names = {unit.code: unit.name for unit in units.all_units(self._database)}
            self._read_at = now
        return self._names.get(code, "")


def alert_data(alert: LoggedAlert, unit_name: str) -> dict[str, Any]:
    """An alert as JSON: in webhooks and on the stream alike."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "unit": {"code": alert.unit, "name": unit_name, "kind": alert.kind},
        "group": alert.group,
        "window": {"kind": alert.window_kind, "name": alert.window_name},
        "as_of": format_instant(alert.as_of),
        "evidence": dict(alert.evidence),
        "name": alert.name,
        "recipients": list(alert.recipients),
        "withheld": alert.withheld or None,
        "not_before": format_instant(alert.not_before) if alert.not_before else None,
    }


def _event(type_: str, at: Instant, data: Mapping[str, Any]) -> str:
    """The form that the Standard Webhooks specification recommends."""
    return orjson.dumps({"type": type_, "timestamp": format_instant(at), "data": data}).decode()
