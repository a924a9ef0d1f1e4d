"""Budget: how many weight elements a config list masks, in each layer, in each group and in the whole model."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from compression_config.budget.allocation import allocate
from compression_config.budget.counting import masked_total, total
from compression_config.budget.groups import (
    CountedWeights,
    GroupBudget,
    LayerBudget,
    OtherParameters,
    counted_weights,
    group_budget,
    layer_budgets,
    other_parameters,
)
from compression_config.budget.storage import Storage, storage_of
from compression_config.errors import UnknownNumel
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.settings import PruningSettings
from compression_config.text import layers_words

__all__ = ["Budget", "ModelBudget", "budget_of"]


@dataclass(frozen=True, slots=True)
class ModelBudget:
    """The counts of a whole model, each weight and each other parameter once (D20); None while some are unknown.

    `reachable`, `excluded`, `untouched` and `besides` add up to `parameters`.
    """

    numel: int | None
    """The elements of all weights."""
    parameters: int | None
    """The elements of all parameters: weights, biases, fused experts and whatever else layers and the root have."""
    reachable: int | None
    """Those of the weights that the list compresses, which is all that it reaches."""
    excluded: int | None
    """Those of the weights of excluded layers."""
    masked: int | None
    """Those that are masked: what each layer and each group masks, added up. 0 for quantization."""
    storage: Storage
    """Bytes before and after and mean bits, with the types that the parameters have, masked elements stored."""

    @property
    def untouched(self) -> int | None:
        """The elements of all other weights: no sub-config selects them, or only their inputs or outputs."""
        if self.numel is None or self.reachable is None or self.excluded is None:
            return None
        return self.numel - self.reachable - self.excluded

    @property
    def besides(self) -> int | None:
        """The elements of the parameters that are not weights, which no list reaches."""
        return None if self.parameters is None or self.numel is None else self.parameters - self.numel

    @property
    def coverage(self) -> float | None:
        """The share of all parameters that the list reaches, a ratio."""
        return self.reachable / self.parameters if self.reachable is not None and self.parameters else None

    @property
    def masked_share(self) -> float | None:
        """The masked share of the weights that are compressed, a ratio; None when unknown or nothing is."""
        return self.masked / self.reachable if self.masked is not None and self.reachable else None

    @property
    def masked_share_of_all(self) -> float | None:
        """The masked share of all parameters, a ratio; None when unknown or without any elements."""
        return self.masked / self.parameters if self.masked is not None and self.parameters else None

    @property
    def mean_bits(self) -> float | None:
        """Bits for one element, on average over all parameters; None when the type of some is unknown."""
        return self.storage.mean_bits

    @property
    def bytes_before(self) -> int | None:
        """What all parameters take as they are; None when the type of some is unknown."""
        return self.storage.before

    @property
    def bytes_after(self) -> int | None:
        """What all parameters take once compressed, masked elements included; None when the type of some is unknown."""
        return self.storage.after


@dataclass(frozen=True)
class Budget:
    """What a config list demands of a model, in exact integers; each part is computed on demand.

    For a quantization list there are neither layers nor groups; `model` and `bytes` say what it does to the weights.
    """

    _resolved: Resolved = field(repr=False)

    def __repr__(self) -> str:
        return f"<Budget of {self._resolved.config_list.kind} for {layers_words(len(self._resolved.inventory))}>"

    @functools.cached_property
    def weights(self) -> CountedWeights:
        """Which weights count for which layer."""
        return counted_weights(self._resolved)

    @functools.cached_property
    def others(self) -> OtherParameters:
        """The parameters that are not weights."""
        return other_parameters(self._resolved.inventory)

    @functools.cached_property
    def layers(self) -> tuple[LayerBudget, ...]:
        """The layers to be pruned, in the model's order.

        Left out are layers without a weight, and those that share the weight of an earlier layer (D17).
        """
        found: dict[int, LayerBudget] = {}
        for group in self.groups:
            found.update(zip(self.weights.decided[group.index], group.layers, strict=True))
        for index, ratio in self.ratios.items():
            found.update(zip(self.weights.decided[index], layer_budgets(*self._members(index), ratio), strict=True))
        return tuple(found[position] for position in sorted(found))

    @functools.cached_property
    def groups(self) -> tuple[GroupBudget, ...]:
        """The groups, in list order: one for each `total_sparsity` sub-config that decided a layer."""
        settings = {
            index: cast("PruningSettings", self._resolved.settings_of(index)) for index in self._resolved.groups
        }
        return tuple(
            group_budget(index, group.total_sparsity or 0.0, group.max_sparsity, *self._members(index))
            for index, group in settings.items()
        )

    @functools.cached_property
    def ratios(self) -> Mapping[int, float]:
        """The ratio of each layer, for each sub-config that has one and decided a layer: index -> ratio."""
        settings = {index: self._resolved.settings_of(index) for index in self.weights.decided}
        return {
            index: pruned.sparsity
            for index, pruned in settings.items()
            if isinstance(pruned, PruningSettings) and pruned.sparsity is not None
        }

    @functools.cached_property
    def unknown(self) -> tuple[str, ...]:
        """The names of the compressed layers of which the number of weight elements is not known, in list order."""
        names, weights = self._resolved.inventory.names, self.weights
        return tuple(names[p] for positions in weights.decided.values() for p in positions if weights.numels[p] is None)

    @functools.cached_property
    def model(self) -> ModelBudget:
        """The counts of the whole model; a total is None while a layer that it covers is unknown."""
        numels, decided = self.weights.numels, self.weights.decided
        masked = [group.granted for group in self.groups]
        for index, ratio in self.ratios.items():
            known = [numel for numel in self._members(index)[1] if numel is not None]
            masked.append(masked_total(known, ratio) if len(known) == len(decided[index]) else None)
        excludes = [index for index, config in enumerate(self._resolved.config_list) if config.exclude]
        return ModelBudget(
            numel=total(numels),
            parameters=total((*numels, self.others.total)),
            reachable=total(numels[p] for index in self._reaching for p in decided[index]),
            excluded=total(numels[p] for index in excludes for p in self._resolved.decided[index]),
            masked=total(masked),
            storage=self.bytes(),
        )

    @property
    def _reaching(self) -> Iterator[int]:
        """The sub-configs that compress weights: quantization of inputs or outputs alone leaves them as they are."""
        for index in self.weights.decided:
            settings = self._resolved.settings_of(index)
            if isinstance(settings, PruningSettings) or (settings is not None and "weight" in settings.bits):
                yield index

    def bytes(self, dtype: str | None = None, *, sparse: bool = False) -> Storage:
        """Return what all parameters take in memory before and after, and the mean bits of one element.

        A quantized weight takes its bits for each element, whole bytes for each weight; scales and zero points are not
        counted.

        Args:
            dtype: Is taken for the type of every parameter, as in "bfloat16"; without it each has its own.
            sparse: Whether each pruned weight is stored as a bitmap of one bit for each element, and the elements that
                are not masked; else masked elements take as much as any other.

        Returns:
            Bytes and bits; None where the type of some parameters is unknown.

        Raises:
            UsageError: The size of `dtype` is not known here.
        """
        return storage_of(self._resolved, self.weights, self.others, self.groups, dtype=dtype, sparse=sparse)

    def allocate(self, scores: Mapping[str, float] | None = None) -> Mapping[str, int]:
        """Return for every layer of every group how many elements to mask: groups in list order, layers in the model's.

        For those who have no algorithm that distributes. The counts of a group add up to exactly what it masks
        (`granted`), and none is above its cap. What a full layer cannot take goes to the others in the same proportion.
        The same call gives the same answer, whatever the order of `scores`.

        Args:
            scores: A number from 0 for each layer of a group, by name, in proportion to which the group's budget is
                divided; a layer with score 0 gets nothing. Without them it is divided by the layers' number of
                elements.

        Returns:
            The number of elements for each layer, under the keys of the resolution.

        Raises:
            UnknownNumel: The number of elements of a layer is not known.
            FindingsError: Caps or scores leave too little room for what a group demands.
            UsageError: A score is missing, not a number, or not of a layer.
        """
        inventory = self._resolved.inventory
        counts = allocate(self._resolved, self.groups, scores)
        if inventory.keys is not inventory.names:
            key_of = dict(zip(inventory.names, inventory.keys, strict=True))
            counts = {key_of[name]: count for name, count in counts.items()}
        return MappingProxyType(counts)

    def counts(self, scores: Mapping[str, float] | None = None) -> Mapping[str, int]:
        """Return for every layer to be pruned how many elements to mask, in the model's order.

        Those of groups are what `allocate` gives them; left out are the layers that `layers` leaves out.

        Args:
            scores: A number from 0 for each layer of a group, by name, in proportion to which the group's budget is
                divided; a layer with score 0 gets nothing. Without them it is divided by the layers' number of
                elements.

        Returns:
            The number of elements for each layer, under the keys of the resolution.

        Raises:
            UnknownNumel: The number of elements of a layer is not known.
            FindingsError: Caps or scores leave too little room for what a group demands.
            UsageError: A score is missing, not a number, or not of a layer.
        """
        allocated = self.allocate(scores)
        unknown = [layer.layer for layer in self.layers if layer.numel is None]
        if unknown:
            raise UnknownNumel(unknown)
        return MappingProxyType(
            {layer.layer: allocated[layer.layer] if layer.masked is None else layer.masked for layer in self.layers}
        )

    def _members(self, index: int) -> tuple[list[str], list[int | None]]:
        """Return names and numbers of elements of the layers that sub-config `index` decides and that count."""
        names, numels, decided = self._resolved.inventory.names, self.weights.numels, self.weights.decided[index]
        return [names[position] for position in decided], [numels[position] for position in decided]


def budget_of(resolved: Resolved) -> Budget:
    """Return what a resolved config list demands, in exact integers."""
    return Budget(resolved)
