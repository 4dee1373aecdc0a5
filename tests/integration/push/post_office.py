"""A courier that a test drives round by round, with a clock of its own."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.api.push.courier import Courier
from services.api.push.messages import Messages
from services.api.push.sending import WebhookSender
from services.storage import endpoints
from services.storage.endpoints import WEBHOOK, Endpoint
from tests.integration.api.city import City
from tests.integration.push.receiver import Receiver

SECRET = "whsec_" + "c2VjcmV0" * 4
BEIJING = ZoneInfo("Asia/Shanghai")


class Leads:
    """Leads as long as the test says."""

    def __init__(self) -> None:
        self.leading = True

    async def leads(self) -> bool:
        return self.leading

    def holds(self) -> bool:
        return self.leading


def courier_of(
    city: City, lease: Leads | None = None, *, private: bool = True, seconds: float = 10
) -> Courier:
    """A courier as a process starts it, but for its lease and its clock."""
    return Courier(
        database=city.database,
        clock=lambda: city.now,
        senders={WEBHOOK: WebhookSender(private=private, seconds=seconds)},
        messages=Messages(city.database, zone=lambda: BEIJING),
        lease=lease or Leads(),
        draw=lambda: 0,
    )


def endpoint_at(
    city: City,
    receiver: Receiver,
    name: str,
    *,
    rules: tuple[str, ...] = (),
    units: tuple[str, ...] = (),
) -> Endpoint:
    """Store an endpoint, and give its secret to the receiver."""
    endpoint = Endpoint(
        id=f"wh_{name}",
        number=1,
        kind=WEBHOOK,
        address=f"{receiver.url}/{name}",
        description="",
        rules=rules,
        units=units,
        state=endpoints.ON,
        reason="",
        since=0,
        created_at=city.now,
        changed_at=city.now,
    )
    receiver.secrets[name] = SECRET
    endpoints.keep_secret(city.database, endpoint.id, SECRET)
    endpoints.write(city.database, endpoint)
    return endpoint


async def one_round(courier: Courier) -> None:
    """A round and all its attempts."""
    await courier.round()
    await courier.settled()
