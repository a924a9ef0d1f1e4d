"""The layers of a model for people: names folded, types, weights, and which share of the model they hold."""

from __future__ import annotations

from collections.abc import Iterator

from compression_config.inventory import Inventory
from compression_config.inventory.listing import LISTING_HEADER, listing, size_words
from compression_config.reports.layout import DEFAULT_WIDTH, EMPTY, Line, Part, Row, Style, line, paragraph, table

__all__ = ["inventory_lines"]

_NUMBERS = {1, 4}


def inventory_lines(inventory: Inventory, width: int | None = None) -> Iterator[Line]:
    """Yield the names and types of the layers, those alike on one line.

    `width` is that of the terminal, in columns; None without one: the table then takes 100.
    """
    yield from paragraph(line(size_words(inventory, inventory.model, inventory.root), Style.HEADING), width, indent=4)
    room = width or DEFAULT_WIDTH
    rows: list[Row] = [tuple(Part(text, Style.QUIET) for text in LISTING_HEADER)]
    rows += (tuple(map(Part, cells)) for cells in listing(inventory, inventory.root, room // 2))
    if len(rows) > 1:
        yield EMPTY
        for lines in table(rows, room, right=_NUMBERS):
            yield from lines
