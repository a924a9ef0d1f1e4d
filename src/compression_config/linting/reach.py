"""What a list leaves out because of its types: subclasses of those that it lists, and most of a model (D20)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from compression_config.budget.counting import total
from compression_config.budget.groups import counted_weights, other_parameters
from compression_config.configs.sub_config import SubConfig
from compression_config.findings import Code, Edit, Finding
from compression_config.inventory import Inventory
from compression_config.inventory.layer import numel_of
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.text import joined, layers_words, percent_words, written

__all__ = ["reach_findings"]

_SUFFIXES = (
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Bilinear",
    "Linear",
)
"""Types whose subclasses mostly have their name at the end of their own, as in FalconLinear; the longer ones first."""

_SHOWN = 3


def reach_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the subclasses that sub-configs leave out, in list order, and then what most of the model is in."""
    left = _types_left(resolved)
    if left:
        subclasses: set[str] = set()
        present = frozenset(resolved.inventory.types)
        for index, config in enumerate(resolved.config_list):
            # Where the model has none of the listed types, `unmatched-type` reports that and offers the subclass.
            listed = frozenset[str]() if config.exclude else (config.types or frozenset()) & present
            found = _subclasses(resolved, config, left) if listed else []
            if found:
                subclasses.update(subclass.type for subclass in found)
                yield _subclass_finding(resolved, index, found)
        others = {name: positions for name, positions in left.items() if name not in subclasses}
        if _may_be_most(resolved, others):
            yield from _low_coverage(resolved, others)


def _types_left(resolved: Resolved) -> dict[str, list[int]]:
    """Return the types of which no sub-config selects a layer or lists the name, with their layers."""
    listed = {name for config in resolved.config_list for name in config.types or ()}
    types = resolved.inventory.types
    taken = {name for name, index in zip(types, resolved.decided_by, strict=True) if index != UNDECIDED} | listed
    left: dict[str, list[int]] = {}
    for position, name in enumerate(types):
        if name not in taken:
            left.setdefault(name, []).append(position)
    return left


class _Subclass(NamedTuple):
    """A type that a sub-config leaves out although it lists one of its bases."""

    type: str
    layers: int
    """How many layers of it the sub-config would select if it listed the type too."""
    words: str
    """How it is related to what is listed."""


def _subclasses(resolved: Resolved, config: SubConfig, left: dict[str, list[int]]) -> list[_Subclass]:
    inventory, found = resolved.inventory, []
    for name, positions in left.items():
        words = _relation(inventory, name, config)
        if words is not None:
            layers = sum(
                1
                for position in positions
                if inventory.has_weight(position) is not False and _names_match(inventory, position, config)
            )
            if layers:
                found.append(_Subclass(name, layers, words))
    return found


def _relation(inventory: Inventory, name: str, config: SubConfig) -> str | None:
    """Return how a type is related to one that a sub-config lists; None when it is not."""
    types, bases = config.types or frozenset(), inventory.bases.get(name)
    if bases is not None:
        base = next((base for base in bases if base in types), None)
        return None if base is None else f"a subclass of {base}"
    # Pairs of names and types say nothing of bases.
    suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), None)
    return f"by its name a subclass of {suffix}" if suffix in types else None


def _names_match(inventory: Inventory, position: int, config: SubConfig) -> bool:
    name = inventory.names[position]
    return (
        not config.names_layers
        or name in (config.op_names or ())
        or any(part in name for part in config.op_partial_names or ())
    )


def _subclass_finding(resolved: Resolved, index: int, found: Sequence[_Subclass]) -> Finding:
    config, names = resolved.config_list[index], [subclass.type for subclass in found]
    types = [*(config.op_types or ()), *names]
    most = [f"{layers_words(one.layers)} of {one.type}, {one.words}," for one in found[:_SHOWN]]
    others = len(found) - len(most)
    verb = "is" if len(found) == 1 and found[0].layers == 1 else "are"
    message = f"{joined([*most, f'{others} more types'] if others else most)} {verb} not selected"
    path, provenance = (index, "op_types"), resolved.config_list.provenance
    place, size = provenance.place(path), len(config.op_types or ())
    line = written("op_types", types, provenance.notation(path))
    hint = f"write {line} to select {'it' if verb == 'is' else 'them'} too"
    fix = tuple(Edit("insert", (*place.path, size + step), name) for step, name in enumerate(names))
    return Finding.at(place, Code.SUBCLASS_NOT_SELECTED, message, hint, fix=fix)


def _may_be_most(resolved: Resolved, left: Mapping[str, Sequence[int]]) -> bool:
    """Return whether what a list compresses may hold less than the types in `left`: mostly a few layers tell."""
    inventory = resolved.inventory
    held = 0
    for position in itertools.chain(*left.values()):
        held += inventory.numel(position) or 0
        held += sum(numel_of(shape) or 0 for name, shape in inventory.parameters(position).items() if name != "weight")
    compressed = [decided for index, decided in enumerate(resolved.decided) if not resolved.config_list[index].exclude]
    compresses = False
    for position in itertools.chain(*compressed):
        # Where nothing has a weight, that is reported, and is why all is left.
        compresses = compresses or inventory.has_weight(position) is not False
        if inventory.weight_owner(position) == position:
            held -= inventory.numel(position) or 0
            if held < 0:
                return False
    return compresses


def _low_coverage(resolved: Resolved, left: Mapping[str, Sequence[int]]) -> Iterator[Finding]:
    """Yield that types of which no layer is selected hold more than half of all parameters."""
    weights, others = counted_weights(resolved), other_parameters(resolved.inventory)
    parameters = total((*weights.numels, others.total))
    if not parameters:
        return
    elements: Counter[str] = Counter()
    reachable = set()
    for name, positions in left.items():
        numel = sum(weights.numels[position] or 0 for position in positions)
        elements[name] = numel + sum(others.numel(position) or 0 for position in positions)
        if numel:
            reachable.add(name)
    if 2 * elements.total() <= parameters:
        return
    heaviest = [name for name, _ in elements.most_common(_SHOWN) if elements[name] * 100 >= parameters]
    held = sum(elements[name] for name in heaviest)
    words = [f"{len(left[name]):,} {name} ({percent_words(elements[name], parameters)})" for name in heaviest]
    hold = "holds" if sum(len(left[name]) for name in heaviest) == 1 else "hold"
    message = f"no sub-config selects {joined(words)}, which {hold} {held:,} of all {parameters:,} parameters"
    place = resolved.config_list.provenance.place(())
    weighted = [name for name in heaviest if name in reachable]
    hint = "no config list reaches them: only parameters called 'weight' are compressed"
    if weighted:
        line = written("op_types", weighted, resolved.config_list.provenance.notation(()))
        hint = f"add a sub-config with {line} if they are to be compressed too"
    yield Finding.at(place, Code.LOW_COVERAGE, message, hint)
