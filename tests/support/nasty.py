"""Models with names and lists that engines get wrong: built of any class, so that torch is not needed here."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

__all__ = ["LIKE_REGEXES", "NASTY", "random_pruning_list", "random_quantization_list"]

MOE = tuple(
    f"model.layers.{block}.mlp.experts.{expert}.{part}"
    for block in range(12)
    for expert in range(11 if block == 3 else 2)
    for part in ("gate_proj", "up_proj", "down_proj")
)
LIKE_REGEXES = (*("-:fc1", "^x$", r"x\d", "a|b", "a+b", "{x}", "#hash", "~", "a b", "é", "层", "a&b", "a-b", "(?i)A"),)
"""Names that are read as something else where they are not escaped."""
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
NASTY: dict[str, str] = {
    "fc1": "Linear",
    "fc10": "Linear",
    "fc1x": "Linear",
    "a*b": "Linear",
    "aab": "Linear",
    "a[0]": "Linear",
    "a0": "Linear",
    "re:fc1": "Linear",
    "re:.*": "Linear",
    "more:x": "Linear",
    "0": "Linear",
    "1": "Linear",
    "10": "Linear",
    "Linear": "Linear",
    "Embedding": "Embedding",
    "Module": "Linear",
    "_default": "Linear",
    "head$": "Linear",
    "(fc)": "Linear",
    "wte": "Embedding",
    "conv": "Conv2d",
    "act": "ReLU",
    **{
        f"model.layers.{i}.self_attn.{part}": "Linear"
        for i in range(12)
        for part in ("q_proj", "k_proj", "v_proj", "o_proj")
    },
    **{f"model.layers.{i}.norm": "LayerNorm" for i in range(12)},
    **dict.fromkeys(MOE, "Linear"),
    "model.layers.3.mlp.gate": "Linear",
}
"""Names of layers and their types, in the model's order. torch takes them with dots as nesting."""

PARTIAL = (
    "fc",
    "fc1",
    "a",
    "0",
    "layers.1",
    "layers.1.",
    "experts.1",
    "experts.3.",
    "q_proj",
    "mlp",
    "self_attn",
    "re:",
)
TYPES = ("Linear", "Embedding", "Conv2d", "ReLU", "LayerNorm")


def _selector(random: Random, types: Iterable[str]) -> dict[str, Any]:
    names = list(NASTY)
    drawn = random.randrange(4)
    if drawn == 0:
        return {"op_types": random.sample(sorted(types), min(random.randint(1, 2), len(list(types))))}
    if drawn == 1:
        return {"op_names": random.sample(names, random.randint(1, 6))}
    if drawn == 2:
        return {"op_partial_names": random.sample(PARTIAL, random.randint(1, 2))}
    return {"op_types": ["Linear"], "op_partial_names": [random.choice(PARTIAL)]}


def random_quantization_list(random: Random, types: Iterable[str] = TYPES) -> list[dict[str, Any]]:
    """Return a quantization list for the nasty model; some of it no engine can say."""
    configs = []
    for _ in range(random.randint(1, 7)):
        selector = _selector(random, types)
        if random.random() < 0.2:
            configs.append({**selector, "exclude": True})
            continue
        quant_types = random.choice((["weight"], ["weight", "input"], ["weight", "input", "output"], ["input"]))
        config = {**selector, "quant_types": quant_types}
        config["quant_bits"] = {kind: random.choice((2, 3, 4, 5, 8)) for kind in quant_types}
        if random.random() < 0.7:
            schemes = ("per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric")
            config["quant_scheme"] = {kind: random.choice(schemes) for kind in quant_types}
        if random.random() < 0.3:
            config["quant_dtype"] = random.choice(("int", "uint"))
        if random.random() < 0.2:
            config["quant_start_step"] = 100
        configs.append(config)
    return configs


def random_pruning_list(random: Random, types: Iterable[str] = TYPES, *, groups: bool = True) -> list[dict[str, Any]]:
    """Return a pruning list for the nasty model."""
    configs: list[dict[str, Any]] = []
    for _ in range(random.randint(1, 7)):
        selector = _selector(random, types)
        drawn = random.random()
        ratio = random.choice((0.25, 0.5, 0.29, 0.8, 0.9))
        if drawn < 0.2:
            configs.append({**selector, "exclude": True})
        elif drawn < 0.4 and groups:
            configs.append({**selector, "total_sparsity": ratio, "max_sparsity_per_layer": 0.95})
        else:
            configs.append({**selector, "sparsity_per_layer": ratio})
    return configs
