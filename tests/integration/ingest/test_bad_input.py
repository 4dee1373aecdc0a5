"""Every bad input over HTTP: a clear answer that names the place, and nothing in the log."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from schemas.topics import BATCH_JSON, EVENT_JSON
from tests.integration.ingest.http_gateway import PARTITIONS, Push, pushing
from tests.integration.ingest.log_reader import read_messages
from tests.integration.ingest.support import dispatched
from tests.support.brokers import Broker, fresh_broker

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def push() -> Iterator[Push]:
    """One gateway for all tests of bad input; at the end its log is read back, and is empty but
    for the one good event that shows that the gateway still works.
    """
    with fresh_broker("tansu") as broker:
        broker.create_topics(PARTITIONS)
        with pushing(broker.bootstrap, event_limit=50) as running:
            yield running
            assert running(dispatched(1, id="good")).status_code == 202
        [message] = read_messages(broker.bootstrap, PARTITIONS, 1)
        assert [event["id"] for event in orjson.loads(message.value)] == ["good"]


def without(name: str) -> dict[str, Any]:
    return dispatched(1, **{name: ...})


@pytest.mark.parametrize(
    ("event", "path", "reason"),
    [
        pytest.param(["no", "event"], "", "not_an_object", id="list"),
        pytest.param("text", "", "not_an_object", id="text"),
        pytest.param(None, "", "not_an_object", id="null"),
        pytest.param({}, "/type", "missing_field", id="empty object"),
        pytest.param(dispatched(1, type="workorder.vanished"), "/type", "unknown_type", id="type"),
        pytest.param(without("subject"), "/subject", "missing_field", id="no subject"),
        pytest.param(without("id"), "/id", "missing_field", id="no id"),
        pytest.param(without("data"), "/data", "event_without_data", id="no data"),
        pytest.param(dispatched(1, data={}), "/data/unit", "missing_field", id="no unit"),
        pytest.param(dispatched(1, data={"unit": 7}), "/data/unit", "invalid_field", id="number"),
        pytest.param(dispatched(1, id=""), "/id", "invalid_field", id="empty id"),
        pytest.param(
            dispatched(1, time="2026-07-03T07:05:00"), "/time", "time_without_offset", id="offset"
        ),
        pytest.param(dispatched(1, time="soon"), "/time", "invalid_field", id="no time"),
        pytest.param(
            dispatched(1, time="2026-07-03T04:05:00.000001Z"), "/time", "time_in_future", id="ahead"
        ),
        pytest.param(dispatched(1, specversion="0.3"), "/specversion", "invalid_field", id="spec"),
    ],
)
def test_a_bad_event_is_named(push: Push, event: Any, path: str, reason: str) -> None:
    batch = [dispatched(number) for number in (10, 11, 12)]
    batch[1] = event
    answer = push(batch)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["type"]) == (422, "/problems/events_refused")
    [error] = problem["errors"]
    assert (error["index"], error["path"], error["reason"]) == (1, f"/1{path}", reason)
    assert error["detail"]
    assert error["detail_zh"]
    if isinstance(event, dict):
        [single] = push(event).json()["errors"]
        assert (single["index"], single["path"], single["reason"]) == (0, path, reason)


@pytest.mark.parametrize(
    ("body", "content_type", "refused"),
    [
        (b"", "application/json", (400, "empty_body", "")),
        (b" \r\n\t", BATCH_JSON, (400, "empty_body", "")),
        (b"[]", "application/json", (400, "no_events", "")),
        (b'{"id": "\xff"}', EVENT_JSON, (400, "invalid_utf8", "offset 8")),
        (b'[{"id": 1},\n {"id" 2}]', BATCH_JSON, (400, "malformed_json", "line 2, column 8")),
        (b'{"id": NaN}', EVENT_JSON, (400, "malformed_json", "line 1, column 8")),
        (b'{"id": "1"}{"id": "2"}', EVENT_JSON, (400, "malformed_json", "line 1, column 12")),
        (b"[" * 5000, BATCH_JSON, (400, "malformed_json", "line 1, column")),
        (b'{"id": "\\ud800"}', EVENT_JSON, (400, "malformed_json", "line 1")),
        (b"{}", "text/csv", (415, "unsupported_media_type", "application/json")),
        (b"{}", "application/json; charset=gbk", (415, "unsupported_media_type", "UTF-8")),
        (b"{}", BATCH_JSON, (415, "unsupported_media_type", EVENT_JSON)),
        (b"[{}]", EVENT_JSON, (415, "unsupported_media_type", BATCH_JSON)),
        (b"[" + b"{}," * 50 + b"{}]", BATCH_JSON, (413, "too_many_events", "50 events")),
    ],
)
def test_a_bad_body_is_refused(
    push: Push, body: bytes, content_type: str, refused: tuple[int, str, str]
) -> None:
    status, code, place = refused
    answer = push.raw(body, content_type=content_type)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{code}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert place in problem["detail"]
    assert problem["title_zh"]
    assert problem["detail_zh"]


def test_no_content_type_and_a_content_encoding(push: Push) -> None:
    for headers in ({}, {"content_type": BATCH_JSON, "content_encoding": "gzip"}):
        answer = push.raw(b"[{}]", **headers)
        assert (answer.status_code, answer.json()["type"]) == (
            415,
            "/problems/unsupported_media_type",
        )


def test_50_mb_are_refused(push: Push) -> None:
    body = b"[" + b" " * (50 * MIB) + b"]"
    answer = push.raw(body, content_type=BATCH_JSON)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body_too_large")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(f"Content-Length: {50 * MIB}", id="announced"),
        pytest.param("Transfer-Encoding: chunked", id="chunked"),
    ],
)
def test_a_body_too_large_is_refused_before_it_is_read_whole(push: Push, head: str) -> None:
    """The client sends 9 of 50 MiB and then only listens."""
    host, _, port = push.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            f"POST /v1/events HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Type: application/json\r\n{head}\r\n\r\n".encode()
        )
        if "chunked" in head:
            mebibyte = b"%x\r\n" % MIB + b" " * MIB + b"\r\n"
            for _ in range(9):
                connection.sendall(mebibyte)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
            received = connection.recv(65536)
            assert received
            answer += received
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/body_too_large" in answer


PHONE, NAME, ID_CARD = "13812345678", "张三丰", "110101199003077758"
UNKNOWN = {
    "caller_phone": PHONE,
    "name": NAME,
    "detail": f"{NAME} {PHONE} {ID_CARD}",
    "contact": {"phone": PHONE, "people": [{"name": NAME, "id_card": ID_CARD}]},
    PHONE: ID_CARD,
    NAME: [PHONE],
}


def test_no_personal_data_is_written_anywhere(
    tansu: Broker, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    tansu.create_topics(PARTITIONS)
    caplog.set_level(logging.DEBUG)
    callback = {
        **dispatched(3, type="workorder.callback"),
        "data": {"attempt": 1, "reached": True, "answers": {"solved": "yes", "phone": PHONE}},
    }
    accepted = [
        dispatched(1, data={"unit": "110105001", **UNKNOWN}),
        dispatched(2, **UNKNOWN),
        callback,
    ]
    malformed: list[Any] = [
        dispatched(4, data={"unit": f"{NAME} {PHONE}"}),
        dispatched(5, data={"unit": {"name": NAME, "phone": PHONE}}),
        dispatched(6, data=UNKNOWN),
        dispatched(7, time=PHONE),
        dispatched(8, type=f"workorder.{PHONE}"),
        dispatched(9, specversion=ID_CARD),
        {"type": NAME, **UNKNOWN},
        [UNKNOWN],
        PHONE,
    ]
    with pushing(tansu.bootstrap) as push:
        texts = [push(malformed).text]
        texts += [push(event).text for event in malformed]
        texts.append(push.raw(orjson.dumps(UNKNOWN)[:-1], content_type=EVENT_JSON).text)
        texts.append(push.raw(f"{{{PHONE} {NAME}".encode("gbk"), content_type=EVENT_JSON).text)
        texts.append(push.raw(orjson.dumps(UNKNOWN), content_type=f"text/{PHONE}").text)
        receipt = push(accepted)
        dropped = push.gateway.dropped_fields()
    assert receipt.status_code == 202
    assert receipt.json()["dropped_fields"] == dropped
    assert dropped["caller_phone"] == 2
    assert dropped["(other)"] == 2
    messages = read_messages(tansu.bootstrap, PARTITIONS, len(accepted))
    written = [receipt.text, *texts, caplog.text, *capfd.readouterr()]
    written += [message.value.decode() for message in messages]
    written += [orjson.dumps([orjson.loads(message.value)]).decode() for message in messages]
    for secret in (PHONE, NAME, ID_CARD, ascii(NAME)[1:-1]):
        assert [text for text in written if secret in text] == []
