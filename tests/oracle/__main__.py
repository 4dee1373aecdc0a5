"""Compare the engine with the oracle on many random orders: ``python -m tests.oracle``."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from time import perf_counter
from typing import Final

from tests.oracle.agreement import differences, names

_CHUNK: Final = 500  # orders handed to a process at once
_ENOUGH: Final = 3  # differing orders that are shown


def main() -> int:
    """Compare, policy by policy; 1 if any order differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000, help="for each policy (100000)")
    parser.add_argument(
        "--policy", action="append", choices=names(), help="only this one; may be repeated"
    )
    parser.add_argument("--processes", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--seed", type=int, default=0, help="of the first order (0)")
    given = parser.parse_args()
    context = get_context("spawn")
    with ProcessPoolExecutor(given.processes, mp_context=context) as pool:
        differing = sum(
            _compare(pool, name, range(given.seed, given.seed + given.orders))
            for name in given.policy or names()
        )
    return 1 if differing else 0


def _compare(pool: ProcessPoolExecutor, name: str, seeds: range) -> int:
    """Run one policy under a progress bar and return how many of its orders differ."""
    began = perf_counter()
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    done, found = 0, list[str]()
    for chunk, texts in zip(chunks, pool.map(partial(differences, name), chunks), strict=True):
        done += len(chunk)
        found += texts
        _show(name, done, len(seeds), len(found), perf_counter() - began)
    for text in found[:_ENOUGH]:
        sys.stdout.write(f"{text}\n\n")
    return len(found)


def _show(name: str, done: int, orders: int, differing: int, seconds: float) -> None:
    """A bar on a terminal; elsewhere one line at the end."""
    if not sys.stdout.isatty() and done < orders:
        return
    filled = 30 * done // orders
    bar = "#" * filled + "." * (30 - filled)
    end = "\n" if done == orders else ""
    sys.stdout.write(
        f"\r{name:20} [{bar}] {done}/{orders} orders, {differing} differ, {seconds:.0f} s{end}"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
