"""Partial names that end or begin in the middle of a number or a word, and that are in two paths of one block.

`layer.1` is in `layer.10` too, `mlp.gate` in `mlp.gate_proj`, and `output.dense` in `attention.output.dense`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from compression_config.configs.sub_config import SubConfig
from compression_config.findings import Code, Finding
from compression_config.linting.hints import Spot
from compression_config.locations import Place
from compression_config.resolving.resolved import Resolved
from compression_config.suggestions import block_form, places_of
from compression_config.text import joined, layers_words, listed, number_order

__all__ = ["boundary_findings"]


_NAMED = 2
"""So many of the longer texts are named; of more of them the first and the last."""
_WORK = 1_000_000
"""Beyond so many partial names in names nothing is reported; no model that was tried has as many."""
_PLACES = 64
"""In a name that has a partial name in more places than this, made to do harm, nothing is looked for."""
_NAMES = 8
"""So many names at most a hint lists in full."""
_LONG_LIST = 200
"""In longer lists of partial names, which programs write, several paths are not looked for: that compares all pairs."""
_WHOLE, _IN_WORD, _IN_NUMBER = range(3)
"""Where a partial name is in a name: between dots, or it cuts a word, or a number. The less it cuts, the less."""


@dataclass(slots=True)
class _Reach:
    """What one partial name takes of the layers that its sub-config decides."""

    cut: dict[int, list[str]] = field(default_factory=lambda: {_WHOLE: [], _IN_WORD: [], _IN_NUMBER: []})
    """By how it is in them, the names that no other element of the selector matches without cutting as much."""


def boundary_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the partial names that take more layers than they show, in list order.

    Only layers count that the sub-config decides and that no other element of its selector matches better. What an
    exclude takes more counts if it would be compressed otherwise.
    """
    for index, config in enumerate(resolved.config_list):
        parts = [part for part in config.op_partial_names or () if not (part[0] == part[-1] == ".")]
        if parts and resolved.decided[index]:
            reaches = _reaches(resolved, index, config)
            for element, part in enumerate(config.op_partial_names or ()):
                if part in reaches:
                    yield from _findings(resolved, index, element, reaches.pop(part))


def _reaches(resolved: Resolved, index: int, config: SubConfig) -> dict[str, _Reach]:
    """Return how each partial name of a sub-config is in the names of the layers that it decides."""
    reaches = {part: _Reach() for part in config.op_partial_names or ()}
    looked_at = 0
    full_names = frozenset(config.op_names or ())
    for position in resolved.decided[index]:
        name = resolved.inventory.names[position]
        if name in full_names:
            continue
        spared = config.exclude and not resolved.compressed_without_excludes(position)
        if len(reaches) == 1:
            places = {part: _place(part, name) for part in reaches if part in name}
        else:
            found = resolved.selection.partial_names_in(position)
            looked_at += len(found)
            if looked_at > _WORK:
                return {}
            places = {part: _place(part, name) for part in reaches.keys() & found.keys() if part in name}
        best = min(places.values(), default=_WHOLE)
        for part, place in places.items():
            if place == best and (place == _WHOLE or not spared):
                reaches[part].cut[place].append(name)
    return reaches


def _place(part: str, name: str) -> int:
    """Return how `part` is in `name`, at the place where it cuts least.

    >>> _place("fc.1", "fc.1"), _place("fc.1", "fc.10"), _place("c.1", "fc.1")
    (0, 2, 1)
    """
    starts = list(itertools.islice(places_of(part, name), _PLACES + 1))
    if len(starts) > _PLACES:
        return _WHOLE
    return min((_cut(name, start, start + len(part)) for start in starts), default=_WHOLE)


def _cut(name: str, start: int, end: int) -> int:
    if any(0 < at < len(name) and name[at - 1].isdecimal() and name[at].isdecimal() for at in (start, end)):
        return _IN_NUMBER
    between_dots = all(at in (0, len(name)) or "." in name[at - 1 : at + 1] for at in (start, end))
    return _WHOLE if between_dots else _IN_WORD


def _findings(resolved: Resolved, index: int, element: int, reach: _Reach) -> Iterator[Finding]:
    whole, in_word, in_number = (reach.cut[place] for place in (_WHOLE, _IN_WORD, _IN_NUMBER))
    place = resolved.config_list.provenance.place((index, "op_partial_names", element))
    spot = Spot.at(resolved, (index, "op_partial_names", element))
    if in_number and (whole or in_word):
        more, kept, code = in_number + in_word if whole else in_number, whole or in_word, Code.DIGIT_BOUNDARY
    elif in_word and whole:
        more, kept, code = in_word, whole, Code.WORD_BOUNDARY
    else:
        if whole and not in_number:
            yield from _two_paths(place, spot, whole)
        return
    texts = sorted({_longer(spot.word, name) for name in more}, key=_natural)
    shown = listed(texts) if len(texts) <= _NAMED else f"'{texts[0]}' to '{texts[-1]}'"
    message = f"'{spot.word}' also takes {shown}, {layers_words(len(more))} more"
    key, words, hint = _instead(spot, kept, more)
    yield Finding.at(place, code, message, hint, fix=spot.edits(key, words) if words else None)


def _natural(text: str) -> list[tuple[str, tuple[int, str]]]:
    """Sort numbers by their value."""
    return [(word, number_order(number)) for word, number in re.findall(r"([^0-9]+|^)([0-9]*)", text)]


def _longer(part: str, name: str) -> str:
    """Return `part` with the whole of the words and numbers that it cuts, at its first place in `name`.

    >>> _longer("layer.1", "layer.10.fc"), _longer("kv_proj", "attn.qkv_proj")
    ('layer.10', 'qkv_proj')
    """
    start = name.find(part)
    end = start + len(part)
    while start > 0 and part[0] != "." and name[start - 1] != ".":
        start -= 1
    while end < len(name) and part[-1] != "." and name[end] != ".":
        end += 1
    return name[start:end]


def _instead(spot: Spot, kept: Sequence[str], more: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    """Return key and words that select the layers `kept`, and none that it takes beyond them, and the hint."""
    part = spot.word
    for word in (f"{part}.", f".{part}", f".{part}."):
        if all(word in name for name in kept) and not any(word in name for name in more):
            return "op_partial_names", (word,), f"write '{word}'"
    if len(kept) <= _NAMES:
        return "op_names", tuple(kept), f"write {spot.line('op_names', kept)}"
    return "op_names", (), "write the names in full, in 'op_names'"


def _two_paths(place: Place, spot: Spot, names: Iterable[str]) -> Iterator[Finding]:
    """Yield that a partial name is the path to layers of a block, and in a longer one to others of the same block."""
    if len(spot.config.op_partial_names or ()) > _LONG_LIST:
        return
    part, inner = spot.word, spot.word.strip(".")
    paths: dict[tuple[str, str], dict[str, list[str]]] = {}
    said = [other for other in spot.config.op_partial_names or () if inner in other and other not in (inner, part)]
    for name in names if "." in inner else ():
        if any(other in name for other in said):
            continue
        start = next(at for at in places_of(part, name) if _cut(name, at, at + len(part)) == _WHOLE)
        before, _, after = f"{name[:start]}.{name[start:].lstrip('.')}".partition(inner)
        *block, path = re.split(r"(?<=\.)[0-9]+\.", f".{before.strip('.')}.")
        if block:
            key = (block_form(name[:start].strip(".").removesuffix(path.strip(".")).strip(".")), after)
            paths.setdefault(key, {}).setdefault(path.strip("."), []).append(name)
    for found in paths.values():
        deeper = {path: layers for path, layers in found.items() if path}
        if "" in found and deeper:
            counts = joined(f"'{path}.{inner}' ({layers_words(len(layers))})" for path, layers in deeper.items())
            message = (
                f"'{part}' is in more than one path of a block: '{inner}' ({layers_words(len(found['']))}) and {counts}"
            )
            longer = listed((f"{path}.{inner}" for path in deeper), last="or")
            hint = f"write {longer} for these alone, or beside it if all are meant"
            yield Finding.at(place, Code.SEVERAL_PATHS, message, hint)
            return
