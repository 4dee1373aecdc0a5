"""One listener: order, heartbeats, and the end."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

from services.api.stream.client import BoundedEventSource, Client, Wish, event_body
from services.api.stream.position import ALERTS, RATES, Position, unit_key

WISH = Wish(frozenset({ALERTS, RATES}), frozenset({"u"}))


def new_client() -> Client:
    return Client(WISH, Position(alerts=1, rates={}), heartbeat=0)


async def test_events_come_in_order_each_with_the_place_after_it() -> None:
    client = new_client()
    client.log_event(ALERTS, 7, event_body(ALERTS, b'{"id": "a"}'))
    client.rates_event("u", "digest__", event_body(RATES, b'{"volume": 1}'))
    client.close("enough")
    client.log_event(
        ALERTS, 8, event_body(ALERTS, b'{"id": "b"}')
    )  # the id of the last event brings it later

    frames = [frame.decode() async for frame in client.frames()]

    place = f".u{unit_key('u')}digest__"
    assert frames == [
        ": hotline-rates\nretry: 2000\n\n",
        'event: alerts\ndata: {"id": "a"}\nid: a7.u\n\n',
        f'event: rates\ndata: {{"volume": 1}}\nid: a7{place}\n\n',
        ": enough\n\n",
    ]


async def test_when_nothing_happens_the_id_comes_alone() -> None:
    client = new_client()
    frames = client.frames()
    await anext(frames)
    client.position.set_log(ALERTS, 5)  # events that were not for this client

    assert await anext(frames) == b": ping\nid: a5.u\n\n"
    await frames.aclose()


async def test_who_takes_nothing_is_let_go() -> None:
    ended: list[str] = []

    async def send(_: Message) -> None:
        await asyncio.Event().wait()

    receive: Receive = asyncio.Queue[Message]().get
    response = BoundedEventSource(
        new_client().frames(), {}, lambda: ended.append("ended"), write_seconds=0
    )
    await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)

    assert ended == ["ended"]


async def test_who_goes_away_is_let_go() -> None:
    ended: list[str] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        await asyncio.sleep(0)

    client = Client(WISH, Position(alerts=1), heartbeat=100)
    response = BoundedEventSource(client.frames(), {}, lambda: ended.append("ended"))
    await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)

    assert ended == ["ended"]
