"""The places of a YAML document, taken from the nodes that PyYAML composed when one is asked for.

A document of 50,000 sub-configs has half a million keys and values, and hardly ever is more than one of
them asked for: so nothing is computed while reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from yaml.events import Event
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from compression_config.documents.document import Lines
from compression_config.locations import ConfigPath, Span

__all__ = ["NodeTree", "end_of", "is_merge_key", "merged_nodes", "node_place", "start_of", "tag_of", "tag_place"]

_BREAKS = "\r\n\x85\u2028\u2029"
_WHITE_SPACE = " \t" + _BREAKS
"""What the parsers skip; as in YAML 1.1, with three line breaks that editors do not count as such."""

# The quantifiers are possessive: a gap of millions of lines would otherwise fill the memory with ways back.
_GAP = rf"(?:[{_WHITE_SPACE}]++|#[^{_BREAKS}]*+)*+"
_TAG = rf"!<[^>]*+>|![^{_WHITE_SPACE},\[\]{{}}]*+"
_PROPERTIES = re.compile(rf"(?:(?:&[\w-]++|{_TAG}){_GAP})++", re.ASCII)
_COMMENT_OR_TAG = re.compile(rf"#[^{_BREAKS}]*+|({_TAG})")
_ALIAS = re.compile(rf"\*[^{_WHITE_SPACE},\[\]{{}}]+")

_Pair: TypeAlias = tuple[Node, Node]


def start_of(part: Node | Event) -> int:
    """Return the index of the first character of `part`, anchor and tag included."""
    mark: Any = part.start_mark  # PyYAML's types allow None, which no parser gives
    index: int = mark.index
    return index


def end_of(part: Node | Event) -> int:
    """Return the index at which the parser ends `part`."""
    mark: Any = part.end_mark
    index: int = mark.index
    return index


def tag_of(node: Node) -> str | None:
    """Return the tag of `node`: as written, None for a plain scalar without one, `!` for all else without one."""
    tag: str | None = node.tag
    return tag


def is_merge_key(key: Node) -> bool:
    """Return whether `key` is the merge key of YAML: a `<<` without quotes."""
    return isinstance(key, ScalarNode) and tag_of(key) is None and key.value == "<<"


def merged_nodes(node: Node) -> list[Node]:
    """Return what `<<: node` merges, in order of precedence."""
    return node.value if isinstance(node, SequenceNode) else [node]


def node_place(text: str, node: Node) -> tuple[int, int]:
    """Return the indices of the first character of `node`, without anchor and tag, and of the one after its last."""
    start, end = _after_properties(text, node), end_of(node)
    if isinstance(node, ScalarNode):
        if node.style in ("|", ">"):
            end = start + len(text[start:end].rstrip(_WHITE_SPACE))
    elif isinstance(node, CollectionNode) and not node.flow_style and node.value:
        # The mark after a collection without brackets is that of the next token, lines and comments further on.
        end = _last_end(text, node, start, end)
    return start, max(start, end)


def _last_end(text: str, node: Node, start: int, end: int) -> int:
    """Return where the last value ends in the collection `node`, which the parser ends somewhere before `end`."""
    before, last = node.value[-1] if isinstance(node, MappingNode) else (node, node.value[-1])
    if isinstance(node, SequenceNode) and len(node.value) > 1:
        before = node.value[-2]
    if start_of(last) < start_of(before) or last is before:
        # An alias: its node is the one that it refers to, further up.
        alias = _ALIAS.match(text, max(text.rfind("*", start, end), start))
        return alias.end() if alias else end
    return node_place(text, last)[1]


def tag_place(text: str, node: Node) -> tuple[int, int]:
    """Return the place of the tag of `node`; without a key, that of all that comes before its value."""
    start, end = start_of(node), _after_properties(text, node)
    return next((found.span() for found in _COMMENT_OR_TAG.finditer(text, start, end) if found[1]), (start, end))


def _after_properties(text: str, node: Node) -> int:
    start = start_of(node)
    found = _PROPERTIES.match(text, start) if text[start : start + 1] in ("&", "!") else None
    return min(found.end(), end_of(node)) if found else start


class NodeTree:
    """The `SpanTree` of a YAML document: `root` is its node, None for an empty one.

    `cycles` are the places of aliases that are inside the value that they refer to, by config path: it has none.
    """

    __slots__ = ("_cycles", "_lines", "_pairs", "_root")

    def __init__(self, lines: Lines, root: Node | None, cycles: Mapping[ConfigPath, tuple[int, int]]) -> None:
        self._cycles = cycles
        self._lines = lines
        self._root = root
        self._pairs: dict[int, dict[str, _Pair]] = {}

    def span(self, path: ConfigPath, *, key: bool = False) -> Span:
        """Return the place of the value at `path`, or with `key` of its key; see `SpanTree.span`."""
        if self._root is None:
            return self._lines.span(0, 0)
        if path in self._cycles:
            return self._lines.span(*self._cycles[path])
        key_node, node = None, self._root
        for step in path:
            if isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
                key_node, node = None, node.value[step]
            elif isinstance(node, MappingNode) and isinstance(step, str) and step in self._known_pairs(node):
                key_node, node = self._known_pairs(node)[step]
            else:
                key_node = None
                break
        return self._lines.span(*node_place(self._lines.text, key_node if key and key_node else node))

    def _known_pairs(self, mapping: MappingNode) -> dict[str, _Pair]:
        """Return key node and value node for each key of `mapping`, merged ones included."""
        found = self._pairs.get(id(mapping))
        if found is None:
            # Remembered before it is filled: a merge may refer to the mapping around it.
            found = self._pairs[id(mapping)] = {}
            merges = []
            for pair in mapping.value:
                if is_merge_key(pair[0]):
                    merges.append(pair[1])
                elif isinstance(pair[0], ScalarNode):
                    found.setdefault(pair[0].value, pair)
            for source in _mappings(merges[:1]):
                for name, pair in self._known_pairs(source).items():
                    found.setdefault(name, pair)
        return found


def _mappings(merges: list[Node]) -> Iterator[MappingNode]:
    for node in merges:
        yield from (source for source in merged_nodes(node) if isinstance(source, MappingNode))
