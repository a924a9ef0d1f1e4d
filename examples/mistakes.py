"""A training script with two mistakes in its config list, which `validate` finds without running it."""

from __future__ import annotations

from torch.nn.utils import prune
from transformers import BertForMaskedLM

import compression_config as cc

BLOCKS = 12


def main() -> None:
    """Prune BERT, but for its last block, and the second block less."""
    linear = {"op_types": ["Linear"]}
    config_list = [
        {**linear, "op_partial_names": ["bert.encoder."], "sparsity_per_layer": 0.8},
        {**linear, "op_partial_names": [f"encoder.layer.{BLOCKS}."], "exclude": True},
        {**linear, "op_partial_names": ["encoder.layer.1"], "sparsity_per_layer": 0.5},
    ]
    model = BertForMaskedLM.from_pretrained("bert-base-uncased")
    resolution = cc.resolve(config_list, model, kind="pruning")
    for name, count in resolution.budget.counts().items():
        prune.l1_unstructured(model.get_submodule(name), "weight", amount=count)


if __name__ == "__main__":
    main()
