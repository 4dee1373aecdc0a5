"""`hotline repartition`: a log with more partitions, filled from the one in use, and compared with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import EXPECTED
from services.settings import load_settings

if TYPE_CHECKING:
    from services.cli.repartition import Route

repartition_app = typer.Typer(help="More partitions. 增加分区", no_args_is_help=True)

Partitions = Annotated[int, typer.Option(min=2, max=1024, help="Of the new log. 新分区数")]
Suffix = Annotated[
    str, typer.Option(help="Behind the names of the new topics, such as p8. 新主题后缀")
]
DatabaseName = Annotated[
    str, typer.Option("--database", help="A new one on the same ClickHouse. 新数据库名")
]


@repartition_app.command("plan")
def show_plan(partitions: Partitions, suffix: Suffix, database: DatabaseName) -> None:
    """查看计划 · What would be copied, and the settings of the new processes; changes nothing."""
    from services.cli.repartition import plan  # noqa: PLC0415 - heavy

    with _said_plainly():
        way = _route(partitions, suffix, database)
        found = plan(way)
        for number, ends in enumerate(found.ends):
            typer.echo(
                f"分区 partition {number}: 消息 messages {ends.end - ends.begin:,}, "
                f"已复制 copied {ends.copied - ends.begin:,}"
            )
        typer.echo(f"工单 orders {found.orders:,}, 事件 events {found.events:,}")
        typer.echo("新进程的设置 settings of the new processes:")
        for name, value in way.environment().items():
            typer.echo(f"  {name}={value}")


@repartition_app.command("fill")
def fill_log(partitions: Partitions, suffix: Suffix, database: DatabaseName) -> None:
    """填充新日志 · Make the new topics and tables, and copy what they lack; repeat it at will."""
    from rich.console import Console  # noqa: PLC0415 - heavy, and --help is not
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    from services.cli.repartition import fill, plan  # noqa: PLC0415

    with _said_plainly():
        way = _route(partitions, suffix, database)
        ends = plan(way).ends
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            bars = [
                progress.add_task(f"分区 partition {number}", total=each.end - each.copied)
                for number, each in enumerate(ends)
            ]

            def on_progress(number: int, copied: int) -> None:
                progress.update(bars[number], completed=copied)

            filled = fill(way, on_progress)
        typer.echo(f"已复制消息 messages copied: {filled.messages:,}")
        for table, count in filled.rows.items():
            typer.echo(f"  {table}: {count:,}")


@repartition_app.command("verify")
def compare_sides(partitions: Partitions, suffix: Suffix, database: DatabaseName) -> None:
    """核对新旧 · Compare both sides, event by event and order by order; code 1 unless all is equal."""
    from services.cli.repartition import verify  # noqa: PLC0415 - heavy
    from services.cli.web_app import now  # noqa: PLC0415

    with _said_plainly():
        verdict = verify(_route(partitions, suffix, database), now())
    for reason in verdict.unsettled:
        typer.echo(f"尚不能核对 cannot be compared yet: {reason}", err=True)
    compared = verdict.compared
    if compared is not None:
        typer.echo(
            f"工单 orders {compared.orders:,}, "
            + ("不一致 differs" if compared.differences else "一致 equal")
        )
        for what, where, old, new in compared.differences:
            typer.echo(f"  {what} {where}: 旧 old {old}, 新 new {new}", err=True)
    if compared is None or compared.differences:
        raise typer.Exit(1)


def _route(partitions: int, suffix: str, database: str) -> Route:
    from services.cli.repartition import route  # noqa: PLC0415 - heavy

    return route(load_settings(), partitions=partitions, suffix=suffix, database=database)


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except EXPECTED as error:
        typer.echo(f"hotline: {error}", err=True)
        raise typer.Exit(1) from None
