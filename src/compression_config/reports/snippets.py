"""Snippets: the line of a text that a finding speaks of, with carets under the exact span."""

from __future__ import annotations

from typing import NamedTuple

from compression_config.naming.spelling import printable
from compression_config.reports.lines import Line, Part, Style, display_width
from compression_config.spans import Span

__all__ = ["snippet"]

_TAB = 4
"""How many columns a tab is shown with."""
_GAP = "..."
_LEAST = 20
"""How many columns of the text are shown however narrow the terminal is."""
_AROUND = 400
"""How many characters on either side of a column are looked at; no terminal shows more of them."""


class _Cell(NamedTuple):
    """One character as it is shown."""

    text: str
    width: int


def snippet(excerpt: str, span: Span, width: int, style: Style) -> tuple[list[Line], int]:
    """Return the lines that show `span` in `excerpt`, the line of its start, and how wide their gutter is.

    A span that goes on in further lines is marked to the end of the first, with three dots behind. A line
    that is wider than `width` is cut to a window around the span.
    """
    number = str(span.start.line)
    gutter = len(number)
    room = max(width - gutter - 3, _LEAST)
    goes_on = span.end.line != span.start.line
    start = span.start.column - 1
    end = len(excerpt) if goes_on else max(span.end.column - 1, start)
    shown, left, carets = _windowed(excerpt, start, end, room)
    bar = Part(" " * gutter + " |", Style.QUIET)
    marks = "^" * max(carets, 1) + (_GAP if goes_on else "")
    return [
        (bar,),
        (Part(f"{number} |", Style.QUIET), Part(f" {shown}".rstrip())),
        (bar, Part(" " * (left + 1)), Part(marks, style)),
    ], gutter


def _windowed(excerpt: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """Return the part of `excerpt` to show, the columns before the carets, and the number of carets.

    `start` and `end` are indices of characters.
    """
    first = max(start - _AROUND, 0)
    cells = [_cell(letter) for letter in excerpt[first : start + _AROUND]]
    inner, until = start - first, min(end - first, len(cells))
    cut_before, cut_after = first > 0, start + _AROUND < len(excerpt)
    if cut_before or cut_after or _width(cells) > room:
        low = _window_start(cells, inner, until, room)
        cut_before = cut_before or low > 0
        high = _window_end(cells, low, room - (len(_GAP) if cut_before else 0), more=cut_after)
        cut_after = cut_after or high < len(cells)
        cells, inner, until = cells[low:high], inner - low, min(until, high) - low
    before = _GAP if cut_before else ""
    text = "".join(cell.text for cell in cells)
    left = len(before) + _width(cells[:inner])
    return before + text + (_GAP if cut_after else ""), left, _width(cells[inner:until])


def _window_start(cells: list[_Cell], inner: int, until: int, room: int) -> int:
    """Return the index of the first cell to show, so that the span is in the window with room on both sides."""
    if _width(cells[:until]) <= room - len(_GAP):
        return 0
    spare = max((room - 2 * len(_GAP) - _width(cells[inner:until])) // 2, room // 4)
    low = inner
    while low > 0 and spare >= cells[low - 1].width:
        low -= 1
        spare -= cells[low].width
    return low


def _window_end(cells: list[_Cell], low: int, room: int, *, more: bool) -> int:
    """Return the index behind the last cell to show, which leaves room for the dots if something follows."""
    if not more and _width(cells[low:]) <= room:
        return len(cells)
    high, room = low, room - len(_GAP)
    while high < len(cells) and cells[high].width <= room:
        room -= cells[high].width
        high += 1
    return high


def _cell(letter: str) -> _Cell:
    if letter == "\t":
        return _Cell(" " * _TAB, _TAB)
    text = printable(letter)
    return _Cell(text, display_width(text))


def _width(cells: list[_Cell]) -> int:
    return sum(cell.width for cell in cells)
