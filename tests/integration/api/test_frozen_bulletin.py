"""The bulletin of a frozen cycle is that of a revision."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from pathlib import Path

from openpyxl import load_workbook

from tests.integration.api.city import city_events, open_city
from tests.integration.api.client import connect
from tests.integration.api.test_cycles import CYCLE, FEWER, FROZEN, WHY

PATH = "/v1/reports/monthly.xlsx"


async def test_a_bulletin_of_a_revision_tells_what_it_holds(tmp_path: Path) -> None:
    with open_city(tmp_path / "engine", text=FEWER) as city:
        city.store(city_events())
        city.now = FROZEN
        city.store([])
        async with connect(city) as client:
            frozen = await client.http.post(f"/v1/cycles/{CYCLE}/freeze", json=WHY)
            assert frozen.status_code == 201, frozen.text
            held = await client.get("/v1/rankings", window="cycle", name=CYCLE, revision=1)
            answer = await client.http.get(PATH, params={"name": CYCLE, "revision": 1})
            await client.refused(PATH, 422, "invalid_window", revision=1)
            await client.refused(
                PATH, 422, "invalid_window", as_of=held["as_of"], name=CYCLE, revision=1
            )
            await client.refused(PATH, 404, "unknown_revision", name=CYCLE, revision=2)
    book = load_workbook(BytesIO(answer.content))
    overview = {row[0]: row[1] for row in book.worksheets[0].iter_rows(min_row=5, values_only=True)}
    assert (overview["版次"], overview["周期状态"]) == ("第 1 版", "已结束")
    assert "口径：冻结（第 1 版）" in str(book.worksheets[0]["A2"].value)
    assert f"环比排名 {CYCLE}" not in book.sheetnames
    rows = list(book[f"街道排名 {CYCLE}"].iter_rows(min_row=5, values_only=True))
    assert [(row[0], row[1], Decimal(str(row[3]))) for row in rows] == [
        (line["rank"], line["unit"]["name"], Decimal(line["score"])) for line in held["ranked"]
    ]
    bottom = [line["unit"]["name"] for line in held["ranked"] if line["bottom"]]
    assert bottom
    assert overview[next(name for name in overview if str(name).startswith("后"))] == "、".join(
        bottom
    )
