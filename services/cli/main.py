"""The `hotline` command."""

from __future__ import annotations

import logging
import os
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.cli.errors import EXPECTED
from services.settings import Settings, load_settings

app = typer.Typer(
    help="三率直播 · hotline-rates: live, exact and explainable rates of 12345 hotlines.\n\n"
    "Settings are environment variables HOTLINE_… (docs/settings.md); options come before them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with local values could show personal data
    rich_markup_mode="rich",
)
topics_app = typer.Typer(help="The topics in Kafka. 主题", no_args_is_help=True)
units_app = typer.Typer(help="The registry of units. 承办单位", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(units_app, name="units")

DataDir = Annotated[
    Path | None, typer.Option(help="Where the data live [HOTLINE_DATA_DIR, .hotline]. 数据目录")
]
Host = Annotated[str | None, typer.Option(help="Address to listen on [HOTLINE_HOST, 127.0.0.1].")]
Port = Annotated[int | None, typer.Option(help="Port to listen on [HOTLINE_PORT, 8000]. 端口")]


@app.command()
def up(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    policy: Annotated[
        str | None, typer.Option(help="Preset or file [HOTLINE_POLICY, beijing-district]. 考核办法")
    ] = None,
    units: Annotated[
        str | None, typer.Option(help="CSV of units [HOTLINE_UNITS, Beijing's streets]. 承办单位表")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone instead of the policy's [HOTLINE_TIME_ZONE]. 时区")
    ] = None,
    partitions: Annotated[
        int | None, typer.Option(help="Shards; fixed for a log [HOTLINE_PARTITIONS, 2].")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser. 打开浏览器")
    ] = False,
) -> None:
    """Run everything in one process: broker, engine, scoring, HTTP. 一条命令启动全部服务

    Data stay in the data directory: stop with Ctrl-C, start again, and the numbers are the same.
    """
    from services.cli.embedded import run_embedded  # noqa: PLC0415 - heavy, and --help is not
    from services.cli.stopping import run_until_stopped  # noqa: PLC0415

    with _said_plainly():
        settings = load_settings(
            host=host,
            port=port,
            data_dir=data_dir,
            policy=policy,
            units=units,
            time_zone=time_zone,
            partitions=partitions,
        )

        def on_ready(url: str, seconds: float) -> None:
            typer.echo(_welcome(url, seconds))
            sys.stdout.flush()
            if browser:
                webbrowser.open(url)

        run_until_stopped(lambda: run_embedded(settings, on_ready))
        typer.echo("已停止，数据已保存 · stopped; everything is stored")


def _welcome(url: str, seconds: float) -> str:
    return (
        f"\n三率直播已就绪 · hotline-rates is ready ({seconds:.1f} s)\n\n"
        f"  页面 page       {url}/\n"
        f"  接口 API docs   {url}/docs\n"
        f"  推送 push to    {url}/v1/events\n\n"
        "按 Ctrl-C 停止 · Ctrl-C stops"
    )


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Log to standard error; answer an expected failure with its sentence and exit code 1."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        yield
    except EXPECTED as error:
        typer.echo(f"hotline: {error}", err=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)  # a thread may still wait for a broker that is gone


def main() -> None:
    """Run the command line."""
    app()
