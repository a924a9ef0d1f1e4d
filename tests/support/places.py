"""Places in texts, found without the code under test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compression_config.documents import Document
from compression_config.locations import ConfigPath, Position, Span

__all__ = ["index_of", "paths", "slice_of", "source_at"]


def index_of(text: str, position: Position) -> int:
    """Return where a position is in the text, counted by splitting it into its lines."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text.removeprefix("\ufeff"))
    assert 1 <= position.line <= len(lines)
    assert 1 <= position.column <= len(lines[position.line - 1].rstrip("\r\n")) + 1
    return sum(map(len, lines[: position.line - 1])) + position.column - 1


def slice_of(text: str, span: Span) -> str:
    """Return what a span covers."""
    start, end = index_of(text, span.start), index_of(text, span.end)
    assert start <= end
    return text.removeprefix("\ufeff")[start:end]


def source_at(document: Document, text: str, *path: str | int, key: bool = False) -> str:
    return slice_of(text, document.source.tree.span(path, key=key))


def paths(value: object, path: ConfigPath = ()) -> Iterator[ConfigPath]:
    """Every path in a value that is not shared too often."""
    yield path
    steps: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from paths(inner, (*path, step))
