"""One claim of one partition, and what all that is done under it needs."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import Fence
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.lease import Lease
from services.scoring.letters import Letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """Begins when the claim counts, and ends with the lease."""

    context: ScoringContext
    kafka: Kafka
    partition: int
    fence: Fence
    lease: Lease
    letters: Letters
