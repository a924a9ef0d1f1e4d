"""Prune the tagger for fine-tuning: its config list is written in the script, and checked there without running it."""

from __future__ import annotations

from tagger import Tagger
from torch import nn

import compression_config as cc
from compression_config.interop.torch import prune_

__all__ = ["pruned_tagger"]

SPARSITY = 0.6
BLOCKS = [f"blocks.{number}." for number in range(1, 4)]


def pruned_tagger() -> nn.Module:
    """Return a tagger of which all blocks but the first are pruned; training goes on with the masks in force."""
    config_list = [
        {"op_types": ["Linear"], "op_partial_names": BLOCKS, "sparsity_per_layer": SPARSITY},
        {"op_names": [f"{block}attention.output" for block in BLOCKS], "exclude": True},
    ]
    model = Tagger()
    resolution = cc.resolve(config_list, model, kind="pruning", strict=True)
    resolution.raise_for_findings()
    prune_(model, resolution)
    return model
