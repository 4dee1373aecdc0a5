"""``python -m bench``: measure, show the figures as they come, and write the report."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final, cast

import typer

from bench.figures import QUICK, Result, Sizes
from bench.report import REPORT, write

BENCHMARKS: Final = (
    "codec",
    "rules",
    "explain",
    "replay",
    "scaling",
    "live",
    "ranking",
    "stream",
    "start",
    "importing",
    "what_if",
)


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(help=f"Which ones, of: {', '.join(BENCHMARKS)}; all if none is named."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes: shows that it works, measures nothing.")
    ] = False,
    events: Annotated[
        int | None, typer.Option(min=1000, help="Events of the replay instead of 200 000.")
    ] = None,
    orders: Annotated[
        int | None, typer.Option(min=100, help="Orders of the what-if and of the ranking.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where the report goes; bench/report.md if everything is measured."),
    ] = None,
) -> None:
    """Measure how fast the service is. A full run takes some minutes; the machine should be calm."""
    chosen = names or list(BENCHMARKS)
    for name in chosen:
        if name not in BENCHMARKS:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(BENCHMARKS)}")
    sizes = QUICK if quick else Sizes()
    if events is not None:
        sizes = replace(sizes, replay_events=events)
    if orders is not None:
        sizes = replace(sizes, what_if_orders=orders, ranking_orders=orders)
    results: list[tuple[Result, float]] = []
    for number, name in enumerate(chosen, 1):
        typer.echo(f"[{number}/{len(chosen)}] {name} …", err=True)
        load = os.getloadavg()[0]
        began = perf_counter()
        result = _alone(name, sizes)
        results.append((result, load))
        typer.echo(f"  {perf_counter() - began:.0f} s, load average {load:.2f} before", err=True)
        for figure in result.figures or ():
            typer.echo(f"  {figure.what}: {figure.value}")
        sys.stdout.flush()
    path = output or (REPORT if chosen == list(BENCHMARKS) and not quick else None)
    if path:
        write(results, path)
        typer.echo(f"written: {path}", err=True)


def _alone(name: str, sizes: Sizes) -> Result:
    """Measure in a new process: nothing that an earlier one left behind counts."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        measure = importlib.import_module(f"bench.{name}").measure
        return cast("Result", pool.submit(measure, sizes).result())


if __name__ == "__main__":
    typer.run(bench)
