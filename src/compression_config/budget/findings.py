"""Findings about a budget: at most one for each sub-config and each cause (D7)."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence

from compression_config.budget.allocation import fitting, infeasible
from compression_config.budget.budget import Budget
from compression_config.budget.counting import masked_count, ratio_for, total
from compression_config.budget.groups import GroupBudget
from compression_config.configs.pruning import PruningConfig
from compression_config.findings import Code, Finding, Severity
from compression_config.inventory import Inventory
from compression_config.resolving.resolved import Resolved, Status
from compression_config.text import counted, written

__all__ = ["budget_findings"]

_SHOWN = 3
"""How many layers a message names."""

_ONE_IN = 100
"""Rounding that loses more than one in so many of the demanded elements is a warning (D7)."""

_NEGLIGIBLE = 20
"""Excludes that take no more than one in so many of a group's elements are not mentioned: they say it themselves."""

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
        matters = (demanded - reachable) * _ONE_IN > demanded
        hint = f"write {fitting(resolved, group, demanded, reachable)}" if matters else None
        severity = Severity.WARNING if matters else None
        place = resolved.config_list.provenance.place(path)
        yield Finding.at(place, Code.ROUNDED_DEMAND, message, hint, severity=severity)
    elif group.total_sparsity and group.numel and not demanded:
        message = f"{ratio} of {group.numel:,} elements rounds down to 0"
        hint = _enough(resolved, group.index, "total_sparsity", group.numel)
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
        notation = resolved.config_list.provenance.notation((group.index,))
        hint = f"write {written('max_sparsity_per_layer', 0.9, notation)}"
        if ratio > 0.9:  # noqa: PLR2004 - the cap of the specification's example would be refused
            hint = f"write a 'max_sparsity_per_layer' from {ratio} to below 1"
        place = resolved.config_list.provenance.place((group.index, "total_sparsity"))
        yield Finding.at(place, Code.WHOLE_LAYER_MASKED, message, hint)


def _shrunk(resolved: Resolved, budget: Budget) -> Iterator[Finding]:
    """Yield the groups that mask fewer elements than they would if their sub-config were the only one.

    That is so because later sub-configs decide some of the layers, or because a weight that layers share counts for
    one that another sub-config decides. What is just excluded is mentioned where it is more than one in `_NEGLIGIBLE`.
    """
    groups = {group.index: group for group in budget.groups if group.numel is not None}
    for index, positions in _overwritten(resolved, groups).items():
        group = groups[index]
        others = [position for position in positions if resolved.inventory.has_weight(position) is not False]
        own = [p for p in resolved.decided[index] if resolved.inventory.has_weight(p) is not False]
        sharing = [p for p in own if resolved.decided_by[budget.weights.counted_for.get(p, p)] != index]
        alone = _numel_alone(resolved.inventory, (*others, *own))
        if alone is None or group.numel is None or group.demanded is None or alone == group.numel:
            continue
        excluded = sum(1 for position in others if resolved.status(position) is Status.EXCLUDED)
        if excluded == len(others) and not sharing and (alone - group.numel) * _NEGLIGIBLE <= alone:
            continue
        layers = counted(len(others) + len(own), "layer")
        causes = []
        if others:
            how = f"({excluded:,} excluded, {len(others) - excluded:,} compressed otherwise)"
            causes.append(f"later sub-configs overwrite {len(others):,} of the {layers} {how}")
        if sharing:
            share = "shares a weight" if len(sharing) == 1 else "share weights"
            causes.append(f"{len(sharing):,} of the {layers} {share} counted for another sub-config")
        message = (
            f"{' and '.join(causes)}, so 'total_sparsity' {group.total_sparsity} masks {group.demanded:,} of "
            f"{group.numel:,} elements instead of {masked_count(alone, group.total_sparsity):,} of {alone:,}"
        )
        place = resolved.config_list.provenance.place((index, "total_sparsity"))
        yield Finding.at(place, Code.SHRUNK_GROUP, message)


def _numel_alone(inventory: Inventory, positions: Iterable[int]) -> int | None:
    """Return the number of elements of the weights of layers, each weight once."""
    return total(inventory.numel(owner) for owner in {inventory.weight_owner(position) for position in positions})


def _overwritten(resolved: Resolved, groups: Collection[int]) -> dict[int, list[int]]:
    """Return for each of `groups` the positions of the layers that it selects and later sub-configs decided."""
    decided_by = resolved.decided_by
    # A group that nothing overwrites may still lack a weight that is counted for another sub-config.
    overwritten: dict[int, list[int]] = {index: [] for index in groups}
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
    yield Finding.at(place, Code.MASKS_NOTHING, message, _enough(resolved, index, key, min(too_small)))


def _enough(resolved: Resolved, index: int, key: str, numel: int) -> str:
    """Return the hint for a ratio that rounds down to 0 of `numel` elements."""
    if numel == 1:
        return "exclude layers of a single element: no ratio below 1 masks that"
    line = written(key, ratio_for(1, numel), resolved.config_list.provenance.notation((index,)))
    return f"write {line}, or exclude layers that small"


def _examples(layers: Sequence[tuple[int, str]]) -> str:
    """Return the smallest of `layers` with their numbers of elements, in the model's order where equal."""
    smallest = heapq.nsmallest(_SHOWN, layers, key=lambda layer: layer[0])
    shown = ", ".join(f"'{name}' ({numel:,} element{'' if numel == 1 else 's'})" for numel, name in smallest)
    return shown + (", ..." if len(layers) > _SHOWN else "")
