"""Where things stand: config paths, positions in a text, and the way from one to the other.

Nothing here knows what a config list is. A reader of documents makes a `SpanTree`, a `SourceMap`
binds it to a file, and a `Provenance` remembers from which file each sub-config of a list came.
"""

from __future__ import annotations

import bisect
import functools
import re
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

__all__ = ["ConfigPath", "Place", "Position", "Provenance", "SourceMap", "Span", "SpanTree", "format_path", "place_in"]


ConfigPath: TypeAlias = tuple[str | int, ...]
"""The way from the top of a document to one place in it: `(2, "op_types", 0)`. Indices count from 0."""

_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*")


def format_path(path: ConfigPath) -> str:
    """Return `path` as people write it; the empty path is the empty string.

    >>> format_path((2, "op_types", 0))
    '[2].op_types[0]'
    >>> format_path(("pruning", 2, "op_types"))
    'pruning[2].op_types'
    """
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _PLAIN_KEY.fullmatch(step):
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f"[{step!r}]")
    return "".join(parts)


class Position(NamedTuple):
    """A place between two characters of a text; `line` and `column` (in characters) count from 1."""

    line: int
    column: int


class Span(NamedTuple):
    """A stretch of text: `start` is its first character, `end` stands behind its last."""

    start: Position
    end: Position


class SpanTree(Protocol):
    """The positions of a document's keys and values, asked for by config path."""

    def span(self, path: ConfigPath, *, key: bool = False) -> Span:
        """Return where the value at `path` stands, or with `key` where its key does.

        A path that leads further than the document does gives its nearest known ancestor:
        a missing key is the fault of the mapping that lacks it. An element of a sequence has
        no key: `key` makes no difference to it.
        """


@dataclass(frozen=True, eq=False)
class SourceMap:
    """A text that was read: its name in messages, its lines, and where its values stand."""

    name: str
    text: str
    tree: SpanTree

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its line break; past the end, the empty string.

        Lines end where YAML and editors end them: at a line feed, a carriage return, or both.
        """
        return self._lines[number - 1] if number <= len(self._lines) else ""

    @functools.cached_property
    def _lines(self) -> list[str]:
        """The lines, split once: a text can have a finding on each of them."""
        return _LINE_BREAK.split(self.text)


_LINE_BREAK = re.compile(r"\r\n|\n|\r")


class Place(NamedTuple):
    """A config path, and where it stands in a text; plain data has neither span nor source."""

    path: ConfigPath
    span: Span | None = None
    source: str | None = None
    excerpt: str | None = None
    """The line of the text on which the span starts."""


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Sub-configs that stand one behind the other in one document."""

    start: int
    """Index in the whole list of the first of them."""
    prefix: ConfigPath
    """What leads to the list inside its document: `("pruning",)` in a two-part document."""
    first: int
    """Index of the first of them in its own document."""
    source: SourceMap | None


@dataclass(frozen=True, slots=True, eq=False)
class Provenance:
    """Where the sub-configs of a list came from; lists from several files keep theirs when joined."""

    runs: tuple[_Run, ...]
    length: int

    @classmethod
    def of(cls, length: int, source: SourceMap | None = None, prefix: ConfigPath = ()) -> Provenance:
        """Return the provenance of a list of `length` sub-configs that stands at `prefix` in `source`."""
        return cls((_Run(0, prefix, 0, source),), length)

    def __add__(self, other: Provenance) -> Provenance:
        moved = (_Run(run.start + self.length, run.prefix, run.first, run.source) for run in other.runs if other.length)
        return Provenance((*(self.runs if self.length else ()), *moved) or self.runs, self.length + other.length)

    def picked(self, indices: range) -> Provenance:
        """Return the provenance of the list of the sub-configs at `indices`, in that order."""
        runs: list[_Run] = []
        for start, index in enumerate(indices):
            found = self._run(index)
            run = _Run(start, found.prefix, found.first + index - found.start, found.source)
            last = runs[-1] if runs else None
            if last is None or last.source is not run.source or last.first + start - last.start != run.first:
                runs.append(run)
        return Provenance(tuple(runs) or self.runs[:1], len(indices))

    def place(self, path: ConfigPath, *, key: bool = False) -> Place:
        """Return where `path` (from the top of the list) stands: the value there, or with `key` its key.

        The path that is shown has the index of the whole list; the span is looked up in the file
        that the sub-config came from.
        """
        index = path[0] if path and isinstance(path[0], int) else 0
        run = self._run(index)
        shown = run.prefix + path
        if run.source is None:
            return Place(shown)
        inside = run.prefix + path
        if path and isinstance(path[0], int):
            inside = (*run.prefix, run.first + index - run.start, *path[1:])
        return place_in(run.source, inside, key=key)._replace(path=shown)

    def _run(self, index: int) -> _Run:
        return self.runs[bisect.bisect_right(self.runs, index, key=lambda run: run.start) - 1]


def place_in(source: SourceMap, path: ConfigPath, *, key: bool = False) -> Place:
    """Return where `path` stands in the document `source`."""
    span = source.tree.span(path, key=key)
    return Place(path, span, source.name, source.line(span.start.line))
