from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from schemas.codec import Decoded, decode_frame
from schemas.instants import DAY, HOUR, SECOND, Instant, parse_instant
from services.cli.simulate.command import simulate
from services.cli.simulate.events import simulate_events
from services.cli.simulate.sending import Mode, Pace, Progress, run_simulation, send_live
from services.cli.simulate.service import Service, SimulationError
from services.domain.registry import beijing_units

UNITS = beijing_units()
APP = typer.Typer()
APP.command()(simulate)
NOW = parse_instant("2026-11-20T15:00:00+08:00")
OPENED = parse_instant("2026-11-17T00:00:00+08:00")


class Hotline(ThreadingHTTPServer):
    """Takes events over HTTP as the gateway's contract says; ``answers`` are given first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.taken: dict[str, Decoded] = {}
        self.requests = 0
        self.lock = threading.Lock()

    def take(self, content_type: str | None, body: bytes) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            self.requests += 1
            if self.answers:
                return self.answers.pop(0)
            items = decode_frame(content_type, body)
            fresh = {item.event.id: item for item in items if isinstance(item, Decoded)}
            assert len(fresh) == len(items)
            new = fresh.keys() - self.taken.keys()
            self.taken |= fresh
            return 202, {}, orjson.dumps({"accepted": len(new)})


class _Handler(BaseHTTPRequestHandler):
    server: Hotline
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/livez" else 404, {}, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self._answer(*self.server.take(self.headers["content-type"], body))

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def hotline() -> Iterator[Hotline]:
    with Hotline() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(hotline: Hotline, mode: Mode, reports: list[Progress], **options: Any) -> None:
    run_simulation(
        hotline.url,
        units=UNITS,
        seed=7,
        days=3,
        orders_per_day=300,
        mode=mode,
        report=reports.append,
        **options,
    )


def expected(ends_at: Instant) -> list[str]:
    return [
        event["id"]
        for event in simulate_events(
            UNITS, seed=7, begins_at=OPENED, ends_at=ends_at, orders_per_day=300
        )
    ]


def test_history_sends_every_event_once(hotline: Hotline) -> None:
    reports: list[Progress] = []
    run(hotline, "history", reports, clock=lambda: NOW)
    assert sorted(hotline.taken) == sorted(expected(NOW))
    assert len(hotline.taken) > 4000
    assert hotline.requests == -(-len(hotline.taken) // 2000)
    assert reports[-1] == Progress(False, OPENED, NOW, NOW, len(hotline.taken), len(hotline.taken))


def test_history_sent_again_brings_nothing_new(hotline: Hotline) -> None:
    reports: list[Progress] = []
    run(hotline, "history", [], clock=lambda: NOW)
    run(hotline, "history", reports, clock=lambda: NOW)
    assert reports[-1].new == 0
    assert reports[-1].sent == len(hotline.taken)


class _StoppedError(Exception):
    pass


class Clock:
    """Goes on by ten seconds whenever it is read; stops the simulation at an instant."""

    def __init__(self, stops_at: Instant) -> None:
        self._now = NOW
        self._stops_at = stops_at

    def __call__(self) -> Instant:
        self._now += 10 * SECOND
        if self._now >= self._stops_at:
            raise _StoppedError
        return self._now


def test_live_goes_on_where_history_ended_and_sends_nothing_ahead(hotline: Hotline) -> None:
    reports: list[Progress] = []
    with pytest.raises(_StoppedError):
        run(hotline, "both", reports, clock=Clock(NOW + HOUR), speed=1e5)
    live = [step for step in reports if step.live]
    assert live[-1].sent > 30
    reached = max(item.event.occurred_at for item in hotline.taken.values())
    assert NOW + HOUR // 2 < reached < NOW + HOUR
    assert sorted(hotline.taken) == sorted(expected(reached + 1))


def test_pace_replays_the_past_and_never_overtakes_the_present() -> None:
    present = NOW
    pace = Pace(NOW - DAY, 600.0, lambda: present)
    assert pace.now() == NOW - DAY
    assert pace.seconds_until(NOW - DAY) == 0
    assert pace.seconds_until(NOW - DAY + 60 * SECOND) == pytest.approx(0.1)
    assert pace.seconds_until(NOW) == 1.0
    present = NOW + 60 * SECOND
    assert pace.now() == NOW - DAY + 600 * 60 * SECOND
    present = NOW + HOUR
    assert pace.now() == present


def test_a_busy_service_is_asked_again(hotline: Hotline) -> None:
    busy = b'{"title":"busy"}'
    hotline.answers = [(503, {"retry-after": "0"}, busy), (503, {}, busy)]
    event = next(simulate_events(UNITS, seed=7, begins_at=OPENED, ends_at=NOW, orders_per_day=300))
    with Service(hotline.url) as service:
        assert service.send([event]) == 1
        assert service.send([event]) == 0
    assert hotline.requests == 4


def test_a_service_that_stays_busy_ends_the_simulation(hotline: Hotline) -> None:
    hotline.answers = [(503, {"retry-after": "5"}, b'{"title":"overloaded"}')]
    with (
        Service(hotline.url, patience=1.0) as service,
        pytest.raises(SimulationError, match=r"too busy: overloaded\. Run it again"),
    ):
        service.send([])


def test_a_refusal_is_told_with_its_place(hotline: Hotline) -> None:
    problem = {"title": "Refused", "errors": [{"path": "/0/time", "detail": "Set the clock."}]}
    hotline.answers = [(422, {}, orjson.dumps(problem))]
    with (
        Service(hotline.url) as service,
        pytest.raises(SimulationError, match="status 422, Refused, /0/time, Set the clock"),
    ):
        service.send([])


def test_live_sends_what_is_due_together(hotline: Hotline) -> None:
    events = list(simulate_events(UNITS, seed=7, begins_at=OPENED, ends_at=NOW, orders_per_day=300))
    with Service(hotline.url) as service:
        send_live(service, events, Pace(NOW, 1.0, lambda: NOW), lambda _: None)
    assert len(hotline.taken) == len(events)
    assert hotline.requests == -(-len(events) // 2000)


def test_the_command_sends_history(hotline: Hotline) -> None:
    arguments = ["--url", hotline.url, "--history", "--days", "1", "--orders-per-day", "50"]
    result = CliRunner().invoke(APP, arguments)
    assert result.exit_code == 0, result.output
    assert f"sent {len(hotline.taken)} " in result.output
    assert len(hotline.taken) > 50


def test_the_command_says_when_no_service_is_there(hotline: Hotline) -> None:
    url = hotline.url
    hotline.server_close()
    result = CliRunner().invoke(APP, ["--url", url])
    assert result.exit_code == 1
    assert f"no service answers at {url} (ConnectError); start one with" in result.output
    assert "Traceback" not in result.output


def test_history_takes_no_speed() -> None:
    result = CliRunner().invoke(APP, ["--history", "--speed", "2"])
    assert result.exit_code == 2
