"""Findings about a budget: at most one for each sub-config and each cause (D7)."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence

from compression_config.budget.allocation import fitting, infeasible
from compression_config.budget.budget import Budget
from compression_config.budget.counting import masked_count, ratio_for, total
from compression_config.budget.groups import GroupBudget
from compression_config.configs.pruning import PruningConfig
from compression_config.findings import Code, Finding
from compression_config.resolving.resolved import Resolved, Status

__all__ = ["budget_findings"]

_SHOWN = 3
"""How many layers a message names."""

_ONE_IN = 100
"""Rounding that loses more than one in so many of the demanded elements gets a hint."""

_SELECTED = 20
"""Groups are looked at until they have selected so many times the layers of the model: of no real list one is left."""


def budget_findings(resolved: Resolved, budget: Budget) -> Iterator[Finding]:
    """Yield the findings about `budget`, in no particular order; none where counts are unknown."""
    for group in budget.groups:
        if group.demanded is not None and group.reachable is not None:
            yield from _reach(resolved, group, group.demanded, group.reachable)
            yield from _whole_layers(resolved, group, group.demanded)
    yield from _shrunk(resolved, budget)
    for index, ratio in budget.ratios.items():
        yield from _masks_nothing(resolved, budget, index, ratio)


def _reach(resolved: Resolved, group: GroupBudget, demanded: int, reachable: int) -> Iterator[Finding]:
    """Yield that the caps cannot hold what is demanded, or that rounding leaves nothing to mask."""
    path = (group.index, "total_sparsity")
    ratio = f"'total_sparsity' {group.total_sparsity}"
    if reachable < demanded and not group.rounded:
        yield infeasible(resolved, group, demanded, reachable)
    elif reachable < demanded:
        message = (
            f"{ratio} demands {demanded:,} of {group.numel:,} elements, "
            f"and the caps, rounded down layer by layer, hold {reachable:,}"
        )
        # In large layers so little is lost that a hint, with all its decimals, would only be noise.
        worth_it = (demanded - reachable) * _ONE_IN > demanded
        hint = f"write {fitting(group, demanded, reachable)}" if worth_it else None
        yield Finding.at(resolved.config_list.provenance.place(path), Code.ROUNDED_DEMAND, message, hint)
    elif group.total_sparsity and group.numel and not demanded:
        message = f"{ratio} of {group.numel:,} elements rounds down to 0"
        hint = _enough("total_sparsity", group.numel)
        yield Finding.at(resolved.config_list.provenance.place(path), Code.MASKS_NOTHING, message, hint)


def _whole_layers(resolved: Resolved, group: GroupBudget, demanded: int) -> Iterator[Finding]:
    """Yield that the budget may mask whole layers because no cap is written.

    It never must: a ratio below 1 leaves at least one element of the group, in whichever layer.
    """
    if group.max_sparsity is not None:
        return
    pairs = zip(group.numels, group.names, strict=True)
    small = [(numel, name) for numel, name in pairs if numel and numel <= demanded]
    if small:
        message = (
            f"without 'max_sparsity_per_layer' the budget may mask {len(small):,} of {len(group.names):,} layers "
            f"whole: {_examples(small)}"
        )
        ratio = group.total_sparsity
        hint = "write max_sparsity_per_layer: 0.9"
        if ratio > 0.9:  # noqa: PLR2004 - the cap of the specification's example would be refused
            hint = f"write a 'max_sparsity_per_layer' from {ratio} to below 1"
        place = resolved.config_list.provenance.place((group.index, "total_sparsity"))
        yield Finding.at(place, Code.WHOLE_LAYER_MASKED, message, hint)


def _shrunk(resolved: Resolved, budget: Budget) -> Iterator[Finding]:
    """Yield the groups that cover fewer elements than their selectors, because later sub-configs decide some."""
    counted, numels = budget.weights.counted, budget.weights.numels
    groups = {group.index: group for group in budget.groups if group.numel is not None}
    for index, positions in _overwritten(resolved, groups).items():
        group, others = groups[index], [p for p in positions if counted[p] and numels[p] != 0]
        lost = total(numels[position] for position in others)
        if not lost or group.numel is None or group.demanded is None:
            continue
        before = group.numel + lost
        excluded = sum(1 for position in others if resolved.status(position) is Status.EXCLUDED)
        message = (
            f"later sub-configs overwrite {len(others):,} of the {len(others) + len(group.names):,} layers "
            f"({excluded:,} excluded, {len(others) - excluded:,} compressed otherwise), so "
            f"'total_sparsity' {group.total_sparsity} masks {group.demanded:,} of {group.numel:,} elements instead of "
            f"{masked_count(before, group.total_sparsity):,} of {before:,}"
        )
        place = resolved.config_list.provenance.place((index, "total_sparsity"))
        yield Finding.at(place, Code.SHRUNK_GROUP, message)


def _overwritten(resolved: Resolved, groups: Collection[int]) -> dict[int, list[int]]:
    """Return for each of `groups` the positions of the layers that it selects and later sub-configs decided."""
    decided_by = resolved.decided_by
    overwritten: dict[int, list[int]] = {}
    left = _SELECTED * len(decided_by)
    for index in groups:
        if left > 0 and index + 1 < len(resolved.config_list):
            selected = resolved.selection.selected(index)
            left -= len(selected)
            overwritten[index] = [position for position in selected if decided_by[position] != index]
    return overwritten


def _masks_nothing(resolved: Resolved, budget: Budget, index: int, ratio: float) -> Iterator[Finding]:
    """Yield the layers in which a ratio rounds down to no element."""
    if not ratio:
        return
    numels, decided = budget.weights.numels, budget.weights.decided[index]
    too_small = {numel for numel in {numels[p] for p in decided} if numel and not masked_count(numel, ratio)}
    if not too_small:
        return
    unmasked = [(numel, resolved.inventory.names[p]) for p in decided if (numel := numels[p]) in too_small and numel]
    config = resolved.config_list[index]
    key = "sparsity" if isinstance(config, PruningConfig) and config.sparsity is not None else "sparsity_per_layer"
    message = f"'{key}' {ratio} masks nothing in {len(unmasked):,} of {len(decided):,} layers: {_examples(unmasked)}"
    place = resolved.config_list.provenance.place((index, key))
    yield Finding.at(place, Code.MASKS_NOTHING, message, _enough(key, min(too_small)))


def _enough(key: str, numel: int) -> str:
    """Return the hint for a ratio that rounds down to 0 of `numel` elements."""
    if numel == 1:
        return "exclude layers of a single element: no ratio below 1 masks that"
    return f"write {key}: {ratio_for(1, numel)}, or exclude layers that small"


def _examples(layers: Sequence[tuple[int, str]]) -> str:
    """Return the smallest of `layers` with their numbers of elements, in the model's order where equal."""
    smallest = heapq.nsmallest(_SHOWN, layers, key=lambda layer: layer[0])
    shown = ", ".join(f"'{name}' ({numel:,} element{'' if numel == 1 else 's'})" for numel, name in smallest)
    return shown + (", ..." if len(layers) > _SHOWN else "")
