"""What goes wrong, drawn by seed. A fault hits, lasts, ends; what it hit has to recover by itself."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tests.chaos.cluster import SHIFTED, WORKER_TIMEOUT, WORKERS, Cluster
from tests.chaos.engine_proxy import Trouble
from tests.chaos.member import Member

_OUTAGE: Final = 4  # times as long as other troubles: a minute in the long run


class Hit(NamedTuple):
    """A fault with the cluster, the dice, and how long what lasts shall last (seconds)."""

    cluster: Cluster
    draw: random.Random
    lasting: float
    tell: Callable[[str], None]

    def wait(self, seconds: float) -> None:
        """Let the trouble last: nothing tells when it has been long enough."""
        threading.Event().wait(seconds)

    def kill(self, members: Sequence[Member]) -> None:
        """Kill -9 one of them."""
        victim = self.draw.choice(members)
        self.tell(f"kill -9 {victim.name}")
        victim.kill()


Fault = Callable[[Hit], None]


def kill_worker(hit: Hit) -> None:
    """kill -9 of a scoring worker, in the middle of whatever it does."""
    hit.kill(hit.cluster.running_workers())


def kill_gateway(hit: Hit) -> None:
    """kill -9 of an ingest process."""
    hit.kill(hit.cluster.gateways)


def kill_api(hit: Hit) -> None:
    """kill -9 of a query process."""
    hit.kill(hit.cluster.apis)


def kill_broker(hit: Hit) -> None:
    """kill -9 of one of the two brokers, once both serve; it comes back."""
    brokers = hit.cluster.kafka.brokers
    for broker in brokers:
        broker.await_ready()
    hit.kill(brokers)


def kill_engine(hit: Hit) -> None:
    """kill -9 of the engine's process; it comes back with what it had acknowledged."""
    assert hit.cluster.engine is not None
    hit.kill([hit.cluster.engine.member])


def rebalance(hit: Hit) -> None:
    """From one worker to three, then to two."""
    for count in (1, 3, WORKERS):
        hit.tell(f"{count} workers")
        hit.cluster.scale(count)
        for worker in hit.cluster.running_workers():
            worker.await_ready()
        hit.wait(hit.lasting / 3)


def freeze_worker(hit: Hit) -> None:
    """SIGSTOP of a worker for longer than its session, then SIGCONT: it writes too late."""
    workers = hit.cluster.running_workers()
    for worker in workers:
        worker.await_ready()
    victim = hit.draw.choice(workers)
    hit.tell(f"SIGSTOP {victim.name}")
    victim.freeze()
    hit.wait(WORKER_TIMEOUT + 3 + hit.draw.random() * 3)
    hit.tell(f"SIGCONT {victim.name}")
    victim.wake()


def engine_refuses(hit: Hit) -> None:
    """Every request to the engine is answered with 503."""
    _trouble(hit, Trouble.REFUSING)


def engine_slow(hit: Hit) -> None:
    """Every statement takes up to a second and a half longer."""
    _trouble(hit, Trouble.SLOW)


def engine_cut_before(hit: Hit) -> None:
    """Half of the inserts: the connection breaks before the insert is executed."""
    _trouble(hit, Trouble.CUT_BEFORE)


def engine_cut_after(hit: Hit) -> None:
    """Half of the inserts: the connection breaks after the insert was executed, nobody knows."""
    _trouble(hit, Trouble.CUT_AFTER)


def disk_full(hit: Hit) -> None:
    """The engine answers inserts with NOT_ENOUGH_SPACE; no disk is really filled."""
    _trouble(hit, Trouble.DISK_FULL)


def kafka_down(hit: Hit) -> None:
    """kill -9 of both brokers at once, for a minute in the long run."""
    brokers = hit.cluster.kafka.brokers
    hit.tell("kill -9 of both brokers")
    for broker in brokers:
        broker.kill_for_good()
    hit.wait(_OUTAGE * hit.lasting)
    hit.tell("both brokers start")
    for broker in brokers:
        broker.start()


def clock_step(hit: Hit) -> None:
    """A worker goes on with a clock that is minutes ahead or behind."""
    victim = hit.draw.choice(hit.cluster.running_workers())
    shift = hit.draw.choice((-1, 1)) * hit.draw.randint(60, 900)
    hit.tell(f"kill -9 {victim.name}, whose clock is then {shift:+d} s off")
    victim.change(SHIFTED, CHAOS_CLOCK_SHIFT=str(shift))
    victim.kill()
    hit.wait(hit.lasting)
    victim.change()  # set right at its next start


def _trouble(hit: Hit, trouble: Trouble) -> None:
    proxy = hit.cluster.proxy
    before = proxy.hit
    hit.tell(trouble.value)
    proxy.trouble = trouble
    hit.wait(hit.lasting)
    proxy.trouble = Trouble.NONE
    hit.tell(f"over; {proxy.hit - before} requests were hit")


FAULTS: Final[Sequence[Fault]] = (
    kill_worker,
    engine_cut_after,
    kill_broker,
    freeze_worker,
    rebalance,
    kill_gateway,
    engine_refuses,
    clock_step,
    kafka_down,
    engine_cut_before,
    kill_engine,
    disk_full,
    engine_slow,
    kill_api,
)


def plan(count: int, seed: int, *, own_engine: bool) -> list[Fault]:
    """So many faults: every kind comes before one comes again, in an order drawn by seed."""
    draw = random.Random(f"plan {seed}")
    kinds = [fault for fault in FAULTS if own_engine or fault is not kill_engine]
    drawn: list[Fault] = []
    while len(drawn) < count:
        drawn += draw.sample(kinds, k=len(kinds))
    return drawn[:count]
