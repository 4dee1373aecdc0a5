"""`hotline` on a machine whose clock is wrong: ``python -m tests.chaos.shifted worker``.

The service has one source of the present, `time.time_ns`; here it tells ``CHAOS_CLOCK_SHIFT``
seconds more. Timeouts go by the monotonic clock and are right, as after a step of a real clock.
"""

from __future__ import annotations

import os
import time

_SECOND = 1_000_000_000


def main() -> None:
    shift = int(os.environ["CHAOS_CLOCK_SHIFT"]) * _SECOND
    real = time.time_ns

    def shifted() -> int:
        return real() + shift

    time.time_ns = shifted

    from services.cli.main import app  # noqa: PLC0415 - after the clock is set

    app()


if __name__ == "__main__":
    main()
