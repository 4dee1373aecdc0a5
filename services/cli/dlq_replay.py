"""Sends the originals of dead letters through the gateway again.

The gateway checks them as it checks any event, and an event's identity is its order, source, id and
content: whatever counts already is a duplicate, so a second replay changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import httpx
import orjson
from kafka.errors import KafkaError

from schemas.codec import raw_events
from schemas.topics import BATCH_JSON, topic_name
from services.cli.errors import CommandError
from services.ingest.originals import Original, Originals
from services.settings import Settings
from services.web.connection import BusyError, Connection, title_of

_AT_ONCE: Final = 500  # events of one request
_BYTES: Final = 1 << 20  # and about so many bytes
_ARCHIVED: Final = "not_evaluable"


class Letter(NamedTuple):
    """A dead letter, as far as a replay needs it; sorts by place."""

    topic: str
    partition: int
    epoch: int
    offset: int
    frame_index: int
    reason: str

    @classmethod
    def read(cls, answered: Mapping[str, Any]) -> Letter:
        """Read an entry of `GET /v1/dead-letters`."""
        at = answered["position"]
        return cls(
            answered["topic"],
            at["shard"],
            at["epoch"],
            at["offset"],
            at["index"],
            answered["reason"],
        )

    @property
    def place(self) -> str:
        """As the commands take it."""
        return f"{self.partition}/{self.epoch}/{self.offset}/{self.frame_index}"


class Replayed(NamedTuple):
    """What became of one letter.

    ``status`` is accepted or duplicate (the gateway's answer), archived (its event is in the
    archive and waits for a policy that can evaluate it), refused (``why`` says by which rule), gone
    (the log does not hold the message any more) or unreadable (no JSON).
    """

    letter: Letter
    status: str
    why: str = ""


class LogOriginals:
    """The originals in the log of one epoch."""

    def __init__(self, messages: Originals, epoch: int, suffix: str) -> None:
        self._messages = messages
        self._suffix = suffix
        self._epoch = epoch
        self._last: tuple[tuple[str, int, int], Original | None] | None = None

    def message(self, letter: Letter) -> Original | None:
        """The message of a letter; None if it is gone.

        Raises:
            CommandError: Kafka cannot be read.
        """
        if letter.epoch != self._epoch:
            return None
        place = (topic_name(letter.topic, self._suffix), letter.partition, letter.offset)
        if self._last is None or self._last[0] != place:
            try:
                self._last = (place, self._messages.read(*place))
            except KafkaError as error:
                raise _unreadable(error) from error
        return self._last[1]


@contextmanager
def originals_of(settings: Settings) -> Iterator[LogOriginals]:
    """Open the log that the settings name.

    Raises:
        CommandError: they name none, or it cannot be read.
    """
    if not settings.kafka_bootstrap:
        raise CommandError(
            "The originals are in Kafka: set HOTLINE_KAFKA_BOOTSTRAP. The local broker of `hotline "
            "up` keeps its log in memory: there, ask the source to send the events again. "
            "原始消息在 Kafka 中，请设置 HOTLINE_KAFKA_BOOTSTRAP；本地消息代理的日志在内存中，请由来源方重新发送。"
        )
    try:
        messages = Originals(settings.kafka_bootstrap)
    except KafkaError as error:
        raise _unreadable(error) from error
    with messages:
        yield LogOriginals(messages, settings.epoch, settings.topic_suffix)


def replay(letters: Iterable[Letter], originals: LogOriginals, gateway: str) -> Iterator[Replayed]:
    """Send what the letters name, each place once; tell of each what became of it.

    Args:
        letters: Some, in any order; several may name one place.
        originals: Where they are read.
        gateway: Address of a service that takes events.

    Raises:
        AddressError: ``gateway`` is no http address.
        CommandError: Kafka or the gateway does not answer, or the gateway refuses the request.
    """
    with Connection(gateway) as service:
        waiting: list[tuple[Letter, Any]] = []
        size = 0
        for letter in sorted({each.place: each for each in letters}.values()):
            found = _raw_event(letter, originals)
            if isinstance(found, Replayed):
                yield found
                continue
            waiting.append((letter, found))
            size += len(orjson.dumps(found))
            if len(waiting) >= _AT_ONCE or size >= _BYTES:
                yield from _push(service, waiting)
                waiting, size = [], 0
        yield from _push(service, waiting)


def _raw_event(letter: Letter, originals: LogOriginals) -> Any:
    """The event as the log holds it, or why there is none to send."""
    if letter.reason == _ARCHIVED:
        return Replayed(letter, "archived", "it counts under the next policy that can evaluate it")
    message = originals.message(letter)
    if message is None:
        return Replayed(letter, "gone", "the log does not hold it any more; ask its source")
    events = raw_events(message.content_type, message.value)
    raw = events[letter.frame_index] if letter.frame_index < len(events) else None
    return Replayed(letter, "unreadable", "it is no JSON; ask its source") if raw is None else raw


def _push(service: Connection, waiting: Sequence[tuple[Letter, Any]]) -> Iterator[Replayed]:
    """Push events; what is refused by name is taken out, and the others pushed again."""
    while waiting:
        body = orjson.dumps([raw for _, raw in waiting])
        try:
            answer = service.ask("POST", "/v1/events", body, BATCH_JSON)
        except BusyError as error:
            raise CommandError(f"{error}. 服务无应答。") from error
        if answer.status_code == httpx.codes.ACCEPTED:
            for (letter, _), event in zip(waiting, answer.json()["events"], strict=True):
                yield Replayed(letter, event["status"])
            return
        refused = _refused(service, answer)
        for index, why in refused.items():
            yield Replayed(waiting[index][0], "refused", why)
        waiting = [pair for index, pair in enumerate(waiting) if index not in refused]


def _refused(service: Connection, answer: httpx.Response) -> dict[int, str]:
    """The refused events of a request by their index.

    Raises:
        CommandError: the request as a whole is refused.
    """
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        errors = answer.json().get("errors", ())
        named = {e["index"]: _why(e) for e in errors}
        if named:
            return named
    raise CommandError(
        f"{service.url} does not take the events: {answer.status_code} {title_of(answer)}. "
        "服务未接收事件。"
    )


def _why(error: Mapping[str, Any]) -> str:
    path = error["path"].removeprefix(f"/{error['index']}")  # its place in our request says nothing
    return f"{error['reason']} {path}: {error['detail']}"


def _unreadable(error: KafkaError) -> CommandError:
    return CommandError(
        f"Kafka cannot be read ({type(error).__name__}): is HOTLINE_KAFKA_BOOTSTRAP right? "
        "无法读取 Kafka，请检查地址。"
    )
