"""`hotline import` as a person runs it, and the numbers that the service publishes after it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from tests.support.service import Json, Service, plain_environment, run_hotline
from tests.support.waiting import await_that

YEAR = {"from": "2015-01-01T00:00:00-05:00", "to": "2016-01-01T00:00:00-05:00"}
AS_OF = "2016-01-13T00:00:00-05:00"
SOURCE = "urn:boston:311"

# Everything that follows from events alone; positions and clocks differ from run to run.
_NUMBERS = ("ranked", "unranked", "unknown_units", "undispatched", "incomplete", "totals", "bottom")
_FIGURE = re.compile(r"^ *([a-z][a-z_:, ]*[a-z]).* ([\d,]+) *$", re.MULTILINE)
_IMPORT_SECONDS = 900


def boston_options() -> tuple[str, ...]:
    """Options of `hotline up` for a city that is assessed by its deadlines."""
    units = files("services.ingest") / "mappings" / "boston-311-units.csv"
    return ("--policy", "on-time", "--time-zone", "America/New_York", "--units", str(units))


def run_import(
    service: Service, file: Path, *options: str, mapping: str = "boston-311"
) -> subprocess.CompletedProcess[str]:
    """Import a file; the caller looks at code and words."""
    arguments = ("import", str(file), "--mapping", mapping, "--url", service.url, *options)
    return run_hotline(*arguments, seconds=_IMPORT_SECONDS)


def imported(
    service: Service, file: Path, *options: str, mapping: str = "boston-311"
) -> dict[str, int]:
    """Import a file of which nothing may be rejected; return the closing figures by name."""
    done = run_import(service, file, *options, mapping=mapping)
    assert done.returncode == 0, done.stdout + done.stderr
    return figures(done.stdout)


def figures(output: str) -> dict[str, int]:
    """Read the closing figures."""
    return {name: int(number.replace(",", "")) for name, number in _FIGURE.findall(output)}


@contextmanager
def importing(service: Service, file: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Import while the block runs."""
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("hotline")),
            *("import", str(file), "--mapping", "boston-311", "--url", service.url),
            *options,
        ],
        env=plain_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def await_stored(service: Service, orders: int) -> None:
    """Return when the service holds so many orders of the file."""

    def stored() -> bool:
        page = service.get("/v1/imports/orders", source=SOURCE, limit=orders)
        return len(page["orders"]) == orders

    await_that(stored, failing="the import does not get on")


def numbers(service: Service) -> list[Json]:
    """All published numbers of the year: as of the export, as of a later day, and live."""
    pages = [
        service.rankings(**YEAR, as_of=AS_OF),
        service.rankings(**YEAR, as_of="2016-06-01T00:00:00-04:00"),
        service.rankings(**YEAR),
    ]
    return [{name: page[name] for name in _NUMBERS} for page in pages]
