"""Python scripts: the lists of dicts that are written in them, as data with places. Nothing of a script runs."""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from compression_config.documents.comments import python_comments
from compression_config.documents.document import DEFAULT_LIMITS, LINE_BREAK, Limits
from compression_config.documents.script_evaluator import evaluated
from compression_config.documents.script_values import Items, Keys, Unknown, Value, plain
from compression_config.findings import Code, Finding
from compression_config.locations import ConfigPath, IgnoreComment, Place, Position, SourceMap, Span

__all__ = ["Script", "ScriptList", "Unknown", "has_unknown", "is_python", "keys_in_use", "read_script"]

_MAGIC = re.compile(r"([ \t]*+)(?:(?:[\w, \t]+=[ \t]*)?[%!?].*|[\w.]+\?\??[ \t]*)")
"""A line that only notebooks understand: `%matplotlib inline`, `!pip install nni`, `files = !ls`, `model?`."""
_MAGICS = 100
"""How many such lines a script has at most; each of them costs one more parse."""
_VALUES = 300_000
"""How many values the lists of one script have at most; what is beyond is unknown."""


class ScriptList:
    """A list of dicts in a script. Its value is computed when it is asked for: most lists are parts of others."""

    def __init__(
        self, made: Items, name: str, places: _Places, comments: tuple[IgnoreComment, ...], budget: list[int]
    ) -> None:
        self._made = made
        self._budget = budget
        self.name: ConfigPath = made.name or made.scope
        """The functions and classes around it and what it is bound to: `("main", "config_list")`.

        Two lists can have the same name. A list that is bound to nothing has the name of the function around it.
        """
        self.bound = made.name is not None
        """Whether it is bound to something."""
        self.reported = not made.absorbed
        """False where another list of the script has all its elements."""
        tree = _Tree(made, self.name, places)
        self.source = SourceMap(name, places.text, tree, notation="python", comments=comments)
        """Finds a place by the path of the value, with `name` before it."""
        self.span = places.span(made.node)

    @functools.cached_property
    def value(self) -> list[object]:
        """Plain data, with `Unknown` for what the script does not show.

        A dict that is open has some of its keys.
        """
        return [
            {str(key): plain(inner, self._budget) for key, (_, inner) in part.parts.items()}
            if isinstance(part, Keys)
            else plain(part, self._budget)
            for part in self._made.parts
        ]

    @property
    def open_dicts(self) -> frozenset[int]:
        """The indices of the dicts that may have other keys as well, and may lack some of theirs."""
        parts = enumerate(self._made.parts)
        return frozenset(index for index, part in parts if isinstance(part, Keys) and part.open)

    @property
    def conditional(self) -> frozenset[int]:
        """The indices of the dicts that are made only under conditions, which the list as a whole does not need."""
        parts = enumerate(self._made.parts)
        return frozenset(index for index, part in parts if isinstance(part, Keys) and part.depth > self._made.depth)

    @functools.cached_property
    def complete(self) -> bool:
        """Whether everything about it is known: it is what the script makes."""
        return self._made.closed and not self.open_dicts and not has_unknown(self.value)

    def open_all(self) -> None:
        """Remember that any of the dicts may have other keys as well."""
        for part in self._made.parts:
            if isinstance(part, Keys):
                part.open = True


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """A Python script that was read, or could not be."""

    name: str
    lists: tuple[ScriptList, ...] = ()
    """In the order of the text."""
    assigned_keys: frozenset[str] = frozenset()
    """Keys that the script assigns to in dicts that are not known: they may be those of the lists."""
    problem: Finding | None = None
    """Why nothing was read of it, or None."""


def read_script(
    text: str, name: str, wanted: Callable[[Collection[str]], bool], limits: Limits = DEFAULT_LIMITS
) -> Script:
    """Return the lists in the script `text` in which the keys of at least one dict are `wanted`.

    >>> script = read_script("rate = 0.5; layers = [{'sparsity': rate}]", "a.py", lambda keys: "sparsity" in keys)
    >>> script.lists[0].value
    [{'sparsity': 0.5}]
    """
    tree = _parsed(text, name)
    if isinstance(tree, Finding):
        return Script(name, problem=tree)
    places = _Places(text)
    found = evaluated(tree)
    comments = python_comments(text, tree, places.span)
    budget = [min(_VALUES, limits.nodes)]
    lists = [
        ScriptList(made, name, places, comments, budget)
        for made in found.lists
        if any(wanted([key for key in part.parts if isinstance(key, str)]) for part in _dicts(made))
    ]
    lists.sort(key=lambda each: each.span)
    return Script(name, tuple(lists), found.assigned_keys)


def is_python(text: str) -> bool:
    """Return whether a script can be parsed, with what only notebooks understand."""
    return not isinstance(_parsed(text, ""), Finding)


def keys_in_use(text: str) -> frozenset[str]:
    """Return the strings with which a script looks something up in a dict, sets it there, or asks if it is there."""
    tree = _parsed(text, "")
    found: set[str] = set()
    for node in () if isinstance(tree, Finding) else ast.walk(tree):
        key: ast.AST | None = None
        if isinstance(node, ast.Subscript):
            key = node.slice
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            key = node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOOK_UPS:
            key = node.args[0] if node.args else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            found.add(key.value)
    return frozenset(found)


_LOOK_UPS = ("get", "pop", "setdefault")


def _dicts(made: Items) -> Iterator[Keys]:
    return (part for part in made.parts if isinstance(part, Keys))


def _parsed(text: str, name: str) -> ast.Module | Finding:
    """Return the syntax tree of a script, or the finding that it has none."""
    problem: SyntaxError | None = None
    lines: list[str] | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in its strings, for instance
        for _ in range(_MAGICS):
            try:
                return ast.parse(text if lines is None else "\n".join(lines))
            except SyntaxError as error:
                problem = error
                lines = lines or LINE_BREAK.split(text)
                row = (error.lineno or 0) - 1
                magic = _MAGIC.fullmatch(lines[row]) if 0 <= row < len(lines) else None
                if magic is None:
                    break
                lines[row] = f"{magic[1]}pass"
            except (ValueError, RecursionError, MemoryError):
                break
    return _syntax_finding(problem, text, name)


def _syntax_finding(error: SyntaxError | None, text: str, name: str) -> Finding:
    """Return the finding for the error of Python's parser; None where it gave up without one."""
    lines = LINE_BREAK.split(text)
    row = min(max((error and error.lineno) or 1, 1), len(lines))
    excerpt = lines[row - 1]
    column = min(max((error and error.offset) or 1, 1), len(excerpt) + 1)
    place = Place((), Span(Position(row, column), Position(row, column)), name, excerpt)
    message = f"invalid Python: {error.msg}" if error else "the script cannot be parsed"
    return Finding.at(place, Code.SYNTAX, message, "write Python 3; scripts in Python 2 are not read")


def has_unknown(value: object) -> bool:
    """Return whether anything inside plain data is unknown."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Unknown):
            return True
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
    return False


class _Places:
    """The spans of syntax nodes, whose columns Python counts in bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = LINE_BREAK.split(text)

    def span(self, node: ast.AST) -> Span:
        """Return the span of a node; that of its name for a keyword argument."""
        start = self._position(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
        if isinstance(node, ast.keyword) and node.arg is not None:
            return Span(start, Position(start.line, start.column + len(node.arg)))
        return Span(start, self._position(getattr(node, "end_lineno", 1), getattr(node, "end_col_offset", 0)))

    def _position(self, row: int, offset: int) -> Position:
        line = self._lines[row - 1]
        prefix = line if line.isascii() else line.encode(errors="surrogatepass")[:offset].decode(errors="replace")
        return Position(row, min(offset, len(line)) + 1 if line.isascii() else len(prefix) + 1)


class _Tree:
    """The `SpanTree` of one list: `path` leads to it."""

    def __init__(self, made: Items, path: ConfigPath, places: _Places) -> None:
        self._made = made
        self._path = path
        self._places = places

    def span(self, path: ConfigPath, *, key: bool = False) -> Span:
        """Return the place of the value at `path`, or with `key` of its key; see `SpanTree.span`."""
        value: Value = self._made
        node: ast.AST = self._made.node
        key_node: ast.AST | None = None
        for step in path[len(self._path) :]:
            if isinstance(value, Items) and isinstance(step, int) and 0 <= step < len(value.parts):
                key_node, value = None, value.parts[step]
            elif isinstance(value, Keys) and step in value.parts:
                key_node, value = value.parts[step]
            else:
                key_node = None
                break
            node = value.node or key_node or node  # an unknown value may have no place of its own
        return self._places.span(key_node if key and key_node is not None else node)
