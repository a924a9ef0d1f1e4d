"""JSON text to a document: strict as RFC 8259, and stricter where it leaves a choice: no repeated key, no NaN (D15).

The standard library parses. Only where it finds fault does a scanner look for the place and the reason, and the
places of keys and values are looked for when one is asked for.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from compression_config.documents.document import (
    DEFAULT_LIMITS,
    HALF_A_CHARACTER,
    SURROGATE,
    Collector,
    Document,
    Explained,
    Limits,
    Lines,
    Stop,
    quoted,
    read_within,
)
from compression_config.findings import Code
from compression_config.locations import ConfigPath, Span

__all__ = ["read_json"]

_DEEPEST_STACK = 5_000
"""`json` recurses on the C stack: where a program has raised Python's limit above this, the depth is checked first."""


def read_json(text: str, name: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Return the document that the JSON `text` is; findings use `name` as its file name.

    A byte order mark is accepted. Raises nothing: whatever is wrong with `text` is in the findings. D15, D22.

    >>> read_json('[{"op_types": ["Linear"], "exclude": true}]', "a.json").value
    [{'op_types': ['Linear'], 'exclude': True}]
    >>> [finding.message for finding in read_json('[1, 2,]', "a.json").findings]
    ['a trailing comma is not allowed']
    """
    return read_within(limits, text, name, _document, refused=SURROGATE)


def _document(text: str, collector: Collector, limits: Limits) -> Document:
    value, is_doubtful = _parsed(text, collector, limits)
    tree = _JsonTree(collector.lines)
    if is_doubtful:
        value = _Checking(tree, collector, limits).checked(value, ())
    return collector.document(value, tree)


def _parsed(text: str, collector: Collector, limits: Limits) -> tuple[object, bool]:
    """Return the value of `text`, and whether something in it has to be looked at. Raises `Stop`."""
    doubts: list[object] = []
    # Each value has its comma or bracket: so many of them could fill memory before anything is counted.
    if sys.getrecursionlimit() > _DEEPEST_STACK or sum(map(text.count, ",[{")) > limits.nodes:
        _Scanner(text, collector, limits).scan()

    def mapping(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        doubts.append(pairs)
        return _Repeating(pairs)

    def unreadable(written: str) -> _Unreadable:
        doubts.append(written)
        return _Unreadable(written)

    def whole_number(written: str) -> int | _Unreadable:
        return int(written) if len(written) <= limits.number else unreadable(written)

    def real_number(written: str) -> float | _Unreadable:
        return float(written) if len(written) <= limits.number else unreadable(written)

    try:
        value = json.loads(
            text,
            object_pairs_hook=mapping,
            parse_constant=unreadable,
            parse_int=whole_number,
            parse_float=real_number,
        )
    except json.JSONDecodeError as error:
        _Scanner(text, collector, limits).scan()
        place = (error.pos, min(error.pos + 1, len(text)))
        raise collector.stop(Code.SYNTAX, f"invalid JSON: {error.msg}", None, (), place) from None
    except RecursionError:
        _Scanner(text, collector, limits).scan()
        raise
    if not _is_within(value, limits):
        _Scanner(text, collector, limits).scan()
    return value, bool(doubts) or _SURROGATE_ESCAPE.search(text) is not None


_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class _Unreadable:
    """A number that cannot be used, as it is written."""

    def __init__(self, written: str) -> None:
        self.written = written


class _Repeating(dict[str, object]):
    """A mapping in which a key is repeated."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _is_within(value: object, limits: Limits) -> bool:
    """Return whether `value` keeps the limits of depth, length and number of nodes; level by level."""
    nodes, depth = 1, 0
    level = [value]
    while level:
        collections = [item for item in level if isinstance(item, (list, dict))]
        depth += bool(collections)
        level = []
        for collection in collections:
            if isinstance(collection, dict):
                nodes += len(collection)
                level += collection.values()
            else:
                level += collection
            nodes += len(collection)
            if len(collection.pairs if isinstance(collection, _Repeating) else collection) > limits.elements:
                return False
        if nodes > limits.nodes or depth > limits.depth:
            return False
    return True


# Places.


class _Children(NamedTuple):
    """The places of what is in a list or mapping, in the order of the text: indices of first character and end."""

    names: list[str]
    """Empty for a list."""
    keys: list[tuple[int, int]]
    values: list[tuple[int, int]]
    first: dict[str, int]
    """The index of each key in the lists above, of a repeated one the first."""


_SPACE = re.compile(r"[ \t\n\r]*")
# Only ends are looked for: a number of a million digits must not be converted.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


class _JsonTree:
    """The `SpanTree` of a JSON text without an error of syntax. A list or mapping is scanned when it is asked for."""

    __slots__ = ("_known", "_root", "lines")

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self._root: tuple[int, int] | None = None
        self._known: dict[int, _Children] = {}

    def span(self, path: ConfigPath, *, key: bool = False) -> Span:
        """Return the place of the value at `path`, or with `key` of its key; see `SpanTree.span`."""
        return self.lines.span(*self.place(path, key=key))

    def place(self, path: ConfigPath, *, key: bool = False) -> tuple[int, int]:
        """Return the indices of that value's or key's first character and of the one after its last."""
        text = self.lines.text
        if self._root is None:
            self._root = (self._after_space(0), len(text.rstrip(" \t\n\r")))
        place = self._root
        key_place = None
        for step in path:
            opening = text[place[0]]
            children = self.children(place[0]) if opening in "[{" else None
            if children and opening == "[" and isinstance(step, int) and 0 <= step < len(children.values):
                key_place, place = None, children.values[step]
            elif children and isinstance(step, str) and step in children.first:
                index = children.first[step]
                key_place, place = children.keys[index], children.values[index]
            else:
                return place
        return key_place if key and key_place else place

    def children(self, start: int) -> _Children:
        """Return the places in the list or mapping whose bracket is at `start`."""
        found = self._known.get(start)
        if found is None:
            found = self._known[start] = self._scanned(start)
        return found

    def _scanned(self, start: int) -> _Children:
        text = self.lines.text
        found = _Children([], [], [], {})
        index = self._after_space(start + 1)
        while text[index] not in "]}":
            if text[start] == "{":
                name, end = _DECODER.raw_decode(text, index)
                found.first.setdefault(name, len(found.names))
                found.names.append(name)
                found.keys.append((index, end))
                index = self._after_space(self._after_space(end) + 1)
            end = _DECODER.raw_decode(text, index)[1]
            found.values.append((index, end))
            index = self._after_space(end)
            if text[index] == ",":
                index = self._after_space(index + 1)
        return found

    def _after_space(self, index: int) -> int:
        found = _SPACE.match(self.lines.text, index)
        return found.end() if found else index


# What JSON allows and a config list does not.


class _Checking:
    """Finds repeated keys, unreadable numbers and halves of characters in a value that was parsed."""

    def __init__(self, tree: _JsonTree, collector: Collector, limits: Limits) -> None:
        self._tree = tree
        self._collector = collector
        self._limits = limits

    def checked(self, value: object, path: ConfigPath, place: tuple[int, int] | None = None) -> object:
        """Return the value at `path` without what is wrong with it, after a finding for each."""
        place = place or self._tree.place(path)
        if isinstance(value, _Unreadable):
            self._collector.mark_unread(place)
            self._collector.add(*self._about_number(value.written), path, place)
            return None
        if isinstance(value, str):
            return self._checked_text(value, path, place)
        if isinstance(value, list):
            places = self._tree.children(place[0]).values
            return [
                self.checked(item, (*path, index), inner)
                for index, (item, inner) in enumerate(zip(value, places, strict=True))
            ]
        return self._checked_mapping(value, path, place) if isinstance(value, dict) else value

    def _checked_mapping(self, value: dict[str, object], path: ConfigPath, place: tuple[int, int]) -> object:
        children = self._tree.children(place[0])
        pairs = value.pairs if isinstance(value, _Repeating) else value.items()
        result: dict[str, object] = {}
        for (name, item), key, inner in zip(pairs, children.keys, children.values, strict=True):
            known = self._checked_text(name, path, key)
            if name in result:
                self._collector.add_repeated(name, (*path, name), key, children.keys[children.first[name]])
                self.checked(item, (*path, name), inner)
            else:
                result[known] = self.checked(item, (*path, name), inner)
        return result

    def _checked_text(self, text: str, path: ConfigPath, place: tuple[int, int]) -> str:
        if not SURROGATE.search(text):
            return text
        self._collector.add(Code.SYNTAX, *HALF_A_CHARACTER, path, place)
        return SURROGATE.sub("\ufffd", text)

    def _about_number(self, written: str) -> tuple[Code, str, str]:
        if len(written) > self._limits.number:
            return self._collector.too_long_number(written)
        return Code.SYNTAX, f"{quoted(written)} is not valid JSON", "write a number"


# Where the first error is, and why.

_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:([\[\]{},:])"""
    r"""|("(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")"""
    r"""|([^\s,:\[\]{}"'/#]++)|)"""
)
_LITERAL = re.compile(r"true|false|null|NaN|-?Infinity|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NUMBER_OF_YAML = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_COMMENT = re.compile(r"//[^\n\r]*|#[^\n\r]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_ODD_SPACE = re.compile(r"[^\S \t\n\r]+|\ufeff+")
_SINGLE_QUOTED = re.compile(r"'((?:[^'\\\n\r]++|\\[^\n\r])*+)'")
_CLOSED_ON_LINE = re.compile(r'"((?:[^"\\\n\r]++|\\[^\n\r])*+)"')
_FAULT_IN_STRING = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(\\.|[\x00-\x1f])', re.DOTALL)
_AFTER_TEXT = re.compile(r"[,:\]}]")

_OF_OTHER_LANGUAGES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("True", "TRUE"), "true")
    | dict.fromkeys(("False", "FALSE"), "false")
    | dict.fromkeys(("None", "NULL", "Null", "~", "undefined"), "null")
    | dict.fromkeys(("nan", "NAN", "inf", "-inf", "+Infinity"), "a number")
)
_CLOSING: Mapping[str, str] = MappingProxyType({"[": "]", "{": "}"})
_SHOWN = 60
"""How long a text a hint repeats."""

_FIRST, _NEXT, _KEY_END, _VALUE, _END = range(5)
"""What comes next: an element or a closing bracket, an element after a comma, a colon, the value of a key or of the
document, and a comma or closing bracket or the end of the text."""


class _Open:
    """A list or mapping that is open."""

    __slots__ = ("count", "key", "opening", "start")

    def __init__(self, opening: str, start: int) -> None:
        self.opening = opening
        self.start = start
        self.count = 0
        self.key: str | None = None
        """The latest key of a mapping."""


class _Scanner:
    """Reads a text token by token, without recursion, up to the first error of syntax or limit."""

    def __init__(self, text: str, collector: Collector, limits: Limits) -> None:
        self._text = text
        self._collector = collector
        self._limits = limits
        self._open: list[_Open] = []
        self._state = _VALUE
        self._nodes = 0
        self._last = (0, 0)
        """The place of the latest token."""

    def scan(self) -> None:
        """Raise `Stop` at the first error or limit, after its finding; a sound text is read to its end."""
        index = 0
        while True:
            found = _TOKEN.match(self._text, index)
            group = found.lastindex if found else None
            if found is None or group is None:
                index = found.end() if found else index
                if index == len(self._text) and self._state == _END and not self._open:
                    return
                raise self._error(index)
            start, index = found.span(group)
            token = found[group]
            if not self._takes_mark(token, start) if group == 1 else not self._takes_text(token, start, group):
                raise self._error(start)
            self._last = (start, index)

    def _takes_mark(self, mark: str, start: int) -> bool:
        """Take a bracket, a comma or a colon; return whether it may be there."""
        inner = self._open[-1] if self._open else None
        if mark in _CLOSING:
            is_key = inner is not None and inner.opening == "{" and self._state != _VALUE
            if is_key or self._state in (_KEY_END, _END):
                return False
            self._count(start)
            if len(self._open) >= self._limits.depth:
                raise self._collector.too_deep(start)
            self._open.append(_Open(mark, start))
            self._state = _FIRST
        elif mark == ":":
            if self._state != _KEY_END:
                return False
            self._state = _VALUE
        elif mark == ",":
            if inner is None or self._state != _END:
                return False
            self._state = _NEXT
        else:
            if inner is None or self._state not in (_FIRST, _END) or mark != _CLOSING[inner.opening]:
                return False
            self._open.pop()
            self._state = _END
        return True

    def _takes_text(self, token: str, start: int, group: int) -> bool:
        """Take a string (group 2) or a number or word (group 3); return whether it may be there."""
        inner = self._open[-1] if self._open else None
        if self._state in (_KEY_END, _END):
            return False
        is_key = inner is not None and inner.opening == "{" and self._state != _VALUE
        if group != 2 and (is_key or not _LITERAL.fullmatch(token)):  # noqa: PLR2004 -- see above
            return False
        self._count(start, key=json.loads(token) if is_key else None)
        self._state = _KEY_END if is_key else _END
        return True

    def _count(self, start: int, key: str | None = None) -> None:
        """Count a key or value at `start`. Raises `Stop` at a limit."""
        self._nodes += 1
        place = (start, start + 1)
        if self._nodes > self._limits.nodes:
            raise self._collector.too_many_nodes(self._path(), place)
        inner = self._open[-1] if self._open else None
        if inner is None or (inner.opening == "{" and key is None):
            return
        inner.count += 1
        inner.key = key
        if inner.count > self._limits.elements:
            raise self._collector.too_long(self._path()[:-1], place, is_list=inner.opening == "[")

    def _path(self) -> ConfigPath:
        """Return the config path of the latest value or key; before the first of a mapping that of the mapping."""
        path: list[str | int] = []
        for inner in self._open:
            step = inner.key if inner.opening == "{" else max(inner.count - 1, 0)
            if step is None:
                break
            path.append(step)
        return tuple(path)

    # The error at a token that may not be there.

    def _error(self, start: int) -> Stop:
        """Return the end of reading at `start`, where the text is not JSON."""
        message, hint, place, code = self._explained(start)
        return self._collector.stop(code, message, hint, self._path(), place)

    def _explained(self, start: int) -> Explained:
        text, character = self._text, self._text[start : start + 1]
        place = (start, min(start + 1, len(text)))
        inner = self._open[-1] if self._open else None
        if comment := _COMMENT.match(text, start):
            return Explained("JSON has no comments", "delete it, or write YAML", comment.span())
        if space := _ODD_SPACE.match(text, start):
            message = f"the character U+{ord(character):04X} is not whitespace in JSON"
            return Explained(message, "write a space", space.span())
        if not character:
            if inner is None:
                return Explained("a JSON document has a value, and this one is empty", "write []", place)
            hint = f"close it with '{_CLOSING[inner.opening]}' after the last element"
            return Explained(f"'{inner.opening}' is never closed", hint, (inner.start, inner.start + 1))
        if inner is None and self._state == _END:
            return self._after_document(character, place)
        if character in "]}" and (inner is None or character != _CLOSING[inner.opening]):
            if inner is None:
                return Explained(f"'{character}' has no opening bracket", "delete it", place)
            closing = _CLOSING[inner.opening]
            message = f"'{inner.opening}' is closed by '{closing}', not by '{character}'"
            return Explained(message, f"write '{closing}'", place)
        if self._state == _KEY_END:
            hint = "write a colon after it"
            return Explained("a key is followed by a colon and its value", hint, self._last)
        if self._state == _END:
            return self._missing_comma(character, start)
        if character in ",]}":
            if self._state == _VALUE:
                return Explained("a key is followed by a colon and its value", "write the value", place)
            if character == ",":
                return Explained("unexpected ','", "delete it", place)
            return Explained("a trailing comma is not allowed", "delete it", self._last)
        return self._wrong_text(character, start)

    def _after_document(self, character: str, place: tuple[int, int]) -> Explained:
        if character in "]}":
            return Explained(f"'{character}' has no opening bracket", "delete it", place)
        if character in ",:":
            return Explained("the document ends before this", "delete it", place)
        message = "a file holds one document, and a second one starts here"
        return Explained(message, "put all of it into one list: [ ]", place, Code.SEVERAL_DOCUMENTS)

    def _missing_comma(self, character: str, start: int) -> Explained:
        last = self._text[slice(*self._last)]
        if start == self._last[1] and last.startswith('"') and character.isalnum() and _AFTER_TEXT.search(last):
            # Its closing quote is meant to open the next string: it should have ended before the comma or bracket.
            place = (self._last[0], self._last[0] + 1)
            return Explained("the quote is never closed", 'write " at the end of the string', place)
        if character == ":":
            return Explained("unexpected ':'", "write a comma", (start, start + 1))
        return Explained("elements are separated by commas", "write a comma before it", (start, start + 1))

    def _wrong_text(self, character: str, start: int) -> Explained:
        """Explain a string, word or number that is not JSON, or not a key where one is needed."""
        inner = self._open[-1] if self._open else None
        is_key = inner is not None and inner.opening == "{" and self._state != _VALUE
        what = "keys" if is_key else "strings"
        if character == '"':
            return self._wrong_string(start)
        if found := _SINGLE_QUOTED.match(self._text, start):
            return Explained(f"JSON {what} use double quotes", _in_quotes(found[1]), found.span())
        if character == "'":
            return Explained("the quote is never closed", "write ' at the end of the string", (start, start + 1))
        token = _TOKEN.match(self._text, start)
        word = token[3] if token else None
        if not word:
            missing = "key" if is_key else "value"
            return Explained(f"a {missing} is missing here", f"write the {missing}", (start, start + 1))
        place = (start, start + len(word))
        if is_key:
            return Explained("JSON keys use double quotes", _in_quotes(word), place)
        if word in _OF_OTHER_LANGUAGES:
            return Explained(f"{quoted(word)} is not valid JSON", f"write {_OF_OTHER_LANGUAGES[word]}", place)
        if _NUMBER_OF_YAML.fullmatch(word):
            return Explained(f"{quoted(word)} is not a JSON number", _as_number(word), place)
        if inner is None:
            hint = "put it in brackets, or name the file .yaml if it is YAML"
            return Explained("a JSON document starts with a bracket, and this one does not", hint, (start, start + 1))
        return Explained("JSON strings use double quotes", _in_quotes(word), place)

    def _wrong_string(self, start: int) -> Explained:
        closed = _CLOSED_ON_LINE.match(self._text, start)
        if not closed:
            return Explained("the quote is never closed", 'write " at the end of the string', (start, start + 1))
        faults = _FAULT_IN_STRING.finditer(self._text, start + 1, closed.end() - 1)
        fault = next(found for found in faults if found[1])
        if fault[1].startswith("\\"):
            message = f"{quoted(fault[1])} is not an escape in JSON"
            return Explained(message, "write \\\\ for a backslash", fault.span())
        message = f"the character U+{ord(fault[1]):04X} is allowed in a string as an escape only"
        return Explained(message, f"write {json.dumps(fault[1])[1:-1]}", fault.span())


def _in_quotes(word: str) -> str:
    return f"write {json.dumps(word)}" if len(word) <= _SHOWN else "write it in double quotes"


def _as_number(word: str) -> str:
    if len(word) > _SHOWN:
        return "write it without a leading '+' or zeros, and with digits on both sides of the point"
    return f"write {int(word) if word.lstrip('+-').isdecimal() else float(word)}"
