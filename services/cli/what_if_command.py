"""`hotline what-if`: the ranking under another policy beside the present one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.cli.errors import EXPECTED, CommandError
from services.cli.policy_documents import read_document
from services.web.connection import Connection, no_answer
from services.web.problems import MEDIA_TYPE

_AT: Final = "/v1/policies/what-if"
_POLL_SECONDS: Final = 0.3

Answer = dict[str, Any]


def what_if(  # noqa: PLR0917 - typer takes options by name
    policy: Annotated[str, typer.Option(help="Preset or YAML file. 内置办法名或文件")],
    cycle: Annotated[
        str | None, typer.Option(help="Name of the cycle, 2026-11; else the present one. 考核周期")
    ] = None,
    kind: Annotated[str, typer.Option(help="Kind of units. 单位类别")] = "street",
    group: Annotated[str, typer.Option(help="Peer group. 分类组")] = "",
    csv: Annotated[Path | None, typer.Option(help="Write the table to this CSV. 导出 CSV")] = None,
    url: Annotated[
        str, typer.Option(help="The running service. 服务地址")
    ] = "http://127.0.0.1:8000",
) -> None:
    """试算排名 · The ranking of a cycle under another policy beside the present one.

    Nothing that is stored changes. Ctrl-C stops the calculation.
    """
    asked = {"cycle": cycle, "kind": kind, "group": group}
    try:
        document = read_document(policy)
        with Connection(url) as service:
            location = _started(service, {**asked, "document": document})
            with _forgotten(service, location):
                result = _finished(service, location)
                _show(Console(markup=False, highlight=False), result)
                if csv is not None:
                    _write_csv(service, location, csv)
    except EXPECTED as error:
        typer.echo(f"hotline: {error}", err=True)
        raise typer.Exit(1) from None


def _started(service: Connection, asked: Answer) -> str:
    answer = _request(service, "POST", _AT, json=asked)
    return str(answer.headers["location"])


def _finished(service: Connection, location: str) -> Answer:
    """Wait for the result; a bar shows how far it is."""
    columns = (
        TextColumn("评估工单 orders"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("orders", total=None)
        while True:
            answer: Answer = _request(service, "GET", location).json()
            orders = answer["orders"]
            progress.update(task, completed=orders["done"], total=orders["of"])
            if answer["state"] != "running":
                break
            time.sleep(_POLL_SECONDS)
    if answer["state"] == "failed":
        error = answer["error"]
        raise CommandError(f"{error['detail']} {error['detail_zh']}")
    result: Answer = answer["result"]
    return result


@contextmanager
def _forgotten(service: Connection, location: str) -> Iterator[None]:
    """Leave nothing behind: stop it after Ctrl-C, give the result free at the end."""
    try:
        yield
    finally:
        _request(service, "DELETE", location)


def _request(service: Connection, method: str, path: str, **content: Any) -> httpx.Response:
    """Send a request.

    Raises:
        CommandError: no service, or it refuses; each mistake has its line.
    """
    try:
        answer = service.http.request(method, service.url + path, **content)
    except httpx.TransportError as error:
        raise CommandError(no_answer(service.url, error)) from error
    if answer.is_success:
        return answer
    if answer.headers.get("content-type") != MEDIA_TYPE:
        raise CommandError(
            f"{service.url} answers {answer.status_code}; is it this service? 该地址不是本服务。"
        )
    problem = answer.json()
    mistakes = [mistake["detail"] for mistake in problem["errors"]]
    head = f"{problem['title']}. {problem['title_zh']}。"
    raise CommandError("\n".join([head, *(mistakes or [problem["detail"]])]))


def _write_csv(service: Connection, location: str, file: Path) -> None:
    answer = _request(service, "GET", location, headers={"Accept": "text/csv"})
    try:
        file.write_bytes(answer.content)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}. 无法写入文件。") from error
    typer.echo(f"写入 written: {file}")


def _show(console: Console, result: Answer) -> None:
    """Print both sides, the one under the other policy in order."""
    for name, side in (("现行 present", result["present"]), ("试算 what if", result["other"])):
        window = side["window"]
        versions = ", ".join(side["versions"])
        console.print(
            f"{name}: {side['id']} {side['name_zh']} · {side['name_en']}, 版本 version "
            f"{side['version']}"
            + (f" (窗口跨越版本 spans {versions})" if len(side["versions"]) > 1 else "")
            + f"; {window['name']} [{window['from']}, {window['to']})"
        )
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for header in (
        "名次\nrank", "单位\nunit", "得分\nscore", "现名次\nwas", "现得分\nwas", "变化\nmove",
        "工单\nvolume", "现工单\nwas",
    ):  # fmt: skip
        table.add_column(header, no_wrap=True)
    table.add_column("说明\nnotes", overflow="fold")
    for line in result["units"]:
        was, will = line["present"], line["other"]
        table.add_row(
            _text(will["rank"]), line["unit"]["name"], _text(will["score"]), _text(was["rank"]),
            _text(was["score"]), _move(line["move"]), _text(will["volume"]), _text(was["volume"]),
            _notes(was, will), style=_style(line["move"]),
        )  # fmt: skip
    console.print(table)
    console.print(_summary(result))


def _summary(result: Answer) -> str:
    moves = [line["move"] for line in result["units"] if line["move"]]
    up = sum(move > 0 for move in moves)
    ranked = f"{result['present']['ranked']} → {result['other']['ranked']}"
    lines = [f"上升 up {up}, 下降 down {len(moves) - up}; 参评 ranked {ranked}"]
    lines.append(f"截至 as of {result['as_of']}")
    if result["evaluated"]:
        lines.append(f"重新评估工单 orders evaluated again: {result['evaluated']:,}")
    else:
        lines.append("计数规则相同，未重新评估工单 · orders count alike, none was evaluated again")
    if result["not_evaluable"]:
        named = ", ".join(result["not_evaluable_orders"][:10])
        lines.append(
            f"无法评估，未计入 not evaluable, not counted: {result['not_evaluable']:,} ({named} …)"
        )
    if not result["complete"]:
        lines.append("部分分区尚无数据 · some shards have stored nothing yet")
    return "\n".join(lines)


def _notes(was: Answer, will: Answer) -> str:
    notes = []
    if will["bottom"] != was["bottom"]:
        notes.append(
            "进入末位 enters the bottom" if will["bottom"] else "离开末位 leaves the bottom"
        )
    if will["reason_zh"]:
        notes.append(will["reason_zh"])
    elif was["reason_zh"]:
        notes.append(f"原 was: {was['reason_zh']}")
    return "; ".join(notes)


def _move(move: int | None) -> str:
    if not move:
        return "" if move is None else "–"
    return f"↑{move}" if move > 0 else f"↓{-move}"


def _style(move: int | None) -> str:
    if not move:
        return ""
    return "green" if move > 0 else "red"


def _text(value: Any) -> str:
    return "–" if value is None else str(value)
