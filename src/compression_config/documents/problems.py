"""Findings about a text while it is being read, and the end of reading it."""

from __future__ import annotations

import re

from compression_config.documents.document import Document, Limits
from compression_config.documents.positions import Lines, Positions, Spot, make_spot
from compression_config.findings import Code, Finding
from compression_config.locations import ConfigPath, Place, Position, SourceMap, Span

__all__ = ["Problems", "Stop", "not_read", "oversized", "quoted", "size_words"]

_SHOWN = 60
"""How many characters of a text a message shows."""


class Stop(Exception):
    """Reading ends here; what is wrong has been said."""


class Problems:
    """Collects the findings of one text; at the limit it ends the reading."""

    __slots__ = ("_findings", "_limit", "lines", "name", "unread")

    def __init__(self, name: str, text: str, limits: Limits) -> None:
        self.name = name
        self.lines = Lines(text)
        self.unread: set[Spot] = set()
        """Spots of scalars that None stands in for."""
        self._findings: list[Finding] = []
        self._limit = limits.findings

    def add(self, code: Code, message: str, hint: str | None, path: ConfigPath, place: Spot) -> None:
        """Remember a finding at `place`. Raises `Stop` when there are too many."""
        span = self.lines.span(place)
        self._append(span, path, code, message, hint)
        if len(self._findings) >= self._limit:
            text = f"reading stopped after {self._limit:,} findings"
            self._append(span, path, Code.TOO_LARGE, text, "mend these first")
            raise Stop

    def stop(self, code: Code, message: str, hint: str | None, path: ConfigPath, place: Spot) -> Stop:
        """Remember a finding after which there is no going on; the caller raises what this returns."""
        self._append(self.lines.span(place), path, code, message, hint)
        return Stop()

    def refuse_characters(self, pattern: re.Pattern[str]) -> None:
        """Raise `Stop` when `pattern` finds a character in the text, after a finding at the first of them."""
        found = pattern.search(self.lines.text)
        if found is None:
            return
        character = found[0]
        message = f"the character U+{ord(character):04X} may not stand in a document"
        more = self.lines.text.count(character) - 1
        hint = "save the file as text in UTF-8" if character == "\0" else "delete it"
        hint += f", and the {more:,} others like it" if more and character != "\0" else ""
        raise self.stop(Code.SYNTAX, message, hint, (), make_spot(found.start(), found.end()))

    def document(self, value: object, positions: Positions, *, complete: bool) -> Document:
        """Return the document with these findings; without a value when it is not complete."""
        if not complete:
            value, positions = None, Positions(None, self.lines, make_spot(0, 0))
        source = SourceMap(self.name, self.lines.text, positions)
        findings = sorted(self._findings, key=_by_place)
        unread = frozenset(map(self.lines.span, self.unread))
        return Document(value, source, tuple(findings), complete, positions, unread)

    def failed(self) -> Document:
        """Return the document of a text that could not be read to its end."""
        return self.document(None, Positions(None, self.lines, make_spot(0, 0)), complete=False)

    def _append(self, span: Span, path: ConfigPath, code: Code, message: str, hint: str | None) -> None:
        place = Place(path, span, self.name, self.lines.line(span.start.line))
        self._findings.append(Finding.at(place, code, message, hint))


def _by_place(finding: Finding) -> Span:
    return finding.span or _START


_START = Span(Position(1, 1), Position(1, 1))


def not_read(name: str, code: Code, message: str, hint: str | None) -> Document:
    """Return the document of a text or file that was not even begun; its finding has no position."""
    finding = Finding.at(Place((), None, name), code, message, hint)
    positions = Positions(None, Lines(""), make_spot(0, 0))
    return Document(None, SourceMap(name, "", positions), (finding,), complete=False, positions=positions)


def oversized(text: str, name: str, limits: Limits) -> Document | None:
    """Return the document that says that `text` is beyond the limit of bytes, or None when it is not."""
    if len(text) <= limits.bytes and len(text.encode("utf-8", "surrogatepass")) <= limits.bytes:
        return None
    return not_read(name, Code.TOO_LARGE, *size_words(limits))


def size_words(limits: Limits) -> tuple[str, str]:
    """Return message and hint for a document of too many bytes."""
    return f"a document has at most {limits.bytes:,} bytes", "split the list into several files"


def quoted(text: str) -> str:
    """Return `text` for a message: in single quotes, on one line, and not too long."""
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return f"'{shown}'" if shown.isprintable() else repr(shown)
