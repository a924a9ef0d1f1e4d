"""Tables of results: as text for a terminal, as Markdown for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Table", "times"]


@dataclass(frozen=True)
class Table:
    """A table with what is to be known to read it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def text(self) -> str:
        """Return the table for a terminal, the columns aligned."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        drawn = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([self.title, *(line.rstrip() for line in drawn), *([self.note] if self.note else []), ""])

    def markdown(self) -> str:
        """Return the table as a section of a page."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        drawn = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([f"## {self.title}", "", *([self.note, ""] if self.note else []), *drawn, ""])


def times(ratio: float) -> str:
    """Return a ratio as it is read: two digits where they tell something, whole thousands where they do not.

    >>> times(1.234), times(23.4), times(12345.6)
    ('1.23', '23', '12,346')
    """
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"
