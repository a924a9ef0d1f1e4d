"""JSON text to a document: strict as RFC 8259, and stricter where it leaves a choice: no key twice (D15).

A text without a fault is read by the standard library, and the places of its values are only looked for
when the first one is asked for. Any other text is read by `json_composer`, which says what is wrong.
"""

from __future__ import annotations

import json
import re
import sys
from functools import partial

from compression_config.documents.collecting import paused_collector
from compression_config.documents.document import DEFAULT_LIMITS, Document, Limits
from compression_config.documents.json_composer import JsonComposer
from compression_config.documents.positions import Node, Positions, Spot
from compression_config.documents.problems import Problems, Stop, not_read, oversized, size_words
from compression_config.findings import Code

__all__ = ["read_json"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_DEEPEST_STACK = 5_000
"""The standard library recurses: where a program has raised Python's limit above this, it is not asked."""


def read_json(text: str, name: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Return the document that the JSON `text` is; `name` stands for it in findings.

    A byte order mark is accepted. Raises nothing: whatever is wrong with `text` is in the findings. D15.

    >>> read_json('[{"op_types": ["Linear"], "exclude": true}]', "a.json").value
    [{'op_types': ['Linear'], 'exclude': True}]
    >>> [finding.message for finding in read_json('[1, 2,]', "a.json").findings]
    ['no comma stands behind the last element']
    """
    refused = oversized(text, name, limits)
    if refused is not None:
        return refused
    text = text.removeprefix("\ufeff")
    problems = Problems(name, text, limits)
    try:
        with paused_collector():
            value = _read_fast(text, limits)
            if value is not _UNSURE:
                positions = Positions(value, problems.lines, partial(_find_places, text, name, limits))
                return problems.document(value, positions, complete=True)
            problems.refuse_characters(_SURROGATE)
            composer = JsonComposer(text, problems, limits)
            composer.compose()
    except Stop:
        return problems.failed()
    except (MemoryError, RecursionError):
        return not_read(name, Code.TOO_LARGE, "the document does not fit into memory", size_words(limits)[1])
    return composer.document()


def _find_places(text: str, name: str, limits: Limits) -> Spot | Node:
    """Return the places in a text that is known to be without fault."""
    composer = JsonComposer(text, Problems(name, text, limits), limits)
    with paused_collector():
        composer.compose()
    return composer.top.node.children[0]


class _Unsure(ValueError):
    """The text may have a fault."""


_UNSURE = object()


def _read_fast(text: str, limits: Limits) -> object:
    """Return the value of `text`, or `_UNSURE` when something may be wrong with it."""
    if sys.getrecursionlimit() > _DEEPEST_STACK or _SURROGATE_ESCAPE.search(text) or _SURROGATE.search(text):
        return _UNSURE
    convert_int, convert_float = partial(_number, int, limits), partial(_number, float, limits)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repetition,
            parse_constant=_no_constant,
            parse_int=convert_int,
            parse_float=convert_float,
        )
    except (ValueError, RecursionError):
        return _UNSURE
    return value if _is_within(value, limits) else _UNSURE


def _number(convert: type[int | float], limits: Limits, text: str) -> int | float:
    if len(text) > limits.number:
        raise _Unsure
    return convert(text)


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise _Unsure
    return mapping


def _no_constant(name: str) -> object:
    raise _Unsure(name)


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
            if len(collection) > limits.elements:
                return False
        if nodes > limits.nodes or depth > limits.depth:
            return False
    return True
