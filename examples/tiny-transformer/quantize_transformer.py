"""Train a small Llama on a sequence, quantize its weights as a config list says, in torch and by torchao, and verify.

    pip install torch transformers torchao numpy
    python examples/tiny-transformer/quantize_transformer.py

Takes some seconds on a CPU; the model is made from a config, nothing is downloaded. It learns to continue Fibonacci
numbers modulo 10 from any two digits. Ends with status 1 when a weight has more values than its bits allow.
"""

from __future__ import annotations

import copy
import sys
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor, nn
from torchao.core.config import config_from_dict
from torchao.quantization import quantize_
from transformers import LlamaConfig, LlamaForCausalLM

import compression_config as cc
from compression_config.interop.torch import fake_quantize_

__all__ = ["main"]

HERE = Path(__file__).parent
CONFIG = LlamaConfig(
    vocab_size=10,
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=16,
    tie_word_embeddings=False,
)


def sequences(modulus: int = 10, length: int = 14) -> Tensor:
    """Return the sequence that begins with each two digits: each further digit is the sum of the two before it."""
    rows = [[a, b] for a in range(modulus) for b in range(modulus)]
    for row in rows:
        while len(row) < length:
            row.append((row[-1] + row[-2]) % modulus)
    return torch.tensor(rows)


def train(model: nn.Module, tokens: Tensor, *, steps: int) -> None:
    """Train on all sequences at once."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(steps):
        optimizer.zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()


@torch.no_grad()
def accuracy(model: nn.Module, tokens: Tensor) -> float:
    """Return the share of digits that are predicted from those before them, from the third on."""
    predicted = model(input_ids=tokens).logits.argmax(-1)[:, 1:-1]
    return float((predicted == tokens[:, 2:]).float().mean())


def main() -> int:
    """Quantize a copy in torch and another by torchao, and return 0 when both are as configured."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the model is too small to be worth sharing among several
    model = LlamaForCausalLM(CONFIG)
    resolution = cc.resolve(cc.load(HERE / "quantization.yaml", kind="quantization"), model, strict=True)
    resolution.raise_for_findings()
    export = cc.export(resolution, "torchao")

    tokens = sequences()
    train(model, tokens, steps=100)
    print(f"in full precision\naccuracy {accuracy(model, tokens):.1%}")

    rounded = copy.deepcopy(model)
    fake_quantize_(rounded, resolution)
    print("\nrounded in torch, kept in floats")
    exact = evaluate(rounded, resolution, tokens)

    quantized = copy.deepcopy(model)
    quantize_(quantized, config_from_dict(export.document), filter_fn=None)
    print("\nquantized by torchao, kept in integers")
    exact = evaluate(quantized, resolution, tokens) and exact
    return 0 if exact else 1


def evaluate(model: nn.Module, resolution: cc.Resolution[cc.QuantizationSettings], tokens: Tensor) -> bool:
    """Return whether each quantized weight has no more values than its bits allow."""
    # What an engine packs is not unpacked by `verify`: it is given floats.
    weights = {name: layer.weight.dequantize() for name, layer in model.named_modules() if hasattr(layer, "weight")}
    verification = cc.verify(resolution, weights)
    fine = Counter(row.bits for row in verification.layers if row.bits is not None and not row.codes)
    for bits, count in sorted(fine.items(), reverse=True):
        print(f"{count} weights verified as {bits}-bit ones")
    print(f"accuracy {accuracy(model, tokens):.1%}")
    for finding in verification.findings:
        print(finding)
    return not verification.findings


if __name__ == "__main__":
    sys.exit(main())
