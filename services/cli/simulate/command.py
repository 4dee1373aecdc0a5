"""``hotline simulate``."""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.instants import Instant

DEFAULT_URL: Final = "http://127.0.0.1:8000"
DEFAULT_SEED: Final = 12345
DEFAULT_DAYS: Final = 31
DEFAULT_ORDERS_PER_DAY: Final = 2000

_NANOSECONDS: Final = 1000


def simulate(
    *,
    url: Annotated[
        str,
        typer.Option(envvar="HOTLINE_URL", help="Where the service answers. 服务地址"),
    ] = DEFAULT_URL,
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same city, order by order. 随机种子")
    ] = DEFAULT_SEED,
    days: Annotated[
        int, typer.Option(min=0, max=400, help="Days of history before now. 历史天数")
    ] = DEFAULT_DAYS,
    orders_per_day: Annotated[
        int, typer.Option(min=1, max=200_000, help="Orders on a mean day. 日均工单量")
    ] = DEFAULT_ORDERS_PER_DAY,
    speed: Annotated[
        float,
        typer.Option(
            min=1,
            max=100_000,
            help="600: replay the last --days days, ten minutes in a second, until the city has "
            "caught up with the present; then real time. 回放速度",
        ),
    ] = 1.0,
    live: Annotated[
        bool | None,
        typer.Option(
            "--live/--history",
            help="Only what happens from now on, or only the past. Neither: the past, then live. "
            "仅实时，或仅历史",
            show_default=False,
        ),
    ] = None,
) -> None:
    """模拟演示城市 · Send a plausible demo city on Beijing's 343 streets.

    By default the last 31 days as fast as the service takes them, then live until Ctrl-C.
    Running it again does no harm: events that the service knows count once, and what happened
    in between is filled in.
    """
    from services.cli.simulate.display import Display  # noqa: PLC0415 - --help stays quick
    from services.cli.simulate.sending import Mode, run_simulation  # noqa: PLC0415
    from services.cli.simulate.service import SimulationError  # noqa: PLC0415
    from services.domain.registry import beijing_units  # noqa: PLC0415
    from services.web.connection import AddressError  # noqa: PLC0415

    if live is False and speed > 1:
        raise typer.BadParameter("history goes as fast as the service takes it; leave --speed out")
    mode: Mode = "both"
    if live is not None or speed > 1:
        mode = "history" if live is False else "live"
    with Display(Console(stderr=True)) as display:
        try:
            run_simulation(
                url,
                units=beijing_units(),
                seed=seed,
                days=days,
                orders_per_day=orders_per_day,
                speed=speed,
                mode=mode,
                clock=_now,
                report=display.show,
            )
        except (AddressError, SimulationError) as error:
            typer.echo(f"hotline: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            pass
    typer.echo(display.summary())


def _now() -> Instant:
    return time.time_ns() // _NANOSECONDS
