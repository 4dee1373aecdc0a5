"""What is told of the standing rankings: to whom, after how long, and not at night."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from schemas.policy.indicators import Indicator
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
    "deadline_near",
    "reopened_often",
    "transferred_often",
    "excluded_apart",
    "returned_apart",
    "suspended_apart",
    "closed_unsolved",
    "closed_last_hour",
    "ratings_apart",
]
AlertWindow = Literal["cycle", "day", "week", "month", "24h", "7d", "30d"]
Recipient = Literal["unit", "district", "city"]

EACH_GROUP: Final = "each"
"""As ``group``: every peer group by itself."""

ORDER_RULES: Final = frozenset({"deadline_near", "reopened_often", "transferred_often"})
"""About single orders: each is told of once."""

ORDER_SIGNS: Final = frozenset({"closed_unsolved", "closed_last_hour", "ratings_apart"})
"""Signs of gaming that only the orders themselves show."""

COUNT_SIGNS: Final = frozenset({"excluded_apart", "returned_apart", "suspended_apart"})
"""Signs of gaming that the counts of a list show."""

_SIGNS: Final = ORDER_SIGNS | COUNT_SIGNS
_LAST: Final[dict[str, str]] = {
    "last_district": "district",
    "last_department": "department",
    "last_company": "company",
}
_STREET: Final = "street"
_OWN: Final[dict[str, frozenset[str]]] = {
    "margin": frozenset({"at_risk"}),
    "probability": frozenset({"at_risk"}),
    "indicator": frozenset({"rate_below"}),
    "threshold": frozenset({"rate_below"}) | _SIGNS,
    "top": frozenset({"top_volume"}),
    "hours": frozenset({"deadline_near"}),
    "times": frozenset({"reopened_often", "transferred_often"}),
}
_OF_STANDINGS: Final = ("minimum_sample", "for_evaluations", "for_minutes", "cool_down_minutes")
_ASKED: Final[dict[str, tuple[str, ...]]] = {
    "closed_unsolved": ("contacted", "solved"),
    "ratings_apart": ("satisfaction",),
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

    Signs of gaming have a ``threshold`` too, percent or percentage points. Of `ORDER_RULES` each
    order is told of once, so they know no hysteresis and no cool-down. ``hours``: of
    ``deadline_near``, default 24. ``times``: of the other two, default 3.
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
    hours: Annotated[int, Field(ge=1, le=720)] | None = None
    times: Annotated[int, Field(ge=2, le=100)] | None = None

    @property
    def called(self) -> str:
        """The name that alerts and states carry."""
        return self.name or self.rule

    @property
    def unit_kind(self) -> str:
        """Which units are ranked."""
        return self.kind or _LAST.get(self.rule, _STREET)

    @model_validator(mode="after")
    def _with_own_keys(self) -> AlertRule:
        for key, rules in _OWN.items():
            if getattr(self, key) is not None and self.rule not in rules:
                raise ValueError(f"{key} is a key of {' and '.join(sorted(rules))} alone")
        if self.rule in ORDER_RULES:
            fields = type(self).model_fields
            for key in _OF_STANDINGS:
                if getattr(self, key) != fields[key].default:
                    raise ValueError(f"{key} is no key of {self.rule}: an order is told of once")
        return self

    @model_validator(mode="after")
    def _whole(self) -> AlertRule:
        if self.rule in _SIGNS and self.threshold is None:
            raise ValueError(f"{self.rule} needs a threshold")
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
    alerts: Sequence[AlertRule], indicators: Mapping[str, Indicator]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Rules that cannot be told apart, or that name what is not there: where, and why."""
    sources = {each.numerator.source for each in indicators.values() if each.numerator is not None}
    seen: set[tuple[str, str, str | None, str]] = set()
    for place, alert in enumerate(alerts):
        if alert.indicator is not None and alert.indicator not in indicators:
            yield ("alerts", place, "indicator"), f"{alert.indicator} is no indicator"
        asked = _ASKED.get(alert.rule, ())
        if asked and sources.isdisjoint(asked):
            yield ("alerts", place, "rule"), f"needs an indicator by {' or '.join(asked)}"
        of = (alert.called, alert.unit_kind, alert.group, alert.window)
        if of in seen:
            yield ("alerts", place), "is called as one before it of this list: give it a name"
        seen.add(of)
