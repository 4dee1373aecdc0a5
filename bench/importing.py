"""`hotline import` of the Boston file, from the command to the closing figures."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path
from time import perf_counter

from bench.figures import Result, Sizes, per_second, ratio
from bench.service import HOTLINE, Running, running

_BOSTON = Path(__file__).parents[2] / "shared" / "data" / "boston_311_2015_slim.csv.gz"
_OPTIONS = ("--policy", "on-time", "--time-zone", "America/New_York", "--units")
_TITLE = "Import"
_SECONDS = 900


def measure(sizes: Sizes) -> Result:
    """Import the file into an empty service, then again."""
    if not _BOSTON.exists():
        return Result(_TITLE, f"Not measured: {_BOSTON.name} is not here.", (), "")
    units = files("services.ingest") / "mappings" / "boston-311-units.csv"
    with running(*_OPTIONS, str(units)) as service:
        first = _import(service, sizes.import_rows)
        year = {"from": "2015-01-01T00:00:00-05:00", "to": "2016-01-01T00:00:00-05:00"}
        page = service.client.get("/v1/rankings", params=year).json()
        rows = int(page["totals"]["volume"]) + int(page["undispatched"]["volume"])
        rows += sum(int(unit["figures"]["volume"]) for unit in page["unknown_units"])
        again = _import(service, sizes.import_rows)
    return Result(
        _TITLE,
        f"The first {rows:,} rows of {_BOSTON.name}, each an order: read, mapped, compared with what is "
        "stored, pushed, scored and stored.",
        (
            per_second("into an empty service", rows, first, "rows/s"),
            per_second("the same file again: nothing to do", rows, again, "rows/s"),
            ratio("first time, compared with again", first, again),
        ),
        "First time: reading and mapping in one process, then pushing, where the service scores "
        "while the next batch is compared. Again: reading and comparing.",
    )


def _import(service: Running, rows: int) -> float:
    options = ("--mapping", "boston-311", "--url", service.url, "--limit", str(rows))
    began = perf_counter()
    subprocess.run(
        [HOTLINE, "import", str(_BOSTON), *options],
        capture_output=True,
        check=True,
        timeout=_SECONDS,
    )
    return perf_counter() - began
