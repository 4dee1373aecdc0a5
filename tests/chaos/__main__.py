"""``python -m tests.chaos --events 1000000 --faults 30 --seed 1 --report chaos.json``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.run import Given, run

_WIDTH = 30


def main() -> int:
    """Run, write the report, and tell; 1 if anything differed."""
    by_name = {fault.__name__: fault for fault in FAULTS}
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="different ones (1000000)")
    parser.add_argument("--faults", type=int, default=30, help="how many (30)")
    parser.add_argument("--seed", type=int, default=1, help="of events and faults (1)")
    parser.add_argument("--lasting", type=float, default=15, help="seconds of those that last (15)")
    parser.add_argument(
        "--kind", action="append", choices=sorted(by_name), help="this one; may be repeated"
    )
    parser.add_argument("--processes", type=int, default=2, help="of the oracle (2)")
    parser.add_argument("--report", type=Path, default=Path("chaos.json"), help="(chaos.json)")
    parser.add_argument("--keep", type=Path, help="keep data and logs in this new directory")
    given = parser.parse_args()
    report = run(
        Given(
            given.events,
            given.faults,
            given.seed,
            given.lasting,
            given.processes,
            kinds=[by_name[name] for name in given.kind or ()],
            keep=given.keep.absolute() if given.keep else None,
        ),
        _show,
    )
    report.write(given.report)
    for difference in report.differences:
        sys.stdout.write(f"{difference}\n")
    sys.stdout.write(f"{len(report.differences)} differences; see {given.report}\n")
    return 1 if report.differences else 0


def _show(what: str, done: int, of: int) -> None:
    """A bar on a terminal; elsewhere a line for each fault, and one at the end of a phase."""
    if not sys.stdout.isatty() and done < of and what != "faults":
        return
    filled = _WIDTH * done // max(of, 1)
    bar = "#" * filled + "." * (_WIDTH - filled)
    end = "\n" if done == of or not sys.stdout.isatty() else ""
    sys.stdout.write(f"\r{what:10} [{bar}] {done}/{of}{end}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
