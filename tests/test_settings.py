"""Every key that says how to compress reaches everything that shows or compares what layers get."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest
from builders import codes_of, resolved

import compression_config as cc
from compression_config.reports.tables import as_csv

ABSENT = object()

WEIGHT = {"quant_types": "weight", "quant_bits": 8}
CASES: Mapping[str, tuple[dict[str, Any], tuple[object, ...]]] = {
    "sparsity_per_layer": ({}, (0.5, 0.25, 0.0)),
    "total_sparsity": ({}, (0.5, 0.25, 0.0)),
    "sparsity": ({}, (0.5, 0.25, 0.0)),
    "max_sparsity_per_layer": ({"total_sparsity": 0.5}, (ABSENT, 0.75, 1.0)),
    "quant_types": ({"quant_bits": 8}, ("weight", "input", ["output"])),
    "quant_bits": ({"quant_types": "weight"}, (8, 4, {"weight": 1})),
    "quant_start_step": (WEIGHT, (ABSENT, 1, 1000)),
    "quant_dtype": (WEIGHT, (ABSENT, "int", {"weight": "uint"})),
    "quant_scheme": (WEIGHT, (ABSENT, "per_tensor_affine", {"weight": "per_channel_symmetric"})),
}
"""For each key what is set beside it, and values of which each means something else."""

CONFIGS = {
    (key, place): {**beside, **({} if value is ABSENT else {key: value})}
    for key, (beside, values) in CASES.items()
    for place, value in enumerate(values)
}
PAIRS = [
    pytest.param(CONFIGS[key, one], CONFIGS[key, other], id=f"{key}-{one}-{other}")
    for key, (_, values) in CASES.items()
    for one, other in itertools.combinations(range(len(values)), 2)
]

# Of unknown size, so that counts of elements, which differ too, are not what tells the answers apart.
LAYERS = [cc.Layer(name="embedding", type="Embedding"), cc.Layer(name="head", type="Linear", tied_to="embedding")]


def answer(config: Mapping[str, Any]) -> cc.Resolution[Any]:
    return resolved([{"op_names": ["head"], **config}], LAYERS)


CONSUMERS: Mapping[str, Callable[[cc.Resolution[Any]], object]] = {
    "settings": lambda resolution: resolution["head"].settings,
    "fingerprint": lambda resolution: resolution.fingerprint,
    "to_list": lambda resolution: resolution.to_list(),
    "to_dict": lambda resolution: resolution.to_dict()["layers"],
    "CSV": lambda resolution: as_csv([resolution.to_dict()]),
    "explain": lambda resolution: resolution.explain("head"),
}


def test_every_key_of_either_kind_is_tried() -> None:
    settings = set(cc.PruningConfig.model_fields) ^ set(cc.QuantizationConfig.model_fields)
    assert set(CASES) == settings


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("consumer", CONSUMERS)
def test_lists_that_differ_in_one_key_alone_differ(consumer: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    """D18: two resolutions are equal when every layer has equal status and settings."""
    shown = CONSUMERS[consumer]
    assert shown(answer(one)) == shown(answer(one))
    assert shown(answer(one)) != shown(answer(other))
    assert answer(one) != answer(other)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=map(str, CONFIGS))
def test_the_canonical_list_keeps_each_key(config: dict[str, Any]) -> None:
    """D18: the round trip through `to_list()` gives the same answer."""
    resolution = answer(config)
    assert cc.resolve(resolution.to_list(), LAYERS, kind=resolution.kind) == resolution


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_layers_that_share_a_weight_and_differ_in_one_key_are_in_conflict(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """D17: different settings of one weight are the warning `tied-conflict`; inputs and outputs are not shared."""
    resolution = resolved([{"op_names": ["embedding"], **one}, {"op_names": ["head"], **other}], LAYERS)
    about_weight = any(config.get("quant_types", "weight") == "weight" for config in (one, other))
    assert ("tied-conflict" in codes_of(resolution.findings)) == about_weight


@pytest.mark.parametrize("key", CASES)
def test_each_key_is_refused_in_a_list_of_the_other_kind(key: str) -> None:
    """D12: a list that mixes both kinds is refused."""
    other: Literal["pruning", "quantization"] = "quantization" if key in cc.PruningConfig.model_fields else "pruning"
    value = next(value for value in CASES[key][1] if value is not ABSENT)
    findings = cc.check([{"op_types": ["Linear"], key: value}], kind=other)
    assert "mixed-kinds" in codes_of(findings)
