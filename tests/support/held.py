"""How many bytes an object keeps in memory: counted, so that two runs agree."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any


def held_bytes(root: object, *, shared: Collection[object] = ()) -> int:
    """The bytes of all that is reached from ``root``, each object once.

    Containers, and objects of this project with what their slots and attributes hold. What is
    reached from ``shared`` too belongs to others and is not counted.
    """
    seen: set[int] = set()
    for each in shared:
        _count(each, seen)
    return _count(root, seen)


def _count(root: object, seen: set[int]) -> int:
    total, waiting = 0, [root]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        waiting += _parts(each)
    return total


def _parts(each: object) -> list[Any]:
    parts: list[Any] = []
    if isinstance(each, Mapping):
        parts += [*each.keys(), *each.values()]
    elif isinstance(each, (list, tuple, set, frozenset)):
        parts += each
    if type(each).__module__.partition(".")[0] in {"services", "schemas"}:
        parts += vars(each).values() if hasattr(each, "__dict__") else ()
        names = getattr(type(each), "__slots__", ())
        parts += [getattr(each, name) for name in names if name != "__dict__"]
    return parts
