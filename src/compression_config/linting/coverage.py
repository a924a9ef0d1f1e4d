"""What a list leaves out: some of the repeated blocks, subclasses of the types that it lists, most of a model (D20)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from compression_config.budget.counting import total
from compression_config.budget.groups import counted_weights, other_parameters
from compression_config.configs.sub_config import SubConfig
from compression_config.findings import Code, Edit, Finding, Severity
from compression_config.inventory import Inventory
from compression_config.inventory.layer import numel_of
from compression_config.linting.hints import is_weighted
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.suggestions import NUMBER, block_form
from compression_config.text import joined, layers_words, listed, names_words, numbers_words, percent_words, written

__all__ = ["coverage_findings", "reach_findings"]


# Blocks, of which a sub-config takes 29 of 30.

_BLOCKS = 4
"""Fewer blocks than this are not a sequence that is likely meant as a whole."""
_HOLES = 0.25
"""Up to this share of the blocks that are taken may be missing between them by mistake; more of them are a choice."""
_ENDS = 2
"""So many missing blocks at the end may be a number that is one too small."""
_DIGITS = 9
"""A number of more digits is not that of a block."""
_STEPS = 3
"""From so many on, missing blocks at equal distances are a choice."""


class _Gap(NamedTuple):
    """Blocks of a sequence in which no sub-config selects a layer."""

    sequence: str
    """The path to the blocks."""
    missing: tuple[int, ...]
    taken: int
    """How many blocks the sub-config takes."""
    blocks: int
    at_end: bool
    """Whether the last blocks are missing, rather than some between those that are taken."""
    types: tuple[str, ...]
    """The types of what is missing, where `op_types` leaves them out."""


def coverage_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the sub-configs that name layers in most blocks of a sequence and leave out a few, in list order.

    What is left has the same name in its block, and no sub-config selects it there: an exclude settles it. Missing
    blocks between those that are taken are a warning, the last one or two a note; other ranges are a choice.
    """
    suspects = [
        index
        for index, config in enumerate(resolved.config_list)
        if config.names_layers and not config.exclude and len(resolved.decided[index]) > _BLOCKS // 2
    ]
    if not suspects:
        return
    forms = list(map(block_form, resolved.inventory.names))
    total = Counter(forms)
    partly = {index: _partly_taken([forms[p] for p in resolved.decided[index]], total) for index in suspects}
    wanted = frozenset[str]().union(*partly.values())
    layers: dict[str, list[int]] = {}
    for position, form in enumerate(forms) if wanted else ():
        if form in wanted:
            layers.setdefault(form, []).append(position)
    for index in suspects:
        yield from _findings(resolved, index, {form: layers[form] for form in partly[index]})


def _partly_taken(decided: Sequence[str], total: Counter[str]) -> list[str]:
    """Return of which layers a sub-config decides more than half and not all, if they are in numbered blocks."""
    return [
        form
        for form, count in Counter(decided).items()
        if count < total[form] < 2 * count and NUMBER in form[: form.rfind(".") + 1]
    ]


def _findings(resolved: Resolved, index: int, layers: Mapping[str, Sequence[int]]) -> Iterator[Finding]:
    gaps: dict[_Gap, list[str]] = {}
    for form, positions in layers.items():
        found = _gap(resolved, index, form, positions)
        if found is not None:
            gap, depth = found
            gaps.setdefault(gap, []).append(".".join(form.split(".")[depth + 1 :]).replace(NUMBER, "*"))
    place = resolved.config_list.provenance.place((index,))
    for gap, inside, alike in _by_cause(gaps):
        them = "it" if len(inside) == 1 else "them"
        most = f"{'' if alike else 'up to '}{gap.taken} of the {gap.blocks} blocks"
        message = f"this sub-config takes {names_words(inside)} in {most} of '{gap.sequence}', and no sub-config takes "
        message += f"{them} in {numbers_words(gap.missing)}"
        hint = "name these blocks too, or exclude them if they are to stay as they are"
        if gap.types:
            message += f", where the type is {listed(gap.types, last='or')}"
            hint = f"add {listed(gap.types)} to 'op_types', or exclude {them} there"
        severity = Severity.NOTE if gap.at_end else None
        yield Finding.at(place, Code.UNEVEN_COVERAGE, message, hint, severity=severity)


def _by_cause(gaps: Mapping[_Gap, list[str]]) -> Iterator[tuple[_Gap, list[str], bool]]:
    """Yield what is left out of the same blocks together, and whether it is in equally many of them otherwise.

    Not every block of a sequence has the same layers: the gap of those that are in most blocks is yielded.
    """
    causes: dict[tuple[object, ...], list[_Gap]] = {}
    for gap in gaps:
        causes.setdefault((gap.sequence, gap.missing, gap.at_end, gap.types), []).append(gap)
    for same in causes.values():
        yield max(same, key=lambda gap: gap.blocks), [name for gap in same for name in gaps[gap]], len(same) == 1


def _gap(resolved: Resolved, index: int, form: str, positions: Sequence[int]) -> tuple[_Gap, int] | None:
    """Return which blocks are left, and which component of the form is their number; None when no blocks are."""
    names, types = resolved.inventory.names, resolved.inventory.types
    taken_types = {types[p] for p in positions if resolved.decided_by[p] == index}
    positions = [p for p in positions if types[p] in taken_types or is_weighted(resolved.inventory, p)]
    left = [p for p in positions if resolved.decided_by[p] == UNDECIDED]
    if not left:
        return None
    other_types = tuple(dict.fromkeys(types[p] for p in left if types[p] not in taken_types))
    if other_types and any(types[p] in taken_types for p in left):
        return None  # left out by name here and by type there
    components = form.split(".")
    parts = {position: names[position].split(".") for position in positions}
    for depth, component in enumerate(components[:-1]):
        # Not numbers of blocks: a name that has this character itself, and more digits than any model has blocks.
        if component != NUMBER or any(part[depth] == NUMBER or len(part[depth]) > _DIGITS for part in parts.values()):
            continue
        paths = {".".join(parts[position][:depth]) for position in left}
        sequences = {".".join(components[:depth]).replace(NUMBER, "*"): list(positions)}
        if len(paths) == 1:  # all in one sequence of several
            (path,) = paths
            sequences[path] = [position for position in positions if ".".join(parts[position][:depth]) == path]
        for sequence, members in sequences.items():
            missing = sorted({int(parts[position][depth]) for position in left})
            taken = sorted(
                {int(parts[position][depth]) for position in members if resolved.decided_by[position] == index}
            )
            blocks = sorted({int(parts[position][depth]) for position in members})
            at_end = _at_end(missing, taken, blocks)
            if at_end is not None:
                return _Gap(sequence, tuple(missing), len(taken), len(blocks), at_end, other_types), depth
    return None


def _at_end(missing: Sequence[int], taken: Sequence[int], blocks: Sequence[int]) -> bool | None:
    """Return whether the blocks that are missing are the last ones (or else between others); None for a choice.

    Blocks at uneven distances are unlike modules that happen to have a layer of the same name.
    """
    if len(blocks) < _BLOCKS or not _evenly_spaced(blocks) or not set(missing).isdisjoint(taken):
        return None
    holes = [number for number in missing if taken[0] < number < taken[-1]]
    if holes:
        a_choice = len(holes) > _HOLES * len(taken) or (
            len(holes) >= _STEPS and holes[1] - holes[0] > blocks[1] - blocks[0] and _evenly_spaced(holes)
        )
        return None if a_choice else False
    whole_start = taken[0] == blocks[0] and len(missing) <= _ENDS and len(taken) + len(missing) == len(blocks)
    return True if whole_start and missing[0] > taken[-1] else None


def _evenly_spaced(numbers: Sequence[int]) -> bool:
    return len({after - before for before, after in itertools.pairwise(numbers)}) <= 1


# Types.

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
            types = frozenset[str]() if config.exclude else (config.types or frozenset()) & present
            found = _subclasses(resolved, config, left) if types else []
            if found:
                subclasses.update(subclass.type for subclass in found)
                yield _subclass_finding(resolved, index, found)
        others = {name: positions for name, positions in left.items() if name not in subclasses}
        if _may_be_most(resolved, others):
            yield from _low_coverage(resolved, others)


def _types_left(resolved: Resolved) -> dict[str, list[int]]:
    """Return the types of which no sub-config selects a layer or lists the name, with their layers."""
    named = {name for config in resolved.config_list for name in config.types or ()}
    types = resolved.inventory.types
    taken = {name for name, index in zip(types, resolved.decided_by, strict=True) if index != UNDECIDED} | named
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
