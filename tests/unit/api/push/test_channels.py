"""Chat and mail: what is taken, and a mail that arrives."""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from schemas.instants import SECOND
from services.api.push.channels import ChannelSender, Message, scheme_of, url_mistake
from services.api.push.courier import first_of
from services.api.push.sending import Outcome
from services.storage.deliveries import ALERT

NOW = 1_790_000_000 * SECOND
MESSAGE = Message("东华门街道：进入末位", "东华门街道在 2026-11 中进入末位，名次 334")


@pytest.mark.parametrize(
    "url",
    [
        "dingtalk://token", "dingtalk://secret@token", "wecombot://botkey", "feishu://token",
        "lark://token", "mailtos://user:password@example.org?to=a@example.org",
    ],
)  # fmt: skip
def test_chats_and_mail_are_taken(url: str) -> None:
    assert url_mistake(url) is None


@pytest.mark.parametrize(
    ("url", "mistake"),
    [
        ("json://127.0.0.1/", "unknown_channel"),
        ("syslog://", "unknown_channel"),
        ("https://example.org/", "unknown_channel"),
        ("nonsense", "unknown_channel"),
        ("mailto://[::1", "unknown_channel"),
        ("dingtalk://", "invalid_url"),
        ("feishu://" + "x" * 2048, "unknown_channel"),
    ],
)
def test_everything_else_is_not(url: str, mistake: str) -> None:
    assert url_mistake(url) == mistake


def test_only_the_kind_is_shown() -> None:
    assert scheme_of("dingtalk://token") == "dingtalk"


async def test_a_mail_arrives(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_server() as (port, mails):
        with caplog.at_level(logging.DEBUG, "apprise"):
            outcome = await sent(port)

    assert outcome == Outcome()
    (mail,) = mails
    found = email.message_from_bytes(mail, policy=email.policy.default)
    body = found.get_body()
    assert found["Subject"] == MESSAGE.title
    assert body is not None
    assert MESSAGE.text in body.get_content()
    assert caplog.text == ""


async def test_nobody_there_is_a_failure_without_a_word_of_the_url(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with mail_server() as (port, _):
        pass
    outcome = await sent(port)

    assert outcome == Outcome("refused")
    assert caplog.text == ""


async def sent(port: int) -> Outcome:
    url = f"mailto://127.0.0.1:{port}?from=hotline@example.org&to=a@example.org&mode=insecure"
    delivery = first_of("ch_1", "alert", ALERT, MESSAGE.body(), NOW)
    return await ChannelSender().send(delivery, "mailto", url, NOW)


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[int, list[bytes]]]:
    """As much of SMTP as a client without encryption and password needs."""
    mails: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                mails.append(await reader.readuntil(b"\r\n.\r\n"))
            if verb == b"QUIT":
                break
            writer.write(b"250 OK\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], mails
