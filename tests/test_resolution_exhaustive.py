"""Every config list of up to four sub-configs over a few selectors, against the literal reading."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from builders import assert_reads_literally, resolved
from literal import LiteralLayer

LAYERS = [
    LiteralLayer("stem", "Conv2d", aliases=("layer.first",)),
    LiteralLayer("layer", "Sequential"),
    LiteralLayer("layer.1", "Linear"),
    LiteralLayer("layer.10", "Linear"),
    LiteralLayer("head", "LayerNorm"),
]

PRUNING: list[dict[str, Any]] = [
    {"op_types": ["default"], "sparsity_per_layer": 0.5},
    {"op_names": ["layer.1", "head"], "sparsity": 0.25},
    {"op_partial_names": ["layer.1"], "exclude": True},
    {"op_types": ["Linear", "LayerNorm"], "op_partial_names": ["er"], "op_names": ["stem"], "total_sparsity": 0.75},
    {"op_types": ["Conv2d", "Missing"], "op_names": ["layer", "layer.first"], "exclude": True},
    {"op_partial_names": ["", "first"][1:], "total_sparsity": 0.75, "max_sparsity_per_layer": 0.875},
]

QUANTIZATION: list[dict[str, Any]] = [
    {"op_types": ["Linear", "Conv2d"], "quant_types": ["weight", "input"], "quant_bits": 8},
    {"op_names": ["layer.1"], "quant_types": "weight", "quant_bits": {"weight": 4}, "quant_start_step": 10},
    {"op_partial_names": ["layer."], "exclude": True},
    {
        "op_types": ["Linear", "LayerNorm"],
        "quant_types": ["input", "weight"],
        "quant_bits": {"input": 8, "weight": 8},
        "quant_dtype": {"weight": "int"},
    },
]


@pytest.mark.parametrize("length", [0, 1, 2, 3, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("kind", "sub_configs"),
    [pytest.param("pruning", PRUNING, id="pruning"), pytest.param("quantization", QUANTIZATION, id="quantization")],
)
def test_every_short_list_means_what_the_specification_says(
    kind: str, sub_configs: list[dict[str, Any]], length: int
) -> None:
    """Spec: 'If multiple sub-configs are configured for the same layer, the later ones will overwrite ...'."""
    lists = list(itertools.product(sub_configs, repeat=length))
    assert len(lists) == len(sub_configs) ** length
    for configs in lists:
        resolution = assert_reads_literally(configs, LAYERS, kind)
        again = resolved(resolution.to_list()[::-1], LAYERS_AS_PAIRS, kind)
        assert again.fingerprint == resolution.fingerprint


LAYERS_AS_PAIRS = [(layer.name, layer.type) for layer in LAYERS]
"""The canonical list names layers by their own names, so it needs no aliases."""
