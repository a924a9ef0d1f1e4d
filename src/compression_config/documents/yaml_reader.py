"""YAML text to a document, in the dialect of D15, on the nodes that PyYAML composes.

libyaml does the work where PyYAML has it, PyYAML's own parser elsewhere. An alias costs nothing: it shares the
value of its anchor. How large and how deep the document is with all aliases written out is arithmetic, done
before anything could walk it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from yaml.composer import Composer
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, Event
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError

from compression_config.documents.document import (
    DEFAULT_LIMITS,
    HALF_A_CHARACTER,
    SURROGATE,
    Collector,
    Document,
    Limits,
    Stop,
    quoted,
    read_within,
)
from compression_config.documents.nodes import (
    NodeTree,
    end_of,
    is_merge_key,
    merged_nodes,
    node_place,
    start_of,
    tag_of,
    tag_place,
)
from compression_config.documents.yaml_errors import Failure, explained
from compression_config.documents.yaml_scalars import COLLECTION_TAGS, SCALAR_TAGS, is_number, plain_value
from compression_config.findings import Code
from compression_config.locations import ConfigPath

try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML was built without libyaml
    CParser = None  # type: ignore[assignment,misc]

__all__ = ["HAS_LIBYAML", "read_yaml"]

HAS_LIBYAML: bool = CParser is not None
"""Whether PyYAML has libyaml."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML allows as an escape only: control characters, surrogates, and a byte order mark inside a text."""
_BARE_TAG = re.compile(r"(?:^|[\s\[{,:-])!(?:\s|$)")
_MISSING = object()


def read_yaml(text: str, name: str, limits: Limits = DEFAULT_LIMITS, *, pure: bool | None = None) -> Document:
    r"""Return the document that the YAML `text` is; findings use `name` as its file name.

    An empty text is the value None without a finding. `pure` takes PyYAML's own parser even where libyaml
    is there: many times slower, and different in corners of YAML that no config list needs.

    Raises nothing: whatever is wrong with `text` is in the findings. D15, D22.

    >>> document = read_yaml("- op_types: [Linear]\n  sparsity_per_layer: 1e-1\n", "a.yaml")
    >>> document.value
    [{'op_types': ['Linear'], 'sparsity_per_layer': 0.1}]
    >>> document.source.tree.span((0, "sparsity_per_layer")).start
    Position(line=2, column=23)
    """

    def document(text: str, collector: Collector, limits: Limits) -> Document:
        return _Reading(text, collector, limits, pure=pure or CParser is None).document()

    return read_within(limits, text, name, document, refused=_UNPRINTABLE)


# PyYAML's two composers, with our limits.


class _LimitReached(Exception):
    """The document exceeds a limit; reading on could fill memory or the stack."""


class _Limited:
    """What both composers ask of a resolver: tags, and before and after each node the way down to it.

    Both composers recurse, libyaml's on the C stack, which 100,000 brackets overflow: here they are stopped.
    """

    limits: Limits
    steps: list[tuple[Node | None, Any]]
    """The collections around the node that is being composed, with the step from each: an index, the node of a
    key, or None for a key. Still there after an error."""
    nodes: int

    def begin(self, limits: Limits) -> None:
        self.limits, self.steps, self.nodes = limits, [], 0

    def descend_resolver(self, parent: Node | None, index: object) -> None:
        self.steps.append((parent, index))
        self.nodes += 1
        if (
            len(self.steps) > self.limits.depth + 1
            or self.nodes > self.limits.nodes
            or (parent is not None and len(parent.value) > self.limits.elements)
        ):
            raise _LimitReached

    def ascend_resolver(self) -> None:
        self.steps.pop()

    def resolve(self, kind: type[Node], _value: object, implicit: tuple[bool, bool]) -> str | None:
        """Return the tag of a node without one: None for a plain scalar, `!` for everything else."""
        return None if kind is ScalarNode and implicit[0] else "!"

    def path(self, end: int | None = None) -> ConfigPath:
        """Return the config path of the node that is being composed; inside a key that of its mapping.

        With `end` -1 that of the collection around it.
        """
        path: list[str | int] = []
        for _, index in self.steps[1:end]:
            step = index.value if isinstance(index, ScalarNode) else index
            if not isinstance(step, str | int):
                break
            path.append(step)
        return tuple(path)


class _PureLoader(_Limited, Reader, Scanner, Parser, Composer):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)


if CParser is not None:

    class _FastLoader(_Limited, CParser):
        pass


_Loader: TypeAlias = Any
"""One of the two above; PyYAML gives them no common type."""


def _loader(text: str, limits: Limits, *, pure: bool) -> _Loader:
    loader = _PureLoader(text) if pure else _FastLoader(text)
    loader.begin(limits)
    return loader


def _events(text: str, limits: Limits, *, pure: bool) -> Iterator[Event]:
    """Yield the events of `text` up to its end or its first error: for places that the nodes do not tell."""
    loader = _loader(text, limits, pure=pure)
    try:
        yield from iter(loader.get_event, None)
    except (YAMLError, ValueError):
        return
    finally:
        loader.dispose()


class _Reading:
    """Composes the nodes of one text, makes their values in its order, and finds what is wrong with them."""

    def __init__(self, text: str, collector: Collector, limits: Limits, *, pure: bool) -> None:
        self._text = text
        self._collector = collector
        self._limits = limits
        self._pure = pure
        self._path: list[str | int] = []
        self._depth = 0
        self._nodes = 0
        """How many nodes there are so far, aliases written out; only counted where there are aliases."""
        self._plain: dict[str, object] = {}
        """The values of the plain scalars so far: most of a config list is repetition."""
        self._names: dict[str, str] = {}
        """One object for all keys that are spelled the same."""
        # A `!` without a name makes a string of a scalar; PyYAML drops it before a node is made.
        self._has_bare_tags = _BARE_TAG.search(text) is not None
        self._has_aliases = "*" in text and "&" in text
        """False spares the three below for most documents."""
        self._values: dict[int, object] = {}
        """The value of each node so far, by the node's id; `_MISSING` while it is being read."""
        self._sizes: dict[int, tuple[int, int]] = {}
        self._aliases = 0
        """How many aliases there were so far."""
        self._cycles: dict[ConfigPath, tuple[int, int]] = {}
        """The places of the aliases that are inside the value that they refer to."""
        self._alias_places: list[tuple[int, int]] = []

    def document(self) -> Document:
        """Return the document. Raises `Stop` at a limit or an error of syntax."""
        root = self._composed()
        value = None if root is None else self._value(root)
        return self._collector.document(value, NodeTree(self._collector.lines, root, self._cycles))

    # From text to nodes.

    def _composed(self) -> Node | None:
        """Return the node of the document; None for an empty text."""
        loader = _loader(self._text, self._limits, pure=self._pure)
        try:
            root = loader.get_node() if loader.check_node() else None
            loader.steps.clear()
            several = loader.check_node()
        except _LimitReached:
            raise self._limit_reached(loader) from None
        except (YAMLError, ValueError) as error:  # ValueError: the escapes of a tag may not be UTF-8
            raise self._failed(loader, error) from None
        finally:
            loader.dispose()
        if several:
            self._add_second_document()
        return root

    def _limit_reached(self, loader: _Loader) -> Stop:
        if len(loader.steps) > self._limits.depth + 1:
            return self._collector.too_deep(start_of(self._open_before(len(self._text))[-1]))
        parent = loader.steps[-1][0]
        if parent is not None and len(parent.value) > self._limits.elements:
            return self._too_long(loader.path(-1), parent)
        start = node_place(self._text, parent)[0] if parent is not None else 0
        return self._collector.too_many_nodes(loader.path(), (start, start + 1))

    def _failed(self, loader: _Loader, error: Exception) -> Stop:
        """Return the end of reading at an error of the parser.

        A scanner runs ahead of the nodes, up to a line, and may fail where they already nest too deep; that of
        libyaml 0.2.6 has a limit of its own, 1,000. So what is open at the error is counted: our limit decides.
        """
        ends = [len(self._text)]
        if isinstance(error, MarkedYAMLError):
            # The events of a text that is cut in the middle of a token would end before it.
            marks = (error.problem_mark, error.context_mark if isinstance(error, ScannerError) else None)
            ends += [mark.index for mark in marks if mark]
        opened = self._open_before(min(ends))
        if len(opened) > self._limits.depth:
            return self._collector.too_deep(start_of(opened[-1]))
        message, hint, place, code = explained(Failure.of(error, self._text, opened))
        return self._collector.stop(code, message, hint, loader.path(), place)

    def _open_before(self, end: int) -> list[CollectionStartEvent]:
        """Return the lists and mappings that are open at `end`; up to the first that nests too deep."""
        opened: list[CollectionStartEvent] = []
        for event in _events(self._text[:end], self._limits, pure=self._pure):
            if isinstance(event, CollectionStartEvent):
                opened.append(event)
                if len(opened) > self._limits.depth:
                    break
            elif isinstance(event, CollectionEndEvent) and start_of(event) < end:
                # The end of the text closes everything; that is not meant here.
                opened.pop()
        return opened

    def _too_long(self, path: ConfigPath, node: Node) -> Stop:
        is_list = isinstance(node, SequenceNode)
        first = node.value[self._limits.elements]
        return self._collector.too_long(path, node_place(self._text, first if is_list else first[0]), is_list=is_list)

    def _add_second_document(self) -> None:
        starts = [
            (start_of(event), end_of(event))
            for event in _events(self._text, self._limits, pure=self._pure)
            if isinstance(event, DocumentStartEvent)
        ]
        message = "a file holds one document, and a second one starts here"
        hint = "delete the line, or move what follows it into a file of its own"
        self._collector.add(Code.SEVERAL_DOCUMENTS, message, hint, (), starts[1])

    # From nodes to values.

    def _value(self, node: Node) -> object:
        """Return the value of `node`; None after a finding. Raises `Stop` at a limit."""
        if self._has_aliases:
            if id(node) in self._values:
                return self._alias(node)
            self._values[id(node)] = _MISSING
            self._count(1, node)
        value: object = None
        if type(node) is ScalarNode:
            is_known = not node.tag and not self._has_bare_tags
            value = self._plain.get(node.value, _MISSING) if is_known else _MISSING
            if value is _MISSING:
                value = self._scalar(node)
        elif type(node) is SequenceNode:
            value = self._list(node)
        elif type(node) is MappingNode:
            value = self._mapping(node)
        if self._has_aliases:
            self._values[id(node)] = value
        return value

    def _list(self, node: SequenceNode) -> list[object]:
        self._enter(node, list)
        values: list[object] = []
        path = self._path
        path.append(0)
        for index, child in enumerate(node.value):
            path[-1] = index
            values.append(self._value(child))
        path.pop()
        self._depth -= 1
        return values

    def _mapping(self, node: MappingNode) -> dict[str, object]:
        self._enter(node, dict)
        values: dict[str, object] = {}
        merge: tuple[Node, Node, object] | None = None
        for key, child in node.value:
            name = self._key(key)
            if name is None:
                self._value(child)
                continue
            self._path.append(name)
            if is_merge_key(key):
                if merge is not None:
                    self._add_repeated(key, merge[0])
                value = self._value(child)
                merge = merge or (key, child, value)
            elif name in values:
                self._add_repeated(key, next(first for first, _ in node.value if first.value == name))
                self._value(child)
            else:
                values[name] = self._value(child)
            self._path.pop()
        if merge is not None:
            self._merge(values, *merge[1:])
        self._depth -= 1
        return values

    def _enter(self, node: Node, kind: type) -> None:
        """Check tag, depth and length of a collection."""
        self._depth += 1
        if self._depth > self._limits.depth:
            raise self._collector.too_deep(node_place(self._text, node)[0])
        if len(node.value) > self._limits.elements:
            raise self._too_long(tuple(self._path), node)
        if node.tag != "!":
            self._check_tag(node, kind)

    def _key(self, key: Node) -> str | None:
        """Return the key that `key` is, a text whatever it looks like; None after a finding for a collection."""
        is_alias = self._has_aliases and id(key) in self._values
        if type(key) is not ScalarNode:
            self._value(key)
            place = self._alias_place() if is_alias else node_place(self._text, key)
            self._add(Code.SYNTAX, "a key is a string, not a list or mapping", "write a string as the key", place)
            return None
        text: str = key.value if key.value.isascii() else self._without_surrogates(key)
        if is_alias:
            self._alias(key)
        elif self._has_aliases:
            # A value that refers to the key is read as a value; a long number is only a text as a key.
            self._values[id(key)] = text if len(text) > self._limits.number else self._scalar(key)
            self._count(1, key)
        elif tag_of(key) not in (None, "!"):
            self._scalar(key)
        return self._names.setdefault(text, text)

    def _merge(self, values: dict[str, object], node: Node, value: object) -> None:
        """Add what `<<` merges to a mapping: its own keys come first, then what is named earlier."""
        several = isinstance(node, SequenceNode)
        if several and value is None:
            return  # an alias that forms a cycle: there is a finding already
        merged: Any = value if several else [value]
        for source, mapping in zip(merged_nodes(node), merged, strict=True):
            place = node_place(self._text, source)
            if isinstance(mapping, dict):
                for name, inner in mapping.items():
                    values.setdefault(name, inner)
            elif not isinstance(source, MappingNode) and not self._collector.is_unread(place):
                message = "'<<' takes a mapping or a list of mappings"
                hint = "write '<<: *name', with '&name' before a mapping"
                self._collector.add(Code.SYNTAX, message, hint, (*self._path, "<<"), place)

    def _add_repeated(self, key: Node, first: Node) -> None:
        position = self._collector.lines.position
        place, place_of_first = node_place(self._text, key), node_place(self._text, first)
        on_one_line = position(place[0]).line == position(place_of_first[0]).line
        more = "" if on_one_line else "; or begin a new list item with '- '"
        self._collector.add_repeated(key.value, tuple(self._path), place, place_of_first, more=more)

    # Scalars and tags.

    def _scalar(self, node: ScalarNode) -> object:
        """Return the value of a scalar that is not among the known plain ones."""
        text: str = node.value
        tag = tag_of(node)
        if tag is None and self._has_bare_tags and self._text[slice(*tag_place(self._text, node))] == "!":
            tag = "!"
        if tag == "!":
            return text if text.isascii() else self._without_surrogates(node)
        if len(text) > self._limits.number and tag not in _TEXT_TAGS and is_number(text):
            self._unread(*self._collector.too_long_number(text), node)
            return None
        if tag is None:
            value = self._plain[text] = plain_value(text)
            return value
        if tag in COLLECTION_TAGS:
            self._unread(Code.SYNTAX, f"{self._tag(node)} is before a scalar", "delete the tag", node)
            return None
        convert = SCALAR_TAGS.get(tag)
        if convert is None:  # what it would make of the text is not known
            self._add_unsupported_tag(node)
            self._collector.mark_unread(node_place(self._text, node))
            return None
        try:
            return convert(text)
        except ValueError as error:
            message = f"{self._tag(node)} takes {error}, not {quoted(text)}"
            self._unread(Code.SYNTAX, message, "delete the tag", node)
            return None

    def _without_surrogates(self, node: ScalarNode) -> str:
        """Return the string of a scalar; PyYAML's own parser lets escapes of half a character pass, libyaml none."""
        text: str = node.value
        if not SURROGATE.search(text):
            return text
        place = node_place(self._text, node)
        self._add(Code.SYNTAX, *HALF_A_CHARACTER, place)
        return SURROGATE.sub("\ufffd", text)

    def _check_tag(self, node: Node, kind: type) -> None:
        """Add a finding about the tag of a collection, unless it is the standard one of its `kind`."""
        if node.tag not in COLLECTION_TAGS and node.tag not in SCALAR_TAGS:
            self._add_unsupported_tag(node)
        elif COLLECTION_TAGS.get(node.tag) is not kind:
            message = f"{self._tag(node)} is before a {'list' if kind is list else 'mapping'}"
            self._add(Code.SYNTAX, message, "delete the tag", tag_place(self._text, node))

    def _add_unsupported_tag(self, node: Node) -> None:
        message = f"the tag {self._tag(node)} is not supported: a config list is plain data"
        self._add(Code.UNSUPPORTED_TAG, message, "delete the tag", tag_place(self._text, node))

    def _tag(self, node: Node) -> str:
        return quoted(self._text[slice(*tag_place(self._text, node))])

    # Aliases.

    def _alias(self, node: Node) -> object:
        """Return the value of an alias, which is that of the `node` with its anchor."""
        self._aliases += 1
        value = self._values[id(node)]
        if value is _MISSING:
            place = self._alias_place()
            message = f"{quoted(self._text[slice(*place)])} is inside the value that it refers to"
            self._collector.mark_unread(place)
            self._cycles[tuple(self._path)] = place
            self._add(Code.ALIAS_CYCLE, message, "write the value out", place)
            return None
        size, height = self._measured(node)
        self._count(size, node)
        if self._depth + height > self._limits.depth:
            raise self._collector.too_deep(self._alias_place()[0])
        return value

    def _count(self, nodes: int, node: Node) -> None:
        self._nodes += nodes
        if self._nodes > self._limits.nodes:
            place = self._alias_place() if nodes > 1 else node_place(self._text, node)
            raise self._collector.too_many_nodes(tuple(self._path), place)

    def _measured(self, node: Node) -> tuple[int, int]:
        """Return how many nodes `node` is with all aliases written out, and how deep it nests; 0 for a scalar."""
        if type(node) is ScalarNode:
            return 1, 0
        found = self._sizes.get(id(node))
        if found is None:
            # Remembered before it is known: an alias inside may refer to it, which is a finding already.
            self._sizes[id(node)] = (1, 0)
            size, height = 1, 0
            pairs = isinstance(node, MappingNode)
            for child in (part for pair in node.value for part in pair) if pairs else node.value:
                inner_size, inner_height = self._measured(child)
                size, height = size + inner_size, max(height, inner_height)
            found = self._sizes[id(node)] = (size, height + 1)
        return found

    def _alias_place(self) -> tuple[int, int]:
        """Return the place of the latest alias, which only the events of the text tell."""
        if not self._alias_places:
            events = _events(self._text, self._limits, pure=self._pure)
            self._alias_places = [(start_of(event), end_of(event)) for event in events if isinstance(event, AliasEvent)]
        return self._alias_places[self._aliases - 1]

    # Findings.

    def _add(self, code: Code, message: str, hint: str | None, place: tuple[int, int]) -> None:
        self._collector.add(code, message, hint, tuple(self._path), place)

    def _unread(self, code: Code, message: str, hint: str, node: ScalarNode) -> None:
        """Add a finding about a scalar that cannot be read."""
        place = node_place(self._text, node)
        self._collector.mark_unread(place)
        self._add(code, message, hint, place)


_TEXT_TAGS = frozenset(tag for tag, convert in SCALAR_TAGS.items() if convert is str)
