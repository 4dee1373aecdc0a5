"""`hotline dlq`: what could not be counted; asked of a running service, and sent again after a fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer

from services.cli.alerts_command import ask
from services.cli.errors import EXPECTED, CommandError
from services.settings import load_settings

dlq_app = typer.Typer(help="What could not be counted. 未入账事件", no_args_is_help=True)

_HERE: Final = "http://127.0.0.1:8000"
_PATH: Final = "/v1/dead-letters"

Url = Annotated[str, typer.Option(help="The running service. 服务地址")]
Reason = Annotated[str, typer.Option(help="Only with this reason. 原因代码")]
Subject = Annotated[str, typer.Option(help="Only of this work order. 工单号")]
From = Annotated[
    str | None, typer.Option("--from", help="Recorded since, RFC 3339 with an offset. 起始时刻")
]
To = Annotated[str | None, typer.Option("--to", help="Recorded before. 截止时刻")]


@dlq_app.command("list")
def list_letters(  # noqa: PLR0917 - typer takes options by name
    reason: Reason = "",
    subject: Subject = "",
    since: From = None,
    until: To = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many. 条数")] = 20,
    url: Url = _HERE,
) -> None:
    """未入账事件 · List dead letters, the last recorded first, and count them by reason."""
    with _said_plainly():
        found = ask("GET", _PATH, url, params=_chosen(reason, subject, since, until, limit=limit))
    for name, count in found["counts"].items():
        typer.echo(f"{name}: {count}")
    for letter in found["dead_letters"]:
        typer.echo(
            f"{letter['recorded_at']} {place_text(letter)} {letter['reason']} {letter['path']}"
            f" {letter['subject']} {letter['type']}".rstrip()
        )
    if not found["dead_letters"]:
        typer.echo("没有未入账事件 no dead letters")


@dlq_app.command("show")
def show_letter(
    place: Annotated[str, typer.Argument(help="shard/epoch/offset/index, as listed. 位置")],
    url: Url = _HERE,
) -> None:
    """查看一条 · Show all that is stored of one; the original is in the log alone."""
    with _said_plainly():
        found = ask("GET", _PATH, url, params={"place": place})
        if not found["dead_letters"]:
            raise CommandError(
                "No dead letter has this place: see `hotline dlq list`. 该位置没有未入账事件。"
            )
    for letter in found["dead_letters"]:
        shown = letter | {"place": place_text(letter)}
        del shown["position"]
        for name, value in shown.items():
            typer.echo(f"{name}: {value}")


@dlq_app.command("replay")
def replay_letters(  # noqa: PLR0917 - typer takes options by name
    place: Annotated[
        str | None, typer.Argument(help="Of one; all that the options choose if left out. 位置")
    ] = None,
    reason: Reason = "",
    subject: Subject = "",
    since: From = None,
    until: To = None,
    url: Url = _HERE,
    gateway: Annotated[
        str, typer.Option(help="Where events are pushed to, if not to --url. 接入地址")
    ] = "",
    bootstrap: Annotated[
        str | None, typer.Option(help="Kafka with the originals [HOTLINE_KAFKA_BOOTSTRAP]. Kafka")
    ] = None,
) -> None:
    """重新提交 · Send the originals through the gateway again, after a fix.

    What counts already is a duplicate, so it may be repeated. Ends with code 1 if an event still
    does not count.
    """
    from services.cli.dlq_replay import Letter, originals_of, replay  # noqa: PLC0415 - heavy

    chosen = _chosen(reason, subject, since, until)
    statuses: Counter[str] = Counter()
    with _said_plainly():
        settings = load_settings(kafka_bootstrap=bootstrap)
        with originals_of(settings) as originals:
            for page in _pages(url, chosen | ({} if place is None else {"place": place})):
                letters = [Letter.read(each) for each in page]
                for letter, status, why in replay(letters, originals, gateway or url):
                    statuses[status] += 1
                    typer.echo(f"{letter.place} {letter.reason} → {status} {why}".rstrip())
    for status, count in sorted(statuses.items()):
        typer.echo(f"{status}: {count}")
    if not statuses:
        typer.echo("没有未入账事件 no dead letters")
    if statuses.keys() - {"accepted", "duplicate", "archived"}:
        raise typer.Exit(1)


def place_text(letter: dict[str, Any]) -> str:
    """Where the log holds the original, as the commands take it."""
    position = letter["position"]
    return "{shard}/{epoch}/{offset}/{index}".format_map(position)


def _pages(url: str, chosen: dict[str, str | int]) -> Iterator[list[dict[str, Any]]]:
    """All that is chosen, the last recorded first."""
    after: dict[str, str] = {}
    while True:
        found = ask("GET", _PATH, url, params={**chosen, **after, "limit": 500})
        yield found["dead_letters"]
        if found["next"] is None:
            return
        after = {"after": found["next"]}


def _chosen(
    reason: str, subject: str, since: str | None, until: str | None, **more: int
) -> dict[str, str | int]:
    given: dict[str, str | int | None] = {
        "reason": reason,
        "subject": subject,
        "from": since,
        "to": until,
        **more,
    }
    return {name: value for name, value in given.items() if value}


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except EXPECTED as error:
        typer.echo(f"hotline: {error}", err=True)
        raise typer.Exit(1) from None
