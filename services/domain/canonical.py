"""One way to write a value as bytes, and where two values differ first."""

from __future__ import annotations

import json
from typing import Any, Final

MISSING: Final = "(nothing)"


def canonical(value: Any) -> str:
    """JSON without blanks and with sorted keys; of integers and texts only, never a float.

    Raises:
        TypeError: the value holds something that JSON does not know.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def first_difference(left: Any, right: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """JSON pointer and both values of the first place that differs; None if nothing does."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            found = first_difference(
                left.get(key, MISSING), right.get(key, MISSING), f"{path}/{key}"
            )
            if found is not None:
                return found
        return None
    if isinstance(left, list) and isinstance(right, list):
        for place in range(max(len(left), len(right))):
            found = first_difference(
                left[place] if place < len(left) else MISSING,
                right[place] if place < len(right) else MISSING,
                f"{path}/{place}",
            )
            if found is not None:
                return found
        return None
    return None if left == right and type(left) is type(right) else (path, left, right)
