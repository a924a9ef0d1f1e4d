"""Rows: what a report of a resolution says, before it is laid out: grouped, counted and in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from compression_config.budget import Budget, GroupBudget
from compression_config.budget.counting import masked_total, total
from compression_config.inventory import Inventory, Shape
from compression_config.reports.grouping import NameGroups
from compression_config.resolving import Resolved
from compression_config.selection import NOBODY
from compression_config.settings import QuantizationSettings
from compression_config.spans import format_path
from compression_config.wording import selector_words, settings_words, shape_words

__all__ = [
    "Counts",
    "LayerFacts",
    "SubConfigRow",
    "Untouched",
    "layer_groups",
    "sub_config_rows",
    "type_words",
    "untouched",
    "weightless",
]

_MOST_LOOKS = 1_000_000
"""Up to how many pairs of a sub-config and a layer it is looked up who took a layer from whom."""


@dataclass(frozen=True, slots=True)
class SubConfigRow:
    """What became of one sub-config."""

    index: int
    label: str
    """Its config path: `[2]`, or `pruning[2]` in a two-part document."""
    selector: str
    gets: str
    selected: int
    won: int
    numel: int | None
    """Number of weight elements in the layers won, shared ones counted once; None when not all are known."""
    masked: int | None
    """Number of those that are masked; None for `exclude` and for quantization, and when it is not known."""
    group: GroupBudget | None
    """What the layers share a budget of; None outside a group."""
    excludes: bool
    shadowed: bool
    taken_by: tuple[int, ...]
    """The sub-configs that win the other layers it selects; left empty where finding out takes too long."""
    source: str | None
    """The file where it stands; None for plain data."""
    line: int | None


class LayerFacts(NamedTuple):
    """What layers have in common that are shown as one."""

    type: str
    weight_shape: Shape | None
    has_weight: bool | None
    winner: int
    """The index of the sub-config that decides."""

    @property
    def weight_words(self) -> str:
        """The shape of the weight in words; empty where nothing is known of a weight."""
        if self.has_weight is False:
            return "no weight"
        return "" if self.has_weight is None else shape_words(self.weight_shape)


@dataclass(frozen=True, slots=True)
class Counts:
    """Layers that are counted and not listed."""

    layers: int
    types: tuple[tuple[str, int], ...]
    """How many there are of each, the most frequent first."""
    numel: int | None
    """Number of their weight elements, shared ones counted once; None when not all are known."""


class Untouched(NamedTuple):
    """The layers that no sub-config selects."""

    with_weight: Counts
    """Those that have a weight, or may have one."""
    with_parameters: Counts
    """Those that have no `weight` but other parameters, like experts that are fused into one: `numel` counts these."""
    without: Counts

    @property
    def layers(self) -> int:
        """How many there are in all."""
        return sum(counts.layers for counts in self)


def sub_config_rows(resolved: Resolved, budget: Budget) -> Iterator[SubConfigRow]:
    """Yield a row for each sub-config, in list order."""
    groups = {group.index: group for group in budget.groups}
    selected = resolved.selection.selected_counts()
    looks = len(resolved.config_list) * len(resolved.inventory) <= _MOST_LOOKS
    for index, config in enumerate(resolved.config_list):
        won = resolved.won[index]
        place = resolved.config_list.provenance.place((index,))
        yield SubConfigRow(
            index=index,
            label=format_path(place.path),
            selector=selector_words(config),
            gets=settings_words(resolved.settings_of(index)),
            selected=selected[index],
            won=len(won),
            numel=_numel(resolved.inventory, won) if config.exclude else _counted_numel(budget, index),
            masked=groups[index].granted if index in groups else _masked(budget, index),
            group=groups.get(index),
            excludes=config.exclude is True,
            shadowed=not won and selected[index] > 0,
            taken_by=_taken_by(resolved, index) if looks and len(won) < selected[index] else (),
            source=place.source,
            line=place.span and place.span.start.line,
        )


def _counted_numel(budget: Budget, index: int) -> int | None:
    """Return the number of weight elements that count for what a compressing sub-config won."""
    return total(budget.tally.numels[position] for position in budget.tally.won.get(index, ()))


def _masked(budget: Budget, index: int) -> int | None:
    """Return how many elements a sub-config with a ratio for each layer masks; None when it has none."""
    ratio = budget.ratios.get(index)
    numels = [budget.tally.numels[position] for position in budget.tally.won.get(index, ())]
    if ratio is None or None in numels:
        return None
    return masked_total((numel for numel in numels if numel is not None), ratio)


def _taken_by(resolved: Resolved, index: int) -> tuple[int, ...]:
    winners = {resolved.winners[position] for position in resolved.selection.selected(index)}
    return tuple(sorted(winners - {index}))


def layer_groups(resolved: Resolved) -> NameGroups[LayerFacts]:
    """Return the layers about which a sub-config decides, grouped, in the model's order.

    Left out are those without a weight of which nothing can be compressed: `weightless` counts them.
    """
    listed = [(True, None) if needs else (True, None, False) for needs in _need_weight(resolved)]
    inventory = resolved.inventory
    rows = zip(inventory.names, inventory.types, inventory.weight_shapes, resolved.winners, strict=True)
    return NameGroups(
        (position, name, LayerFacts(kind, shape, has_weight, index))
        for position, (name, kind, shape, index) in enumerate(rows)
        if index != NOBODY and (has_weight := inventory.has_weight(position)) in listed[index]
    )


def weightless(resolved: Resolved) -> dict[int, Counts]:
    """Return for each sub-config the layers without a weight that it won and `layer_groups` leaves out."""
    has_weight = resolved.inventory.has_weight
    found: dict[int, Counts] = {}
    for index, needs in enumerate(_need_weight(resolved)):
        positions = [position for position in resolved.won[index] if has_weight(position) is False] if needs else []
        if positions:
            found[index] = _counts(resolved.inventory, positions)
    return found


def _need_weight(resolved: Resolved) -> list[bool]:
    """Return for each sub-config whether it means weights alone: inputs and outputs every layer has."""
    return [not isinstance(resolved.settings_of(i), QuantizationSettings) for i in range(len(resolved.config_list))]


def untouched(resolved: Resolved) -> Untouched:
    """Return the layers that no sub-config selects."""
    inventory = resolved.inventory
    with_weight: list[int] = []
    parameters: dict[int, int | None] = {}
    without: list[int] = []
    for position, index in enumerate(resolved.winners):
        if index != NOBODY:
            continue
        if inventory.has_weight(position) is not False:
            with_weight.append(position)
            continue
        shapes = inventory.parameters(position).values()
        if shapes:
            parameters[position] = total(None if shape is None else math.prod(shape) for shape in shapes)
        else:
            without.append(position)
    other = replace(_counts(inventory, list(parameters)), numel=total(parameters.values()))
    return Untouched(_counts(inventory, with_weight), other, _counts(inventory, without))


def _counts(inventory: Inventory, positions: list[int]) -> Counts:
    types = Counter(inventory.types[position] for position in positions)
    return Counts(len(positions), tuple(types.most_common()), _numel(inventory, positions))


def _numel(inventory: Inventory, positions: Iterable[int]) -> int | None:
    """Return the number of elements of the weights of layers, each weight once; None when one is not known."""
    elements = 0
    for owner in {inventory.weight_owner(position) for position in positions}:
        numel = inventory.numel(owner)
        if numel is not None:
            elements += numel
        elif inventory.has_weight(owner) is not False:
            return None
    return elements


def type_words(counts: Counts, most: int) -> str:
    """Return how many layers there are of each type: "25 LayerNorm, 3 Embedding and 2 more"."""
    shown = [f"{count:,} {type_name}" for type_name, count in counts.types[:most]]
    more = sum(count for _, count in counts.types[most:])
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
