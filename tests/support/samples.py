"""A directory with a config list of each sort, a model and factories, and the command line run in this process."""

from __future__ import annotations

from pathlib import Path

import compression_config as cc
from compression_config.cli import main

__all__ = ["EXCLUDE", "FACTORIES", "PRUNING", "QUANTIZATION", "TWO_PARTS", "run", "write_samples"]

PRUNING = "- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"
QUANTIZATION = "- op_types: [Linear]\n  quant_types: [weight, input]\n  quant_bits: 8\n"
TWO_PARTS = "pruning:\n" + PRUNING + "quantization:\n" + QUANTIZATION
EXCLUDE = "- op_names: [fc1]\n  exclude: true\n"

FACTORIES = """
from __future__ import annotations

PAIRS = [("fc1", "Linear"), ("fc2", "Linear")]


def pairs():
    print("building")
    return PAIRS


class Model:
    def named_modules(self):
        return [("", self), *PAIRS]


class Family:
    small = Model


ready = Model()
number = 7


def broken():
    raise ValueError("no such size")


def computing():
    raise RuntimeError("Tensor.item() cannot be called on meta tensors")


def leaving():
    raise SystemExit("bye")


def nothing():
    return None


def sized(width, depth=2, *, heads, **more):
    return PAIRS
"""


def write_samples(directory: Path) -> None:
    """Write config lists, the inventory of a model, and a module with factories."""
    written = {
        "pruning.yaml": PRUNING,
        "quantization.yaml": QUANTIZATION,
        "two-parts.yaml": TWO_PARTS,
        "exclude.yaml": EXCLUDE,
        "typo.yaml": "- op_typs: [Linear]\n  sparsity: 80\n",
        "warned.yaml": "- op_types: [Linear]\n  quant_types: [weight, input]\n"
        "  quant_bits: {weight: 8, input: 8, output: 8}\n",
        "noted.yaml": "- op_types: [Linear]\n  sparsity: 0.5\n",
        "unmatched.yaml": "- op_names: [fc3]\n  sparsity_per_layer: 0.5\n",
        f"factories_{directory.name}.py": FACTORIES,
        "broken_module.py": "def made(:\n",
    }
    for name, text in written.items():
        (directory / name).write_text(text, encoding="utf-8")
    layers = [cc.Layer(name=name, type="Linear", weight_shape=(10, 10), dtype="float32") for name in ("fc1", "fc2")]
    cc.Inventory.from_layers(layers, model="Net").save(directory / "net.json")


def run(*argv: str) -> int:
    return main(argv)
