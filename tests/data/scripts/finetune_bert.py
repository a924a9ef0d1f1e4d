"""Prune BERT, then fine-tune it: lists in functions, the ratio from the command line."""
import argparse

import torch
from nni.compression.pytorch.pruning import MovementPruner
from transformers import AutoModelForSequenceClassification

LAYERS = range(12)
PREFIX = "bert.encoder.layer"


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sparsity", type=float, default=0.5)
    parser.add_argument("--exclude-head", action="store_true")
    return parser.parse_args()


def attention_list(sparsity):
    # The ratio is known only at run time; the names are known now.
    return [{
        "op_types": ["Linear"],
        "op_names": [f"{PREFIX}.{i}.attention.self.{part}" for i in LAYERS for part in ("query", "key", "value")],
        "sparsity_per_layer": sparsity,
    }]


def feed_forward_list():
    config_list = []
    for i in LAYERS:
        config_list.append({
            "op_types": "Linear",
            "op_names": [f"{PREFIX}.{i}.intermediate.dense", f"{PREFIX}.{i}.output.dense"],
            "sparsity_per_layer": 80,
        })
    return config_list


def main():
    args = parse_args()
    model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
    config_list = attention_list(args.sparsity) + feed_forward_list()
    if args.exclude_head:
        config_list.append({"op_names": ["classifier"], "exclude": False})
    pruner = MovementPruner(model, config_list, trainer=None, training_epochs=3)
    _, masks = pruner.compress()
    torch.save(masks, "masks.pth")


if __name__ == "__main__":
    main()
