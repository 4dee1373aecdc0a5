"""How a unit stood in earlier windows, as columns: 环比 and 同比, where `compare` asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from services.api.compare_models import Basis, Heads, Lines
from services.api.ranking_models import Rate
from services.api.tables.table import Cell, Row, number

_NAMES: Final[Mapping[Basis, str]] = {"previous": "环比", "year": "同比"}


class ComparisonColumns:
    """The columns of all comparisons that an answer has; none without any."""

    def __init__(self, heads: Heads | None, indicators: Mapping[str, Rate]) -> None:
        self._heads: Heads = heads or {}
        self._codes = list(indicators)
        self.headings: tuple[str, ...] = tuple(
            f"{_NAMES[basis]}{heading}"
            for basis in self._heads
            for heading in (
                "名次", "名次变化", "得分", "得分变化", "工单量", "工单量变化(%)",
                *(f"{rate.name_zh}{each}" for rate in indicators.values() for each in ("(%)", "变化(百分点)")),
            )
        )  # fmt: skip

    def about(self) -> tuple[tuple[str, str], ...]:
        """Which windows these are."""
        return tuple(
            (_NAMES[basis], f"{head.window.name}（截至 {head.as_of}，办法 {head.version}）")
            for basis, head in self._heads.items()
        )

    def cells(self, lines: Lines | None) -> Row:
        """The row of one unit; empty cells for what is compared with nothing."""
        return tuple(cell for basis in self._heads for cell in self._line(basis, lines or {}))

    def _line(self, basis: Basis, lines: Lines) -> Iterator[Cell]:
        line = lines.get(basis)
        if line is None:
            yield from (None,) * (6 + 2 * len(self._codes))
            return
        yield from (line.rank, line.rank_change)
        yield from (number(line.score), number(line.score_change))
        yield from (line.volume, number(line.volume_change))
        for code in self._codes:
            then = line.indicators.get(code)
            yield None if then is None else number(then.rate)
            yield None if then is None else number(then.change)
