"""The running service, as the demo city sees it: it takes events. Sending again does no harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import orjson

from schemas.codec import encode_frame
from schemas.topics import BATCH_JSON
from services.cli.simulate.writing import CloudEvent
from services.web.connection import BusyError, Connection, no_answer


class SimulationError(RuntimeError):
    """The demo city cannot be sent. The text says why and how to mend it."""


class Service(Connection):
    """Connections to one running service; safe for several threads."""

    def check(self) -> None:
        """Find out at once whether a service is there.

        Raises:
            SimulationError: nothing answers, or something else than this service.
        """
        try:
            answer = self.http.get(f"{self.url}/livez")
        except httpx.TransportError as error:
            raise SimulationError(no_answer(self.url, error)) from None
        if not answer.is_success:
            raise SimulationError(
                f"{self.url}/livez answers {answer.status_code}; is it this service? 该地址不是本服务。"
            )

    def send(self, events: Sequence[CloudEvent]) -> int:
        """Send a batch, again if the service is busy; return how many events were new to it.

        Raises:
            SimulationError: refused, or no success within the patience.
        """
        body = encode_frame([orjson.dumps(event) for event in events])
        try:
            answer = self.ask("POST", "/v1/events", body, BATCH_JSON)
        except BusyError as error:
            raise SimulationError(
                f"{error}. Run it again later: what was taken counts once. "
                "请稍后重新运行，已接收的不会重复计算。"
            ) from None
        if answer.is_success:
            return int(orjson.loads(answer.content)["accepted"])
        if b'"id_conflict"' in answer.content:
            raise SimulationError(
                f"{self.url} holds another demo city already: use the same --seed and "
                "--orders-per-day again, or start the service on a new --data-dir. "
                "服务中已有另一座演示城市，请用相同参数，或换一个数据目录。"
            )
        raise SimulationError(f"{self.url} refuses the events: {_reason(answer)}")


def _reason(answer: httpx.Response) -> str:
    """What the problem document says, its first error included."""
    try:
        problem: dict[str, Any] = orjson.loads(answer.content)
        first: dict[str, str] = next(iter(problem.get("errors") or ()), {})
        parts = [problem["title"], first.get("path", ""), first.get("detail", "")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"status {answer.status_code}"
    return f"status {answer.status_code}, " + ", ".join(part for part in parts if part)
