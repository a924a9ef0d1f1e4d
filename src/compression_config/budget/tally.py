"""Tally: which weights count for whom, found in one pass over the model.

A weight counts once, for the first of its layers in the model's order; when the layers that share it have
different winners, the winner of that first layer counts (D17). Layers without a weight do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compression_config.resolving import Resolved

__all__ = ["Tally", "tally_of"]


@dataclass(frozen=True, slots=True)
class Tally:
    """The weights of a model, by the position of the layer that they count for."""

    numels: Sequence[int | None]
    """For each layer its number of weight elements; None when unknown, 0 for one that does not count."""
    counted: Sequence[int]
    """For each layer 1 when it has a weight, or may have one, that counts for it; 0 otherwise."""
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
    for _, *others in inventory.ties:
        for position in others:
            counted[position] = 0
            numels[position] = 0
    won = {
        index: [position for position in positions if counted[position]]
        for index, positions in enumerate(resolved.won)
        if positions and resolved.settings_of(index) is not None
    }
    return Tally(numels, counted, won)
