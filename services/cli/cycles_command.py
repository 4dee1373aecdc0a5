"""`hotline freeze`, `revise` and `audit`: the published states of an assessment cycle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
import typer

from services.cli.errors import EXPECTED, CommandError
from services.web.connection import Connection, no_answer
from services.web.problems import MEDIA_TYPE

_SHOWN: Final = 20  # units

Answer = dict[str, Any]
Cycle = Annotated[str, typer.Argument(help="Name of the cycle, 2026-11. 考核周期")]
Ground = Annotated[str, typer.Option(help="Why: a short word. 依据")]
Approver = Annotated[str, typer.Option(help="Who approved it: a code. 批准人代码")]
AsOf = Annotated[str | None, typer.Option(help="Looked from this instant, RFC 3339. 截至时刻")]
Url = Annotated[str, typer.Option(help="The running service. 服务地址")]
_HERE: Final = "http://127.0.0.1:8000"


def freeze(
    cycle: Cycle, ground: Ground, approver: Approver, as_of: AsOf = None, url: Url = _HERE
) -> None:
    """冻结考核周期 · Publish revision 1 of a cycle that has ended; it never changes."""
    found = _decided("freeze", cycle, {"ground": ground, "approver": approver}, as_of, url)
    _show(found)


def revise(
    cycle: Cycle, ground: Ground, approver: Approver, as_of: AsOf = None, url: Url = _HERE
) -> None:
    """修订考核周期 · Publish the next revision, with late facts and exclusions; tell what changed."""
    found = _decided("revise", cycle, {"ground": ground, "approver": approver}, as_of, url)
    _show(found)
    changes = found["changes"]
    for change in changes[:_SHOWN]:
        typer.echo(
            f"  {change['kind']} {change['group']} {change['unit']}:"
            f" {_text(change['score_before'])} → {_text(change['score'])},"
            f" 名次 rank {_text(change['rank_before'])} → {_text(change['rank'])}"
        )
    if len(changes) > _SHOWN:
        typer.echo(f"  … 共 {len(changes)} 项变化 · {len(changes)} changes")


def audit(
    cycle: Cycle,
    revision: Annotated[
        int | None, typer.Option(min=1, help="The last one if left out. 版次")
    ] = None,
    url: Url = _HERE,
) -> None:
    """审计复算 · Compute a revision again from the log alone, and compare it bit for bit.

    Ends with code 1 and names the first difference if there is one.
    """
    try:
        found = _audited(cycle, revision, url)
    except EXPECTED as error:
        raise _ended(error) from None
    head = f"{found['cycle']} 第 {found['revision']} 版 revision {found['revision']}"
    if found["equal"]:
        typer.echo(f"{head}: 一致 equal, SHA-256 {found['checksum']}")
        return
    first = found["differences"][0]
    typer.echo(
        f"{head}: 不一致 differs at {first['path']}:"
        f" 已存 stored {first['stored']}, 复算 computed {first['computed']}",
        err=True,
    )
    raise typer.Exit(1)


def _audited(cycle: str, revision: int | None, url: str) -> Answer:
    """Follow an audit to its end; a bar shows how far it is."""
    from rich.console import Console  # noqa: PLC0415 - heavy, and --help is not
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("复算工单 orders"), BarColumn(), MofNCompleteColumn())
    with (
        Connection(url) as service,
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        _lines(service, cycle, revision) as lines,
    ):
        bar = progress.add_task("orders", total=None)
        for line in lines:
            found: Answer = json.loads(line)
            if "done" in found:
                progress.update(bar, completed=found["done"], total=found["of"])
            elif "equal" in found:
                return found
    raise CommandError("The service lost the store; try again. 服务中断，请重试。")


@contextmanager
def _lines(service: Connection, cycle: str, revision: int | None) -> Iterator[Iterator[str]]:
    path = f"{service.url}/v1/cycles/{quote(cycle, safe='')}/audit"
    params = {} if revision is None else {"revision": revision}
    try:
        with service.http.stream("POST", path, params=params, timeout=None) as answer:
            if not answer.is_success:
                answer.read()
                raise _refused(service, answer)
            yield answer.iter_lines()
    except httpx.TransportError as error:
        raise CommandError(no_answer(service.url, error)) from error


def _decided(step: str, cycle: str, decision: Answer, as_of: str | None, url: str) -> Answer:
    body = decision | ({} if as_of is None else {"as_of": as_of})
    try:
        with Connection(url) as service:
            try:
                answer = service.http.post(
                    f"{service.url}/v1/cycles/{quote(cycle, safe='')}/{step}",
                    json=body,
                    timeout=None,  # a large city takes minutes
                )
            except httpx.TransportError as error:
                raise CommandError(no_answer(service.url, error)) from error
            if not answer.is_success:
                raise _refused(service, answer)
            found: Answer = answer.json()
    except EXPECTED as error:
        raise _ended(error) from None
    return found


def _refused(service: Connection, answer: httpx.Response) -> CommandError:
    if answer.headers.get("content-type") != MEDIA_TYPE:
        return CommandError(
            f"{service.url} answers {answer.status_code}; is it this service? 该地址不是本服务。"
        )
    problem = answer.json()
    return CommandError(
        f"{problem['title']}: {problem['detail']}"
        f" {problem['title_zh']}：{problem.get('detail_zh', '')}"
    )


def _ended(error: Exception) -> typer.Exit:
    """Say what went wrong; the command ends with code 1."""
    typer.echo(f"hotline: {error}", err=True)
    return typer.Exit(1)


def _show(found: Answer) -> None:
    typer.echo(
        f"{found['cycle']} 第 {found['revision']} 版 revision {found['revision']},"
        f" 截至 as of {found['as_of']}, 工单 orders {found['orders']:,},"
        f" SHA-256 {found['checksum']}"
    )
    if found["not_evaluable"]:
        typer.echo(f"无法评估 not evaluable: {len(found['not_evaluable']):,}", err=True)


def _text(value: object) -> str:
    return "–" if value is None else str(value)
