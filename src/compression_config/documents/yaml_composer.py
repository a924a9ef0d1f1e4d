"""YAML events to plain data with places, in one pass and without recursion.

An alias costs nothing: it shares what is anchored, value and places. How large and how deep the document
would be if all were written out is arithmetic, done before anybody could walk it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from compression_config.documents.builder import Builder, Fate, Frame, ListFrame, MappingFrame
from compression_config.documents.document import Document, Limits
from compression_config.documents.positions import SPOT_BITS, Node, Positions, Spot, make_spot
from compression_config.documents.problems import Problems, quoted
from compression_config.documents.yaml_events import Seen
from compression_config.documents.yaml_places import WHITE_SPACE, behind_gap, behind_properties, tag_place
from compression_config.documents.yaml_scalars import COLLECTION_TAGS, SCALAR_TAGS, is_number, plain_value
from compression_config.findings import Code

__all__ = ["YamlComposer"]

_MERGE = "<<"
_BLOCK_STYLES = ("|", ">")
_MISSING = object()


class _SecondDocument(Exception):
    """The text goes on behind the end of its document."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What stands behind an anchor."""

    value: object
    place: Spot | Node
    nodes: int = 1
    """How many keys, scalars, lists and mappings it is, written out."""
    height: int = 0
    """How deep it nests; 0 for a scalar."""
    text: str | None = None
    """The scalar as text, in case it becomes a key; None for a list or mapping."""


class YamlComposer(Builder):
    """Takes the events of one text; ask for the document when they are through."""

    __slots__ = ("anchors", "documents", "end", "plain", "text")

    items_have_dashes = True

    def __init__(self, text: str, problems: Problems, limits: Limits) -> None:
        super().__init__(problems, limits)
        self.text = text
        self.end = 0
        """Where the last scalar, alias or closing bracket ended: a block collection ends with its last value."""
        self.documents = 0
        self.anchors: dict[str, _Anchored | Frame] = {}
        """What each anchor stands for; a frame while its list or mapping is still open."""
        self.plain: dict[str, object] = {}
        """What the plain scalars that were met so far mean: most of a config list is repetition."""

    def compose(self, events: Iterable[Event]) -> None:
        """Take `events`. Raises `Stop` where there is no going on."""
        handlers: dict[type[Event], Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            AliasEvent: self._alias,
            SequenceStartEvent: self._collection_start,
            SequenceEndEvent: self._collection_end,
            MappingStartEvent: self._collection_start,
            MappingEndEvent: self._collection_end,
            DocumentStartEvent: self._document_start,
            DocumentEndEvent: _ignore,
            StreamStartEvent: _ignore,
            StreamEndEvent: _ignore,
        }
        try:
            for event in events:
                handlers[type(event)](event)
        except _SecondDocument:
            return

    def document(self) -> Document:
        """Return the document that was composed."""
        values, places = self.top.container, self.top.node.children
        value, place = (values[0], places[0]) if values else (None, make_spot(0, 0))
        return self.problems.document(value, Positions(value, self.problems.lines, place), complete=True)

    def _document_start(self, event: Seen) -> None:
        self.documents += 1
        if self.documents > 1:
            place = make_spot(event.start_mark.index, event.end_mark.index)
            message = "a file holds one document, and here a second one starts"
            hint = "delete the line, or move what follows it into a file of its own"
            self.problems.add(Code.SEVERAL_DOCUMENTS, message, hint, (), place)
            raise _SecondDocument

    # Scalars.

    def _scalar(self, event: Seen) -> None:
        """Take a scalar. The common ones, without anchor and tag, are done with right here, for speed."""
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        style = event.style
        if start == end or event.tag is not None or event.anchor is not None or style in _BLOCK_STYLES:
            self._rare_scalar(event, start, end)
            return
        self.end = end
        place = start << SPOT_BITS | end
        self.nodes += 1
        if self.nodes > self.checkpoint:
            self.check(place)
        text: str = event.value
        if self.frame.awaits_key:
            self._key(text, place, plain=not style)
        elif style:
            self.frame.put(text, place)
        else:
            value = self.plain.get(text, _MISSING)
            self.frame.put(self._plain_value(text, place) if value is _MISSING else value, place)

    def _plain_value(self, text: str, place: Spot) -> object:
        if len(text) > self.limits.number and is_number(text):
            self.too_long_number(text, place)
            return None
        value = self.plain[text] = plain_value(text)
        return value

    def _rare_scalar(self, event: Seen, start: int, end: int) -> None:
        """Take a scalar that is empty, or a block of text, or has an anchor or a tag."""
        text: str = event.value
        place_of_tag = start
        if event.anchor is not None or event.tag is not None:
            start = min(behind_properties(self.text, start), end)
            place_of_tag = tag_place(self.text, place_of_tag, start)
        elif not event.style:
            start = end = self._place_of_nothing(start)
        if event.style in _BLOCK_STYLES:
            end = start + len(self.text[start:end].rstrip(WHITE_SPACE))
        self.end = end
        place = make_spot(start, end)
        self.count(place)
        value = self._meaning(event, place, place_of_tag)
        if self.frame.awaits_key:
            self._key(text, place, plain=not event.style and event.tag is None)
        else:
            self.frame.put(value, place)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, place, text=text)

    def _meaning(self, event: Seen, place: Spot, place_of_tag: Spot) -> object:
        """Return the value of a scalar that may have a tag; None after a finding."""
        text: str = event.value
        convert = SCALAR_TAGS.get(event.tag or "")
        if event.tag in COLLECTION_TAGS:
            self.unread_scalar(f"{self._source(place_of_tag)} stands before a scalar", "delete the tag", place)
            return None
        if convert is None:
            if event.tag is not None:  # what it would make of the text is not known
                self._unsupported_tag(place_of_tag)
                self.problems.unread.add(place)
                return None
            return text if event.style else self._plain_value(text, place)
        if convert is not str and len(text) > self.limits.number and is_number(text):
            self.too_long_number(text, place)
            return None
        try:
            return convert(text)
        except ValueError as error:
            message = f"{self._source(place_of_tag)} takes {error}, not {quoted(text)}"
            self.unread_scalar(message, "delete the tag", place)
            return None

    def _key(self, text: str, place: Spot, *, plain: bool) -> None:
        """Take a key of the innermost mapping; a plain `<<` is the merge key."""
        frame = self.frame
        if not plain or text != _MERGE or not isinstance(frame, MappingFrame):
            self.key(text, place)
        elif frame.merge is not None:
            self.repeated_key(frame, _MERGE, place, frame.merge[2])
        else:
            frame.await_value(_MERGE, place, Fate.MERGE)

    # Lists and mappings.

    def _collection_start(self, event: Seen) -> None:
        is_list = isinstance(event, SequenceStartEvent)
        start: int = event.start_mark.index
        if event.anchor is not None or event.tag is not None:
            content = behind_properties(self.text, start)
            if event.tag is not None and event.tag != "!":
                self._check_tag(event.tag, list if is_list else dict, tag_place(self.text, start, content))
            start = content
        frame = (ListFrame if is_list else MappingFrame)(start, self.nodes)
        self.open(frame)
        if event.anchor is not None:
            frame.anchor = event.anchor
            self.anchors[event.anchor] = frame

    def _collection_end(self, event: Seen) -> None:
        end: int = event.end_mark.index
        if end > event.start_mark.index and self.text[end - 1] in "]}":
            self.end = end
        frame = self.frame
        if isinstance(frame, MappingFrame) and frame.merge is not None:
            self._merge(frame, *frame.merge[:2])
        value = self.close(self.end)
        # An anchor of the same name inside the collection has replaced this one by now.
        if frame.anchor is not None and self.anchors.get(frame.anchor) is frame:
            self.anchors[frame.anchor] = _Anchored(value, frame.node, self.nodes - frame.first, frame.height)
        if self.frame.awaits_key:
            self._unusable_key(frame.node.spot)
        else:
            self.frame.put(value, frame.node)

    def _merge(self, frame: MappingFrame, value: object, place: Spot | Node) -> None:
        """Add what `<<` names to the mapping: its own keys win, then what is named earlier."""
        sources = [(value, place)]
        if isinstance(value, list) and isinstance(place, Node):
            sources = list(zip(value, place.children, strict=True))
        for source, where in sources:
            if isinstance(source, dict) and isinstance(where, Node) and where.keys is not None:
                for (name, inner), name_spot, inner_place in zip(
                    source.items(), where.keys, where.children, strict=True
                ):
                    if name not in frame.container:
                        frame.container[name] = inner
                        frame.keys.append(name_spot)
                        frame.node.children.append(inner_place)
            elif where not in self.problems.unread:
                spot = where.spot if isinstance(where, Node) else where
                message = "'<<' takes a mapping, or a list of mappings; this is neither"
                hint = "write '<<: *name', where '&name' stands before a mapping"
                self.problems.add(Code.SYNTAX, message, hint, (*self.path(), _MERGE), spot)

    def _unusable_key(self, place: Spot) -> None:
        """Report a list or mapping that stands where a key should; what it is set to will be dropped."""
        message = "a key is a text, not a list or mapping"
        self.problems.add(Code.SYNTAX, message, "write a text as the key", self.path(), place)
        self._drop_pair(place)

    def _drop_pair(self, place: Spot) -> None:
        if isinstance(self.frame, MappingFrame):
            self.frame.await_value(None, place, Fate.DROP)

    # Anchors, aliases and tags.

    def _alias(self, event: Seen) -> None:
        self.end = event.end_mark.index
        place = make_spot(event.start_mark.index, self.end)
        name = event.anchor or ""
        found = self.anchors.get(name)
        if not isinstance(found, _Anchored):
            self.count(place)
            self._unknown_alias(name, place, is_cycle=found is not None)
            return
        self.count(place, found.nodes)
        if len(self.frames) + found.height > self.limits.depth:
            raise self.too_deep(place)
        self.frame.height = max(self.frame.height, found.height + 1)
        if not self.frame.awaits_key:
            self.frame.put(found.value, found.place)
        elif found.text is None or isinstance(found.place, Node):
            self._unusable_key(place)
        else:
            self.key(found.text, found.place)

    def _unknown_alias(self, name: str, place: Spot, *, is_cycle: bool) -> None:
        """Report an alias that stands for nothing; None is its value, and as a key it is dropped."""
        if is_cycle:
            message, hint = f"{quoted(f'*{name}')} stands inside of what it names", "write the value out"
        else:
            message = f"{quoted(f'*{name}')} names an anchor that does not stand before it"
            hint = f"put the text in quotes, or write {quoted(f'&{name}')} before the value that it stands for"
        code = Code.ALIAS_CYCLE if is_cycle else Code.SYNTAX
        if self.frame.awaits_key:
            self.problems.add(code, message, hint, self.path(), place)
            self._drop_pair(place)
        else:
            self.unread_scalar(message, hint, place, code)
            self.frame.put(None, place)

    def _check_tag(self, tag: str, kind: type, place: Spot) -> None:
        """Report a tag before a collection, unless it is the standard one of its `kind`."""
        if tag not in COLLECTION_TAGS and tag not in SCALAR_TAGS:
            self._unsupported_tag(place)
        elif COLLECTION_TAGS.get(tag) is not kind:
            message = f"{self._source(place)} stands before a {'list' if kind is list else 'mapping'}"
            self.problems.add(Code.SYNTAX, message, "delete the tag", self.path(), place)

    def _unsupported_tag(self, place: Spot) -> None:
        message = f"the tag {self._source(place)} is not supported: a config list is plain data"
        self.problems.add(Code.UNSUPPORTED_TAG, message, "delete the tag", self.path(), place)

    # Places.

    def _source(self, place: Spot) -> str:
        return quoted(self.text[place >> SPOT_BITS : place & ((1 << SPOT_BITS) - 1)])

    def _place_of_nothing(self, index: int) -> int:
        """Return where a scalar that is not written stands: right behind its `-`, `:` or key.

        The two parsers put it at various places from there up to the next token, `index` being one of them.
        """
        if not isinstance(self.frame, MappingFrame):
            return index
        if self.frame.awaits_key:
            return behind_gap(self.text, index)
        colon = behind_gap(self.text, self.end)
        return colon + 1 if self.text[colon : colon + 1] == ":" else self.end


def _ignore(_event: Seen) -> None:
    """Take an event that says nothing about the value."""
