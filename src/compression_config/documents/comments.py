"""The comments that silence findings: `# compression-config: ignore[code]`, in YAML and in Python."""

from __future__ import annotations

import ast
import bisect
import re
from collections.abc import Callable

from compression_config.documents.document import LINE_BREAK
from compression_config.locations import IgnoreComment, Position, Span

__all__ = ["python_comments", "yaml_comments"]

_MARK = "compression-config:"
"""Most texts do not have it: then nothing else is looked at."""
_COMMENT = re.compile(r"#[ \t]*compression-config:[ \t]*ignore\b(?:\[([^\]#\r\n]*)\])?")
_WORD = re.compile(r"[^\s,]+")
_YAML_START = re.compile(
    r"""
    (?: (?<![^\s\[{,:]) (?: "(?:[^"\\]|\\.)*" | '[^']*' )  # quotes that begin a scalar
      | (?<=[^\s\[{,:]) ["'\#]                             # quotes and number signs inside a plain one
      | [^"'\#]
    )*
    (?<!\S)
    """,
    re.VERBOSE,
)
"""What is before a comment on a line of YAML."""


def yaml_comments(text: str) -> tuple[IgnoreComment, ...]:
    """Return the ignore comments of a YAML document, in its order.

    >>> [found] = yaml_comments("sparsity: 0.5  # compression-config: ignore[legacy-key]")
    >>> found.line, [code for code, _ in found.codes]
    (1, ['legacy-key'])
    """

    def start(line: str, _: int) -> int | None:
        found = _YAML_START.match(line)
        return None if found is None else found.end()

    return _comments(text, start) if _MARK in text else ()


def python_comments(text: str, tree: ast.AST, span: Callable[[ast.AST], Span]) -> tuple[IgnoreComment, ...]:
    """Return the ignore comments of a script, in its order; `span` says where in the text a node of its tree is."""
    if _MARK not in text:
        return ()
    strings: list[Span] = []
    for each in sorted(
        span(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ):
        # The constants inside an f-string are left out.
        if not strings or each.start >= strings[-1].end:
            strings.append(each)

    def is_in_string(place: Position) -> bool:
        index = bisect.bisect_right(strings, place, key=lambda each: each.start) - 1
        return index >= 0 and place < strings[index].end

    def start(line: str, number: int) -> int | None:
        signs = (found.start() for found in re.finditer("#", line))
        return next((index for index in signs if not is_in_string(Position(number, index + 1))), None)

    return _comments(text, start)


def _comments(text: str, start: Callable[[str, int], int | None]) -> tuple[IgnoreComment, ...]:
    """Return the ignore comments; `start` is the index in a line, of some number, where its comment begins if any."""
    found: list[IgnoreComment] = []
    lines = LINE_BREAK.split(text)
    about = len(lines) + 1
    for number, line in reversed(list(enumerate(lines, 1))):
        if not line.lstrip(" \t-").startswith("#"):
            about = number
        if _MARK in line and (begin := start(line, number)) is not None:
            found += (_comment(each, number, about) for each in _COMMENT.finditer(line, begin))
    return tuple(sorted(found))


def _comment(found: re.Match[str], number: int, about: int) -> IgnoreComment:
    words = _WORD.finditer(found.string, *found.span(1)) if found[1] else ()
    codes = tuple((word[0], _on_line(number, *word.span())) for word in words)
    return IgnoreComment(_on_line(number, *found.span()), codes, about)


def _on_line(number: int, start: int, end: int) -> Span:
    return Span(Position(number, start + 1), Position(number, end + 1))
