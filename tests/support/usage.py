"""Notes which broker and which engine each test really used; conftest prints the sums."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from services.storage.engine_path import LOCK_NAME

CHDB = "chDB"

_tests_by_name: dict[str, set[str]] = defaultdict(set)


def _current_test() -> str:
    """Return the running test, as pytest says; the empty text outside of one."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").removesuffix(")").rpartition(" (")[0]


def note(name: str) -> None:
    """Count the running test for the broker or engine called ``name``."""
    _tests_by_name[name].add(_current_test())


def count(name: str) -> int:
    """Return how many tests used ``name``."""
    return len(_tests_by_name[name])


def noted() -> dict[str, list[str]]:
    """Return all notes of this process."""
    return {name: sorted(tests) for name, tests in _tests_by_name.items()}


def take_over(notes: Mapping[str, Iterable[str]]) -> None:
    """Add the notes of another process."""
    for name, tests in notes.items():
        _tests_by_name[name].update(tests)


def watch_for_chdb() -> None:
    """Note chDB whenever a test opens an engine in this process: the first thing is its lock."""

    def saw(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], os.PathLike | str):
            name = os.fspath(arguments[0])
            if isinstance(name, str) and name.endswith(LOCK_NAME):
                note(CHDB)

    sys.addaudithook(saw)
