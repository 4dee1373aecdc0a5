"""What can be set of the stream and of webhooks."""

from __future__ import annotations

from typing import Final, NamedTuple


class PushOptions(NamedTuple):
    """See the settings of the same names; ``private_networks`` is that of webhooks."""

    stream_interval: float = 1.0
    stream_clients: int = 2000
    private_networks: bool = False
    public_url: str = ""


DEFAULTS: Final = PushOptions()
