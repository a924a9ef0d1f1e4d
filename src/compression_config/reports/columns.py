"""Columns: cells side by side, each column as wide as its widest cell; the first gives way in a narrow place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

from compression_config.reports.lines import Line, Part, display_width

__all__ = ["GAP", "Columns", "Row"]

Row: TypeAlias = Sequence[Part]
"""One cell for each column."""

GAP = 2
"""How many columns of the terminal are left free between two cells."""
_LEAST = 24
"""How narrow the first column may become; beyond that lines are wider than the terminal."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How wide the cells of rows are, which may stand far apart in a report."""

    widths: tuple[int, ...]
    right: frozenset[int]
    """The columns whose cells are numbers: they are flush right."""
    indent: int

    @classmethod
    def of(cls, rows: Sequence[Row], width: int, *, right: frozenset[int] = frozenset(), indent: int = 0) -> Self:
        """Return columns for `rows`, which are at least one, in `width` columns of the terminal."""
        first, *others = ([display_width(row[column].text) for row in rows] for column in range(len(rows[0])))
        room = max(width - indent - sum(max(column) + GAP for column in others), _LEAST)
        fitting = [wide for wide in first if wide <= room]
        return cls((max(fitting, default=_LEAST), *map(max, others)), right, indent)

    def lines(self, row: Row) -> Iterator[Line]:
        """Yield the line of a row; two where its first cell is too wide for the column."""
        before = Part(" " * self.indent)
        first, *others = row
        if display_width(first.text) > self.widths[0]:
            yield before, first
            first = Part("")
        yield (before, *(part for number, cell in enumerate((first, *others)) for part in self._cell(number, cell)))

    def _cell(self, column: int, cell: Part) -> Iterator[Part]:
        fill = " " * (self.widths[column] - display_width(cell.text))
        if column in self.right:
            yield from (Part(fill), cell, Part(" " * GAP))
        else:
            yield from (cell, Part(fill + " " * GAP))
