"""`hotline explain`: why an order counts as it does, asked of a running service."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer

from services.cli.errors import EXPECTED, CommandError, end_with
from services.web.connection import Connection, no_answer
from services.web.problems import MEDIA_TYPE


class Language(StrEnum):
    """In which the sentences are printed."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


def explain(
    order: Annotated[str, typer.Argument(help="Number of the work order. 工单号")],
    as_of: Annotated[
        str | None, typer.Option(help="A past instant, RFC 3339 with an offset. 截至时刻")
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language of the sentences. 语言")] = Language.BOTH,
    as_json: Annotated[
        bool, typer.Option("--json", help="The answer of the service as it is. 原样输出 JSON")
    ] = False,
    url: Annotated[
        str, typer.Option(help="The running service. 服务地址")
    ] = "http://127.0.0.1:8000",
) -> None:
    """解释一个工单 · Tell step by step why an order counts as it does, or why it does not.

    One sentence for each indicator, the deadlines with what was counted, and every event with
    what it changed.
    """
    from services.cli.explain_screen import show  # noqa: PLC0415 - rich is heavy, and --help is not

    try:
        answer = ask(order, as_of, url)
    except EXPECTED as error:
        end_with(error)
    if as_json:
        typer.echo(answer.text)
    else:
        found: dict[str, Any] = answer.json()
        show(found, [lang.value] if lang is not Language.BOTH else ["zh", "en"])


def ask(order: str, as_of: str | None, url: str) -> httpx.Response:
    """Ask a service for the explanation of an order (docs/explain.md).

    Raises:
        AddressError: ``url`` is no http address.
        CommandError: no service, or it refuses.
    """
    with Connection(url) as service:
        try:
            answer = service.http.get(
                f"{service.url}/v1/work-orders/{quote(order, safe='')}/explain",
                params={} if as_of is None else {"as_of": as_of},
            )
        except httpx.TransportError as error:
            raise CommandError(no_answer(service.url, error)) from error
    if answer.status_code == httpx.codes.OK:
        return answer
    if answer.headers.get("content-type") != MEDIA_TYPE:
        raise CommandError(
            f"{service.url} answers {answer.status_code}; is it this service? 该地址不是本服务。"
        )
    problem = answer.json()
    raise CommandError(
        f"{problem['title']}: {problem['detail']} {problem['title_zh']}：{problem['detail_zh']}"
    )
