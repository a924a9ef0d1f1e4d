"""Groups: which weights count, for which layer, and the budget that each layer or group of them has.

A weight counts once: for the first of its layers that is compressed, in the model's order, or for the first of them
where no layer is. When the layers that share it are decided by different sub-configs, the one that decides that layer
counts (D17). Layers without a weight do not count.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from compression_config.budget.counting import masked_count, masked_total, total
from compression_config.inventory import Inventory
from compression_config.inventory.layer import numel_of
from compression_config.resolving.resolved import Resolved

__all__ = [
    "CountedWeights",
    "GroupBudget",
    "LayerBudget",
    "OtherParameter",
    "OtherParameters",
    "counted_weights",
    "group_budget",
    "layer_budgets",
    "other_parameters",
]


@dataclass(frozen=True, slots=True)
class CountedWeights:
    """The weights of a model, by the position of the layer that they count for."""

    numels: Sequence[int | None]
    """For each layer its number of weight elements; None when unknown, 0 for one that does not count."""
    counted: Sequence[int]
    """For each layer 1 when it has a weight, or may have one, that counts for it; 0 otherwise."""
    counted_for: Mapping[int, int]
    """For each layer that does not count because it shares a weight: the layer for which that weight counts."""
    decided: Mapping[int, Sequence[int]]
    """For each compressing sub-config the positions of the layers it decides that count, in the model's order."""


def counted_weights(resolved: Resolved) -> CountedWeights:
    """Return what counts. O(layers)."""
    inventory = resolved.inventory
    numels = list(map(inventory.numel, range(len(inventory))))
    counted = bytearray(b"\1") * len(numels)
    for position, numel in enumerate(numels):
        if numel is None and inventory.has_weight(position) is False:
            counted[position] = 0
            numels[position] = 0
    counted_for: dict[int, int] = {}
    for tied in inventory.ties:
        first = next((position for position in tied if resolved.settings(position) is not None), tied[0])
        counted_for.update((position, first) for position in tied if position != first)
    for position in counted_for:
        counted[position] = 0
        numels[position] = 0
    decided = {
        index: [position for position in positions if counted[position]]
        for index, positions in enumerate(resolved.decided)
        if positions and resolved.settings_of(index) is not None
    }
    return CountedWeights(numels, counted, counted_for, decided)


class OtherParameter(NamedTuple):
    """A parameter that is not the weight of a layer, such as a bias or fused experts."""

    numel: int | None
    """None when unknown."""
    dtype: str | None


@dataclass(frozen=True, slots=True)
class OtherParameters:
    """The parameters of a model that are not weights, each once (D20)."""

    of_layers: Sequence[Sequence[OtherParameter]]
    """For each layer those that are stored nowhere else."""
    of_root: Sequence[OtherParameter] | None
    """None when not all parameters of the model are known."""

    def numel(self, position: int) -> int | None:
        """Return how many elements those of a layer have; None while one is unknown."""
        return total(parameter.numel for parameter in self.of_layers[position])

    @property
    def total(self) -> int | None:
        """How many elements they have in all; None when unknown."""
        if self.of_root is None:
            return None
        return total(parameter.numel for own in (*self.of_layers, self.of_root) for parameter in own)


def other_parameters(inventory: Inventory) -> OtherParameters:
    """Return the parameters that are not weights. O(layers)."""
    # Layers of one kind share their mappings, so that each is read once.
    read: dict[tuple[int, ...], Sequence[OtherParameter]] = {}
    of_layers = []
    for position in range(len(inventory)):
        known = inventory.parameters(position), inventory.parameter_dtypes(position), inventory.parameter_ties(position)
        key = tuple(map(id, known))
        if key not in read:
            shapes, dtypes, ties = known
            read[key] = [
                OtherParameter(numel_of(shape), dtypes.get(name))
                for name, shape in shapes.items()
                if name != "weight" and name not in ties
            ]
        of_layers.append(read[key])
    root = inventory.root
    if root is None:
        return OtherParameters(of_layers, None)
    of_root = [
        OtherParameter(numel_of(shape), root.dtypes.get(name))
        for name, shape in root.shapes.items()
        if name not in root.ties
    ]
    return OtherParameters(of_layers, of_root)


@dataclass(frozen=True, slots=True)
class LayerBudget:
    """How many elements of one compressed layer's weight are masked.

    Counts are None where they depend on a number of elements that is not known: its own, or another's in its group.
    """

    layer: str
    """Its name."""
    numel: int | None
    """The elements of its weight; None when unknown."""
    masked: int | None
    """Exactly so many elements; None inside a group, where the algorithm distributes."""
    minimum: int | None
    """At least so many: what remains when the other layers of the group are masked up to their caps."""
    maximum: int | None
    """At most so many: the cap, or all that the group masks when that is less."""
    cap: int | None
    """What `max_sparsity_per_layer` allows; `numel` where nothing limits the layer."""
    group: int | None = None
    """The index of the sub-config whose budget it shares; None outside a group."""


@dataclass(frozen=True)
class GroupBudget:
    """How many elements the layers that one `total_sparsity` sub-config decides mask together.

    Layers without a weight do not count, and a shared weight counts once, for the first of its layers (D17).
    All counts are None while a layer's are unknown.
    """

    index: int
    """Of the sub-config, from 0."""
    total_sparsity: float
    """The share that is demanded, as a ratio."""
    max_sparsity: float | None
    """The cap as a ratio; None where nothing limits the layers."""
    numel: int | None
    """The elements of the weights of all its layers."""
    demanded: int | None
    """As written: `total_sparsity` of `numel`, rounded down once for the whole group."""
    reachable: int | None
    """What the caps allow in all, each rounded down."""
    unknown: tuple[str, ...]
    """The names of the layers whose number of elements is not known."""
    names: tuple[str, ...] = field(repr=False)
    """The names of its layers, in the model's order."""
    numels: tuple[int | None, ...] = field(repr=False)
    """How many elements they have, in the same order."""

    @property
    def slack(self) -> int | None:
        """How many elements more than demanded could be masked; below 0 by how much the caps fall short."""
        return None if self.reachable is None or self.demanded is None else self.reachable - self.demanded

    @property
    def granted(self) -> int | None:
        """What the group masks in the end: what is demanded, or what is reachable where that is less."""
        return None if self.reachable is None or self.demanded is None else min(self.reachable, self.demanded)

    @property
    def rounded(self) -> bool:
        """Whether the caps fall short by less than one element a layer, which is what rounding them down takes."""
        return self.slack is not None and 0 < -self.slack < len(self.names)

    @functools.cached_property
    def layers(self) -> tuple[LayerBudget, ...]:
        """Its layers, in the model's order, each with the interval that the budget leaves it."""
        counts: dict[int | None, tuple[Any, ...]] = {}
        for numel in set(self.numels):
            counts[numel] = (numel, None, *self._interval(numel), self.index)
        return tuple(LayerBudget(name, *counts[numel]) for name, numel in zip(self.names, self.numels, strict=True))

    def _interval(self, numel: int | None) -> tuple[int | None, int | None, int | None]:
        """Return minimum, maximum and cap of a layer of `numel` elements."""
        if numel is None:
            return None, None, None
        cap = numel if self.max_sparsity is None else masked_count(numel, self.max_sparsity)
        if self.reachable is None or self.granted is None:
            return None, None, cap
        return max(0, self.granted - (self.reachable - cap)), min(cap, self.granted), cap


def group_budget(
    index: int, ratio: float, cap: float | None, names: Sequence[str], numels: Sequence[int | None]
) -> GroupBudget:
    """Return the budget of the group of sub-config `index`, whose layers are given in the model's order."""
    unknown = tuple(name for name, count in zip(names, numels, strict=True) if count is None)
    known = [count for count in numels if count is not None]
    numel = demanded = reachable = None
    if not unknown:
        numel = sum(known)
        demanded = masked_count(numel, ratio)
        reachable = numel if cap is None else masked_total(known, cap)
    return GroupBudget(index, ratio, cap, numel, demanded, reachable, unknown, tuple(names), tuple(numels))


def layer_budgets(names: Sequence[str], numels: Sequence[int | None], ratio: float) -> tuple[LayerBudget, ...]:
    """Return the budgets of layers outside of groups, of each of which `ratio` is masked."""
    masked = {numel: None if numel is None else masked_count(numel, ratio) for numel in set(numels)}
    return tuple(
        LayerBudget(name, numel, masked[numel], masked[numel], masked[numel], numel)
        for name, numel in zip(names, numels, strict=True)
    )
