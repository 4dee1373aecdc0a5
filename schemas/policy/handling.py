"""How a policy reads what happens to an order: callbacks, extensions, returns, exclusions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.policy.deadlines import Duration
from schemas.policy.indicators import Question
from schemas.policy.parts import Code, Part, Word, Words


class Callbacks(Part):
    """Which callback counts, and when an order is unreachable.

    ``valid``: the questions that must be answered for a callback to be valid (有效回访).
    ``raters``: who may rate (`callback.rater`), everyone if left out.
    ``basis``: of several valid callbacks the first, the last or the best counts.
    ``attempts`` unanswered ones on ``days`` different calendar days make an order unreachable.
    ``unanswered``: an unanswered question counts ``zero``, or ``leaves`` its own denominator.
    """

    valid: list[Question] = Field(["solved"], min_length=1)
    raters: Words | None = None
    basis: Literal["first", "last", "best"] = "last"
    attempts: Annotated[int, Field(ge=1)] = 3
    days: Annotated[int, Field(ge=1)] = 2
    unanswered: Literal["zero", "leaves"] = "zero"


class Extensions(Part):
    """When an approved extension (延期) moves the deadline.

    ``approved``: only if decided ``before_expiry``, or ``always``. ``longest``: a new deadline is
    cut off where this duration, counted from the dispatch, ends. ``times``: how many count.
    """

    approved: Literal["before_expiry", "always"] = "before_expiry"
    longest: Duration | None = None
    times: Annotated[int, Field(ge=0)] | None = None


class Returns(Part):
    """When an accepted return (退单) is one: requested ``within`` this time from the dispatch.

    ``callbacks``: those that rated the unit that returned the order are ``dropped`` or ``kept``.
    """

    within: Duration | None = None
    callbacks: Literal["dropped", "kept"] = "dropped"


class Suspensions(Part):
    """A suspended order (挂账) is ``out`` of all denominators, or stays ``in``.

    Its resolve deadline runs on, or ``pauses``.
    """

    denominators: Literal["out", "in"] = "out"
    clock: Literal["runs", "pauses"] = "runs"


class Reopening(Part):
    """What a reopened order (重办) keeps.

    ``clock``: the deadline ``stays`` until the next dispatch, or ``restarts`` from the reopening
    under the next handling round. ``callbacks``: earlier ones ``stand`` until the next, or are
    ``dropped``. ``attribution``: the order stays booked where it was ``first`` settled, closed or
    called back, or moves to the ``last``.
    """

    clock: Literal["stays", "restarts"] = "stays"
    callbacks: Literal["stand", "dropped"] = "stand"
    attribution: Literal["first", "last"] = "first"


class Exclusion(Part):
    """A ground (剔除理由) that is accepted, and the indicators it may exclude from (``all``)."""

    ground: Word
    indicators: Literal["all"] | Annotated[list[Code], Field(min_length=1)] = "all"
