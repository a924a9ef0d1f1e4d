"""Lines: what a report consists of. The same lines become plain text, or coloured ones on a terminal."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple, Self, TypeAlias

__all__ = [
    "DEFAULT_WIDTH",
    "EMPTY",
    "GAP",
    "Columns",
    "Line",
    "Part",
    "Row",
    "Style",
    "as_rich",
    "display_width",
    "elided",
    "line",
    "paragraph",
    "plain_text",
    "wrapped",
]


DEFAULT_WIDTH = 100
"""How many columns a report takes where nobody knows the width of what shows it."""

_GAP = "..."


class Style(Enum):
    """What a part of a line is; which colour that has is the business of whoever shows it."""

    PLAIN = auto()
    ERROR = auto()
    WARNING = auto()
    NOTE = auto()
    HELP = auto()
    QUIET = auto()
    """What frames the answer and is none."""
    STRONG = auto()
    HEADING = auto()
    GOOD = auto()


class Part(NamedTuple):
    """A stretch of a line in one style."""

    text: str
    style: Style = Style.PLAIN


Line: TypeAlias = tuple[Part, ...]
"""A line without its line break."""

EMPTY: Line = ()


def line(text: str, style: Style = Style.PLAIN) -> Line:
    """Return a line of one part."""
    return (Part(text, style),)


def plain_text(lines: Iterable[Line]) -> str:
    """Return lines as text; each ends with a line break and without white space. No lines give the empty string."""
    return "".join("".join(part.text for part in parts).rstrip() + "\n" for parts in lines)


def display_width(text: str) -> int:
    """Return how many columns of a terminal `text` takes: East Asian letters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_letter_width, text))


def _letter_width(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def elided(text: str, width: int) -> str:
    """Return `text`, or as much of its start as fits `width` columns with three dots behind it."""
    if display_width(text) <= width:
        return text
    kept, room = [], width - len(_GAP)
    for letter in text:
        room -= _letter_width(letter)
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + _GAP


def wrapped(text: str, width: int | None, first: int, others: int) -> Iterator[str]:
    """Yield `text` in pieces, broken at spaces, that fit `width` columns beside an indentation.

    The indentation is that of the first line, then that of the others. None for `width` breaks nothing; a
    word that is wider stands alone.
    """
    if width is None or display_width(text) + first <= width:
        yield text
        return
    piece, room = "", width - first
    for word in _WORD.findall(text):
        if piece and display_width(piece + word.rstrip()) > room:
            yield piece.rstrip()
            piece, room = "", width - others
        piece += word
    yield piece.rstrip()


def paragraph(
    lead: Line, text: str, width: int | None, *, indent: int | None = None, style: Style = Style.PLAIN
) -> Iterator[Line]:
    """Yield `text` in as many lines as it takes: `lead` before the first, as many spaces before the others.

    With `indent`, there are that many spaces instead.
    """
    first = sum(display_width(part.text) for part in lead)
    others = first if indent is None else indent
    for number, piece in enumerate(wrapped(text, width, first, others)):
        yield (*((Part(" " * others),) if number else lead), Part(piece, style))


_WORD = re.compile(r"\S+\s*")


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


_COLOURS: Final = {
    Style.PLAIN: "",
    Style.ERROR: "bold red",
    Style.WARNING: "bold yellow",
    Style.NOTE: "bold cyan",
    Style.HELP: "green",
    Style.QUIET: "dim",
    Style.STRONG: "bold",
    Style.HEADING: "bold underline",
    Style.GOOD: "green",
}


def as_rich(lines: Iterable[Line]) -> str:
    """Return lines as text with the colours of a terminal; without rich, or on one that knows none, plain text."""
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra, and slow to import
        from rich.text import Text  # noqa: PLC0415
    except ImportError:
        return plain_text(lines)
    console = Console(file=io.StringIO(), force_terminal=True)
    if console.legacy_windows or console.color_system is None:
        return plain_text(lines)
    with console.capture() as capture:
        for parts in lines:
            text = Text.assemble(*((part.text, _COLOURS[part.style]) for part in parts))
            text.rstrip()
            console.print(text, soft_wrap=True, highlight=False)
    return capture.get()
