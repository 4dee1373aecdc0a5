"""`POST /v1/events` over HTTP, and what then stands in the log."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from schemas.codec import Decoded, decode_event, decode_frame
from schemas.records import Event
from schemas.topics import BATCH_JSON, EVENT_JSON, FRAME_EVENTS, partition_of
from services.cli.local_broker import free_port
from services.cli.topics import ensure_topics
from services.ingest.archive import Key, Known
from tests.integration.ingest.http_gateway import PARTITIONS, Push, pushing
from tests.integration.ingest.log_reader import Message, read_messages
from tests.integration.ingest.support import Json, dispatched, tansu_at
from tests.support.brokers import Broker


def logged_events(messages: Sequence[Message]) -> dict[int, list[Event]]:
    found: defaultdict[int, list[Event]] = defaultdict(list)
    for message in messages:
        for decoded in decode_frame(message.content_type, message.value):
            assert isinstance(decoded, Decoded)
            found[message.partition].append(decoded.event)
    return found


def expected_events(raws: Sequence[Json]) -> dict[int, list[Event]]:
    expected: defaultdict[int, list[Event]] = defaultdict(list)
    for raw in raws:
        event = decode_event(raw).event
        expected[partition_of(event.subject, PARTITIONS)].append(event)
    return expected


def test_events_arrive_in_the_partition_of_their_order_and_in_order(broker: Broker) -> None:
    broker.create_topics(PARTITIONS)
    raws = [dispatched(number) for number in range(3 * FRAME_EVENTS)]
    with pushing(broker.bootstrap) as push:
        answer = push(raws)
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": len(raws),
        "duplicates": 0,
        "dropped_fields": {},
        "events": [
            {"index": index, "id": raw["id"], "status": "accepted"}
            for index, raw in enumerate(raws)
        ],
    }
    messages = read_messages(broker.bootstrap, PARTITIONS, len(raws))
    assert logged_events(messages) == expected_events(raws)
    assert {message.content_type for message in messages} == {BATCH_JSON}


def test_requests_that_come_together_travel_together(broker: Broker) -> None:
    broker.create_topics(PARTITIONS)
    raws = [dispatched(number, subject="order-1") for number in range(200)]

    async def push_all(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            return await asyncio.gather(*(client.post("/v1/events", json=raw) for raw in raws))

    with pushing(broker.bootstrap) as push:
        answers = asyncio.run(push_all(push.url))
    assert {answer.status_code for answer in answers} == {202}
    messages = read_messages(broker.bootstrap, PARTITIONS, len(raws))
    [(partition, events)] = logged_events(messages).items()
    assert partition == partition_of("order-1", PARTITIONS)
    assert {event.id for event in events} == {raw["id"] for raw in raws}
    assert len(events) == len(raws)
    # How many frames there are is a matter of speed; far fewer than events there must be.
    assert len(messages) <= len(raws) // 2


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", dispatched(1)),
        ("application/json; charset=utf-8", [dispatched(1)]),
        (EVENT_JSON, dispatched(1)),
        (BATCH_JSON, [dispatched(1)]),
    ],
)
def test_all_forms_of_an_event(tansu: Broker, content_type: str, body: Any) -> None:
    tansu.create_topics(PARTITIONS)
    with pushing(tansu.bootstrap) as push:
        assert push.raw(orjson.dumps(body), content_type=content_type).status_code == 202
    messages = read_messages(tansu.bootstrap, PARTITIONS, 1)
    assert logged_events(messages) == expected_events([dispatched(1)])


def test_binary_mode(tansu: Broker) -> None:
    tansu.create_topics(PARTITIONS)
    raw = dispatched(1)
    headers = {
        "ce_specversion": "1.0",
        "ce_type": raw["type"],
        "ce_source": raw["source"],
        "ce_id": raw["id"],
        "ce_subject": "%E7%83%AD%E7%BA%BF-260703-000001",
        "ce_time": raw["time"],
        "content_type": "application/json",
    }
    with pushing(tansu.bootstrap) as push:
        answer = push.raw(orjson.dumps(raw["data"]), **headers)
        assert answer.status_code == 202
        without_time = {name: value for name, value in headers.items() if name != "ce_time"}
        answer = push.raw(orjson.dumps(raw["data"]), **without_time)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/time")
    messages = read_messages(tansu.bootstrap, PARTITIONS, 1)
    assert logged_events(messages) == expected_events([raw])


def test_one_refused_event_refuses_the_request_and_every_one_is_named(broker: Broker) -> None:
    broker.create_topics(PARTITIONS)
    raws: list[Any] = [dispatched(number) for number in range(5)]
    raws[1]["data"] = {"round": 1}
    raws[3]["time"] = "2026-07-03T12:05:00.000001+08:00"
    with pushing(broker.bootstrap) as push:
        answer = push(raws)
        assert answer.status_code == 422
        assert answer.headers["content-type"].startswith("application/problem+json")
        errors = answer.json()["errors"]
        assert [(bad["index"], bad["path"], bad["reason"]) for bad in errors] == [
            (1, "/1/data/unit", "missing_field"),
            (3, "/3/time", "time_in_future"),
        ]
        assert all(bad["detail"] and bad["detail_zh"] for bad in errors)
        # Exactly five minutes ahead is still accepted; and it is all that the log ever gets.
        good = dispatched(9, time="2026-07-03T12:05:00+08:00")
        assert push([good]).status_code == 202
    messages = read_messages(broker.bootstrap, PARTITIONS, 1)
    assert logged_events(messages) == expected_events([good])


def test_duplicates_are_sent_once_and_a_reused_id_is_refused(tansu: Broker) -> None:
    tansu.create_topics(PARTITIONS)
    same = dispatched(1, time="2026-07-02T23:05:00Z")
    other = dispatched(1, data={"unit": "110105002"})
    bad = dispatched(2, type="workorder.vanished")
    with pushing(tansu.bootstrap) as push:
        answer = push([dispatched(1), bad, other, dispatched(3), same])
        assert [(e["index"], e["path"], e["reason"]) for e in answer.json()["errors"]] == [
            (1, "/1/type", "unknown_type"),
            (2, "/2/id", "id_conflict"),
        ]
        # The id is unique within source and order: neither of these is the same event.
        neighbours = [dispatched(1, source="province"), dispatched(1, subject="order-2")]
        receipt = push([dispatched(1), same, *neighbours]).json()
    assert (receipt["accepted"], receipt["duplicates"]) == (3, 1)
    assert [event["status"] for event in receipt["events"]] == [
        "accepted",
        "duplicate",
        "accepted",
        "accepted",
    ]
    messages = read_messages(tansu.bootstrap, PARTITIONS, 3)
    assert logged_events(messages) == expected_events([dispatched(1), *neighbours])


def test_what_the_archive_knows(tansu: Broker) -> None:
    tansu.create_topics(PARTITIONS)
    stored, archived, reused, new = (dispatched(number) for number in range(4))

    def look_up(keys: Sequence[Key]) -> Mapping[Key, Known]:
        known = {
            stored["id"]: Known(decode_event(stored).event.digest, stored=True),
            archived["id"]: Known(decode_event(archived).event.digest, stored=False),
            reused["id"]: Known(b"other content   ", stored=False),
        }
        return {key: known[key[2]] for key in keys if key[2] in known}

    with pushing(tansu.bootstrap, archived=look_up) as push:
        answer = push([stored, reused, new])
        assert [(e["index"], e["reason"]) for e in answer.json()["errors"]] == [(1, "id_conflict")]
        answer = push([stored, archived, new, archived])
        assert [event["status"] for event in answer.json()["events"]] == [
            "duplicate",
            "accepted",
            "accepted",
            "duplicate",
        ]
        only_known = push([stored]).json()
        assert (only_known["accepted"], only_known["duplicates"]) == (0, 1)
    messages = read_messages(tansu.bootstrap, PARTITIONS, 2)
    assert logged_events(messages) == expected_events([archived, new])


def test_an_archive_that_is_down_stops_no_event(
    tansu: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    tansu.create_topics(PARTITIONS)

    def look_up(_: Sequence[Key]) -> Mapping[Key, Known]:
        raise ConnectionError

    with pushing(tansu.bootstrap, archived=look_up) as push:
        assert {push(dispatched(number)).status_code for number in range(5)} == {202}
    told = [record for record in caplog.records if "archive" in record.getMessage()]
    assert len(told) == 1


def test_the_answer_waits_until_the_events_are_stored(tansu: Broker) -> None:
    tansu.create_topics(PARTITIONS)
    awaited: list[Mapping[int, int]] = []
    forever = asyncio.Event()

    async def wait_stored(offsets: Mapping[int, int]) -> None:
        awaited.append(dict(offsets))
        if len(awaited) > 2:
            await forever.wait()

    raws = [dispatched(number) for number in range(100)]
    with pushing(tansu.bootstrap, wait_stored=wait_stored, store_seconds=0.2) as push:
        assert push(raws).status_code == 202
        assert push(raws[:1]).status_code == 202
        answer = push(raws)
    partition = partition_of(raws[0]["subject"], PARTITIONS)
    assert awaited == [dict.fromkeys(range(PARTITIONS), 0), {partition: 1}, awaited[2]]
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not_stored_in_time")
    assert "same ids" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("refused_connections")
def test_a_frozen_broker_gives_503_in_bounded_time_and_works_when_it_is_back(
    broker: Broker,
) -> None:
    broker.create_topics(PARTITIONS)
    with pushing(broker.bootstrap, seconds=2) as push:
        assert push(dispatched(0)).status_code == 202
        with broker.frozen():
            began = time.monotonic()
            answer = push([dispatched(number) for number in range(20)])
            assert time.monotonic() - began < 6
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/broker_unavailable")
        assert "same ids" in answer.json()["detail"]
        _push_until_accepted(push, dispatched(1))


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("refused_connections")
def test_a_killed_broker_gives_503_in_bounded_time_and_works_when_it_is_back(
    tmp_path: Path,
) -> None:
    bootstrap = f"127.0.0.1:{free_port()}"
    process = tansu_at(bootstrap, tmp_path / "first.log")
    try:
        ensure_topics(bootstrap, PARTITIONS)
        with pushing(bootstrap, seconds=2) as push:
            assert push(dispatched(0)).status_code == 202
            process.kill()
            for _ in range(2):
                began = time.monotonic()
                answer = push([dispatched(number) for number in range(20)])
                assert time.monotonic() - began < 6
                assert (answer.status_code, answer.json()["type"]) == (
                    503,
                    "/problems/broker_unavailable",
                )
            process = tansu_at(bootstrap, tmp_path / "second.log")
            ensure_topics(bootstrap, PARTITIONS)
            _push_until_accepted(push, dispatched(1))
        messages = read_messages(bootstrap, PARTITIONS, 1)
        assert logged_events(messages) == expected_events([dispatched(1)])
    finally:
        process.kill()


def test_a_full_queue_gives_503_before_the_body_is_read(broker: Broker) -> None:
    broker.create_topics(PARTITIONS)
    with pushing(broker.bootstrap, limit_bytes=20_000, body_limit=20_000) as push:
        assert push(dispatched(0)).status_code == 202
        with broker.frozen():
            waiting = push.sender.submit(b"[" + b" " * 19_000 + b"]", 0, BATCH_JSON)
            answer = push([dispatched(number) for number in range(10)])
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/overloaded")
        assert int(answer.headers["retry-after"]) > 0
        waiting.result(10)
        _push_until_accepted(push, dispatched(1))


def _push_until_accepted(push: Push, event: Json) -> None:
    deadline = time.monotonic() + 20
    while (answer := push(event)).status_code != 202:
        assert time.monotonic() < deadline, answer.text
