"""Findings for people: each with the line that it is about, carets under the exact span; and as GitHub shows them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import Final, NamedTuple

from compression_config.findings import MOST_FINDINGS, Finding, Severity, count_by_severity
from compression_config.locations import Span, format_path
from compression_config.reports.layout import DEFAULT_WIDTH, EMPTY, Line, Part, Style, line, paragraph, plain_text
from compression_config.text import counted, display_width, more_words, printable

__all__ = ["as_github", "as_text", "finding_lines", "tallied_lines", "tally", "where_words"]


_STYLES: Final = {Severity.ERROR: Style.ERROR, Severity.WARNING: Style.WARNING, Severity.NOTE: Style.NOTE}


def as_text(findings: Iterable[Finding], width: int | None = None) -> str:
    """Return findings as a text report: one block each in the order given, then how many there are.

    `width` is that of the terminal, in columns; None without one: sentences are then not broken, and long
    lines of a document cut to 100 columns. No findings give the empty string.

    >>> from compression_config import check
    >>> print(as_text(check([{"op_types": ["Linear"], "sparsity_per_layer": 80}])), end="")
    error[out-of-range]: 'sparsity_per_layer' must be at least 0 and below 1, not 80
     --> [0].sparsity_per_layer
      = help: ratios are not percentages: write 0.8
    <BLANKLINE>
    1 error
    """
    found = tuple(findings)
    return plain_text(tallied_lines(found, width)) if found else ""


def finding_lines(findings: Iterable[Finding], width: int | None = None) -> Iterator[Line]:
    """Yield the lines of each finding, with an empty one after it; after the first 1,000 one that counts the rest."""
    rest = iter(findings)
    for finding in islice(rest, MOST_FINDINGS):
        yield from _block(finding, width)
        yield EMPTY
    more = sum(1 for _ in rest)
    if more:
        yield line(f"and {more_words(more)}, not shown")
        yield EMPTY


def tallied_lines(findings: Iterable[Finding], width: int | None = None) -> Iterator[Line]:
    """Yield the lines of each finding, and how many there are."""
    found = tuple(findings)
    yield from finding_lines(found, width)
    yield line(tally(found))


def _block(finding: Finding, width: int | None) -> Iterator[Line]:
    style = _STYLES[finding.severity]
    label = Part(f"{finding.severity}[{finding.code}]", style)
    yield from paragraph((label, Part(": "), Part(finding.message, Style.STRONG)), width, indent=4)
    span = None if finding.excerpt is None else finding.span
    number = " " if span is None else str(span.start.line)
    gutter = " " * len(number)
    where = where_words(finding)
    if where:
        yield Part(f"{gutter}--> ", Style.QUIET), Part(where)
    if finding.excerpt is not None and span is not None:
        shown = _shown(finding.excerpt, span, max((width or DEFAULT_WIDTH) - len(gutter) - 3, _LEAST))
        bar = Part(f"{gutter} |", Style.QUIET)
        yield (bar,)
        yield Part(f"{number} |", Style.QUIET), Part(f" {shown.text}".rstrip())
        marks = "^" * max(shown.marked, 1) + (_GAP if span.end.line != span.start.line else "")
        yield bar, Part(" " * (shown.before + 1)), Part(marks, style)
    if finding.hint:
        lead = Part(f"{gutter} = help: ", Style.HELP)
        yield from paragraph((lead, Part(finding.hint)), width, indent=len(lead.text))


def where_words(finding: Finding) -> str:
    """Return file, line, column and config path of a finding, as far as they are known."""
    where = finding.source or ""
    if finding.span is not None:
        where += f":{finding.span.start.line}:{finding.span.start.column}"
    return " at ".join(filter(None, (where, format_path(finding.path))))


def tally(findings: Iterable[Finding]) -> str:
    """Return how many findings there are, the worst first: "2 errors, 1 warning"; without any, "no findings"."""
    counts = count_by_severity(findings)
    return ", ".join(counted(number, severity.value) for severity, number in counts.items() if number) or "no findings"


# Snippets.

_GAP = "..."
_TAB = " " * 4
_LEAST = 20
"""How many columns of a document are shown however narrow the terminal is."""


class _Window(NamedTuple):
    """What is shown of a line, in columns of the terminal."""

    text: str
    before: int
    """What is shown before the span."""
    marked: int
    """What is shown of the span."""


def _shown(excerpt: str, span: Span, room: int) -> _Window:
    """Return what to show of the line `excerpt` in `room` columns, so that `span` is seen.

    A span that goes on in further lines goes to the end of the first.
    """
    start = span.start.column - 1
    end = max(span.end.column - 1, start) if span.end.line == span.start.line else len(excerpt)
    # Only combining marks take no column: of a line of a megabyte nearly all is dropped before it is measured.
    first, last = max(start - 2 * room, 0), start + 2 * room
    return _window(excerpt[first:last], start - first, end - first, room, (first > 0, last < len(excerpt)))


def _window(text: str, start: int, end: int, room: int, cut: tuple[bool, bool]) -> _Window:
    """Return what to show of `text` of which the characters from `start` to before `end` are marked.

    It is all of it where that fits, else the span and as much on both sides. `cut` says whether the line goes on
    before and after `text`.
    """
    plain = text.isascii() and text.isprintable()
    cells = text if plain else list(map(_cell, text))
    # The columns that are taken up to each character: all widths below are differences of two of these.
    columns = range(len(text) + 1) if plain else list(accumulate(map(display_width, cells), initial=0))
    end = min(end, len(cells))
    low, high, (before, after) = 0, len(cells), cut
    if before or after or columns[-1] > room:
        if before or columns[end] > room - len(_GAP):
            aside = max((room - 2 * len(_GAP) - (columns[end] - columns[start])) // 2, room // 4)
            # Where the line ends soon after the span there is more room before it.
            from_end = columns[start] if after else columns[-1] - (room - len(_GAP))
            low = bisect_left(columns, min(columns[start] - aside, from_end))
        before = before or low > 0
        room -= len(_GAP) * before
        if after or columns[-1] - columns[low] > room:
            high = bisect_right(columns, columns[low] + room - len(_GAP)) - 1
        after = after or high < len(cells)
    shown = _GAP * before + "".join(cells[low:high]) + _GAP * after
    left = len(_GAP) * before + columns[start] - columns[low]
    return _Window(shown, left, columns[min(end, high)] - columns[start])


def _cell(character: str) -> str:
    """Return a character as it is shown."""
    return _TAB if character == "\t" else printable(character)


# GitHub.

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def as_github(findings: Sequence[Finding]) -> str:
    """Return one workflow command a line for each finding, and for all after the first 1,000 one that counts them.

    Columns are left out where a span goes over several lines: GitHub knows them on one line only. No findings give
    the empty string.
    """
    commands = [_command(finding) for finding in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        commands.append(f"::notice::and {more_words(len(findings) - MOST_FINDINGS)}, not shown")
    return "".join(f"{command}\n" for command in commands)


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
    properties["title"] = " at ".join(filter(None, (finding.code, format_path(finding.path))))
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = printable(finding.message) + (f"\nhelp: {printable(finding.hint)}" if finding.hint else "")
    return f"::{_COMMANDS[finding.severity]} {written}::{_data(message)}"


def _data(text: str) -> str:
    """Return `text` with what would end a command escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Return `text` with what would end a property escaped as well."""
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
