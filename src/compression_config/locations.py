"""Locations: config paths, positions in a text, and the way from one to the other.

Nothing here knows the keys of a config list. A reader of documents makes a `SpanTree`, a `SourceMap`
ties it to a file, and a `Provenance` remembers from which file each sub-config of a list came.
"""

from __future__ import annotations

import bisect
import functools
import re
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from compression_config.text import Notation, shortened

__all__ = [
    "ConfigPath",
    "IgnoreComment",
    "Place",
    "Position",
    "Provenance",
    "SourceMap",
    "Span",
    "SpanTree",
    "format_path",
    "place_in",
]


ConfigPath: TypeAlias = tuple[str | int, ...]
"""The way from the top of a document to one place in it: `(2, "op_types", 0)`. Indices count from 0."""

_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*")


def format_path(path: ConfigPath) -> str:
    """Return `path` as text; the empty path is the empty string. A very long key is cut.

    >>> format_path((2, "op_types", 0))
    '[2].op_types[0]'
    >>> format_path(("pruning", 2, "op_types"))
    'pruning[2].op_types'
    """
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _PLAIN_KEY.fullmatch(step) and shortened(step) == step:
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f"[{shortened(step)!r}]")
    return "".join(parts)


class Position(NamedTuple):
    """A place between two characters of a text; `line` and `column` (in characters) count from 1."""

    line: int
    """From 1."""
    column: int
    """In characters, from 1."""


class Span(NamedTuple):
    """A stretch of text, from its first character at `start` up to, not including, `end`."""

    start: Position
    """Of its first character."""
    end: Position
    """After its last character."""


class IgnoreComment(NamedTuple):
    """A comment `# compression-config: ignore[code, code]` in a text."""

    span: Span
    codes: tuple[tuple[str, Span], ...]
    """What is in its brackets, each with its place."""
    line: int
    """The line of the findings that it silences: its own, or for a comment that is alone on it the next that is not."""


class SpanTree(Protocol):
    """The positions of a document's keys and values, asked for by config path."""

    def span(self, path: ConfigPath, *, key: bool = False) -> Span:
        """Return the span of the value at `path`, or with `key` that of its key.

        A path that is not in the document gives its nearest known ancestor: a missing key is reported
        at the mapping that lacks it. An element of a sequence has no key: `key` makes no difference to it.
        """


@dataclass(frozen=True, eq=False)
class SourceMap:
    """A text that was read: its name in messages, its lines, and the spans of its keys and values."""

    name: str
    text: str
    tree: SpanTree
    notation: Notation = "yaml"
    comments: tuple[IgnoreComment, ...] = ()

    def ignored(self, number: int) -> frozenset[str]:
        """Return the codes that comments silence on line `number`."""
        return self._ignored.get(number, _NOTHING) if self.comments else _NOTHING

    @functools.cached_property
    def _ignored(self) -> dict[int, frozenset[str]]:
        found: dict[int, frozenset[str]] = {}
        for comment in self.comments:
            found[comment.line] = found.get(comment.line, _NOTHING).union(code for code, _ in comment.codes)
        return found

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its line break; past the end, the empty string.

        Lines end where YAML and editors end them: at a line feed, a carriage return, or both.
        """
        return self._lines[number - 1] if number <= len(self._lines) else ""

    @functools.cached_property
    def _lines(self) -> list[str]:
        # Split once: a text can have a finding on each of its lines.
        return _LINE_BREAK.split(self.text)


_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_NOTHING: frozenset[str] = frozenset()


class Place(NamedTuple):
    """A config path, and its span in a text; plain data has neither span nor source."""

    path: ConfigPath
    span: Span | None = None
    source: str | None = None
    excerpt: str | None = None
    """The line of the text on which the span starts."""
    ignored: frozenset[str] = _NOTHING
    """The codes of findings that a comment silences here."""


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """Consecutive sub-configs of a list that are also consecutive in one document."""

    start: int
    """Index in the whole list of the first of them."""
    prefix: ConfigPath
    """The path of the list in its document: `("pruning",)` in a two-part document."""
    first: int
    """Index of the first of them in its own document."""
    source: SourceMap | None


@dataclass(frozen=True, slots=True, eq=False)
class Provenance:
    """Where the sub-configs of a list come from; joining lists keeps the files of both."""

    segments: tuple[_Segment, ...]
    length: int

    @classmethod
    def of(cls, length: int, source: SourceMap | None = None, prefix: ConfigPath = ()) -> Provenance:
        """Return the provenance of a list of `length` sub-configs at `prefix` in `source`."""
        return cls((_Segment(0, prefix, 0, source),), length)

    def __add__(self, other: Provenance) -> Provenance:
        moved = (
            _Segment(part.start + self.length, part.prefix, part.first, part.source)
            for part in (other.segments if other.length else ())
        )
        segments = (*(self.segments if self.length else ()), *moved)
        return Provenance(segments or self.segments, self.length + other.length)

    def picked(self, indices: range) -> Provenance:
        """Return the provenance of the list of the sub-configs at `indices`, in that order."""
        segments: list[_Segment] = []
        for start, index in enumerate(indices):
            found = self._segment(index)
            here = _Segment(start, found.prefix, found.first + index - found.start, found.source)
            last = segments[-1] if segments else None
            if last is None or last.source is not here.source or last.first + start - last.start != here.first:
                segments.append(here)
        return Provenance(tuple(segments) or self.segments[:1], len(indices))

    @property
    def sources(self) -> tuple[SourceMap, ...]:
        """The texts that the sub-configs come from, each once."""
        return tuple(dict.fromkeys(segment.source for segment in self.segments if segment.source is not None))

    def place(self, path: ConfigPath, *, key: bool = False) -> Place:
        """Return the place of `path` (from the top of the list): of the value there, or with `key` of its key.

        The path of the answer has the index in the whole list; the span is looked up in the file
        that the sub-config came from.
        """
        index = _index(path)
        segment = self._segment(index)
        shown = segment.prefix + path
        if segment.source is None:
            return Place(shown)
        inside = shown
        if path and isinstance(path[0], int):
            inside = (*segment.prefix, segment.first + index - segment.start, *path[1:])
        return place_in(segment.source, inside, key=key)._replace(path=shown)

    def notation(self, path: ConfigPath) -> Notation:
        """Return how the sub-config at `path` is written: as its file is, in Python without one."""
        source = self._segment(_index(path)).source
        return "python" if source is None else source.notation

    def _segment(self, index: int) -> _Segment:
        return self.segments[bisect.bisect_right(self.segments, index, key=lambda segment: segment.start) - 1]


def _index(path: ConfigPath) -> int:
    return path[0] if path and isinstance(path[0], int) else 0


def place_in(source: SourceMap, path: ConfigPath, *, key: bool = False) -> Place:
    """Return the place of `path` in the document `source`."""
    span = source.tree.span(path, key=key)
    number = span.start.line
    return Place(path, span, source.name, source.line(number), source.ignored(number))
