"""Every setting of the service: an environment variable HOTLINE_<NAME>, or an option of a command.

docs/settings.md lists them all; a test compares the two.
"""

from __future__ import annotations

import difflib
import logging
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.instants import SECOND
from schemas.policy import known_zone

PREFIX: Final = "HOTLINE_"

# Read by commands that speak to a service, and by the tests, not by the service.
_OF_OTHERS: Final = frozenset({"URL", "KEY", "CHAOS", "REQUIRE_KAFKA", "TEST_CLICKHOUSE_URL"})

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_LOG: Final = logging.getLogger(__name__)


class SettingsError(ValueError):
    """A setting has no valid value. The message names each one and never shows a value."""


def _zone_if_any(name: str) -> str:
    return name and known_zone(name)


def _provider_if_any(issuer: str) -> str:
    url = urlsplit(issuer)
    if issuer and not (url.scheme == "https" or url.hostname in _LOOPBACK):
        raise ValueError("an https:// address, as whoever can change the answer opens every door")
    return issuer


class Settings(BaseSettings):
    """What can be set. Times are seconds, sizes are bytes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Field(
        default=Path(".hotline"),
        title="Data directory",
        description="Where the embedded engine and the local broker keep their files.",
    )
    clickhouse_url: SecretStr = Field(
        default=SecretStr(""),
        title="ClickHouse",
        description="`http://user:password@host:8123/database` of a ClickHouse server. "
        "Empty: chDB, the engine in this process, under the data directory.",
    )
    clickhouse_cluster: Annotated[str, Field(pattern=r"^\w*$")] = Field(
        default="",
        title="ClickHouse cluster",
        description="Name of the cluster that the ClickHouse server belongs to: tables are made on "
        "every node, replicated, and a write counts when a majority holds it (docs/cluster.md). "
        "Empty: one server.",
    )
    kafka_bootstrap: str = Field(
        default="",
        title="Kafka",
        description="`host:port[,host:port]` of a Kafka of your own. "
        "Empty: `hotline up` starts a local broker.",
    )
    kafka_replication: Annotated[int, Field(ge=-1, le=32)] = Field(
        default=-1,
        title="Replication",
        description="Copies of each partition when topics are created; -1 is the broker's default.",
    )
    topic_suffix: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,32}$")] = Field(
        default="",
        title="Topic suffix",
        description="Stands behind the names of all topics and of the workers' group, after a dot. "
        "A log that was filled anew for more partitions has one of its own (docs/repartition.md).",
    )
    partitions: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=2,
        title="Partitions",
        description="Partitions of `work-order-events`, which is the number of shards. "
        "It never changes for a topic.",
    )
    epoch: Annotated[int, Field(ge=1, le=2**19)] = Field(
        default=1,
        title="Epoch",
        description="Number of the log: raise it by one when the same data continue on a new, "
        "empty Kafka topic. The local broker's log is new at every start and counts by itself.",
    )
    policy: str = Field(
        default="beijing-district",
        min_length=1,
        title="Policy",
        description="Name of a preset (`hotline policy presets` lists them) or path of a policy file. "
        "A start activates it when it differs from that of the last start.",
    )
    calendar: str = Field(
        default="",
        title="Calendar",
        description="Path of a dated calendar file (docs/deadlines.md), which comes before the "
        "policy's own calendar. Empty: the policy's.",
    )
    time_zone: Annotated[str, AfterValidator(_zone_if_any)] = Field(
        default="",
        title="Time zone",
        description="IANA name that replaces the policy's zone, such as `America/New_York`.",
    )
    units: str = Field(
        default="",
        title="Units",
        description="Path of a CSV file with units; a start registers those not known yet. "
        "Empty: the streets of Beijing that come with the package.",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        title="Host",
        description="Address that the HTTP services listen on.",
    )
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=8000,
        title="Port",
        description="Port of the HTTP services; 0 takes a free one.",
    )
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=0,
        title="Metrics port",
        description="Port on which every process answers /metrics, /livez and /readyz, without a key "
        "(docs/metrics.md); 0: none.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        title="Log format",
        description="`json`: each line of the log is a JSON object (docs/metrics.md).",
    )
    traces_url: str = Field(
        default="",
        title="Traces",
        description="Where traces go by OTLP over HTTP, such as `http://collector:4318/v1/traces` "
        "(docs/operations.md). Needs the optional part `otel`. Empty: nothing is traced.",
    )
    traces_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0,
        title="Traced part",
        description="Which part of the traces that begin at the gateway is recorded. "
        "A caller that traces decides by itself.",
    )
    access: Literal["open", "keys"] = Field(
        default="open",
        title="Access",
        description="`keys`: who sends events, asks or changes something needs an API key "
        "(docs/access.md). `open`: whoever reaches the port may do everything.",
    )
    oidc_issuer: Annotated[str, AfterValidator(_provider_if_any)] = Field(
        default="",
        title="OpenID provider",
        description="Issuer whose bearer tokens are let in beside API keys, as its discovery document "
        "writes it (docs/access.md). Empty: none.",
    )
    oidc_audience: Annotated[str, Field(validate_default=True)] = Field(
        default="",
        title="OpenID audience",
        description="What a token must be meant for: the name that the provider has for this service.",
    )
    oidc_scopes_claim: Annotated[str, Field(min_length=1)] = Field(
        default="scope",
        title="OpenID scopes",
        description="Claim with the words `hotline:read`, `hotline:govern` and so on; a claim within "
        "another one with a dot, as in `realm_access.roles`.",
    )
    oidc_units_claim: str = Field(
        default="hotline_units",
        title="OpenID units",
        description="Claim with the codes of the units that a token is restricted to; `*` in it: the "
        "whole city. A token without it opens nothing that is about units. Empty: all are "
        "for the whole city.",
    )
    rate_limit: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=100,
        title="Rate limit",
        description="Requests a second that each key may send in the long run, ten times as many at "
        "once; sending events is not counted, nor is anything with `HOTLINE_ACCESS=open`. 0: no limit.",
    )
    flush_interval: Annotated[float, Field(ge=0.01, le=60)] = Field(
        default=0.1,
        title="Flush interval",
        description="Seconds between two flushes of a shard, at least; longer, up to a second, "
        "where flushes take long (docs/performance.md).",
    )
    worker_timeout: Annotated[float, Field(ge=1, le=1800)] = Field(
        default=60,
        title="Worker timeout",
        description="Seconds without a sign of life after which the partitions of a worker go to "
        "others. The broker allows 6 to 1800 unless it is set otherwise.",
    )
    reconcile_every: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=0,
        title="Reconcile",
        description="Seconds after which a worker compares counters, orders and the log of its shards "
        "again (docs/operations.md); 0: never.",
    )
    max_body_bytes: Annotated[int, Field(ge=1024, le=512 * 1024 * 1024)] = Field(
        default=8 * 1024 * 1024,
        title="Largest request",
        description="Bytes of one push request; a larger one is refused.",
    )
    future_tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=300,
        title="Future tolerance",
        description="Seconds that an event's time may be ahead of the clock at the gateway.",
    )
    fresh_for: Annotated[float, Field(ge=0, le=60)] = Field(
        default=2,
        title="Fresh for",
        description="Seconds after its numbers were read that a ranking may be given again, at most; "
        "never more than ten times what it took to compute. "
        "With 0 they are read after each question, once for all who ask at the same time.",
    )
    stream_interval: Annotated[float, Field(ge=0.05, le=60)] = Field(
        default=1,
        title="Stream interval",
        description="Seconds between two looks into the store for the clients of `/v1/stream`, "
        "one look for all of them.",
    )
    stream_clients: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=2000,
        title="Stream clients",
        description="Clients of `/v1/stream` that one process serves at the same time.",
    )
    webhook_private_networks: bool = Field(
        default=False,
        title="Webhooks into private networks",
        description="Lets webhooks use plain HTTP and addresses that are not public. "
        "Whoever may register one can then make the service post into your networks.",
    )
    public_url: str = Field(
        default="",
        title="Public address",
        description="Address of the page as people reach it, put at the end of messages to chat "
        "and mail. Empty: no link.",
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _only_beside_keys(cls, issuer: str, info: ValidationInfo) -> str:
        if issuer and info.data.get("access") != "keys":
            raise ValueError("needs HOTLINE_ACCESS=keys")
        return issuer

    @field_validator("oidc_audience")
    @classmethod
    def _with_the_issuer(cls, audience: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not audience:
            raise ValueError("is needed with HOTLINE_OIDC_ISSUER")
        return audience

    @property
    def database_url(self) -> str:
        """The engine's URL, the embedded one when no server is set. Holds a password."""
        given = self.clickhouse_url.get_secret_value()
        return given or (self.data_dir.absolute() / "chdb").as_uri().replace("file:", "chdb:", 1)

    @property
    def future_tolerance_us(self) -> int:
        """`future_tolerance` in microseconds."""
        return round(self.future_tolerance * SECOND)


def load_settings(**given: Any) -> Settings:
    """Read the environment; what is given, and is not None, comes first.

    A variable that is no setting is logged as a warning: it may be misspelt.

    Raises:
        SettingsError: a value of the wrong type or out of range.
    """
    for sentence in _unknown_variables():
        _LOG.warning(sentence)
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        lines = [
            f"  {PREFIX}{str(mistake['loc'][0]).upper()}: "
            f"{mistake['msg'].removeprefix('Value error, ')}"
            for mistake in error.errors(include_input=False, include_url=False)
        ]
        head = "Settings that cannot be used (docs/settings.md). 以下设置无效："
        raise SettingsError("\n".join([head, *lines])) from error


def _unknown_variables() -> list[str]:
    known = {name.upper() for name in Settings.model_fields}
    found = sorted(name.removeprefix(PREFIX) for name in os.environ if name.startswith(PREFIX))
    sentences = []
    for name in found:
        if name not in known | _OF_OTHERS:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {PREFIX}{near[0]}?" if near else "."
            sentences.append(f"{PREFIX}{name} is no setting and has no effect{hint} 没有这个设置。")
    return sentences
