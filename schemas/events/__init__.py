"""What each of the 18 work-order events carries.

An absent field, a null and an empty list say the same. Field descriptions and examples are the
source of `docs/events.md` and of the JSON Schemas (``python -m schemas.generate``).
"""

from __future__ import annotations

from typing import Final

from schemas.events.assessment import Appealed, Excluded, Reinstated, Reviewed
from schemas.events.base import CallbackChannel, Data, DemandType, Grade, Solved, Urgency, YesNo
from schemas.events.callback import Answers, Callback
from schemas.events.correction import Corrected
from schemas.events.handling import (
    Contacted,
    Extended,
    Reopened,
    Resolved,
    Resumed,
    Returned,
    Signed,
    Suspended,
)
from schemas.events.intake import Cancelled, Dispatched, Linked, Received

__all__ = [
    "DATA_TYPES",
    "Answers",
    "CallbackChannel",
    "Data",
    "DemandType",
    "Grade",
    "Solved",
    "Urgency",
    "YesNo",
]

DATA_TYPES: Final[dict[str, type[Data]]] = {
    "received": Received,
    "dispatched": Dispatched,
    "signed": Signed,
    "contacted": Contacted,
    "resolved": Resolved,
    "callback": Callback,
    "returned": Returned,
    "extended": Extended,
    "suspended": Suspended,
    "resumed": Resumed,
    "excluded": Excluded,
    "reinstated": Reinstated,
    "reopened": Reopened,
    "corrected": Corrected,
    "cancelled": Cancelled,
    "appealed": Appealed,
    "reviewed": Reviewed,
    "linked": Linked,
}
"""In the order of the life cycle: events of one instant are folded in this order."""
