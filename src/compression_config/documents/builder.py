"""Values and their places, built together from what a parser meets one after the other.

Shared by the readers of YAML and JSON: both say "a list opens", "a key", "a scalar", "it closes"; here
the data grows, and beside it the nodes of `positions`. Nothing here recurses, so depth costs no stack.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import ClassVar, TypeAlias

from compression_config.documents.document import Limits
from compression_config.documents.positions import SPOT_BITS, Node, Spot, make_spot
from compression_config.documents.problems import Problems, Stop, quoted
from compression_config.findings import Code
from compression_config.locations import ConfigPath

__all__ = ["Builder", "Fate", "Frame", "ListFrame", "MappingFrame"]


class Fate(Enum):
    """What becomes of the value behind a key."""

    KEEP = auto()
    DROP = auto()
    """The key is a repetition, or none that can be used."""
    MERGE = auto()
    """The key is the merge key of YAML: the value waits in `MappingFrame.merge` for the mapping's end."""


class ListFrame:
    """A list whose end has not come yet."""

    __slots__ = ("anchor", "container", "first", "height", "node", "start")

    awaits_key: ClassVar[bool] = False

    def __init__(self, start: int, first: int) -> None:
        self.start = start
        """Index of its first character."""
        self.first = first
        """How many nodes the document had before it."""
        self.height = 1
        """How deep it is from here down; 1 without lists or mappings in it."""
        self.anchor: str | None = None
        self.container: list[object] = []
        self.node = Node(keyed=False)

    def put(self, value: object, place: Spot | Node) -> None:
        """Append `value`."""
        self.container.append(value)
        self.node.children.append(place)

    def step(self) -> int | None:
        """Return the step of a config path to what comes next."""
        return len(self.container)


class MappingFrame:
    """A mapping whose end has not come yet."""

    __slots__ = (
        "anchor", "awaits_key", "container", "fate", "first", "height", "keys", "merge", "name", "name_spot", "node",
        "start",
    )  # fmt: skip

    def __init__(self, start: int, first: int) -> None:
        self.start = start
        self.first = first
        self.height = 1
        self.anchor: str | None = None
        self.container: dict[str, object] = {}
        self.node = Node(keyed=True)
        self.keys: list[Spot] = []
        self.node.keys = self.keys
        self.awaits_key = True
        """Whether a key comes next, not a value."""
        self.name: str | None = None
        """The key that was met last; None for one that cannot be used."""
        self.name_spot: Spot = 0
        self.fate = Fate.KEEP
        self.merge: tuple[object, Spot | Node, Spot] | None = None
        """Value and place of what is to be merged, and the place of the merge key."""

    def put(self, value: object, place: Spot | Node) -> None:
        """Take `value` for the key that was met last."""
        self.awaits_key = True
        if self.fate is Fate.KEEP and self.name is not None:
            self.container[self.name] = value
            self.keys.append(self.name_spot)
            self.node.children.append(place)
        elif self.fate is Fate.MERGE:
            self.merge = (value, place, self.name_spot)

    def await_value(self, name: str | None, place: Spot, fate: Fate) -> None:
        """Take a key; what comes next is its value."""
        self.awaits_key = False
        self.name, self.name_spot, self.fate = name, place, fate

    def step(self) -> str | None:
        """Return the step of a config path to what comes next; None where there is none."""
        return None if self.awaits_key else self.name


Frame: TypeAlias = ListFrame | MappingFrame


class Builder:
    """Takes what a parser meets and makes the value and its nodes; keeps the limits."""

    __slots__ = ("checkpoint", "frame", "frames", "limits", "names", "nodes", "problems", "top")

    items_have_dashes: ClassVar[bool] = False
    """Whether a forgotten dash can be why a key stands there twice."""

    def __init__(self, problems: Problems, limits: Limits) -> None:
        self.problems = problems
        self.limits = limits
        self.nodes = 0
        """How many keys, scalars, lists and mappings there are so far, aliases written out."""
        self.checkpoint = min(limits.nodes, limits.elements)
        """The number of nodes above which to look again whether the limits are kept; not at each of them."""
        self.top = ListFrame(0, 0)
        """Holds the whole document as its one element; no part of any path."""
        self.frame: Frame = self.top
        """Where the next value goes."""
        self.frames: list[Frame] = []
        """The frames around it, outermost first."""
        self.names: dict[str, str] = {}
        """One object for all keys that are spelled the same."""

    def path(self, to: Frame | None = None) -> ConfigPath:
        """Return the config path of what comes next, or of the open list or mapping `to`.

        Inside an unusable key it is that of its mapping.
        """
        steps: list[str | int] = []
        for frame in (*self.frames, self.frame)[1:]:
            step = frame.step()
            if step is None or frame is to:
                break
            steps.append(step)
        return tuple(steps)

    def open(self, frame: Frame) -> None:
        """Enter a list or mapping."""
        place = make_spot(frame.start, frame.start + 1)
        if len(self.frames) >= self.limits.depth:
            raise self.too_deep(place)
        self.count(place)
        self.frames.append(self.frame)
        self.frame = frame

    def close(self, end: int) -> object:
        """Leave the innermost list or mapping, which ends before character `end`; return its value.

        The caller puts it where it belongs.
        """
        frame = self.frame
        frame.node.spot = frame.start << SPOT_BITS | max(end, frame.start)
        self._check_length(frame)
        self.frame = parent = self.frames.pop()
        if parent.height <= frame.height:
            parent.height = frame.height + 1
        return frame.container

    def key(self, text: str, place: Spot) -> None:
        """Take a key of the innermost mapping; a repetition is a finding, and its value is dropped."""
        frame = self.frame
        if isinstance(frame, MappingFrame):
            if text in frame.container:
                first = frame.keys[list(frame.container).index(text)]
                self.repeated_key(frame, text, place, first)
            else:
                frame.await_value(self.names.setdefault(text, text), place, Fate.KEEP)

    def count(self, place: Spot, nodes: int = 1) -> None:
        """Count `nodes` more, which `place` brings. Raises `Stop` at the limit."""
        self.nodes += nodes
        if self.nodes > self.checkpoint:
            self.check(place)

    def check(self, place: Spot) -> None:
        """Raise `Stop` if the document is beyond a limit at `place`. Called when `nodes` passes `checkpoint`."""
        if self.nodes > self.limits.nodes:
            message = f"a document has at most {self.limits.nodes:,} keys and values, aliases and merges written out"
            hint = "write fewer aliases of aliases, or split the list into several files"
            raise self.problems.stop(Code.TOO_LARGE, message, hint, self.path(), place)
        for frame in (*self.frames, self.frame):
            self._check_length(frame)
        self.checkpoint = min(self.limits.nodes, self.nodes + self.limits.elements)

    def too_deep(self, place: Spot) -> Stop:
        """Return the end of reading a document that nests too deep at `place`."""
        message = f"lists and mappings nest at most {self.limits.depth} deep"
        # Its path would be as long as it is useless.
        return self.problems.stop(Code.TOO_LARGE, message, "close what stays open, or nest less", (), place)

    def _check_length(self, frame: Frame) -> None:
        limit = self.limits.elements
        if len(frame.container) <= limit:
            return
        kind, parts = ("list", "elements") if isinstance(frame, ListFrame) else ("mapping", "keys")
        message = f"a {kind} has at most {limit:,} {parts}"
        place = frame.node.children[limit] if isinstance(frame, ListFrame) else frame.keys[limit]
        place = place.spot if isinstance(place, Node) else place
        hint = "split the list into several files"
        raise self.problems.stop(Code.TOO_LARGE, message, hint, self.path(frame), place)

    def repeated_key(self, frame: MappingFrame, text: str, place: Spot, first: Spot) -> None:
        """Take the key `text` at `place`, which already stands at `first`: its value will be dropped."""
        frame.await_value(text, place, Fate.DROP)
        line = self.problems.lines.span(first).start.line
        message = f"{quoted(text)} is set twice in one mapping"
        hint = f"delete one of the two; the first stands on line {line}"
        if self.items_have_dashes and self.problems.lines.span(place).start.line != line:
            hint += "; or begin a new list item with '- '"
        self.problems.add(Code.DUPLICATE_KEY, message, hint, self.path(), place)

    def unread_scalar(self, message: str, hint: str | None, place: Spot, code: Code = Code.SYNTAX) -> None:
        """Report that the scalar at `place` cannot be read; the caller puts None in its stead."""
        self.problems.unread.add(place)
        self.problems.add(code, message, hint, self.path(), place)

    def too_long_number(self, text: str, place: Spot) -> None:
        """Report a number that is longer than the limit; the caller puts None in its stead."""
        message = f"a number has at most {self.limits.number:,} characters, not {len(text):,}"
        self.unread_scalar(message, "write a shorter number", place, Code.TOO_LARGE)
