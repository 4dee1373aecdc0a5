"""What every command that speaks to a running service shares: one HTTP client, closed at the end."""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

SECONDS: Final = 60.0  # for one answer
PAUSE: Final = 0.5  # seconds before a request is repeated
PATIENCE: Final = 60.0  # seconds without any answer after which repeating ends

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class AddressError(ValueError):
    """The text is no http address. It says so in English and Chinese."""


class BusyError(RuntimeError):
    """A request was not answered however often it was repeated. The text says what happened."""


class Connection:
    """An HTTP client for one service; safe for several threads."""

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        """Open nothing yet. ``patience``: seconds for which `ask` repeats.

        Raises:
            AddressError: ``url`` is no http address.
        """
        self.url: Final = url.rstrip("/")
        self._patience: Final = patience
        # A proxy for the internet knows nothing about a service on this machine.
        self.http: Final = httpx.Client(
            timeout=SECONDS, trust_env=_host(self.url) not in _LOOPBACK, headers=_key()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def ask(
        self, method: str, path: str, body: bytes | None = None, content_type: str | None = None
    ) -> httpx.Response:
        """Repeat a request while the service is away or too busy (503); it must be repeatable.

        Raises:
            BusyError: neither changed within the patience.
        """
        headers = {} if content_type is None else {"content-type": content_type}
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = self.http.request(method, self.url + path, content=body, headers=headers)
            except httpx.TransportError as error:
                trouble, pause = f"stopped answering ({type(error).__name__})", PAUSE
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return answer
                trouble, pause = f"is too busy: {title_of(answer)}", retry_after(answer)
            if time.monotonic() + pause > deadline:
                raise BusyError(f"{self.url} {trouble}")
            time.sleep(pause)


def no_answer(url: str, error: httpx.TransportError) -> str:
    """One sentence: nothing answers at the address, and what to do."""
    return (
        f"no service answers at {url} ({type(error).__name__}); start one with `hotline up`, or "
        "say where it is with --url. 服务未启动，或请用 --url 指定地址。"
    )


def retry_after(answer: httpx.Response) -> float:
    """Seconds that the service asks to wait; `PAUSE` if it names none."""
    seconds = answer.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() else PAUSE


def title_of(answer: httpx.Response) -> str:
    """What a problem document calls the trouble; else what its status means."""
    try:
        return str(answer.json()["title"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def _key() -> dict[str, str]:
    """The key of whoever runs the command, from ``HOTLINE_KEY`` (docs/access.md)."""
    key = os.environ.get("HOTLINE_KEY", "").strip()
    return {"authorization": f"Bearer {key}"} if key else {}


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts.hostname
    except ValueError:  # brackets that do not close, a port out of range
        pass
    raise AddressError(
        "--url is no address such as http://127.0.0.1:8000. --url 不是有效的服务地址。"
    )
