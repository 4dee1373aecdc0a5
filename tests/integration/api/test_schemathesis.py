"""Schemathesis over the whole OpenAPI document: what is described is what is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from services.cli.web_app import build_app, query_routers
from services.ingest.gateway import Gateway
from services.ingest.router import create_router
from services.ingest.sender import MIB, Sender
from tests.integration.api.city import PARTITIONS, City
from tests.support.brokers import fresh_broker

EXAMPLES = 5  # of each operation, once as described and once not

# A question may have the form that is described and still make no sense: a window that ends before
# it begins, a unit of another kind, a text that is no policy. Such a one is refused.
SENSELESS = ["2xx", "3xx", "404", "409", "413", "415", "422"]

Operation = schemathesis.APIOperation[Any, Any, Any, Any]


@pytest.fixture(scope="module")
def document(city: City) -> Iterator[schemathesis.BaseSchema]:
    """All routes of a whole service, the gateway's too."""
    config = SchemathesisConfig.from_dict(
        {"checks": {"positive_data_acceptance": {"expected-statuses": SENSELESS}}}
    )
    with fresh_broker("tansu") as broker:
        broker.create_topics(PARTITIONS)
        sender = Sender(broker.bootstrap, limit_bytes=64 * MIB)
        sender.start()
        gateway = Gateway(sender=sender, partitions=PARTITIONS, clock=lambda: city.now)
        app = build_app([*query_routers(city.context()), create_router(gateway)])
        try:
            yield schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
        finally:
            sender.stop(limit=10)


def operations(document: schemathesis.BaseSchema) -> Iterator[Operation]:
    """All but endless ones: what they send is not over when the answer is looked at."""
    for found in document.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if "text/event-stream" not in str(operation.definition.raw):
            yield operation


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_operation_keeps_the_contract(
    document: schemathesis.BaseSchema, mode: GenerationMode
) -> None:
    failures: list[str] = []
    checked = 0
    for operation in operations(document):

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode))
        def check(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate()

        try:
            check()
        except Unsatisfiable:  # a question without parameters cannot be asked wrongly
            assert mode is GenerationMode.NEGATIVE
            assert not list(operation.iter_parameters())
            continue
        except FailureGroup as failure:
            failures += [f"{operation.label}: {each}" for each in failure.exceptions]
        checked += 1
    assert failures == []
    assert checked > 12
