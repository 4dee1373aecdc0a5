"""Orders whose place the unit concerned may not know: reports of wrongdoing, and those marked secret.

A citizen who reports a wrongdoing (举报) must not be found by whom he reports (domain.md 2.1). An order
is confidential if it was ever taken as a report or ever had one of `TAGS`, also if a correction
took that back: what was hidden stays hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas.records import Event

REPORT: Final = "report"
TAGS: Final = ("secret", "保密")
WORDS: Final = (REPORT, *TAGS)
"""Any of them as a value in one of `TOLD_BY` makes an order confidential."""

TOLD_BY: Final = ("received", "corrected")

# The place; tags, which may name one; and what leads to the citizen's other orders, which have one.
_HIDDEN: Final = frozenset({"place_code", "community", "tags", "previous_order", "caller_hash"})
_CORRECTED: Final = frozenset({"old", "new"})


def is_confidential(events: Iterable[Event]) -> bool:
    """Whether an order is, by all of its stored events."""
    return any(
        word in _values(event.data) for event in events if event.type in TOLD_BY for word in WORDS
    )


def is_hidden(field: str) -> bool:
    """Whether what an event of a confidential order says in a field is hidden."""
    return field in _HIDDEN or field in _CORRECTED


def without_place(event: Event) -> Event:
    """The event of a confidential order as a unit may see it.

    Its digest is left out too: of a short list of places one could try each.
    """
    if event.type not in TOLD_BY:
        return event
    is_about_hidden = event.data.get("field") in _HIDDEN | _CORRECTED
    hidden = _HIDDEN | (_CORRECTED if is_about_hidden else frozenset())
    data = {name: value for name, value in event.data.items() if name not in hidden}
    return event._replace(data=data, digest=b"")


def _values(data: Mapping[str, Any]) -> list[Any]:
    """What stands in the fields of an event, lists taken apart."""
    found: list[Any] = []
    for value in data.values():
        found += value if isinstance(value, (list, tuple)) else [value]
    return found
