"""Send the demo city: the past as fast as the service takes it, the present as it happens."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Final, Literal, NamedTuple

from schemas.instants import DAY, SECOND, Instant, parse_instant
from schemas.records import Unit
from services.cli.simulate.demand import local_day, midnight
from services.cli.simulate.events import simulate_events
from services.cli.simulate.service import Service
from services.cli.simulate.writing import CloudEvent

Mode = Literal["history", "live", "both"]

BATCH: Final = 2000
IN_FLIGHT: Final = 3  # batches under way: the service works while the next ones are made

_LONGEST_PAUSE: Final = 1.0
_SHORTEST_PAUSE: Final = 0.02


class Progress(NamedTuple):
    """Where the simulation is: in its past or live, up to which instant, how much it sent."""

    live: bool
    begins_at: Instant
    reached: Instant
    ends_at: Instant
    sent: int
    new: int


class Pace:
    """The city's clock: from ``begins_at``, ``speed`` times as fast, but never past the present.

    Args:
        begins_at: what the city's clock shows now.
        speed: 1 is real time.
        clock: the present instant.
    """

    def __init__(self, begins_at: Instant, speed: float, clock: Callable[[], Instant]) -> None:
        self._begins_at = begins_at
        self._speed = speed
        self._clock = clock
        self._started_at = clock()

    def now(self) -> Instant:
        """What the city's clock shows."""
        present = self._clock()
        return min(present, self._begins_at + int((present - self._started_at) * self._speed))

    def seconds_until(self, at: Instant) -> float:
        """How long to sleep before looking again; 0 if ``at`` is reached."""
        rest = (at - self.now()) / SECOND
        if rest <= 0:
            return 0.0
        return min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, rest / self._speed))


def run_simulation(
    url: str,
    *,
    units: Sequence[Unit],
    seed: int,
    days: int,
    orders_per_day: int,
    speed: float = 1.0,
    mode: Mode = "both",
    clock: Callable[[], Instant],
    report: Callable[[Progress], None],
) -> None:
    """Send the last ``days`` days and go on live, until interrupted.

    Mode "history" ends with the present. Mode "live" skips the past, or replays it at ``speed``
    if that is more than 1; once it has caught up with the present it goes on in real time.

    Raises:
        SimulationError: no service, or it refuses the events.
    """
    present = clock()
    opens_at = midnight(local_day(present - days * DAY))
    city = partial(
        simulate_events, units, seed=seed, orders_per_day=orders_per_day, opens_at=opens_at
    )
    replayed = mode == "live" and speed > 1
    live_from = opens_at if replayed else present
    with Service(url) as service:
        service.check()
        if mode != "live":
            events = city(begins_at=opens_at, ends_at=present)
            send_history(service, events, opens_at, present, report)
        if mode != "history":
            pace = Pace(live_from, speed, clock)
            send_live(service, city(begins_at=live_from), pace, report)


def send_history(
    service: Service,
    events: Iterator[CloudEvent],
    begins_at: Instant,
    ends_at: Instant,
    report: Callable[[Progress], None],
) -> None:
    """Send all events, several batches at a time."""
    sent = new = 0

    def settle(batch: list[CloudEvent], answer: Future[int]) -> None:
        nonlocal sent, new
        new += answer.result()
        sent += len(batch)
        report(Progress(False, begins_at, parse_instant(batch[-1]["time"]), ends_at, sent, new))

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        under_way: deque[tuple[list[CloudEvent], Future[int]]] = deque()
        while batch := list(islice(events, BATCH)):
            under_way.append((batch, pool.submit(service.send, batch)))
            if len(under_way) > IN_FLIGHT:
                settle(*under_way.popleft())
        while under_way:
            settle(*under_way.popleft())
    report(Progress(False, begins_at, ends_at, ends_at, sent, new))


def send_live(
    service: Service,
    events: Iterable[CloudEvent],
    pace: Pace,
    report: Callable[[Progress], None],
) -> None:
    """Send each event when it is due; what is due together goes together."""
    sent = new = 0
    begins_at = pace.now()
    due: list[CloudEvent] = []
    for event in events:
        at = parse_instant(event["time"])
        while len(due) >= BATCH or pace.seconds_until(at):
            if due:
                new += service.send(due)
                sent += len(due)
                due = []
            report(Progress(True, begins_at, pace.now(), at, sent, new))
            time.sleep(pace.seconds_until(at))
        due.append(event)
    if due:
        new += service.send(due)
        report(Progress(True, begins_at, pace.now(), pace.now(), sent + len(due), new))
