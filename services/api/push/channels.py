"""Chat and mail through the `apprise` library, an optional part (`pip install 'hotline-rates[notify]'`).

The URL of a channel is its secret: it holds a token or a password. It is neither shown nor logged.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import orjson

from schemas.instants import Instant
from services.api.push.sending import Outcome
from services.storage.deliveries import Delivery

try:
    import apprise
except ImportError:  # the service works without
    apprise = None  # type: ignore[assignment]

# Only what sends to people: others of apprise's would post anywhere, or run a program.
SCHEMES: Final = ("dingtalk", "wecombot", "feishu", "lark", "mailto", "mailtos")
ATTEMPT_SECONDS: Final = 30

_LENGTH: Final = 2048
_THREADS: Final = 16


class Message(NamedTuple):
    """What a person reads."""

    title: str
    text: str

    def body(self) -> str:
        """As a delivery stores it."""
        return orjson.dumps(self._asdict()).decode()


def available() -> bool:
    """Whether the library is installed."""
    return apprise is not None


def url_mistake(url: str) -> str | None:
    """Why a URL is no channel: a code, or None. Opens no connection."""
    if len(url) > _LENGTH or scheme_of(url) not in SCHEMES:
        return "unknown_channel"
    return None if apprise.Apprise.instantiate(url, suppress_exceptions=True) else "invalid_url"


def scheme_of(url: str) -> str:
    """What may be shown of the URL."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


class ChannelSender:
    """Sends in threads of its own: the library blocks, for some seconds at most."""

    def __init__(self) -> None:
        # The library would log what it sends and where.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="channel")

    async def send(self, delivery: Delivery, address: str, secret: str, now: Instant) -> Outcome:  # noqa: ARG002 - the URL is the secret
        """Try once."""
        if not available():
            return Outcome("channels_unavailable")
        message = Message(**orjson.loads(delivery.body))
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                sent = await loop.run_in_executor(self._threads, _notify, secret, message)
        except TimeoutError:
            return Outcome("timeout")
        return Outcome() if sent else Outcome("refused")


def _notify(url: str, message: Message) -> bool:
    try:
        target = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        return bool(target and target.notify(body=message.text, title=message.title))
    except Exception:  # noqa: BLE001 - the message of whatever it was may hold the URL
        return False
