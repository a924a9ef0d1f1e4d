"""Snippets: the line of a text that a finding speaks of, with carets under the exact span."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from compression_config.findings import Finding, Severity, count_by_severity
from compression_config.locations import Span, format_path
from compression_config.reports.layout import (
    DEFAULT_WIDTH,
    EMPTY,
    Line,
    Part,
    Style,
    display_width,
    paragraph,
    plain_text,
)
from compression_config.text import printable

__all__ = ["SEVERITY_STYLES", "as_github", "as_text", "counted", "finding_lines", "snippet", "tally"]


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


SEVERITY_STYLES = {Severity.ERROR: Style.ERROR, Severity.WARNING: Style.WARNING, Severity.NOTE: Style.NOTE}


def as_text(findings: Iterable[Finding], width: int | None = None) -> str:
    """Return findings as a text report: one block each in the order given, then how many there are.

    `width` is that of the terminal, in columns; None for what is no terminal: sentences are then not
    broken, and long lines of a document cut to 100 columns. No findings give the empty string.

    >>> from compression_config import check
    >>> print(as_text(check([{"op_types": ["Linear"], "sparsity_per_layer": 80}])), end="")
    error[out-of-range]: 'sparsity_per_layer' must be at least 0 and below 1, not 80
     --> [0].sparsity_per_layer
      = help: ratios are not percentages: write 0.8
    <BLANKLINE>
    1 error
    """
    found = tuple(findings)
    if not found:
        return ""
    return plain_text((*finding_lines(found, width), *((Part(tally(found)),),)))


def finding_lines(findings: Iterable[Finding], width: int | None = None) -> Iterator[Line]:
    """Yield the lines of each finding, with an empty one behind it."""
    for finding in findings:
        yield from _block(finding, width)
        yield EMPTY


def _block(finding: Finding, width: int | None) -> Iterator[Line]:
    style = SEVERITY_STYLES[finding.severity]
    label = Part(f"{finding.severity}[{finding.code}]", style)
    yield from paragraph((label, Part(": ")), printable(finding.message), width, indent=4, style=Style.STRONG)
    marked: list[Line] = []
    gutter = 1
    if finding.span is not None and finding.excerpt is not None:
        marked, gutter = snippet(finding.excerpt, finding.span, width or DEFAULT_WIDTH, style)
    where = _where(finding)
    if where:
        yield Part(" " * gutter + "--> ", Style.QUIET), Part(where)
    yield from marked
    if finding.hint:
        yield from paragraph((Part(" " * gutter + " = help: ", Style.HELP),), printable(finding.hint), width)


def _where(finding: Finding) -> str:
    """Return file, line, column and config path, as far as they are known."""
    where = printable(finding.source or "")
    if finding.span is not None:
        where += f":{finding.span.start.line}:{finding.span.start.column}"
    return " at ".join(part for part in (where, printable(format_path(finding.path))) if part)


def tally(findings: Iterable[Finding]) -> str:
    """Return how many findings there are, the worst first: "2 errors, 1 warning"; without any, "no findings"."""
    counts = count_by_severity(findings)
    return ", ".join(counted(number, severity.value) for severity, number in counts.items() if number) or "no findings"


def counted(number: int, thing: str) -> str:
    """Return a number with what it counts.

    >>> counted(1, "layer"), counted(1200, "layer")
    ('1 layer', '1,200 layers')
    """
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def as_github(findings: Iterable[Finding]) -> str:
    """Return one workflow command a line for each finding; no findings give the empty string.

    Columns are left out where a span goes over several lines: GitHub knows them on one line only.
    """
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    properties: dict[str, object] = {}
    if finding.source is not None:
        properties["file"] = finding.source
    span = finding.span
    if span is not None:
        properties["line"] = span.start.line
        if span.start.line == span.end.line:
            properties |= {"col": span.start.column, "endColumn": max(span.end.column, span.start.column + 1)}
        else:
            properties["endLine"] = span.end.line
    path = format_path(finding.path)
    properties["title"] = f"{finding.code} at {path}" if path else finding.code
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = printable(finding.message) + (f"\nhelp: {printable(finding.hint)}" if finding.hint else "")
    return f"::{_COMMANDS[finding.severity]} {written}::{_data(message)}"


def _data(text: str) -> str:
    """Return `text` with what would end a command escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Return `text` with what would end a property escaped as well."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
