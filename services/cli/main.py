"""The `hotline` command."""

from __future__ import annotations

import logging
import sys
import webbrowser
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.alerts_command import alerts_app
from services.cli.cycles_command import audit, freeze, revise
from services.cli.dlq_command import dlq_app
from services.cli.errors import EXPECTED, end_with
from services.cli.explain_command import explain
from services.cli.import_command import import_file
from services.cli.keys_command import keys_app
from services.cli.policy_command import policy_app
from services.cli.reconcile_command import reconcile
from services.cli.repartition_command import repartition_app
from services.cli.simulate.command import simulate
from services.cli.what_if_command import what_if
from services.settings import Settings, load_settings

app = typer.Typer(
    help="三率直播 · hotline-rates: live, exact and explainable rates of 12345 hotlines.\n\n"
    "Settings are environment variables HOTLINE_… (docs/settings.md); options come before them.\n\n"
    "设置用环境变量 HOTLINE_…，选项优先。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with local values could show personal data
    rich_markup_mode="rich",
)
topics_app = typer.Typer(help="The topics in Kafka. 主题", no_args_is_help=True)
units_app = typer.Typer(help="The registry of units. 承办单位", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(units_app, name="units")
app.add_typer(policy_app, name="policy")
app.add_typer(keys_app, name="keys")
app.add_typer(alerts_app, name="alerts")
app.add_typer(dlq_app, name="dlq")
app.add_typer(repartition_app, name="repartition")

DataDir = Annotated[
    Path | None, typer.Option(help="Where the data live [HOTLINE_DATA_DIR, .hotline]. 数据目录")
]
Host = Annotated[
    str | None, typer.Option(help="Address to listen on [HOTLINE_HOST, 127.0.0.1]. 地址")
]
Port = Annotated[int | None, typer.Option(help="Port to listen on [HOTLINE_PORT, 8000]. 端口")]


@app.command()
def up(  # noqa: PLR0917 - typer takes options by name
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
        int | None, typer.Option(help="Shards; fixed for a log [HOTLINE_PARTITIONS, 2]. 分区数")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Send a demo city: a month, then live. 演示城市")
    ] = False,
    browser: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser. 打开浏览器")
    ] = False,
) -> None:
    """启动全部服务 · Run everything in one process: broker, engine, scoring, HTTP.

    Data stay in the data directory: stop with Ctrl-C, start again, and the numbers are the same.
    """
    from services.cli.embedded import run_embedded  # noqa: PLC0415 - heavy, and --help is not
    from services.cli.observing import use_log_format  # noqa: PLC0415
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

        use_log_format(settings)
        run_until_stopped(lambda: run_embedded(settings, on_ready, demo=demo))
        typer.echo("已停止，数据已保存 · stopped; everything is stored")


@app.command()
def prepare() -> None:
    """集群初始化 · Cluster: bring tables, policy, units and topics up to date, once."""
    from services.cli import cluster  # noqa: PLC0415

    with _said_plainly():
        cluster.prepare(load_settings())


@app.command()
def worker(
    ranking: Annotated[
        bool, typer.Option(help="Rank too; not while a new log is being filled. 是否排名")
    ] = True,
) -> None:
    """计算进程 · Cluster: score partitions; run as many as you like."""
    from services.cli import cluster  # noqa: PLC0415

    _serve(lambda settings: cluster.run_worker(settings, ranks=ranking), load_settings)


@app.command()
def gateway(host: Host = None, port: Port = None) -> None:
    """接入进程 · Cluster: take events over HTTP."""
    from services.cli import cluster  # noqa: PLC0415

    _serve(cluster.run_gateway, lambda: load_settings(host=host, port=port))


@app.command()
def api(host: Host = None, port: Port = None) -> None:
    """查询进程 · Cluster: answer questions over HTTP."""
    from services.cli import cluster  # noqa: PLC0415

    _serve(cluster.run_api, lambda: load_settings(host=host, port=port))


@topics_app.command("create")
def topics_create(
    bootstrap: Annotated[
        str | None, typer.Option(help="host:port of Kafka [HOTLINE_KAFKA_BOOTSTRAP]. Kafka 地址")
    ] = None,
    partitions: Annotated[
        int | None, typer.Option(help="Shards [HOTLINE_PARTITIONS]. 分区数")
    ] = None,
) -> None:
    """创建并检查主题 · Create the topics that are missing, and check the others."""
    from services.cli.cluster import bootstrap_of  # noqa: PLC0415
    from services.cli.topics import ensure_topics  # noqa: PLC0415

    with _said_plainly():
        settings = load_settings(kafka_bootstrap=bootstrap, partitions=partitions)
        created = ensure_topics(
            bootstrap_of(settings),
            settings.partitions,
            replication=settings.kafka_replication,
            suffix=settings.topic_suffix,
        )
        typer.echo("\n".join(f"created {name}" for name in created) or "all topics are there")


@units_app.command("register")
def units_register(
    file: Annotated[Path, typer.Argument(help="CSV: code,name,kind,parent,group. 承办单位表")],
    url: Annotated[
        str, typer.Option(help="The running service. 服务地址")
    ] = "http://127.0.0.1:8000",
) -> None:
    """登记承办单位 · Add units to the registry, or replace those of the same code.

    Orders of a unit that was unknown count for it from then on, without sending them again.
    """
    from services.cli.units_command import register_file  # noqa: PLC0415

    with _said_plainly():
        count = register_file(file, url)
        typer.echo(f"registered {count} units · 已登记 {count} 个承办单位")


app.command("import")(import_file)
app.command("simulate")(simulate)
app.command("what-if")(what_if)
app.command("explain")(explain)
app.command("freeze")(freeze)
app.command("revise")(revise)
app.command("audit")(audit)
app.command("reconcile")(reconcile)


def _serve(
    run: Callable[[Settings], Coroutine[Any, Any, None]], read: Callable[[], Settings]
) -> None:
    from services.cli.observing import use_log_format  # noqa: PLC0415
    from services.cli.stopping import run_until_stopped  # noqa: PLC0415

    with _said_plainly():
        settings = read()
        use_log_format(settings)
        run_until_stopped(lambda: run(settings))


def _welcome(url: str, seconds: float) -> str:
    return (
        f"\n三率直播已就绪 · hotline-rates is ready ({seconds:.1f} s)\n\n"
        f"  页面 page       {url}/\n"
        f"  接口 API        {url}/openapi.json\n"
        f"  推送 push to    {url}/v1/events\n\n"
        "按 Ctrl-C 停止 · Ctrl-C stops"
    )


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Log to standard error; answer an expected failure with its sentence and exit code 1."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # The clients' chatter about itself; what matters we say ourselves.
    for name in ("kafka", "aiokafka", "faust", "mode", "clickhouse_connect", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_without_traceback_of_clients)
    try:
        yield
    except EXPECTED as error:
        end_with(error)


def _without_traceback_of_clients(record: logging.LogRecord) -> bool:
    """A connection that breaks is one line: where inside the client it was tells nobody anything."""
    if record.name.partition(".")[0] in {"kafka", "aiokafka", "urllib3"}:
        record.exc_info = None
    return True


if __name__ == "__main__":
    app()
