"""torchao parses and applies what is exported for it, and agrees with what is imported from it."""

from __future__ import annotations

import re
import warnings
from random import Random
from typing import Any

import pytest
import torch
from live import inventory, live_model, resolved
from nasty import NASTY, random_quantization_list
from torch import nn
from torchao.core.config import config_from_dict, config_to_dict
from torchao.quantization import FqnToConfig, Int8WeightOnlyConfig, quantize_
from torchao.quantization.granularity import PerTensor
from torchao.quantization.quant_primitives import MappingType

import compression_config as cc

APPLIED = ("Linear", "Embedding", "Conv2d")
Given = dict[str, tuple[int, bool, str, bool | None]]
"""For each quantized layer: bits, symmetric, what shares a scale; symmetric inputs, None for unquantized ones."""


def positive_model(layers: dict[str, str] = NASTY) -> nn.Module:
    """Return a model whose weights are positive, so that zero points tell affine from symmetric ones."""
    model = live_model(layers, device="cpu")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(1, 2)
    return model


def applied(document: dict[str, Any], model: nn.Module | None = None) -> Given:
    """Return what torchao itself makes of a document."""
    model = positive_model() if model is None else model
    before = {name: module.weight for name, module in model.named_modules() if hasattr(module, "weight")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it deprecates `_default`
        config = config_from_dict(document)
    quantize_(model, config, filter_fn=None if isinstance(config, FqnToConfig) else _linear)
    modules = dict(model.named_modules())
    return {name: _given(modules[name].weight) for name in before if modules[name].weight is not before[name]}


def _linear(module: nn.Module, _: str) -> bool:
    return isinstance(module, nn.Linear)


def _given(weight: Any) -> tuple[int, bool, str, bool | None]:
    if len(weight.shape) == 1:
        raise ValueError("torchao quantizes norms to 8 bits, and then cannot run them")
    symmetric = not bool(weight.zero_point.any())
    block = list(weight.block_size)
    inputs = weight.shape[1]
    if type(weight).__name__ == "Int8Tensor":
        act = weight.act_quant_kwargs
        given = None if act is None else act.mapping_type is MappingType.SYMMETRIC
        return 8, symmetric, "tensor" if block == list(weight.shape) else "channel", given
    per = "channel" if block[1] == inputs else "group"
    affine = {None: None, "int8_asym_per_token": False}[weight.activation_quantization]
    return int(str(weight.target_dtype).removeprefix("torch.int")), symmetric, per, affine


def meant(resolution: cc.Resolution[Any], *, grouped: bool = False) -> Given:
    """Return what a resolution gives the layers that torchao quantizes, what it cannot left out or approximated."""
    found: Given = {}
    for name, layer in resolution.compressed.items():
        bits = layer.settings.bits.get("weight", 99)
        if layer.layer.type in APPLIED and bits <= 8:
            linear = layer.layer.type == "Linear"
            # The convolution has two inputs: a group of two is all of them.
            in_groups = grouped and layer.layer.type != "Conv2d"
            found[name] = _meant(layer.settings, bits, linear=linear, grouped=in_groups)
    return found


def _meant(settings: Any, bits: int, *, linear: bool, grouped: bool) -> tuple[int, bool, str, bool | None]:
    schemes, dtypes = settings.scheme or {}, settings.dtype or {}

    def symmetric(kind: str) -> bool:
        signed = dtypes.get(kind) != "uint"
        return schemes[kind].endswith("symmetric") if kind in schemes else signed

    per = "tensor" if "per_tensor" in schemes.get("weight", "") else "group" if grouped else "channel"
    inputs = symmetric("input") if linear and settings.bits.get("input") == 8 else None
    eight = linear and bits == 8 and symmetric("weight") and per != "group"
    if eight and (per == "tensor" or inputs):
        return 8, True, per, inputs
    return bits, symmetric("weight"), "channel" if per == "tensor" else per, None if inputs is None else False


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize(
    "layer", [name for name in NASTY if "." not in name or name.endswith(("0.q_proj", ".up_proj"))]
)
def test_one_layer_is_quantized_and_no_other(layer: str, names: Any) -> None:
    resolution = resolved([{"op_names": [layer], "quant_types": ["weight"], "quant_bits": 4}])
    document = cc.export(resolution, "torchao", names=names, on_loss="ignore").document
    assert applied(document) == meant(resolution)
    assert set(meant(resolution)) == ({layer} if NASTY[layer] in APPLIED else set())


@pytest.mark.parametrize("seed", range(200))
def test_random_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    options: dict[str, Any] = {"group_size": 2} if random.random() < 0.3 else {}
    resolution = resolved(random_quantization_list(random, ("Linear", "Embedding", "Conv2d", "ReLU")))
    serve = random.choice((None, "vllm"))
    document = cc.export(resolution, "torchao", names=names, serve=serve, on_loss="ignore", **options).document
    assert applied(document) == meant(resolution, grouped=bool(options))


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("weight", ["per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric"])
@pytest.mark.parametrize("inputs", [None, "per_tensor_affine", "per_tensor_symmetric"])
def test_every_combination_is_quantized_and_runs(bits: int, weight: str, inputs: str | None) -> None:
    config: dict[str, Any] = {"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": {"weight": bits}}
    config["quant_scheme"] = {"weight": weight}
    if inputs is not None:
        config["quant_types"].append("input")
        config["quant_bits"]["input"], config["quant_scheme"]["input"] = 8, inputs
    model = positive_model({"fc": "Linear"})
    resolution: Any = cc.resolve([config], model)
    export = cc.export(resolution, "torchao")
    assert applied(export.document, model) == meant(resolution)
    assert model.get_submodule("fc")(torch.ones(2, 8)).shape == (2, 4)
    exact = meant(resolution)["fc"] == (bits, "symmetric" in weight, weight.split("_")[1], _symmetric(inputs))
    warned = [finding.message for finding in export.findings if "per token" not in finding.message]
    assert bool(warned) is not exact


def _symmetric(scheme: str | None) -> bool | None:
    return None if scheme is None else scheme.endswith("symmetric")


def test_what_torchao_says_of_the_document_it_read_is_the_document() -> None:
    resolution = resolved([{"op_types": ["Linear", "Embedding"], "quant_types": ["weight"], "quant_bits": 4}])
    document = cc.export(resolution, "torchao", group_size=2).document
    again = config_to_dict(config_from_dict(document))
    assert list(again["_data"]["fqn_to_config"]) == list(document["_data"]["fqn_to_config"])
    assert config_to_dict(config_from_dict(again)) == again


# vLLM.


def found_by_vllm(document: dict[str, Any], name: str) -> Any:
    """Return the config that vLLM 0.33 takes for one of its linear layers, as `TorchAOConfig.get_quant_method` does."""
    keys = document["_data"]["fqn_to_config"]
    if name in keys:
        return keys[name]
    patterns = (key for key in keys if key.startswith("re:") and re.fullmatch(key[3:], name))
    return keys.get(next(patterns, "_default"))


@pytest.mark.parametrize("names", ["exact", "patterns"])
def test_vllm_finds_the_layers_that_it_merges(names: Any) -> None:
    config = [
        {"op_partial_names": ["self_attn"], "quant_types": ["weight"], "quant_bits": 4},
        {"op_names": ["model.layers.3.self_attn.v_proj"], "exclude": True},
        {"op_partial_names": ["layers.5.self_attn"], "quant_types": ["weight"], "quant_bits": 8},
    ]
    document = cc.export(resolved(config), "torchao", names=names, serve="vllm", on_loss="ignore").document
    for block in range(12):
        found = found_by_vllm(document, f"model.layers.{block}.self_attn.qkv_proj")
        own = found_by_vllm(document, f"model.layers.{block}.self_attn.o_proj")
        assert found == (None if block == 3 else own)
    assert applied(document) == meant(resolved(config))


# Import.

CONFIGS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"_type": "Int8WeightOnlyConfig", "_version": 2, "_data": {}},
    config_to_dict(Int8WeightOnlyConfig(granularity=PerTensor())),
    {"_type": "Int8DynamicActivationInt8WeightConfig", "_version": 2, "_data": {}},
    {
        "_type": "Int8DynamicActivationInt8WeightConfig",
        "_version": 2,
        "_data": {"act_mapping_type": {"_type": "MappingType", "_data": "ASYMMETRIC"}},
    },
    {"_type": "IntxWeightOnlyConfig", "_version": 2, "_data": {}},
    *(
        {
            "_type": "IntxWeightOnlyConfig",
            "_version": 2,
            "_data": {
                "weight_dtype": {"_type": "torch.dtype", "_data": dtype},
                "mapping_type": {"_type": "MappingType", "_data": mapping},
            },
        }
        for dtype, mapping in (("int2", "SYMMETRIC"), ("int4", "ASYMMETRIC"), ("int5", "ASYMMETRIC"))
    ),
    {
        "_type": "Int8DynamicActivationIntxWeightConfig",
        "_version": 2,
        "_data": {
            "weight_dtype": {"_type": "torch.dtype", "_data": "int3"},
            "weight_granularity": {"_type": "PerAxis", "_version": 1, "_data": {"axis": 0}},
        },
    },
)
KEYS = (
    *("_default", "fc1", "fc10", "fc1.weight", "0", "wte", "conv", "a*b", "head$", "model.layers.3.mlp.gate"),
    *("re:fc.*", "re:.*q_proj", r"re:model\.layers\.1\..*_proj", r"re:.*experts\.[0-4]\..*_proj", "re:(0|1)"),
    *(r"re:.*o_proj\.weight", r"re:.*\.k_proj\.(weight|bias)", "re:.*self_attn", "re:a.*", "unknown", "re:.*_proj"),
)


def random_document(random: Random) -> dict[str, Any]:
    """Return a document as people write them: names, regexes and a default that overlap."""
    keys = random.sample([*KEYS, *random.sample(list(NASTY), 3)], random.randint(1, 7))
    return {
        "_type": "FqnToConfig",
        "_version": 1,
        "_data": {"fqn_to_config": {key: random.choice(CONFIGS) for key in keys}},
    }


@pytest.mark.parametrize("seed", range(80))
def test_an_import_agrees_with_the_engine(seed: int) -> None:
    random = Random(3000 + seed)  # noqa: S311
    while True:  # until torchao takes it: it fails on layers that it cannot quantize
        document = random_document(random)
        try:
            engine = applied(document)
        except (AssertionError, AttributeError, NotImplementedError, ValueError):
            continue
        break
    found = cc.import_list(document, model=inventory())
    assert found.dialect == "torchao"
    assert not [finding for finding in found.findings if finding.severity == "error"]
    resolution: Any = cc.resolve(found.config_list, inventory(), unmatched="error")
    assert {name: _said(layer.settings) for name, layer in resolution.compressed.items()} == engine


def _said(settings: Any) -> tuple[int, bool, str, bool | None]:
    weight = settings.scheme["weight"]
    return (
        settings.bits["weight"],
        weight.endswith("symmetric"),
        weight.split("_")[1],
        _symmetric(settings.scheme.get("input")),
    )


@pytest.mark.parametrize("config", CONFIGS[1:], ids=lambda config: config["_type"])
def test_a_config_alone_is_for_all_linear_layers(config: dict[str, Any]) -> None:
    layers = {"fc": "Linear", "wte": "Embedding", "norm": "LayerNorm"}
    document = {"quantization_config": {"quant_method": "torchao", "quant_type": {"default": config}}}
    resolution: Any = cc.resolve(cc.import_list(document, model=live_model(layers)).config_list, live_model(layers))
    said = {name: _said(layer.settings) for name, layer in resolution.compressed.items()}
    assert said == applied(config, positive_model(layers))


def test_the_default_leaves_the_projection_of_attention_alone() -> None:
    document = {"_type": "FqnToConfig", "_version": 1, "_data": {"fqn_to_config": {"_default": CONFIGS[1]}}}
    model = nn.ModuleDict({"attention": nn.MultiheadAttention(8, 2), "fc": nn.Linear(8, 4)})
    found = cc.import_list(document, model=model)
    assert list(applied(document, model)) == ["fc"]
    assert found.to_data()[0]["op_types"] == ["Linear"]


@pytest.mark.parametrize("seed", range(80))
def test_what_was_exported_is_imported_as_the_same_settings(seed: int) -> None:
    resolution = resolved(random_quantization_list(Random(4000 + seed), ("Linear", "Embedding")))  # noqa: S311
    document = cc.export(resolution, "torchao", on_loss="ignore").document
    again: Any = cc.resolve(cc.import_list(document, model=inventory()).config_list, inventory())
    assert {name: _said(layer.settings) for name, layer in again.compressed.items()} == meant(resolution)
