"""Events of orders for tests: one by one, and drawn by hypothesis.

`events_of_order` draws from a coarse grid of times, few units and every event type, so that ties,
deadlines hit to the microsecond, units that act without leading and corrections of corrections
are common rather than rare.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from schemas.events import DATA_TYPES
from schemas.instants import DAY, HOUR, Instant, format_instant, from_datetime
from schemas.records import Event

BEIJING: Final = ZoneInfo("Asia/Shanghai")
SUBJECT: Final = "热线-260706-000001"
SOURCE: Final = "city-hotline"
PLACES: Final = {name: place for place, name in enumerate(DATA_TYPES)}
UNITS: Final = ("110101001", "110101002", "110105003")
INDICATORS: Final = ("response", "resolution", "satisfaction", "on_time")

_numbers = count(1)


def local(text: str, zone: ZoneInfo = BEIJING) -> Instant:
    """An instant from local time, such as ``2026-07-06 09:00``."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=zone))


def moment(text: str) -> str:
    """A local time in Beijing, as event data carry it."""
    return format_instant(local(text))


def event(
    type_: str,
    at: Instant | str,
    *,
    subject: str = SUBJECT,
    source: str = SOURCE,
    id_: str | None = None,
    **data: Any,
) -> Event:
    """One event; ``at`` is an instant or a local time in Beijing. Ids are unique if not given."""
    occurred_at = local(at) if isinstance(at, str) else at
    content = [type_, subject, occurred_at, data]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return Event(
        occurred_at,
        PLACES[type_],
        source,
        id_ or f"e-{next(_numbers)}",
        type_,
        subject,
        data,
        hashlib.blake2b(text.encode(), digest_size=16).digest(),
    )


def rated(
    at: Instant | str,
    satisfaction: str | None = "satisfied",
    *,
    contacted: str | None = "yes",
    solved: str | None = "yes",
    effect: str | None = None,
    attitude: str | None = None,
    **more: Any,
) -> Event:
    """A callback that reached the citizen; None leaves a question unanswered."""
    answers = {
        "contacted": contacted,
        "solved": solved,
        "satisfaction": satisfaction,
        "effect": effect,
        "attitude": attitude,
    }
    given = {question: answer for question, answer in answers.items() if answer is not None}
    return event("callback", at, attempt=1, reached=True, answers=given, **more)


def unanswered(at: Instant | str, attempt: int = 1, **more: Any) -> Event:
    """A callback that did not reach the citizen."""
    return event(
        "callback", at, attempt=attempt, reached=False, unreached_reason="no_answer", **more
    )


def rated_order(  # the usual life of an order: received, dispatched, signed, resolved, rated
    unit: str,
    received_at: Instant,
    *,
    subject: str = SUBJECT,
    satisfaction: str = "satisfied",
    solved: str = "yes",
) -> list[Event]:
    """Five events over eight days."""
    where = {"subject": subject}
    return [
        event("received", received_at, demand_type="complaint", urgency="normal", **where),
        event("dispatched", received_at, unit=unit, **where),
        event("signed", received_at + HOUR, unit=unit, **where),
        event("resolved", received_at + 2 * DAY, unit=unit, **where),
        rated(received_at + 8 * DAY, satisfaction, solved=solved, **where),
    ]


_START: Final = local("2026-07-06 00:00")
_STEP: Final = 12 * HOUR

_instants = st.integers(0, 40).map(lambda step: _START + step * _STEP)
_moments = _instants.map(format_instant)
_units = st.sampled_from((UNITS[0], *UNITS))  # mostly the one that leads
_decisions = st.sampled_from(("approved", "approved", "requested", "refused"))
_grades = st.sampled_from(
    ("satisfied", "basically_satisfied", "neutral", "dissatisfied", "very_dissatisfied")
)
_indicators = st.lists(st.sampled_from(INDICATORS), max_size=4, unique=True)
_grounds = st.sampled_from(("unreasonable", "force_majeure"))
_answers = st.fixed_dictionaries(
    {},
    optional={
        "contacted": st.sampled_from(("yes", "no")),
        "solved": st.sampled_from(("yes", "partly", "basically", "no")),
        "satisfaction": _grades,
        "attitude": _grades,
    },
)


def _fields(required: Mapping[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(dict(required), optional=optional)


_received = _fields(
    {"demand_type": st.sampled_from(("complaint", "help", "complaint", "thanks"))},
    urgency=st.sampled_from(("critical", "urgent", "normal", "complex")),
    category=st.just(["环境", "噪声"]),
    community=st.just("多福巷社区"),
    tags=st.just(["夜间"]),
    sign_due=_moments,
    resolve_due=_moments,
)
_callback = st.one_of(
    _fields(
        {"attempt": st.just(1), "reached": st.just(True)},
        answers=_answers.filter(bool),
        rater=st.sampled_from(("citizen", "staff")),
    ),
    st.just({"attempt": 1, "reached": False, "unreached_reason": "no_answer"}),
)
_decided = {"unit": _units, "decision": _decisions}

_data: Final[Mapping[str, st.SearchStrategy[dict[str, Any]]]] = {
    "received": _received,
    "dispatched": _fields({"unit": _units}, resolve_due=_moments, round=st.integers(1, 3)),
    "signed": _fields({"unit": _units}),
    "contacted": _fields({"unit": _units}, evidence=st.just(["photo/1"])),
    "resolved": _fields({"unit": _units}, evidence=st.just(["photo/2"])),
    "callback": _callback,
    "returned": _fields(_decided, requested_at=_moments),
    "extended": _fields({**_decided, "resolve_due": _moments}, decided_at=_moments),
    "suspended": _fields(_decided, until=_moments),
    "resumed": _fields({"unit": _units}),
    "excluded": _fields({"ground": _grounds}, indicators=_indicators.filter(bool)),
    "reinstated": _fields({}, indicators=_indicators.filter(bool)),
    "reopened": _fields({}, unit=_units, round=st.integers(2, 3)),
    "cancelled": st.just({}),
    "appealed": _fields(
        {"appeal": st.just("a-1"), "unit": _units, "indicator": st.just("response")}
    ),
    "reviewed": st.just({"appeal": "a-1", "decision": "upheld"}),
    "linked": st.just({"order": "热线-260701-000002", "relation": "same_case"}),
}
# What a correction may say, by the field it names.
_corrections: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "time": st.none() | _moments,
    "unit": st.none() | _units,
    "resolve_due": st.none() | _moments,
    "until": st.none() | _moments,
    "decision": st.none() | _decisions,
    "demand_type": st.none() | st.just("complaint"),
    "answers": st.none() | _answers.filter(bool),
    "reached": st.booleans(),
    "indicators": st.none() | _indicators.filter(bool),
    "event": st.integers(0, 15).map("e{}".format),
    "new": st.none() | _moments,
}
# An order that is never received, or never dispatched, has little to say: most begin properly.
_types = st.sampled_from(("received", *2 * ("dispatched", "resolved", "callback"), *_data))


@st.composite
def events_of_order(draw: st.DrawFn, subject: str = SUBJECT, max_size: int = 14) -> list[Event]:
    """Distinct events of one order, ids ``e0`` to ``e15``, in no particular order."""
    types: Sequence[str] = draw(st.lists(_types, min_size=1, max_size=max_size))
    if draw(st.integers(0, 3)):
        types = ["received", "dispatched", *types]
    events = []
    for number, type_ in enumerate(types):
        at = draw(_instants)
        if number < 2 and types[:2] == ["received", "dispatched"]:
            at = _START + number * _STEP
        source = draw(st.sampled_from((SOURCE, SOURCE, SOURCE, "province-hotline")))
        events.append(
            event(type_, at, subject=subject, source=source, id_=f"e{number}", **draw(_data[type_]))
        )
    for number in range(draw(st.integers(0, 3))):
        field = draw(st.sampled_from(sorted(_corrections)))
        new = draw(_corrections[field])
        events.append(
            event(
                "corrected",
                draw(_instants),
                subject=subject,
                id_=f"c{number}",
                event=draw(st.sampled_from([f"e{n}" for n in range(len(types))] + ["c0", "c1"])),
                field=field,
                **({} if new is None else {"new": new}),
            )
        )
    return events
