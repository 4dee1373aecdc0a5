"""The ranking of a great city's cycle, asked a hundred times a second while events arrive."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Final, NamedTuple
from urllib.parse import urlencode

import httpx

from bench.city import PARTITIONS, encoded, now
from bench.figures import Figure, Result, Sizes, quantiles
from bench.great_city import CYCLE, fill
from bench.service import Running, running_on
from schemas.codec import encode_frame
from schemas.instants import DAY
from schemas.topics import BATCH_JSON
from services.cli.engine import prepare_engine
from services.cli.simulate.events import simulate_events
from services.cli.simulate.writing import CloudEvent
from services.domain.registry import beijing_units
from services.settings import Settings

_ASKED: Final = 100  # requests/s
_PUSHED: Final = 500  # events/s
_TICK: Final = 0.05  # seconds between two pushes
_THREADS: Final = 64
_STRICT: Final = "0"
_PATH: Final = f"/v1/rankings?{urlencode(CYCLE)}"


class _Answers(NamedTuple):
    """Seconds from the moment at which each request was due to its answer, by what it was."""

    whole: list[float]
    unchanged: list[float]
    pushed: list[float]


def measure(sizes: Sizes) -> Result:
    """Fill a store, start the service on it, and ask while events arrive."""
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        directory = Path(name)
        began = perf_counter()
        engine = prepare_engine(Settings(data_dir=directory), now())
        try:
            orders, events = fill(engine, sizes.ranking_orders)
            for table in ("events", "work_orders"):
                engine.database.execute(f"OPTIMIZE TABLE {table} FINAL")
        finally:
            engine.database.close()
        filling = perf_counter() - began
        with running_on(directory, "--partitions", str(PARTITIONS)) as service:
            started = service.started_in
            page = service.client.get("/v1/rankings", params=CYCLE)
            streets = len(page.json()["ranked"]) + len(page.json()["unranked"])
            volume = page.json()["totals"]["volume"]
            assert volume > orders / 2, "most orders have a unit that leads them"
            _await_evaluation(service)
            usual = _loaded(service, sizes.ranking_seconds, first=0)
        with running_on(
            directory, "--partitions", str(PARTITIONS), HOTLINE_FRESH_FOR=_STRICT
        ) as service:
            strict = _loaded(service, sizes.ranking_seconds, first=1)
    return Result(
        "Ranking",
        f"`hotline up` on a store with {orders:,} orders in the cycle ({events:,} events; "
        f"{volume:,} lead by {streets} streets), merged as after a month's time. For {sizes.ranking_seconds} s "
        f"{_ASKED} times a "
        f"second `GET /v1/rankings` of the cycle, never waiting for an answer, every second one "
        f"with the last ETag; beside it {_PUSHED} events/s over HTTP, one request every "
        f"{_TICK * 1000:.0f} ms. Latencies count from the moment a request was due. Once with "
        f"the settings as they are, once with `HOTLINE_FRESH_FOR={_STRICT}`, which reads the numbers after "
        "each question; both after the first evaluation of the alert rules, which looks at every order "
        "once. Service, engine, broker, pushes and questions share this machine.",
        (
            *_figures("as it is", usual),
            *_figures("read after the question", strict),
            Figure("size of an answer", f"{len(page.content) / 1024:,.0f} KiB"),
            Figure("start on this store", f"{started:.1f} s"),
            Figure("filling it before", f"{filling:.0f} s"),
        ),
        "As it is: what a kept answer costs, and the turns that the event loop waits for while flushes "
        "and the next ranking are computed. Read after the question: computing it, each time.",
        "p99 below 50 ms at 100 requests/s on 2 cores while 500 events/s arrive.",
    )


def _figures(how: str, found: _Answers) -> Iterator[Figure]:
    yield quantiles(f"{how}: all answers", found.whole + found.unchanged)
    yield quantiles(f"{how}: whole ones", found.whole)
    yield quantiles(f"{how}: 304", found.unchanged)
    yield quantiles(f"{how}: pushes, to stored", found.pushed)


def _await_evaluation(service: Running) -> None:
    """Return when a ranking has been evaluated: the stream tells the last one, or the first."""
    query = {"topics": "rankings"}
    with service.client.stream("GET", "/v1/stream", params=query, timeout=None) as answer:
        next(line for line in answer.iter_lines() if line == "event: rankings")


def _loaded(service: Running, seconds: int, *, first: int) -> _Answers:
    found = _Answers([], [], [])
    batches = _batches(seconds, first)
    with (
        httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(_THREADS) as asking,
        ThreadPoolExecutor(_THREADS) as pushing,
    ):
        for _ in range(5):
            client.get("/v1/rankings", params=CYCLE)
        tags, lines = _Tags(), _Lines(service.url)
        began = perf_counter()
        pushed = pushing.submit(_push_all, client, batches, began, found.pushed)
        asked = []
        for number in range(seconds * _ASKED):
            due = began + number / _ASKED
            time.sleep(max(0.0, due - perf_counter()))
            asked.append(asking.submit(_ask, lines, due, tags if number % 2 else None, found))
        for each in (*asked, pushed):
            each.result()
    lines.close()
    assert len(found.whole) + len(found.unchanged) == seconds * _ASKED
    return found


class _Lines:
    """Connections that are open and not in use; a plain client, so that asking takes little."""

    def __init__(self, url: str) -> None:
        self._host = url.removeprefix("http://")
        self._free: SimpleQueue[HTTPConnection] = SimpleQueue()

    def get(self, headers: dict[str, str]) -> tuple[int, str]:
        """Ask for the ranking; status and tag."""
        try:
            line = self._free.get_nowait()
        except Empty:
            line = HTTPConnection(self._host, timeout=60)
        line.request("GET", _PATH, headers=headers)
        answer = line.getresponse()
        answer.read()
        self._free.put(line)
        return answer.status, answer.headers["etag"]

    def close(self) -> None:
        while not self._free.empty():
            self._free.get().close()


class _Tags:
    """The last ETag that was seen."""

    last: str = ""


def _ask(lines: _Lines, due: float, tags: _Tags | None, found: _Answers) -> None:
    headers = {"If-None-Match": tags.last} if tags is not None and tags.last else {}
    status, tag = lines.get(headers)
    took = perf_counter() - due
    assert status in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}, status
    (found.whole if status == httpx.codes.OK else found.unchanged).append(took)
    if tags is not None:
        tags.last = tag


def _push_all(
    client: httpx.Client, batches: Sequence[bytes], began: float, took: list[float]
) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        for number, body in enumerate(batches):
            due = began + number * _TICK
            time.sleep(max(0.0, due - perf_counter()))
            pool.submit(_push, client, body, due, took)
    assert len(took) == len(batches)


def _push(client: httpx.Client, body: bytes, due: float, took: list[float]) -> None:
    answer = client.post("/v1/events", content=body, headers={"content-type": BATCH_JSON})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    took.append(perf_counter() - due)


def _batches(seconds: int, first: int) -> list[bytes]:
    """Events of the last days, under numbers of their own, each batch as one request."""
    size = round(_PUSHED * _TICK)
    wanted = size * round(seconds / _TICK)
    present = now()
    numbered = count()
    events: list[CloudEvent] = []
    for event in simulate_events(
        beijing_units(),
        seed=100 + first,
        begins_at=present - 3 * DAY,
        ends_at=present,
        orders_per_day=wanted,
    ):
        if len(events) == wanted:
            break
        subject = f"now-{first}-{event['subject']}"
        events.append({**event, "subject": subject, "id": f"{first}-{next(numbered)}"})
    assert len(events) == wanted
    texts = encoded(events)
    return [encode_frame(texts[start : start + size]) for start in range(0, wanted, size)]
