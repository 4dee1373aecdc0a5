"""The running service, as an import sees it. Every call may be repeated without harm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import httpx
import orjson

from schemas.codec import LIFE_CYCLE, Decoded, encode_event, encode_frame
from schemas.instants import parse_instant
from schemas.records import Event
from schemas.topics import BATCH_JSON
from services.web.connection import BusyError, Connection, no_answer, title_of

_BUSY: Final = 503
_REFUSED: Final = 422
_AGAIN: Final = (
    "Import the same file again: what was taken already counts once. "
    "请重新导入同一文件，已接收的不会重复计算。"
)


class ServiceError(RuntimeError):
    """The service cannot be reached or does not answer as it should."""


class Refusal(NamedTuple):
    """Why the service refuses one event; ``path`` is a JSON pointer inside the event."""

    path: str
    reason: str
    detail: str
    detail_zh: str


class Sent(NamedTuple):
    """What became of a batch: nothing was taken if anything was refused (index to why)."""

    accepted: int
    duplicates: int
    refused: Mapping[int, Refusal]


class Service(Connection):
    """A connection to one running service; safe for several threads."""

    def check(self) -> None:
        """Find out at once whether a service is there.

        Raises:
            ServiceError: nothing answers, or something else than this service.
        """
        try:
            answer = self.http.get(f"{self.url}/v1/imports/orders?source=urn:none&limit=1")
        except httpx.TransportError as error:
            raise ServiceError(no_answer(self.url, error)) from None
        if answer.status_code not in (httpx.codes.OK, _BUSY):
            raise ServiceError(
                f"{self.url} answers {answer.status_code}; is it this service? 该地址不是本服务。"
            )

    def stored(self, source: str, orders: Sequence[str]) -> dict[str, list[Event]]:
        """Give the stored events of the orders, those of this source.

        Raises:
            ServiceError: no answer within the patience.
        """
        answer = self._ask(
            "POST",
            "/v1/imports/stored",
            orjson.dumps({"source": source, "orders": orders}),
            "application/json",
        )
        held: Mapping[str, list[dict[str, Any]]] = orjson.loads(answer.content)["orders"]
        return {
            order: [_event(source, order, raw) for raw in events] for order, events in held.items()
        }

    def orders(self, source: str) -> Iterator[str]:
        """List all orders that hold events of a source, ascending.

        Raises:
            ServiceError: no answer within the patience.
        """
        after: str | None = None
        while True:
            query = httpx.QueryParams({"source": source} | ({"after": after} if after else {}))
            page = orjson.loads(self._ask("GET", f"/v1/imports/orders?{query}").content)
            yield from page["orders"]
            after = page["next"]
            if after is None:
                return

    def send(self, events: Sequence[Event]) -> Sent:
        """Send a batch, which the service takes as a whole or not at all.

        Raises:
            ServiceError: no answer within the patience.
        """
        body = encode_frame([encode_event(Decoded(event, ())) for event in events])
        answer = self._ask("POST", "/v1/events", body, BATCH_JSON, refusable=True)
        reply = orjson.loads(answer.content)
        if answer.status_code == _REFUSED:
            return Sent(0, 0, dict(_refusal(error) for error in reply["errors"]))
        return Sent(reply["accepted"], reply["duplicates"], {})

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
        *,
        refusable: bool = False,
    ) -> httpx.Response:
        """Repeat a request until it is answered; with ``refusable`` 422 is an answer too."""
        try:
            answer = self.ask(method, path, body, content_type)
        except BusyError as error:
            raise ServiceError(f"{error}. {_AGAIN}") from None
        if answer.is_success or (refusable and answer.status_code == _REFUSED):
            return answer
        raise ServiceError(
            f"{method} {path.partition('?')[0]}: {answer.status_code} {title_of(answer)}. {_AGAIN}"
        )


def _event(source: str, order: str, raw: Mapping[str, Any]) -> Event:
    return Event(
        parse_instant(raw["time"]),
        LIFE_CYCLE.index(raw["type"]),
        source,
        raw["id"],
        raw["type"],
        order,
        raw["data"],
        bytes.fromhex(raw["digest"]),
    )


def _refusal(error: Mapping[str, Any]) -> tuple[int, Refusal]:
    index = error["index"]
    path = error["path"].removeprefix(f"/{index}")
    return index, Refusal(path, error["reason"], error["detail"], error.get("detail_zh", ""))
