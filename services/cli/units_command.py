"""`hotline units register`: a CSV of units into the registry of a running service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from schemas.records import Unit
from services.cli.errors import CommandError
from services.domain.registry import RegistryError, parse_units_csv

_AT_ONCE: Final = 1_000
_SECONDS: Final = 60


def read_text(path: Path, otherwise: str) -> str:
    """Read a UTF-8 file, with or without a byte order mark.

    Raises:
        CommandError: it is not UTF-8, or it cannot be read: then the text is ``otherwise``.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 text. 文件不是 UTF-8 编码。") from error
    except OSError as error:
        raise CommandError(otherwise) from error


def read_units(file: Path) -> list[Unit]:
    """Read a CSV file of units.

    Raises:
        CommandError: it cannot be read.
        RegistryError: it is no table of units; the message names file and line.
    """
    text = read_text(file, f"There is no file of units {file}. 没有这个承办单位文件。")
    try:
        return parse_units_csv(text)
    except RegistryError as error:
        raise RegistryError(f"{file}: {error}. 承办单位表有误。") from None


def register_file(file: Path, url: str) -> int:
    """Register all units of a CSV file; return how many they are.

    Raises:
        CommandError: no such file, no service, or it refuses.
        RegistryError: the file is no table of units.
    """
    units = read_units(file)
    with httpx.Client(base_url=url, timeout=_SECONDS) as client:
        for first in range(0, len(units), _AT_ONCE):
            _post(client, units[first : first + _AT_ONCE])
    return len(units)


def _post(client: httpx.Client, units: Sequence[Unit]) -> None:
    try:
        answer = client.post("/v1/units", json=[unit._asdict() for unit in units])
    except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
        raise CommandError(
            f"No service answers at {client.base_url} ({type(error).__name__}): start one with "
            "`hotline up`, or say where it is with --url. 服务未启动，或请用 --url 指定地址。"
        ) from error
    if answer.status_code == httpx.codes.CREATED:
        return
    problem = answer.json()
    lines = [f"{mistake['path']}: {mistake['detail']}" for mistake in problem.get("errors", ())]
    raise CommandError("\n".join([f"{problem['title']}. {problem['title_zh']}。", *lines]))
