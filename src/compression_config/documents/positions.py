"""Where the keys and values of a document stand: packed while reading, spelled out only when asked for.

A document of 50,000 sub-configs has half a million keys and values, and hardly ever is more than one
of them asked for. So a reader leaves one integer for each, in lists that run parallel to the values.
"""

from __future__ import annotations

import bisect
import re
from array import array
from collections.abc import Callable
from typing import TypeAlias

from compression_config.locations import ConfigPath, Position, Span

__all__ = ["LINE_BREAK", "SPOT_BITS", "Lines", "Node", "Positions", "Spot", "make_spot"]

LINE_BREAK = re.compile(r"\r\n|\n|\r")
"""What ends a line; the same as in `SourceMap.line`, although YAML 1.1 knew three more."""

Spot: TypeAlias = int
"""A stretch of text in one integer: the index of its first character, and of the one behind its last."""

SPOT_BITS = 32
"""How many bits of a spot its end takes."""

_END = (1 << SPOT_BITS) - 1
_FEW = 8
"""Mappings of up to this many keys are searched; of larger ones the order of the keys is remembered."""


def make_spot(start: int, end: int) -> Spot:
    """Return the spot from character `start` up to, not including, character `end`."""
    return start << SPOT_BITS | end


class Node:
    """The places of one list or mapping: its own, and in its order those of its keys and values.

    The order is that of the list, or of the dict as Python iterates it. Nodes are shared where a
    YAML alias shares a value.
    """

    __slots__ = ("children", "keys", "spot")

    def __init__(self, *, keyed: bool) -> None:
        self.spot: Spot = 0
        self.keys: list[Spot] | None = [] if keyed else None
        """None for a list."""
        self.children: list[Spot | Node] = []
        """A spot for a scalar, a node for a list or mapping."""


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
            index -= 1  # between the two halves of a line break there is no column
        starts = self._line_starts()
        row = bisect.bisect_right(starts, index)
        return Position(row, index - starts[row - 1] + 1)

    def span(self, place: Spot) -> Span:
        """Return the span of `place`."""
        return Span(self.position(place >> SPOT_BITS), self.position(place & _END))

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
        if self._starts is None:
            self._starts = array("Q", [0])
            self._starts.extend(found.end() for found in LINE_BREAK.finditer(self.text))
        return self._starts


class Positions:
    """The `SpanTree` of a document that was read.

    `root` may be a function that finds the places; it is called when the first one is asked for.
    """

    __slots__ = ("_orders", "_root", "lines", "value")

    def __init__(self, value: object, lines: Lines, root: Spot | Node | Callable[[], Spot | Node]) -> None:
        self.value = value
        self.lines = lines
        self._root = root
        self._orders: dict[int, dict[str, int]] = {}

    def span(self, path: ConfigPath, *, key: bool = False) -> Span:
        """Return where the value at `path` stands, or with `key` its key; see `SpanTree.span`."""
        place, key_spot, exact = self._follow(path)
        if key and exact and key_spot is not None:
            return self.lines.span(key_spot)
        return self.lines.span(place.spot if isinstance(place, Node) else place)

    def raw(self, path: ConfigPath) -> str | None:
        """Return the scalar at `path` as it stands in the text; None for anything else."""
        place, _, exact = self._follow(path)
        if not exact or isinstance(place, Node):
            return None
        return self.lines.text[place >> SPOT_BITS : place & _END]

    def _follow(self, path: ConfigPath) -> tuple[Spot | Node, Spot | None, bool]:
        """Walk down `path` as far as it leads; the last of the three says whether that was to its end."""
        place = self._found_root()
        key: Spot | None = None
        value = self.value
        for step in path:
            if not isinstance(place, Node):
                return place, key, False
            if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                place, key, value = place.children[step], None, value[step]
            elif isinstance(value, dict) and isinstance(step, str) and step in value and place.keys is not None:
                ordinal = self._ordinal(value, step)
                key = place.keys[ordinal]
                place, value = place.children[ordinal], value[step]
            else:
                return place, key, False
        return place, key, True

    def _found_root(self) -> Spot | Node:
        if callable(self._root):
            self._root = self._root()
        return self._root

    def _ordinal(self, mapping: dict[str, object], key: str) -> int:
        if len(mapping) <= _FEW:
            return list(mapping).index(key)
        order = self._orders.get(id(mapping))
        if order is None:
            order = self._orders[id(mapping)] = {name: ordinal for ordinal, name in enumerate(mapping)}
        return order[key]
