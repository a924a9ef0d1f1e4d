"""torch.ao.pruning: the list of tensors that a `WeightNormSparsifier` prepares."""

from __future__ import annotations

import functools
from typing import Any

from compression_config.interop.base import Engine, Options, Request
from compression_config.interop.torch import masked_counts

__all__ = ["ENGINE"]

PRUNED = ("Linear", "Embedding")
"""The types whose weights have two axes, as its masks do."""

_MOST_DIGITS = 17


def _export(request: Request, options: Options) -> list[dict[str, Any]]:  # noqa: ARG001 - it has none
    """Return the list: blocks of one element, so that the level of a tensor is its share of masked elements."""
    names, numel = request.inventory.names, request.inventory.numel
    counts, level = masked_counts(request, PRUNED), functools.cache(_level)
    return [
        {
            "tensor_fqn": f"{names[position]}.weight",
            "sparsity_level": level(counts[position], numel(position) or 0),
            "sparse_block_shape": [1, 1],
            "zeros_per_block": 1,
        }
        for position in sorted(counts)
    ]


def _level(masked: int, numel: int) -> float:
    """Return the level with the fewest decimals for which the sparsifier, which rounds to nearest, masks `masked`."""
    if not masked:
        return 0.0
    levels = (round(masked / numel, digits) for digits in range(_MOST_DIGITS))
    return next((level for level in levels if round(level * numel) == masked), masked / numel)


ENGINE = Engine(
    name="torch-ao-pruning",
    reads="the config of a sparsifier of torch.ao.pruning: a list of tensors",
    version="torch 2.13.0",
    kinds=("pruning",),
    export=_export,
)
