"""Random models and config lists made to trip a resolver up; the same seed gives the same case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from literal import LiteralLayer

__all__ = ["Case", "random_case"]

# Prefixes, suffixes and overlaps of one another, an empty component, letters outside ASCII and beyond
# the basic plane, two spellings of one letter (composed and decomposed), digits that continue digits, a long one.
COMPONENTS = ("", "a", "aa", "aab", "ab", "aba", "b", "ba", "bab", "1", "10", "11", "layer", "layer1", "layers")
LONG_COMPONENT = "gate_up_projection_of_a_rather_long_name_ab"
UNICODE = ("é", "e\u0301", "层", "层1", "𝛼𝛽", "ß", "ẞ")
LONG = ("model.decoder.layers.0.mlp.experts.", "model.decoder.layers.0.mlp.experts.1", "aaaaaaaaaaaaaaaaaaaaab.")
TYPES = ("Linear", "linear", "Conv2d", "ReLU", "LayerNorm", "Block", "default")
RATIOS = (0, 0.0, 0.25, 0.5, 0.9)


@dataclass(frozen=True)
class Case:
    """One model and one config list for it."""

    kind: str
    layers: tuple[LiteralLayer, ...]
    configs: tuple[dict[str, Any], ...]


def random_case(seed: int, *, partial_names: int) -> Case:
    """Return the case of `seed`; each selector with partial names draws up to `partial_names` of them."""
    random = Random(seed)  # noqa: S311 - nothing secret is drawn
    layers = _layers(random)
    kind = random.choice(("pruning", "quantization"))
    configs = tuple(_sub_config(random, kind, layers, partial_names) for _ in range(random.randint(0, 8)))
    return Case(kind, layers, configs)


def _layers(random: Random) -> tuple[LiteralLayer, ...]:
    names: dict[str, None] = {}
    for _ in range(random.randint(1, 18)):
        known = list(names)
        if known and random.random() < 0.5:
            name = random.choice(known) + random.choice((".", "", "1")) + random.choice(COMPONENTS)
        else:
            parts = [random.choice((*COMPONENTS, *UNICODE, LONG_COMPONENT)) for _ in range(random.randint(1, 5))]
            name = random.choice(("", "", *LONG)) + ".".join(parts)
        if name:
            names[name] = None
    layers = []
    free = list(names) or ["a"]
    while free:
        name = free.pop(0)
        aliases = tuple(free.pop() for _ in range(2) if free and random.random() < 0.15)
        layers.append(LiteralLayer(name, random.choice(TYPES), aliases))
    return tuple(layers)


def _sub_config(random: Random, kind: str, layers: Sequence[LiteralLayer], partial_names: int) -> dict[str, Any]:
    names = [name for layer in layers for name in layer.all_names]
    keys = random.choice(
        (
            ("op_types",),
            ("op_names",),
            ("op_partial_names",),
            ("op_partial_names",),
            ("op_types", "op_names"),
            ("op_types", "op_partial_names"),
            ("op_names", "op_partial_names"),
            ("op_partial_names", "op_names", "op_types"),
        )
    )
    draw = {
        "op_types": lambda: random.choice((*TYPES, "Missing")),
        "op_names": lambda: random.choice((*names, *names, "missing", names[0] + ".x", names[-1][:-1] or "x")),
        "op_partial_names": lambda: _partial_name(random, names),
    }
    most = {"op_types": 3, "op_names": 3, "op_partial_names": partial_names}
    selector = {key: [draw[key]() for _ in range(random.randint(1, most[key]))] for key in keys}
    return {**selector, **(_pruned(random) if kind == "pruning" else _quantized(random))}


def _partial_name(random: Random, names: Sequence[str]) -> str:
    """Return a piece of a name, mostly, so that pieces nest and overlap; or something that no name holds."""
    name = random.choice(names)
    start = random.randrange(len(name))
    piece = name[start : start + random.choice((1, 2, 3, 5, 40))]
    return random.choice((piece, piece, piece, name, random.choice(COMPONENTS + UNICODE) or ".", piece + "z"))


def _pruned(random: Random) -> dict[str, Any]:
    ratio = random.choice(RATIOS)
    cap = random.choice((0.9, 0.95, 1, 1.0))
    return random.choice(
        (
            {"exclude": True},
            {"sparsity_per_layer": ratio},
            {"sparsity": ratio},
            {"sparsity_per_layer": ratio, "max_sparsity_per_layer": cap},
            {"total_sparsity": ratio},
            {"total_sparsity": ratio, "max_sparsity_per_layer": cap},
        )
    )


def _quantized(random: Random) -> dict[str, Any]:
    if random.random() < 0.25:
        return {"exclude": True}
    types = random.sample(("weight", "input", "output"), random.randint(1, 3))
    bits = {quant_type: random.choice((4, 8)) for quant_type in types}
    setting: dict[str, Any] = {
        "quant_types": types[0] if len(types) == 1 and random.random() < 0.5 else types,
        "quant_bits": random.choice((8, bits, {**bits, "output": 8})),
    }
    optional: dict[str, Any] = {
        "quant_start_step": random.choice((0, 10)),
        "quant_dtype": random.choice(("int", {types[0]: "uint"}, {"input": "int", "weight": "uint"})),
        "quant_scheme": random.choice(("per_tensor_affine", {types[-1]: "per_channel_symmetric"})),
    }
    return {**setting, **{key: value for key, value in optional.items() if random.random() < 0.3}}
