"""Turns away who may not, before a byte of the body is read, and logs who changed something.

    request ─▶ which route? ─▶ who asks? ─▶ how often? ─▶ scope ─▶ units ─▶ the application ─▶ audit log ─▶ answer

The outermost middleware rather than a dependency of the routes: nothing can be mounted past it, and
a route that nobody has declared (`needs`) is closed and not open.
"""

from __future__ import annotations

import logging
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.access.caller import Caller, Doorkeeper, remember
from services.web.access.needs import OWN, WHOLE_CITY, Match, Need, matches
from services.web.access.rate_limit import RateLimit
from services.web.access.refusals import (
    missing_scope,
    outside_restriction,
    too_many_requests,
    unauthenticated,
)
from services.web.problems import Problem, problem_response

_LOG: Final = logging.getLogger(__name__)
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ERROR: Final = 400
_LONGEST_TARGET: Final = 200

ANYBODY: Final = Caller("open", frozenset({"admin"}))


def install_access(
    app: FastAPI, doorkeeper: Doorkeeper, *, keys: bool, limit: RateLimit | None = None
) -> None:
    """Guard the application; without ``keys`` everybody may do everything, and changes are logged.

    To be installed last: the middleware that is added last is the outermost. ``limit`` counts the
    requests of each key, and of each address those that are refused for want of one; never the sending
    of events, which has a limit of its own (`services.ingest`).
    """
    app.add_middleware(_Guard, doorkeeper=doorkeeper, keys=keys, limit=limit or RateLimit(0))


class _Guard:
    def __init__(
        self, app: ASGIApp, doorkeeper: Doorkeeper, *, keys: bool, limit: RateLimit
    ) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._keys = keys
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = matches(scope["method"], scope["path"])
        needs = [(match, match.need) for match in found if match.need is not None]
        if not needs:
            await self._app(scope, receive, send)
            return
        is_noted = scope["method"] not in _READS and all(need.noted for _, need in needs)
        try:
            caller = await self._caller(scope) if self._keys else ANYBODY
            if self._keys and any(need.scope != "ingest" for _, need in needs):
                self._count(caller.name)
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        for match, need in needs:
            if objection := _objection(caller, match, need, scope):
                if is_noted:
                    await self._note(caller, scope["method"], match, objection.status)
                await problem_response(objection)(scope, receive, send)
                return

        remember(scope, caller)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._note(caller, scope["method"], found[0], message["status"])
            await send(message)

        await self._app(scope, receive, noting if is_noted else send)

    async def _caller(self, scope: Scope) -> Caller:
        given = Headers(scope=scope).getlist("authorization")
        kind, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        caller = None
        if kind.lower() == "bearer":
            caller = await self._doorkeeper.caller(token.strip())
        if caller is None:
            self._count(f"address {(scope.get('client') or [''])[0]}")
            raise unauthenticated(given=bool(given))
        return caller

    def _count(self, name: str) -> None:
        if wait := self._limit.wait(name):
            raise too_many_requests(wait, self._limit.policy)

    async def _note(self, caller: Caller, method: str, match: Match, status: int) -> None:
        # What a refused request names was never checked, and may be anything.
        named = "/".join(match.values.values()) if status < _ERROR else ""
        try:
            await self._doorkeeper.note(
                caller.name, method, match.route, named[:_LONGEST_TARGET], status
            )
        except Problem:  # the change is made: to answer that it is not would be worse
            _LOG.error(
                "not in the audit log: %s, %s %s, status %d",
                caller.name,
                method,
                match.route,
                status,
            )


def _objection(caller: Caller, match: Match, need: Need, scope: Scope) -> Problem | None:
    if not caller.may(need.scope):
        return missing_scope(need.scope)
    if caller.restriction is None or need.free:
        return None
    if need.unit == WHOLE_CITY:
        return outside_restriction()
    asked = [match.values[need.unit]] if need.unit in match.values else []
    if not asked:
        asked = QueryParams(scope["query_string"]).getlist("unit")
    is_named = bool(asked) or need.unit == OWN
    is_own = is_named and all(map(caller.restriction.sees, asked))
    return None if is_own else outside_restriction()
