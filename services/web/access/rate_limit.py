"""How often a caller may ask: a token bucket for each.

A bucket holds the requests of `_BURST_SECONDS` and fills at the rate that is set. Of too many the
one that was used longest ago is forgotten, so that memory is bounded.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_BURST_SECONDS: Final = 10
MOST_BUCKETS: Final = 10_000


class RateLimit:
    """Requests of each name, ``per_second`` in the long run; 0: as many as they like.

    ``clock`` gives seconds that never go back. For one event loop.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second: Final = per_second
        self._size = max(1.0, per_second * _BURST_SECONDS)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when

    def wait(self, name: str) -> int:
        """Count a request; returns 0, or the whole seconds after which another one is let in."""
        if not self.per_second:
            return 0
        now = self._clock()
        tokens, counted_at = self._buckets.pop(name, (self._size, now))
        tokens = min(self._size, tokens + (now - counted_at) * self.per_second)
        missing = 1 - tokens
        self._buckets[name] = (tokens if missing > 0 else tokens - 1, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return math.ceil(missing / self.per_second) if missing > 0 else 0

    @property
    def policy(self) -> str:
        """In the form of the header field RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"requests";q={math.floor(self._size)};w={_BURST_SECONDS}'
