"""What every command that speaks to a running service shares: one HTTP client, closed at the end."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

SECONDS: Final = 60.0  # for one answer
PAUSE: Final = 0.5  # seconds before a request is repeated

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class AddressError(ValueError):
    """The text is no http address. It says so in English and Chinese."""


class Connection:
    """An HTTP client for one service; safe for several threads."""

    def __init__(self, url: str) -> None:
        """Open nothing yet.

        Raises:
            AddressError: ``url`` is no http address.
        """
        self.url: Final = url.rstrip("/")
        # A proxy for the internet knows nothing about a service on this machine.
        self.http: Final = httpx.Client(timeout=SECONDS, trust_env=_host(self.url) not in _LOOPBACK)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()


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
