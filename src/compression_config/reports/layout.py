"""Lines: what a report consists of. The same lines become plain text, or coloured ones on a terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import chain
from typing import Final, NamedTuple, Self, TypeAlias

from compression_config.text import aligned, display_width, printable

__all__ = [
    "DEFAULT_WIDTH",
    "EMPTY",
    "GAP",
    "Line",
    "Part",
    "Report",
    "Row",
    "Style",
    "as_rich",
    "line",
    "paragraph",
    "plain_text",
    "table",
    "width_of",
]


DEFAULT_WIDTH = 100
"""How many columns a report takes where the width of what shows it is not known."""


class Style(Enum):
    """What a part of a line is; its colour is decided where it is shown."""

    PLAIN = auto()
    ERROR = auto()
    WARNING = auto()
    NOTE = auto()
    HELP = auto()
    QUIET = auto()
    """What frames the answer."""
    STRONG = auto()
    HEADING = auto()
    GOOD = auto()


class _Part(NamedTuple):
    text: str
    style: Style


class Part(_Part):
    """A stretch of a line in one style.

    Its text is escaped here, before anything is measured: whatever a document, a model or a file is called, a line
    stays one line, moves no cursor, and is not a command to the program that reads it.
    """

    __slots__ = ()

    def __new__(cls, text: str, style: Style = Style.PLAIN) -> Self:
        """Make the part of what `text` looks like."""
        return super().__new__(cls, printable(text), style)


Line: TypeAlias = tuple[Part, ...]
"""A line without its line break."""

Report: TypeAlias = str | Iterable[Line]
"""What a command answers: lines for people, or the text of a document for programs."""

EMPTY: Line = ()


def line(text: str, style: Style = Style.PLAIN) -> Line:
    """Return a line of one part."""
    return (Part(text, style),)


def width_of(parts: Iterable[Part]) -> int:
    """Return how many columns of a terminal the parts of a line take."""
    return sum(display_width(part.text) for part in parts)


def plain_text(lines: Iterable[Line]) -> str:
    """Return lines as text; each ends with a line break and without white space. No lines give the empty string."""
    return "".join("".join(part.text for part in parts).rstrip() + "\n" for parts in lines)


# Broken lines.

_WORD = re.compile(r"\S+\s*|\s+")
_PIECE = re.compile(r"[^.,/]*[.,/]+\s*|[^.,/]+")
"""Where a word that is wider than the terminal is broken: after what separates the components of a name or path."""


def paragraph(parts: Line, width: int | None, *, indent: int) -> Iterator[Line]:
    """Yield the line of `parts` broken at spaces, so that it fits `width` columns; None breaks nothing.

    `indent` is how many spaces the further lines begin with. A word that does not fit a line of its own is broken
    between the components of a name.
    """
    if width is None or width_of(parts) <= width:
        yield parts
        return
    before: Line = (Part(" " * indent),)
    current: list[Part] = []
    room = width
    for piece in _pieces(parts, width - indent):
        wide = width_of(piece[:-1]) + display_width(piece[-1].text.rstrip())
        if current and wide > room:
            yield tuple(current)
            current, room = list(before), width - indent
        current += piece
        room -= width_of(piece)
    yield tuple(current)


def _pieces(parts: Line, longest: int) -> Iterator[list[Part]]:
    """Yield what stays together on a line: words, which may have several styles, or components of too long ones."""
    word: list[Part] = []
    for part in parts:
        for text in _WORD.findall(part.text):
            word.append(Part(text, part.style))
            if text[-1].isspace():
                yield from _broken(word, longest)
                word = []
    if word:
        yield from _broken(word, longest)


def _broken(word: list[Part], longest: int) -> Iterator[list[Part]]:
    if width_of(word) <= longest:
        yield word
        return
    yield from ([Part(text, part.style)] for part in word for text in _PIECE.findall(part.text))


# Tables.

Row: TypeAlias = Sequence[Part]
"""One cell for each column."""

GAP = 2
"""How many columns of the terminal are left free between two cells."""
_LEAST = 24
"""How narrow the first column may become; beyond that lines are wider than the terminal."""


def table(rows: Sequence[Row], width: int, *, right: Collection[int] = (), indent: int = 0) -> Iterator[list[Line]]:
    """Yield the lines of each row, `width` columns of the terminal wide at most.

    Columns in `right` are flush right. A first cell that leaves no room for the others has lines of its own.
    """
    if not rows:
        return
    beside = sum(max(display_width(row[column].text) for row in rows) + GAP for column in range(1, len(rows[0])))
    room = max(width - indent - beside, _LEAST)
    before = Part(" " * indent)
    apart = [display_width(row[0].text) > room for row in rows]
    cells = aligned(
        [
            ("" if alone else row[0].text, *(cell.text for cell in row[1:]))
            for row, alone in zip(rows, apart, strict=True)
        ],
        right,
    )
    for row, alone, texts in zip(rows, apart, cells, strict=True):
        lines = list(paragraph((before, row[0]), width, indent=indent + GAP)) if alone else []
        styled = ((Part(text, cell.style), Part(" " * GAP)) for text, cell in zip(texts, row, strict=True))
        yield [*lines, (before, *chain.from_iterable(styled))]


# Colour.

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
