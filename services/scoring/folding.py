"""One order: evaluated by a policy, or refused by name. Pure."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from schemas.records import DeadLetter, LoggedEvent, OrderRow
from schemas.topics import WORK_ORDER_EVENTS
from services.domain.elapsed import elapsed
from services.domain.outcome import evaluate
from services.domain.policy import Policy
from services.scoring.order_state import OrderState

logger = logging.getLogger(__name__)


class Refusal(Enum):
    """Why a valid event is not counted: reason code, the field to blame, how to mend it."""

    WRONG_PARTITION = (
        "wrong_partition",
        "/subject",
        (
            "The order belongs to another partition; set the producer's partitioner to murmur2 "
            "over the order id."
        ),
    )
    ID_CONFLICT = (
        "id_conflict",
        "/id",
        (
            "Another content under this source and id stands earlier in the log and counts; "
            "send a corrected event under an id of its own."
        ),
    )
    NOT_EVALUABLE = (
        "not_evaluable",
        "/subject",
        (
            "The policy in force, or the one being put in force, cannot evaluate the order with "
            "this event, for instance for want of a calendar; it is kept and counts under the next "
            "policy that can."
        ),
    )


class Folded(NamedTuple):
    """Orders evaluated together, and a dead letter for each that the policy cannot evaluate."""

    rows: list[OrderRow]
    dead_letters: list[DeadLetter]


def fold_archived(
    partition: int, archived: Mapping[str, Sequence[LoggedEvent]], policy: Policy
) -> Folded:
    """Evaluate orders from their archived events; a dead letter names an order's last event."""
    folded = Folded([], [])
    for subject, events in archived.items():
        state = OrderState(events, None)
        row = fold_order(subject, state, policy)
        if row is None:
            letter = dead_letter(partition, state.latest(), Refusal.NOT_EVALUABLE)
            folded.dead_letters.append(letter)
        else:
            folded.rows.append(row)
    return folded


def fold_order(subject: str, state: OrderState, policy: Policy) -> OrderRow | None:
    """Evaluate an order; None when the policy cannot (a year without a calendar, say)."""
    events = state.events()
    try:
        outcome = evaluate(events, policy)
        took = elapsed(events, outcome)
    except Exception as error:  # noqa: BLE001 - one such order must not stop its neighbours
        # The place only: the message may quote what the events hold.
        place = "".join(traceback.format_tb(error.__traceback__))
        cause = type(error).__name__
        logger.error(  # noqa: TRY400
            "policy %s cannot evaluate an order: %s\n%s",
            policy.id,
            cause,
            place,
            extra={"order": subject, "event": state.latest().event.id},
        )
        return None
    return OrderRow(subject, frozenset(event.digest for event in events), outcome, took)


def dead_letter(partition: int, logged: LoggedEvent, refusal: Refusal) -> DeadLetter:
    """Name a valid event that is not counted, and why."""
    event = logged.event
    reason, path, detail = refusal.value
    return DeadLetter(
        topic=WORK_ORDER_EVENTS,
        partition=partition,
        position=logged.position,
        frame_index=logged.frame_index,
        reason=reason,
        path=path,
        detail=detail,
        source=event.source,
        id=event.id,
        subject=event.subject,
        type=event.type,
    )
