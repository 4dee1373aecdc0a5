"""What every route asks of its caller: the one place where that is said.

A route that does not stand here needs the scope ``admin`` of the whole city, and a test fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from services.web.access.caller import Scope

PUBLIC: Final = "public"
WHOLE_CITY: Final = ""
ASKED: Final = "(asked)"
OWN: Final = "(own)"


class Need(NamedTuple):
    """A scope, and for whom.

    ``unit`` names the parameter of the path that holds the unit which the answer is about, all of
    it; `ASKED`: it stands in the query, as ``unit``; `WHOLE_CITY` refuses callers who are restricted
    to some units; with `OWN` the route itself tells only what is theirs (`caller.restriction_of`), of
    one of them if the query names it. ``free`` answers hold nothing of any unit. ``noted``: whoever
    changes something by it enters the audit log.
    """

    scope: Scope
    unit: str = WHOLE_CITY
    free: bool = False
    noted: bool = True


class Match(NamedTuple):
    """A declared route that takes a request, with what stood in the path."""

    route: str
    need: Need | None
    values: Mapping[str, str]


_READ: Final = Need("read")
_FREE: Final = Need("read", free=True)
_GOVERN: Final = Need("govern")
_ADMIN: Final = Need("admin")

# Without data: probes, the page's files, and the description of the interface.
PUBLIC_PATHS: Final = frozenset({"/", "/livez", "/readyz", "/openapi.json", "/pages/{name}"})

NEEDS: Final[Mapping[str, Need]] = {
    "POST /v1/events": Need("ingest", noted=False),
    "POST /v1/imports/stored": Need("ingest", noted=False),
    "GET /v1/imports/orders": Need("ingest"),
    "GET /v1/rankings": Need("read", unit=OWN),
    "GET /v1/rankings/gains": _READ,
    "GET /v1/breakdowns": Need("read", unit=ASKED),
    "GET /v1/elapsed": Need("read", unit=ASKED),
    "GET /v1/series": _READ,
    "GET /v1/units": Need("read", unit=OWN),
    "GET /v1/units/{code}/rates": Need("read", unit="code"),
    "GET /v1/units/{code}/series": Need("read", unit="code"),
    "GET /v1/reports/monthly.xlsx": _READ,
    "GET /v1/work-orders": Need("read", unit=OWN),
    "GET /v1/work-orders/{order}": Need("read", unit=OWN),
    "GET /v1/work-orders/{order}/explain": Need("read", unit=OWN),
    "GET /v1/adjustments": _READ,
    "GET /v1/alerts": Need("read", unit=ASKED),
    "GET /v1/appeals": Need("read", unit=ASKED),
    "GET /v1/appeals/{id}": Need("read", unit=OWN),
    "GET /v1/cycles": _READ,
    "GET /v1/cycles/{name}": _READ,
    "GET /v1/cycles/{name}/changes": _READ,
    "GET /v1/cycles/{name}/pending": _READ,
    "GET /v1/cycles/{name}/talks": Need("read", unit=OWN),
    "GET /v1/governed": _READ,
    "GET /v1/classes": _READ,
    "GET /v1/dead-letters": _READ,
    "GET /v1/dropped-fields": _READ,
    "GET /v1/policy": _FREE,
    "GET /v1/policies": _FREE,
    "GET /v1/policies/{ruleset}": _FREE,
    "GET /v1/stream": Need("read", unit=OWN),
    "POST /v1/policies/what-if": _READ,
    "GET /v1/policies/what-if/{id}": _READ,
    "DELETE /v1/policies/what-if/{id}": _READ,
    "POST /v1/alerts/trial": Need("read", noted=False),
    "POST /v1/alerts/{id}/acknowledgements": Need("govern", unit=OWN),
    "POST /v1/appeals": Need("govern", unit=OWN),
    "POST /v1/appeals/{id}/reviews": _GOVERN,
    "POST /v1/adjustments": _GOVERN,
    "POST /v1/adjustments/{id}/withdrawal": _GOVERN,
    "POST /v1/cycles/{name}/freeze": _GOVERN,
    "POST /v1/cycles/{name}/revise": _GOVERN,
    "POST /v1/cycles/{name}/audit": _READ,
    "POST /v1/cycles/{name}/talks/{unit}": _GOVERN,
    "POST /v1/governed": _GOVERN,
    "POST /v1/policies": _GOVERN,
    "POST /v1/units": _GOVERN,
    **{
        f"{method} /v1/{place}{rest}": _ADMIN
        for place in ("webhooks", "channels")
        for method, rest in (
            ("GET", ""),
            ("POST", ""),
            ("PATCH", "/{id}"),
            ("DELETE", "/{id}"),
            ("POST", "/{id}/test"),
            ("GET", "/{id}/deliveries"),
            ("POST", "/{id}/deliveries/{delivery}/replay"),
            ("POST", "/{id}/replay"),
        )
    },
    "GET /v1/keys": _ADMIN,
    "POST /v1/keys": _ADMIN,
    "DELETE /v1/keys/{id}": _ADMIN,
    "GET /v1/audit-log": _ADMIN,
}


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    names = (f"(?P<{part}>[^/]+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts))
    return re.compile("".join(names))


_PUBLIC: Final = [_pattern(path) for path in sorted(PUBLIC_PATHS)]
_ROUTES: Final = [
    (method, template, _pattern(template), need)
    for name, need in NEEDS.items()
    for method, template in [name.split(" ", 1)]
]
_UNDECLARED: Final = Match("", _ADMIN, {})


def matches(method: str, path: str) -> list[Match]:
    """All declared routes that take a request; a caller must satisfy every one. Never empty.

    ``need`` is None where everybody may come.
    """
    if method in {"GET", "HEAD"} and any(each.fullmatch(path) for each in _PUBLIC):
        return [Match(path, None, {})]
    found = [
        Match(template, need, match.groupdict())
        for taken, template, pattern, need in _ROUTES
        if taken == ("GET" if method == "HEAD" else method) and (match := pattern.fullmatch(path))
    ]
    return found or [_UNDECLARED]
