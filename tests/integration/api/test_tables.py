"""Every table as CSV and Excel holds what the JSON says, and the bulletin is ready to be sent."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import BytesIO, StringIO
from urllib.parse import unquote

import httpx
import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook

from services.api.tables.download import EXCEL
from tests.integration.api.city import STREETS
from tests.integration.api.client import Client, Json

TABLES = (
    "/v1/rankings",
    "/v1/rankings/gains",
    "/v1/breakdowns?by=urgency",
    "/v1/elapsed",
    "/v1/work-orders",
    "/v1/units",
    "/v1/adjustments",
    "/v1/dead-letters",
    "/v1/dropped-fields",
)
NUMBERS = (
    *TABLES,
    f"/v1/units/{STREETS[0].code}/rates",
    "/v1/work-orders/缺-0001",
    "/v1/work-orders/缺-0001/explain",
    "/v1/policy",
    "/v1/policies",
    "/v1/policies/1",
    "/v1/reports/monthly.xlsx",
)


async def fetch(client: Client, path: str, **headers: str) -> httpx.Response:
    response = await client.http.get(path, headers=headers)
    assert response.status_code == 200, response.text
    return response


def rows_of(response: httpx.Response) -> list[dict[str, str]]:
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))


def book_of(response: httpx.Response) -> Workbook:
    assert response.headers["content-type"] == EXCEL
    return load_workbook(BytesIO(response.content))


@pytest.mark.parametrize("path", TABLES)
async def test_a_table_comes_in_three_forms(client: Client, path: str) -> None:
    mark = "&" if "?" in path else "?"
    assert (await fetch(client, path)).headers["vary"] == "Accept"
    named = await fetch(client, f"{path}{mark}format=csv", accept="application/json")
    accepted = await fetch(client, path, accept="text/csv")
    assert named.content == accepted.content
    rows = rows_of(named)
    book = book_of(await fetch(client, path, accept=EXCEL))
    sheet = book[book.sheetnames[0]]
    assert sheet.max_row == 4 + len(rows)
    headings = [cell.value for cell in sheet[4]]
    table = named.content.decode("utf-8-sig").splitlines()[0]
    assert table.startswith(",".join(str(heading) for heading in headings))
    assert "filename*=UTF-8''" in named.headers["content-disposition"]


async def test_a_ranking_as_csv_is_the_ranking(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    answer = await fetch(client, "/v1/rankings?format=csv")
    rows = rows_of(answer)
    name = unquote(answer.headers["content-disposition"].rpartition("''")[2])
    assert name == "街道排名-2026-11.csv"
    lines = [*ranking["ranked"], *ranking["unranked"]]
    assert len(rows) == len(lines) + len(ranking["unknown_units"]) + 2
    for row, line in zip(rows, lines, strict=False):
        assert row["单位"] == line["unit"]["name"]
        assert row["名次"] == str(line.get("rank", ""))
        assert row["得分"] == line.get("score", "")
        interval = line.get("rank_interval") or {"from": "", "to": ""}
        assert row["最好名次"] == str(interval["from"])
        assert row["最差名次"] == str(interval["to"])
        assert row["末位概率"] == (line.get("bottom_probability") or "")
        assert row["满意率(%)"] == (line["indicators"]["satisfaction"]["rate"] or "")
        assert row["满意率分子"] == line["indicators"]["satisfaction"]["numerator"]
        assert row["剔除：不合理诉求"] == str(line["states"]["excluded"].get("不合理诉求", 0))
        assert row["截至"] == ranking["as_of"]
        states = ("不参评", "未到期", "待回访", "无法回访", "有效回访", "剔除", "挂账")
        assert sum(int(row[state]) for state in states) == int(row["工单量"]) == line["volume"]
    assert [row["说明"] for row in rows[-3:]] == ["未登记的单位", "尚无主办单位", "榜上单位合计"]
    assert rows[-1]["工单量"] == str(ranking["totals"]["volume"])


async def test_a_comparison_has_columns_of_its_own(client: Client) -> None:
    path = "/v1/rankings?window=week&name=2026-11-05&compare=both"
    ranking: Json = (await fetch(client, path)).json()
    rows = rows_of(await fetch(client, f"{path}&format=csv"))
    lines = [*ranking["ranked"], *ranking["unranked"]]
    assert ranking["compared"].keys() == {"previous", "year"}
    assert any(line["changes"]["previous"]["volume"] for line in lines)
    for row, line in zip(rows, lines, strict=False):
        for basis, name in (("previous", "环比"), ("year", "同比")):
            then = line["changes"][basis]
            assert row[f"{name}工单量"] == str(then["volume"])
            assert row[f"{name}工单量变化(%)"] == (then["volume_change"] or "")
            assert row[f"{name}名次"] == str("" if then["rank"] is None else then["rank"])
            rate = then["indicators"]["resolution"]
            assert row[f"{name}解决率(%)"] == (rate["rate"] or "")
            assert row[f"{name}解决率变化(百分点)"] == (rate["change"] or "")
        assert row["环比"].startswith("2026-10-29（截至 ")
    assert [row["环比工单量"] for row in rows[-3:]] == [""] * 3


async def test_a_list_as_csv_adds_up_and_names_its_next_page(client: Client) -> None:
    line = (await client.get("/v1/rankings"))["totals"]["indicators"]["satisfaction"]
    path: str | None = "/v1/work-orders?kind=street&indicator=satisfaction&format=csv&limit=60"
    rows: list[dict[str, str]] = []
    while path is not None:
        page = await fetch(client, path)
        rows += rows_of(page)
        path = page.links.get("next", {}).get("url")
    assert sum(int(row["分母"]) for row in rows) == line["denominator"]
    assert sum(Decimal(row["分子"]) for row in rows) == Decimal(line["numerator"])


async def test_the_bulletin_of_a_cycle(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    answer = await fetch(client, "/v1/reports/monthly.xlsx?name=2026-11")
    assert unquote(answer.headers["content-disposition"]).endswith("街道考核通报-2026-11.xlsx")
    book = book_of(answer)
    assert book.sheetnames == [
        "街道考核通报 2026-11", "街道排名 2026-11", "后10位 2026-11", "核心区排名 2026-11",
        "生态涵养区排名 2026-11", "中心城区排名 2026-11", "平原新城排名 2026-11",
        "环比排名 2026-11", "未参加排名 2026-11", "全部数据 2026-11",
    ]  # fmt: skip
    overview = {
        row[0]: row[1] for row in book[book.sheetnames[0]].iter_rows(min_row=5, values_only=True)
    }
    assert ranking["as_of"] in str(book.worksheets[0]["A2"].value)
    assert overview["数据截至"] == "2026年11月10日 10:07:00"
    assert overview["周期状态"] == "进行中"
    assert overview["参加排名"] == len(ranking["ranked"])
    assert overview["工单量"] == ranking["totals"]["volume"]
    names = [line["unit"]["name"] for line in ranking["ranked"] if line["bottom"]]
    assert overview["后10位"] == ("、".join(names) or "参加排名的单位不足，未形成名单")
    listed = list(book["街道排名 2026-11"].iter_rows(min_row=4, values_only=True))
    assert listed[0][:7] == (
        "名次",
        "单位",
        "所属区",
        "得分",
        "响应率(%)",
        "解决率(%)",
        "满意率(%)",
    )
    assert [row[1] for row in listed[1:]] == [line["unit"]["name"] for line in ranking["ranked"]]
    assert [Decimal(str(row[3])) for row in listed[1:]] == [
        Decimal(line["score"]) for line in ranking["ranked"]
    ]
    bottom = list(book["后10位 2026-11"].iter_rows(min_row=5, values_only=True))
    assert [row[1] for row in bottom] == names
    reasons = [row[6] for row in book["未参加排名 2026-11"].iter_rows(min_row=5, values_only=True)]
    assert reasons == [line["reason_zh"] for line in ranking["unranked"]]
    for sheet in book:
        assert sheet.freeze_panes
        assert sheet.page_setup.orientation == "landscape"
        fitted = sheet.sheet_properties.pageSetUpPr
        assert fitted is not None
        assert fitted.fitToPage


async def test_a_bulletin_of_the_past_is_of_that_instant(client: Client) -> None:
    past = "2026-11-01T00:00:00+08:00"
    ranking = await client.get("/v1/rankings", as_of=past)
    book = book_of(await client.http.get("/v1/reports/monthly.xlsx", params={"as_of": past}))
    overview = {row[0]: row[1] for row in book.worksheets[0].iter_rows(min_row=5, values_only=True)}
    assert (overview["数据截至"], overview["工单量"]) == (
        "2026年11月01日 00:00:00",
        ranking["totals"]["volume"],
    )
    await client.refused("/v1/reports/monthly.xlsx", 422, "invalid_window", name="x")
    await client.refused("/v1/reports/monthly.xlsx", 422, "unknown_kind", kind="x")


@pytest.mark.parametrize("path", [*NUMBERS, "/v1/rankings?format=csv"])
async def test_every_answer_with_numbers_is_304_while_it_is_the_same(
    client: Client, path: str
) -> None:
    first = await fetch(client, path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    again = await client.http.get(path, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await fetch(client, path, **{"if-none-match": 'W/"other"'})
    assert other.headers["etag"] == tag
