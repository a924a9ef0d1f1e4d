"""What reading a text gives: the value, the place of everything in it, and what is wrong with the text itself."""

from __future__ import annotations

import bisect
import gc
import re
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from compression_config.findings import MOST_FINDINGS, Code, Finding, Severity, Shortlist
from compression_config.locations import ConfigPath, Place, Position, SourceMap, Span, SpanTree

__all__ = [
    "DEFAULT_LIMITS",
    "HALF_A_CHARACTER",
    "LINE_BREAK",
    "SPLIT_THE_LIST",
    "SURROGATE",
    "TOO_MUCH_MEMORY",
    "Collector",
    "Document",
    "Explained",
    "Limits",
    "Lines",
    "Stop",
    "not_read",
    "paused_collector",
    "quoted",
    "read_within",
]

LINE_BREAK = re.compile(r"\r\n|\n|\r")
"""What ends a line; the same as in `SourceMap.line`, although YAML 1.1 knew three more."""
_SHOWN = 60
"""How many characters of a text a message shows."""
SURROGATE = re.compile("[\ud800-\udfff]")
HALF_A_CHARACTER = ("half of a surrogate pair is not a character", "write both halves of the pair, or delete it")
"""Message and hint about a lone surrogate in a string: it could not be written to any file."""
TOO_MUCH_MEMORY = "the document does not fit into memory"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a document may hold (D15); what exceeds a limit is the finding `too-large`.

    They are far above what a config list needs, and bound time and memory for any text.
    """

    bytes: int = 16 * 2**20
    """Size of the file; for a string, its size in UTF-8. Checked before anything is read."""
    elements: int = 100_000
    """Length of any one list or mapping, and so the number of sub-configs."""
    depth: int = 64
    """How deep lists and mappings nest, aliases followed; the outermost has depth 1."""
    nodes: int = 4_000_000
    """Number of keys, scalars, lists and mappings, each alias and each merge counted as if written out."""
    number: int = 500
    """Length of one number, in characters; below what Python refuses to convert or to print."""
    findings: int = MOST_FINDINGS
    """Number of findings that are reported; one more counts the rest (D22)."""

    @property
    def size_message(self) -> str:
        """The message about a text of too many bytes."""
        return f"a document has at most {self.bytes:,} bytes"


DEFAULT_LIMITS = Limits()
SPLIT_THE_LIST = "split the list into several files"


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A text that was read, or could not be.

    A scalar that could not be read is None in `value`, with a finding at its place.
    """

    value: object
    """Plain data: dict, list, str, int, float, bool, None. Lists and dicts that a YAML alias or merge
    refers to are the same objects at each place, so they must not be changed. None when the text is empty
    or could not be read."""
    source: SourceMap
    """The text (without a byte order mark), its name, and the places of its keys and values."""
    findings: tuple[Finding, ...]
    """What is wrong with the text itself, in its order."""
    complete: bool
    """False when the document was not read to its end; then `value` is None: there is nothing to validate."""
    unread: frozenset[Span] = frozenset()
    """The spans of the values that None replaces: each has its finding, and needs no second one."""

    @property
    def positions(self) -> SpanTree:
        """The same as `source.tree`."""
        return self.source.tree


@contextmanager
def paused_collector() -> Iterator[None]:
    """Keep the cyclic garbage collector from running inside the `with` block.

    It would search the growing data again and again for cycles that cannot be there: half of the time
    that reading takes. A collector that was off stays off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Lines:
    """The lines of a text. Lines and columns count from 1, columns in characters."""

    __slots__ = ("_last", "_starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: array[int] | None = None
        self._last = (0, "")

    def position(self, index: int) -> Position:
        """Return line and column of the character at `index`; the end of the text has a position too."""
        if 0 < index < len(self.text) and self.text[index - 1 : index + 1] == "\r\n":
            index -= 1  # there is no column between the two halves of a line break
        starts = self._line_starts()
        row = bisect.bisect_right(starts, index)
        return Position(row, index - starts[row - 1] + 1)

    def span(self, start: int, end: int) -> Span:
        """Return the span of the characters from index `start` up to, not including, `end`."""
        return Span(self.position(start), self.position(end))

    def index(self, position: Position) -> int:
        """Return the index of the character at `position`."""
        return self._line_starts()[position.line - 1] + position.column - 1

    def line(self, number: int) -> str:
        """Return line `number` without its line break.

        Asked again for the same line it returns the same object: a thousand findings on one line of
        many megabytes share it.
        """
        if self._last[0] != number:
            start = self._line_starts()[number - 1]
            found = LINE_BREAK.search(self.text, start)
            self._last = (number, self.text[start : found.start() if found else len(self.text)])
        return self._last[1]

    def _line_starts(self) -> array[int]:
        # Made when the first position is asked for: most documents have no finding.
        if self._starts is None:
            self._starts = array("Q", [0])
            self._starts.extend(found.end() for found in LINE_BREAK.finditer(self.text))
        return self._starts


class Explained(NamedTuple):
    """An error of syntax, ready to become a finding."""

    message: str
    hint: str | None
    place: tuple[int, int]
    """Indices of its first character and of the one after its last."""
    code: Code = Code.SYNTAX


class Stop(Exception):
    """Reading ends here; the finding that says why has been added."""


class Collector:
    """Collects the findings of one text while it is read; beyond the limit it only counts them (D22)."""

    __slots__ = ("_beyond", "_findings", "_limits", "_unread", "lines", "name")

    def __init__(self, name: str, text: str, limits: Limits) -> None:
        self.name = name
        self.lines = Lines(text)
        self._limits = limits
        self._findings: list[Finding] = []
        self._unread: set[tuple[int, int]] = set()
        self._beyond = 0

    def add(self, code: Code, message: str, hint: str | None, path: ConfigPath, place: tuple[int, int]) -> None:
        """Add a finding about the characters of `place`: from index start up to, not including, end."""
        if len(self._findings) < self._limits.findings:
            self._append(code, message, hint, path, place)
        else:
            self._beyond += 1

    def add_repeated(
        self, name: str, path: ConfigPath, place: tuple[int, int], first: tuple[int, int], *, more: str = ""
    ) -> None:
        """Add the finding that the key `name` at `place` is that at `first` once more; `more` goes on with its hint."""
        line = self.lines.position(first[0]).line
        hint = f"delete one of the two; the first is on line {line}{more}"
        self.add(Code.DUPLICATE_KEY, f"{quoted(name)} is set twice in one mapping", hint, path, place)

    def mark_unread(self, place: tuple[int, int]) -> None:
        """Remember that the scalar at `place` cannot be read, so that None replaces it in the value."""
        self._unread.add(place)

    def is_unread(self, place: tuple[int, int]) -> bool:
        """Return whether the scalar at `place` could not be read."""
        return place in self._unread

    def stop(self, code: Code, message: str, hint: str | None, path: ConfigPath, place: tuple[int, int]) -> Stop:
        """Add the finding that ends reading, limit or not; the caller raises what this returns."""
        self._append(code, message, hint, path, place)
        return Stop()

    def too_deep(self, index: int) -> Stop:
        """Return the end of reading at the bracket or dash at `index`, which nests too deep."""
        message = f"lists and mappings nest at most {self._limits.depth} deep"
        # Without its path, which would be as long as it is useless.
        return self.stop(Code.TOO_LARGE, message, "close what is open, or nest less", (), (index, index + 1))

    def too_long(self, path: ConfigPath, place: tuple[int, int], *, is_list: bool) -> Stop:
        """Return the end of reading at the first element or key too many of the list or mapping at `path`."""
        kind, parts = ("list", "elements") if is_list else ("mapping", "keys")
        message = f"a {kind} has at most {self._limits.elements:,} {parts}"
        return self.stop(Code.TOO_LARGE, message, SPLIT_THE_LIST, path, place)

    def too_many_nodes(self, path: ConfigPath, place: tuple[int, int]) -> Stop:
        """Return the end of reading at the key or value at `path` that exceeds the number of nodes."""
        message = f"a document has at most {self._limits.nodes:,} keys and values, aliases and merges written out"
        hint = f"write fewer aliases of aliases, or {SPLIT_THE_LIST}"
        return self.stop(Code.TOO_LARGE, message, hint, path, place)

    def too_long_number(self, written: str) -> tuple[Code, str, str]:
        """Return code, message and hint for a number of too many characters."""
        message = f"a number has at most {self._limits.number:,} characters, not {len(written):,}"
        return Code.TOO_LARGE, message, "write a shorter number"

    def refuse_characters(self, pattern: re.Pattern[str]) -> None:
        """Raise `Stop` when `pattern` matches a character of the text, after a finding at the first of them."""
        found = pattern.search(self.lines.text)
        if found is None:
            return
        character = found[0]
        message = f"the character U+{ord(character):04X} is not allowed in a document"
        more = self.lines.text.count(character) - 1
        hint = "save the file as text in UTF-8" if character == "\0" else "delete it"
        hint += f", and the {more:,} others like it" if more and character != "\0" else ""
        raise self.stop(Code.SYNTAX, message, hint, (), found.span())

    def document(self, value: object, tree: SpanTree) -> Document:
        """Return the document with what was found; without its value when there are too many findings."""
        findings = sorted(self._findings, key=_by_place)
        if self._beyond:
            shortlist = Shortlist(len(findings))
            for finding in findings:
                shortlist.add(finding)
            shortlist.omit(Severity.ERROR, self._beyond)
            source = SourceMap(self.name, self.lines.text, _Nowhere())
            return Document(None, source, shortlist.findings(), complete=False)
        unread = frozenset(self.lines.span(*place) for place in self._unread)
        source = SourceMap(self.name, self.lines.text, tree)
        return Document(value, source, tuple(findings), complete=True, unread=unread)

    def failed(self) -> Document:
        """Return the document of a text that could not be read to its end."""
        source = SourceMap(self.name, self.lines.text, _Nowhere())
        return Document(None, source, tuple(sorted(self._findings, key=_by_place)), complete=False)

    def _append(self, code: Code, message: str, hint: str | None, path: ConfigPath, place: tuple[int, int]) -> None:
        span = self.lines.span(*place)
        where = Place(path, span, self.name, self.lines.line(span.start.line))
        self._findings.append(Finding.at(where, code, message, hint))


class _Nowhere:
    """The places of a document that was not read: its start for every path."""

    def span(self, path: ConfigPath, *, key: bool = False) -> Span:  # noqa: ARG002 -- see `SpanTree.span`
        return _START


_START = Span(Position(1, 1), Position(1, 1))


def _by_place(finding: Finding) -> Span:
    return finding.span or _START


def not_read(name: str, code: Code, message: str, hint: str | None = SPLIT_THE_LIST) -> Document:
    """Return the document of a text or file of which nothing was read; its finding has no position."""
    finding = Finding.at(Place((), None, name), code, message, hint)
    return Document(None, SourceMap(name, "", _Nowhere()), (finding,), complete=False)


def read_within(
    limits: Limits,
    text: str,
    name: str,
    read: Callable[[str, Collector, Limits], Document],
    *,
    refused: re.Pattern[str],
) -> Document:
    """Return the document that `read` makes of `text`, or that says which limit or which `refused` character it has.

    `read` is given the text without a byte order mark, and a collector; it raises `Stop` where reading ends.
    """
    if len(text) > limits.bytes or len(text.encode("utf-8", "surrogatepass")) > limits.bytes:
        return not_read(name, Code.TOO_LARGE, limits.size_message)
    text = text.removeprefix("\ufeff")
    collector = Collector(name, text, limits)
    try:
        collector.refuse_characters(refused)
        with paused_collector():
            return read(text, collector, limits)
    except Stop:
        return collector.failed()
    except (MemoryError, RecursionError):
        return not_read(name, Code.TOO_LARGE, TOO_MUCH_MEMORY)


def quoted(text: str) -> str:
    """Return `text` for a message: in single quotes, on one line, and not too long."""
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return f"'{shown}'" if shown.isprintable() else repr(shown)
