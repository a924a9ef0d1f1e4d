"""Repeated blocks of which a sub-config takes most, 25 of 30, and leaves the others to nobody."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from compression_config.findings import Code, Finding
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.text import names_words, numbers_words

__all__ = ["coverage_findings"]

NUMBER = "\0"
"""What the form of a name has in place of a component that is a number."""
_COMPONENT = re.compile(r"(?<![^.])(?:0|[1-9][0-9]{0,8})(?![^.])")
"""The number of a block, as PyTorch writes it; of more digits it is none."""
_BLOCKS = 4
"""Fewer blocks than this are no sequence that somebody meant to take as a whole."""

Kin: TypeAlias = tuple[str, str]
"""The form and the type that layers have in common: the same layer of different blocks."""


class _Gap(NamedTuple):
    """Blocks of a sequence that nothing selects."""

    sequence: str
    """What stands before the number of the block."""
    missing: tuple[int, ...]
    taken: int
    """How many blocks the sub-config takes."""
    blocks: int


def coverage_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the sub-configs that name layers in more than half of the blocks of a sequence, but not in all.

    The blocks that are left have the same layer, of the same type, and no sub-config selects it there.
    """
    suspects = [
        index
        for index, config in enumerate(resolved.config_list)
        if config.names_layers and not config.exclude and len(resolved.decided[index]) > _BLOCKS // 2
    ]
    if suspects:
        kin = _kin(resolved)
        total = Counter(kin)
        partly = {index: _partly_taken([kin[p] for p in resolved.decided[index]], total) for index in suspects}
        wanted = frozenset[Kin]().union(*partly.values())
        layers: dict[Kin, list[int]] = {}
        for position, key in enumerate(kin) if wanted else ():
            if key in wanted:
                layers.setdefault(key, []).append(position)
        for index in suspects:
            yield from _findings(resolved, index, {key: layers[key] for key in partly[index]})


def _kin(resolved: Resolved) -> list[Kin]:
    """Return form and type of each layer."""
    pairs = zip(resolved.inventory.names, resolved.inventory.types, strict=True)
    return [(_COMPONENT.sub(NUMBER, name), kind) for name, kind in pairs]


def _partly_taken(decided: Sequence[Kin], total: Counter[Kin]) -> list[Kin]:
    """Return of which layers a sub-config decides more than half and not all, if they lie in numbered blocks."""
    return [
        (form, kind)
        for (form, kind), count in Counter(decided).items()
        if count < total[form, kind] < 2 * count and NUMBER in form[: form.rfind(".") + 1]
    ]


def _findings(resolved: Resolved, index: int, layers: dict[Kin, list[int]]) -> Iterator[Finding]:
    gaps: dict[_Gap, list[str]] = {}
    for (form, _), positions in layers.items():
        found = _gap(resolved, index, form, positions)
        if found is not None:
            gap, depth = found
            gaps.setdefault(gap, []).append(".".join(form.split(".")[depth + 1 :]).replace(NUMBER, "*"))
    for gap, inside in gaps.items():
        them = "it" if len(inside) == 1 else "them"
        message = (
            f"this sub-config takes {names_words(inside)} in {gap.taken} of the {gap.blocks} blocks of "
            f"'{gap.sequence}', and no sub-config takes {them} in {numbers_words(gap.missing)}"
        )
        hint = "name these blocks too, or exclude them if they are to stay as they are"
        yield Finding.at(resolved.config_list.provenance.place((index,)), Code.UNEVEN_COVERAGE, message, hint)


def _gap(resolved: Resolved, index: int, form: str, positions: Sequence[int]) -> tuple[_Gap, int] | None:
    """Return which blocks are left, and which component of the form is their number; None when no blocks are."""
    components = form.split(".")
    parts = {position: resolved.inventory.names[position].split(".") for position in positions}
    left = [position for position in positions if resolved.decided_by[position] == UNDECIDED]
    if not left:
        return None
    for depth in (depth for depth, component in enumerate(components[:-1]) if component == NUMBER):
        ways = {".".join(parts[position][:depth]) for position in left}
        sequences = {".".join(components[:depth]).replace(NUMBER, "*"): positions}
        if len(ways) == 1:  # all in one sequence of several
            way = next(iter(ways))
            sequences[way] = [position for position in positions if ".".join(parts[position][:depth]) == way]
        for sequence, members in sequences.items():
            missing = {int(parts[position][depth]) for position in left}
            taken = {int(parts[position][depth]) for position in members if resolved.decided_by[position] == index}
            blocks = {int(parts[position][depth]) for position in members}
            if missing.isdisjoint(taken) and _is_most(taken, blocks) and not _spares_the_ends(missing, taken):
                return _Gap(sequence, tuple(sorted(missing)), len(taken), len(blocks)), depth
    return None


def _is_most(taken: set[int], blocks: set[int]) -> bool:
    return len(blocks) >= _BLOCKS and len(taken) * 2 > len(blocks)


def _spares_the_ends(missing: set[int], taken: set[int]) -> bool:
    """Return whether what is left are the first and the last blocks: many a list means to leave these alone."""
    first, last = min(taken), max(taken)
    inside = any(first < number < last for number in missing)
    return not inside and min(missing) < first and last < max(missing)
