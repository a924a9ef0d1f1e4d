"""Verifying: whether a compressed model is what its config list asks for.

Each weight or mask is read once and not kept, so that a checkpoint larger than memory can be verified.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from compression_config.budget.counting import total
from compression_config.budget.groups import CountedWeights, counted_weights, group_budget
from compression_config.errors import UsageError, is_a
from compression_config.findings import Code
from compression_config.inventory import Inventory
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.settings import PruningSettings
from compression_config.verification.checkpoints import read_checkpoint
from compression_config.verification.findings import verification_findings
from compression_config.verification.judging import (
    Assessment,
    Requirements,
    Tolerance,
    allowance_of_group,
    checked_tolerance,
)
from compression_config.verification.measuring import Measured, measured
from compression_config.verification.results import GroupVerification, Verification
from compression_config.verification.sources import Found, Source, source_of
from compression_config.verification.tensors import NotReadable

__all__ = ["verify"]


def verify(
    resolved: Resolved, weights: object, *, beside: Resolved | None = None, tolerance: Tolerance = "element"
) -> Verification:
    """Return how far `weights` are what `resolved` asks for: for each layer and group, and as findings.

    `weights` is a model (masks of `torch.nn.utils.prune` count as such), a state dict, masks
    `{layer: {"weight": mask}}`, arrays `{layer: array}`, or the path of a safetensors file or a directory of them.
    Only the `weight` of a layer is looked at. A weight that several layers share is that of the first (D17); another
    of them is looked at where it has a mask of its own.
    `beside` is the other list of a two-part document. `tolerance` says by how much counts may be off.

    Zeros in a mask are masked elements. Of the zeros in a bare weight one element in a thousand, unless `tolerance` is
    "exact", and in an embedding one row, may be there without having been masked.

    Raises `UsageError` for weights of another kind, a wrong tolerance, and a checkpoint that cannot be read.
    """
    given = read_checkpoint(weights) if is_a(weights, str) or is_a(weights, os.PathLike) else weights
    required = _requirements(resolved, beside, checked_tolerance(tolerance))
    inventory, counted = required.first.inventory, counted_weights(required.first)
    source = source_of(given, inventory)
    # What compresses nothing may come as no masks at all.
    looked_at = not source.empty or any(map(required.compresses, range(len(inventory))))
    assessed = list(_assessed(required, source, inventory, counted)) if looked_at else []
    groups = [] if required.pruning is None else list(_groups(required.pruning, required.tolerance, counted, assessed))
    findings = verification_findings(required, assessed, groups, source)
    return Verification(tuple(one.row for one in assessed), tuple(groups), tuple(findings))


def _requirements(resolved: Resolved, beside: Resolved | None, tolerance: Tolerance) -> Requirements:
    if beside is not None and beside.config_list.kind == resolved.config_list.kind:
        raise UsageError(f"both lists are {resolved.config_list.kind} lists")
    # A part that a two-part document leaves out does not ask that every layer stay as it was.
    present = [part for part in (resolved, beside) if part is not None and len(part.config_list)] or [resolved]
    parts = {part.config_list.kind: part for part in present}
    pruning = parts.get("pruning")
    return Requirements(present[0] if pruning is None else pruning, pruning, parts.get("quantization"), tolerance)


def _assessed(
    required: Requirements, source: Source, inventory: Inventory, weights: CountedWeights
) -> Iterator[Assessment]:
    """Yield the verdict on each layer whose weight counts or that has a mask of its own, in the model's order."""
    names = _further_names(inventory, weights)
    for position in range(len(inventory)):
        if weights.counted[position]:
            found = _measured(required, source, position, (inventory.names[position], *names.get(position, ())))
        else:
            found = _sharing(required, source, position, weights)
        if found is not None:
            yield required.assess(position, inventory.numel(position), found)


def _measured(required: Requirements, source: Source, position: int, names: Sequence[str]) -> Measured | None:
    """Return what the layer at `position` shows; None for one that seems to have no weight and needs no check."""
    inventory = required.first.inventory
    numel = inventory.numel(position)
    try:
        found = source.find(names)
    except NotReadable as error:
        return Measured(reason=str(error))
    if found is not None:
        return measured(found, numel, inventory.weight_shapes[position], required.wanted(position))
    if source.only_masks and required.pruning is not None and numel is not None:
        return Measured(numel=numel, zeros=0, evidence="mask")
    needed = required.compresses(position) or inventory.has_weight(position)
    return Measured(reason="has no weight there", cause="missing") if needed else None


def _sharing(required: Requirements, source: Source, position: int, weights: CountedWeights) -> Measured | None:
    """Return what a layer shows besides the one for which their shared weight counts; None when there is nothing.

    Pruning one of them unties it: its own mask is then looked at. Without one it is assessed by the other; where only
    the other was given a mask and this one is to be compressed too, it was not, which must not pass for verified.
    """
    names = required.first.inventory.names
    if position not in weights.counted_for:
        return None
    name, counted = names[position], names[weights.counted_for[position]]
    own, other = _found(source, name), _found(source, counted)
    if own is None or other is None:
        return None
    if own.mask is not None:
        return _measured(required, source, position, (name,))
    if other.mask is not None and required.compresses(position):
        return Measured(reason=f"shared the weight of '{counted}', which alone has a mask there", cause="missing")
    return None


def _found(source: Source, name: str) -> Found | None:
    """Return what there is under a name; None also for what cannot be read."""
    try:
        return source.find((name,))
    except NotReadable:
        return None


def _further_names(inventory: Inventory, weights: CountedWeights) -> Mapping[int, Sequence[str]]:
    """Return under which names besides its own the weight of a layer may be stored: ties and aliases (D17)."""
    names: dict[int, list[str]] = {}
    for position, counted in weights.counted_for.items():
        names.setdefault(counted, []).append(inventory.names[position])
    for alias, position in inventory.aliases.items():
        names.setdefault(weights.counted_for.get(position, position), []).append(alias)
    return names


def _groups(
    pruning: Resolved, tolerance: Tolerance, weights: CountedWeights, assessed: Iterable[Assessment]
) -> Iterator[GroupVerification]:
    """Yield the verdict on each group, with the numbers of elements that were found."""
    by_position = {one.position: one for one in assessed}
    for index in pruning.groups:
        members = [by_position[position] for position in weights.decided[index] if position in by_position]
        settings = cast("PruningSettings", pruning.settings_of(index))
        if members:
            yield _group(index, settings.total_sparsity or 0.0, settings.max_sparsity, members, tolerance)


def _group(
    index: int, ratio: float, cap: float | None, members: Sequence[Assessment], tolerance: Tolerance
) -> GroupVerification:
    rows = [one.row for one in members]
    budget = group_budget(index, ratio, cap, [row.layer for row in rows], [row.numel for row in rows])
    masked = total(row.masked for row in rows)
    codes: tuple[Code, ...] = ()
    if masked is None or budget.numel is None or budget.demanded is None or budget.granted is None:
        codes = (Code.NOT_VERIFIED,)
    else:
        allowance = allowance_of_group(tolerance, budget.numel, (one.allowance for one in members))
        certain = sum(one.certain for one in members)
        if masked + allowance < budget.granted or certain - allowance > budget.demanded:
            codes = (Code.SPARSITY_MISSED,)
    return GroupVerification(index, budget.names, budget.numel, budget.demanded, budget.granted, masked, codes)
