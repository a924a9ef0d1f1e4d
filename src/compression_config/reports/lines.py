"""Lines: what a report consists of. The same lines become plain text, or coloured ones on a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

__all__ = [
    "DEFAULT_WIDTH",
    "EMPTY",
    "Line",
    "Part",
    "Style",
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
