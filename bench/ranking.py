"""The ranking of all streets over HTTP, answered anew and found unchanged."""

from __future__ import annotations

from time import perf_counter

import httpx

from bench.city import MONTH, month
from bench.figures import Figure, Result, Sizes, per_second, quantiles, ratio
from bench.service import Running, running

_WARM_UP = 5


def measure(sizes: Sizes) -> Result:
    """Push a month, then ask for its ranking one request after the other."""
    events = month(sizes.ranking_events)
    orders = len({event["subject"] for event in events})
    with running() as service:
        pushing = service.push(events)
        page = service.client.get("/v1/rankings", params=MONTH)
        body = page.json()
        streets = len(body["ranked"]) + len(body["unranked"])
        assert body["totals"]["volume"] > 0
        _asked(service, _WARM_UP, {})
        anew = _asked(service, sizes.ranking_requests, {})
        unchanged = _unchanged(service, sizes.ranking_requests)
    return Result(
        "Ranking",
        f"`GET /v1/rankings` of {streets} streets over a month with {orders:,} orders "
        f"({len(events):,} events), live, one request after the other on one connection.",
        (
            quantiles("answered anew", anew),
            quantiles("with If-None-Match: 304", unchanged),
            ratio("answered anew, compared with 304", sum(anew), sum(unchanged)),
            Figure("size of an answer", f"{len(page.content) / 1024:,.0f} KiB"),
            per_second("the month pushed before, over HTTP", len(events), pushing),
        ),
        "Reading the sums of the window from chDB, then ranking and writing 343 lines on the "
        "event loop. A 304 still reads the flush marks and the registry.",
        "p99 below 50 ms for a cycle of 2 million orders.",
    )


def _asked(service: Running, times: int, headers: dict[str, str]) -> list[float]:
    seconds: list[float] = []
    for _ in range(times):
        began = perf_counter()
        answer = service.client.get("/v1/rankings", params=MONTH, headers=headers)
        seconds.append(perf_counter() - began)
        assert answer.status_code == httpx.codes.OK
    return seconds


def _unchanged(service: Running, times: int) -> list[float]:
    """Ask with the last tag; a flush in between (a deadline passed) gives another one."""
    seconds: list[float] = []
    tag = ""
    attempts = 0
    while len(seconds) < times and attempts < 5 * times:
        attempts += 1
        began = perf_counter()
        answer = service.client.get(
            "/v1/rankings", params=MONTH, headers={"If-None-Match": tag} if tag else {}
        )
        took = perf_counter() - began
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            seconds.append(took)
        tag = answer.headers["etag"]
    return seconds
