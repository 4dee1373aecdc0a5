"""The interpreter of a process that answers people, set for short waits."""

from __future__ import annotations

import gc
import sys
from typing import Final

_SWITCH_SECONDS: Final = 0.0005
_COLLECTOR: Final = (2_000, 20, 100)


def prefer_short_waits() -> None:
    """Let no answer wait long for other threads. Called once all is loaded, before answers begin.

    Threads take turns faster than usual: an answer is some steps of the event loop, and each would
    wait 5 ms for a thread that computes. The collector of cycles, for which every thread stands
    still, looks at little at a time, and never again at what is loaded by now.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR)
