"""`hotline units register`: a CSV of units into the registry of a running service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from schemas.records import Unit
from services.cli.errors import CommandError
from services.domain.registry import RegistryError, parse_units_csv
from services.web.connection import Connection, no_answer
from services.web.problems import MEDIA_TYPE

_AT_ONCE: Final = 1_000


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
        AddressError: ``url`` is no http address.
        CommandError: no such file, no service, or it refuses.
        RegistryError: the file is no table of units.
    """
    units = read_units(file)
    with Connection(url) as service:
        for first in range(0, len(units), _AT_ONCE):
            _post(service, units[first : first + _AT_ONCE])
    return len(units)


def _post(service: Connection, units: Sequence[Unit]) -> None:
    try:
        answer = service.http.post(
            f"{service.url}/v1/units", json=[unit._asdict() for unit in units]
        )
    except httpx.TransportError as error:
        raise CommandError(no_answer(service.url, error)) from error
    if answer.status_code == httpx.codes.CREATED:
        return
    if answer.headers.get("content-type") != MEDIA_TYPE:
        raise CommandError(
            f"{service.url} answers {answer.status_code}; is it this service? 该地址不是本服务。"
        )
    problem = answer.json()
    lines = [f"{mistake['path']}: {mistake['detail']}" for mistake in problem.get("errors", ())]
    raise CommandError("\n".join([f"{problem['title']}. {problem['title_zh']}。", *lines]))
