"""Whole CloudEvents to start a test from, and hypothesis strategies for any valid event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schemas.codec import LIFE_CYCLE
from schemas.events import CallbackChannel, DemandType, Grade, Solved, Urgency, YesNo
from schemas.reference import event_example


def cloud_event(name: str = "received", /, **changes: Any) -> dict[str, Any]:
    """The example of a type, with attributes changed; a value of ... removes the attribute."""
    event = {**event_example(name), **changes}
    return {key: value for key, value in event.items() if value is not ...}


def with_data(name: str, /, **changes: Any) -> dict[str, Any]:
    event = event_example(name)
    data = {**event["data"], **changes}
    return {**event, "data": {key: value for key, value in data.items() if value is not ...}}


_LETTERS = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Z", "Nd"))
_WORDS = st.text(_LETTERS, min_size=1, max_size=20)
_ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_TIMES = st.datetimes(
    datetime(1900, 1, 3),  # noqa: DTZ001 (the strategy adds the zone)
    datetime(2299, 12, 29),  # noqa: DTZ001
    timezones=st.one_of(st.just(UTC), _ZONES),
).map(datetime.isoformat)
_COUNTS = st.integers(1, 1000)


def _maybe(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def _words(size: int) -> SearchStrategy[Any]:
    return _maybe(st.lists(_WORDS, max_size=size))


def _one(kind: Any) -> SearchStrategy[Any]:
    return st.sampled_from(get_args(kind))


_RECEIVED = st.fixed_dictionaries(
    {"demand_type": _one(DemandType)},
    optional={
        "channel": _maybe(_WORDS),
        "category": _words(5),
        "urgency": _maybe(_one(Urgency)),
        "tags": _words(32),
        "previous_order": _maybe(_WORDS),
        "caller_hash": _maybe(st.text("0123456789abcdef", min_size=32, max_size=128)),
        "sign_due": _maybe(_TIMES),
        "resolve_due": _maybe(_TIMES),
    },
)
_DISPATCHED = st.fixed_dictionaries(
    {"unit": _WORDS},
    optional={"assisting": _words(32), "round": _COUNTS, "contact_due": _maybe(_TIMES)},
)
_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "contacted": _maybe(_one(YesNo)),
        "solved": _maybe(_one(Solved)),
        "satisfaction": _maybe(_one(Grade)),
    },
)
_CALLBACK = st.one_of(
    st.fixed_dictionaries(
        {"attempt": _COUNTS, "reached": st.just(True)},
        optional={"channel": _maybe(_one(CallbackChannel)), "answers": _maybe(_ANSWERS)},
    ),
    st.fixed_dictionaries(
        {"attempt": _COUNTS, "reached": st.just(False), "unreached_reason": _WORDS}
    ),
)
_DATA = {"received": _RECEIVED, "dispatched": _DISPATCHED, "callback": _CALLBACK}


@st.composite
def cloud_events(draw: st.DrawFn) -> dict[str, Any]:
    """Any valid event: generated data for the rich types, the example's for the others."""
    name = draw(st.sampled_from(LIFE_CYCLE))
    data = draw(_DATA[name]) if name in _DATA else event_example(name)["data"]
    return cloud_event(
        name,
        source=draw(_WORDS),
        id=draw(_WORDS),
        subject=draw(_WORDS),
        time=draw(_TIMES),
        data=data,
    )
