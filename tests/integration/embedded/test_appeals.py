"""An appeal through `hotline up`: filed and decided over HTTP, counted at once, there after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.domain.policy import preset
from tests.integration.embedded.city import UNITS, Json, course
from tests.support.service import Service, running_service, start_service

ORDER = "order-1"  # of a citizen who is dissatisfied
UNIT = UNITS[1]
# The order is one of the past, whatever the date is.
TERMS = "appeals: {file_within: {days: 4000}}\n"


def post(service: Service, path: str, **body: Any) -> Json:
    answer = service.client.post(f"/v1/appeals{path}", json=body)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def indicators(service: Service) -> set[str]:
    explained = service.get(f"/v1/work-orders/{ORDER}/explain")
    return {each["indicator"] for each in explained["contributions"]}


def test_an_appeal_is_decided_and_counted_and_kept(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"{preset('beijing-district')}\n{TERMS}", encoding="utf-8")
    environment = {"HOTLINE_POLICY": str(policy)}
    data = tmp_path / "data"
    service = start_service(data, environment=environment)
    try:
        service.accepted(*course(1))
        assert "satisfaction" in indicators(service)
        filed = post(
            service, "", id="a-1", order=ORDER, unit=UNIT, indicator="satisfaction",
            ground="unreasonable_demand", evidence=["file/1"],
        )  # fmt: skip
        assert filed["state"] == "filed"
        would = service.get("/v1/appeals/a-1")["if_upheld"]
        assert (would["now"]["denominator"], would["if_upheld"]["denominator"]) == (1, 0)
        post(
            service,
            "/a-1/reviews",
            level="district",
            decision="upheld",
            reviewer=f"{UNIT[:6]}-review",
        )
        upheld = post(service, "/a-1/reviews", level="city", decision="upheld", reviewer="1101")
        assert upheld["state"] == "upheld"
        assert "satisfaction" not in indicators(service)
    finally:
        service.kill()
    with running_service(data, environment=environment) as again:
        (kept,) = again.get("/v1/appeals", state="upheld")["appeals"]
        assert (kept["id"], kept["excluded_at"]) == ("a-1", upheld["excluded_at"])
        assert "satisfaction" not in indicators(again)
