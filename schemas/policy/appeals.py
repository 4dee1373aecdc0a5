"""Who may contest what and until when, and who decides (申诉, 复核)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from schemas.policy.deadlines import Duration
from schemas.policy.parts import Code, Part, Word


class Level(Part):
    """One level that reviews, and how long it has since the appeal came to it.

    ``district`` is the district of the unit that appeals; every other name is an office above it.
    """

    name: Code
    within: Duration = Duration(working_days=5)


class Appeals(Part):
    """Appeals of units against one indicator of one order.

    ``file_within``: from the last callback or report that the order is done. ``levels`` review one
    after the other, the last decides. ``grounds`` are those on which one may appeal, left out:
    all that exclude from the indicator. The district reviews, the city decides; filed within 3 and
    decided within 5 working days (domain.md section 6, DEFAULT).
    """

    file_within: Duration = Duration(working_days=3)
    levels: Annotated[list[Level], Field(min_length=1, max_length=5)] = [  # noqa: RUF012 (frozen)
        Level(name="district"),
        Level(name="city"),
    ]
    grounds: Annotated[list[Word], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Appeals:
        names = [level.name for level in self.levels]
        if len(set(names)) < len(names):
            raise ValueError("two levels have one name")
        if names[-1] == "district" and len(names) > 1:
            raise ValueError("the district comes before the levels above it")
        return self
