"""What is told of the standing rankings: to whom, after how long, and not at night."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from schemas.policy.parts import Code, Exact, Part, Percent, Word

AlertKind = Literal[
    "bottom_entered",
    "bottom_left",
    "at_risk",
    "last_district",
    "last_department",
    "last_company",
    "top_volume",
    "rate_below",
    "below_floor",
]
AlertWindow = Literal["cycle", "day", "week", "month", "24h", "7d", "30d"]
Recipient = Literal["unit", "district", "city"]

EACH_GROUP: Final = "each"
"""As ``group``: every peer group by itself."""

_LAST: Final[dict[str, str]] = {
    "last_district": "district",
    "last_department": "department",
    "last_company": "company",
}
_STREET: Final = "street"
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "at_risk": ("margin", "probability"),
    "rate_below": ("indicator", "threshold"),
    "top_volume": ("top",),
}


class QuietHours(Part):
    """From one full hour to another, local time; may span midnight."""

    from_: Annotated[int, Field(alias="from", ge=0, le=23)]
    to: Annotated[int, Field(ge=0, le=23)]

    @model_validator(mode="after")
    def _lasts(self) -> QuietHours:
        if self.from_ == self.to:
            raise ValueError("quiet hours end at another hour than they begin")
        return self


class AlertRule(Part):
    """One thing that is told of the units of one list: of a ``kind``, a ``group`` and a ``window``.

    ``name`` tells rules of one list apart; left out, it is the ``rule``. ``group``: one peer group,
    ``each`` of them by itself, or left out all units of the kind.

    Told when the condition has held in ``for_evaluations`` evaluations and for ``for_minutes``, and
    again only after it was gone for as long. An alert within ``cool_down_minutes`` of the last one
    on the unit is stored and not pushed; one in ``quiet`` hours is pushed when they end. What came
    from events recorded more than ``news_within_hours`` late is stored as found later.

    ``margin`` (points) and ``probability``: of ``at_risk``, either is enough. ``indicator`` and
    ``threshold`` (percent): of ``rate_below``. ``top``: of ``top_volume``, default ten.
    """

    rule: AlertKind
    name: Code | None = None
    window: AlertWindow = "cycle"
    kind: Word | None = None
    group: Word | None = None
    minimum_sample: Annotated[int, Field(ge=1)] | None = None
    for_evaluations: Annotated[int, Field(ge=1, le=1000)] = 1
    for_minutes: Annotated[int, Field(ge=0, le=10_080)] = 0
    quiet: QuietHours | None = None
    cool_down_minutes: Annotated[int, Field(ge=0, le=44_640)] = 0
    recipients: Annotated[list[Recipient], Field(min_length=1)] = Field(
        ["unit", "district", "city"]
    )
    news_within_hours: Annotated[int, Field(ge=1, le=72)] = 1
    margin: Annotated[Exact, Field(ge=0)] | None = None
    probability: Annotated[Exact, Field(gt=0, le=1)] | None = None
    indicator: Code | None = None
    threshold: Percent | None = None
    top: Annotated[int, Field(ge=1)] | None = None

    @property
    def called(self) -> str:
        """The name that alerts and states carry."""
        return self.name or self.rule

    @property
    def unit_kind(self) -> str:
        """Which units are ranked."""
        return self.kind or _LAST.get(self.rule, _STREET)

    @model_validator(mode="after")
    def _whole(self) -> AlertRule:
        for rule, keys in _OWN.items():
            given = [key for key in keys if getattr(self, key) is not None]
            if given and self.rule != rule:
                raise ValueError(f"{given[0]} is a key of {rule} alone")
        if self.rule == "at_risk" and self.margin is None and self.probability is None:
            raise ValueError("at_risk needs a margin or a probability")
        if self.rule == "rate_below" and (self.indicator is None or self.threshold is None):
            raise ValueError("rate_below needs an indicator and a threshold")
        if self.rule in _LAST and self.kind not in {None, _LAST[self.rule]}:
            raise ValueError(f"{self.rule} is of the kind {_LAST[self.rule]}")
        if len(set(self.recipients)) < len(self.recipients):
            raise ValueError("a recipient is listed twice")
        return self

    @model_serializer(mode="wrap")
    def _what_is_said(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without defaults: a policy that says no more is the same policy when keys are added."""
        fields = type(self).model_fields
        found: dict[str, Any] = write(self)
        return {
            key: value
            for key, value in found.items()
            if getattr(self, key) != fields[key].get_default(call_default_factory=True)
        }


def contradictory_alerts(
    alerts: Sequence[AlertRule], indicators: Iterable[str]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Rules that cannot be told apart, or that name what is not there: where, and why."""
    known = frozenset(indicators)
    seen: set[tuple[str, str, str | None, str]] = set()
    for place, alert in enumerate(alerts):
        if alert.indicator is not None and alert.indicator not in known:
            yield ("alerts", place, "indicator"), f"{alert.indicator} is no indicator"
        of = (alert.called, alert.unit_kind, alert.group, alert.window)
        if of in seen:
            yield ("alerts", place), "is called as one before it of this list: give it a name"
        seen.add(of)
