"""Repeated blocks of which a sub-config takes most, 29 of 30, and that no sub-config takes in the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from compression_config.findings import Code, Finding, Severity
from compression_config.linting.hints import has_weighted_name
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.suggestions import NUMBER, block_form
from compression_config.text import listed, names_words, numbers_words

__all__ = ["coverage_findings"]

_BLOCKS = 4
"""Fewer blocks than this are not a sequence that is likely meant as a whole."""
_HOLES = 0.25
"""Up to this share of the blocks that are taken may be missing between them by mistake; more of them are a choice."""
_ENDS = 2
"""So many missing blocks at the end may be a number that is one too small."""
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
    positions = [p for p in positions if types[p] in taken_types or _has_weight(resolved, p)]
    left = [p for p in positions if resolved.decided_by[p] == UNDECIDED]
    if not left:
        return None
    other_types = tuple(dict.fromkeys(types[p] for p in left if types[p] not in taken_types))
    if other_types and any(types[p] in taken_types for p in left):
        return None  # left out by name here and by type there
    components = form.split(".")
    parts = {position: names[position].split(".") for position in positions}
    for depth, component in enumerate(components[:-1]):
        if component != NUMBER or any(part[depth] == NUMBER for part in parts.values()):
            continue  # the second: a name that has this character itself
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


def _has_weight(resolved: Resolved, position: int) -> bool:
    known = resolved.inventory.has_weight(position)
    return has_weighted_name(resolved.inventory.types[position]) if known is None else known


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
    return len({after - before for before, after in pairwise(numbers)}) <= 1
