"""Tally: which weights count for whom, found in one pass over the model.

A weight counts once, for the first of its layers that is compressed, in the model's order, or where none is for the
first of them; when the layers that share it have different winners, the winner of that layer counts (D17). Layers
without a weight do not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compression_config.budget.counting import total
from compression_config.inventory import Inventory
from compression_config.resolving import Resolved

__all__ = ["Tally", "outside_weights", "tally_of"]


@dataclass(frozen=True, slots=True)
class Tally:
    """The weights of a model, by the position of the layer that they count for."""

    numels: Sequence[int | None]
    """For each layer its number of weight elements; None when unknown, 0 for one that does not count."""
    counted: Sequence[int]
    """For each layer 1 when it has a weight, or may have one, that counts for it; 0 otherwise."""
    stand_in: Mapping[int, int]
    """For each layer that does not count because it shares a weight: the layer for which that weight counts."""
    won: Mapping[int, Sequence[int]]
    """For each compressing sub-config the positions of the layers it won that count, in the model's order."""


def tally_of(resolved: Resolved) -> Tally:
    """Return what counts. O(layers)."""
    inventory = resolved.inventory
    numels = list(map(inventory.numel, range(len(inventory))))
    counted = bytearray(b"\1") * len(numels)
    for position, numel in enumerate(numels):
        if numel is None and inventory.has_weight(position) is False:
            counted[position] = 0
            numels[position] = 0
    stand_in: dict[int, int] = {}
    for tied in inventory.ties:
        first = next((position for position in tied if resolved.settings(position) is not None), tied[0])
        stand_in.update((position, first) for position in tied if position != first)
    for position in stand_in:
        counted[position] = 0
        numels[position] = 0
    won = {
        index: [position for position in positions if counted[position]]
        for index, positions in enumerate(resolved.won)
        if positions and resolved.settings_of(index) is not None
    }
    return Tally(numels, counted, stand_in, won)


def outside_weights(inventory: Inventory) -> int | None:
    """Return how many elements the parameters of layers without a weight have; None while a shape is unknown."""
    weightless = (position for position in range(len(inventory)) if inventory.has_weight(position) is False)
    shapes = (shape for position in weightless for shape in inventory.parameters(position).values())
    return total(None if shape is None else math.prod(shape) for shape in shapes)
