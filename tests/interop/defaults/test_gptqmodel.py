"""GPTQModel parses `dynamic`, and finds for each layer what it is meant to get, or that it is left alone."""

from __future__ import annotations

import functools
from random import Random
from typing import Any

import pytest
import torch
from gptqmodel import QuantizeConfig
from gptqmodel.looper.gptq_processor import clone_gptq_config_for_module
from gptqmodel.nn_modules.qlinear.torch import TorchLinear
from gptqmodel.quantization import FORMAT
from gptqmodel.utils.model import find_modules
from live import live_model, nasty_model
from nasty import LIKE_REGEXES, NASTY, random_quantization_list

import compression_config as cc
from compression_config.interop.gptqmodel import BITS, GROUP_SIZES

APPLIED = ("Linear", "Conv1D")
PLANES = (3, 5, 6, 7)
Given = dict[str, tuple[int, int, bool]]
"""For each quantized layer: bits, group size, symmetric."""


def parsed(document: dict[str, Any]) -> Any:
    """Return what GPTQModel reads, without the directory that it makes to offload weights."""
    return QuantizeConfig(**document, offload_to_disk=False)


def applied(document: dict[str, Any], model: torch.nn.Module) -> Given:
    """Return what GPTQModel itself makes of a document, for all layers that it could quantize."""
    config = parsed(document)
    found: Given = {}
    for name in find_modules(model):
        own = clone_gptq_config_for_module(config, name)
        if own is not None and not isinstance(model.get_submodule(name), torch.nn.Embedding):
            found[name] = own.bits, own.group_size, own.sym
    return found


@functools.cache
def nasty() -> tuple[torch.nn.Module, cc.Inventory]:
    model = nasty_model(linear=(64, 32))
    return model, cc.Inventory.from_model(model)


def meant(resolution: cc.Resolution[Any], group_size: int = -1) -> Given:
    """Return what a resolution gives the layers that GPTQModel quantizes, what it cannot left out or approximated."""
    found: Given = {}
    for name, layer in resolution.compressed.items():
        bits = layer.settings.bits.get("weight")
        if layer.layer.type not in APPLIED or bits is None:
            continue
        scheme = (layer.settings.scheme or {}).get("weight")
        symmetric = (layer.settings.dtype or {}).get("weight") != "uint"
        size = -1 if scheme is not None and scheme.startswith("per_tensor") else group_size
        found[name] = bits, size, symmetric if scheme is None else scheme.endswith("symmetric")
    return found


def resolved(config: Any, model: Any = None) -> cc.Resolution[Any]:
    return cc.resolve(config, nasty()[1] if model is None else model, unmatched="ignore", kind="quantization")


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize("layer", [name for name in NASTY if "." not in name or ".3." in name])
def test_one_layer_is_quantized_and_no_other(layer: str, names: Any) -> None:
    resolution = resolved([{"op_names": [layer], "quant_types": ["weight"], "quant_bits": 4}])
    document = cc.export(resolution, "gptqmodel", names=names, on_loss="ignore").document
    assert applied(document, nasty()[0]) == meant(resolution)
    assert set(meant(resolution)) == ({layer} if NASTY[layer] == "Linear" else set())


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize("layer", [name for name in NASTY if NASTY[name] == "Linear" and "." not in name])
def test_one_layer_is_left_alone_and_no_other(layer: str, names: Any) -> None:
    config = [
        {"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4},
        {"op_names": [layer], "exclude": True},
    ]
    resolution = resolved(config)
    document = cc.export(resolution, "gptqmodel", names=names, on_loss="ignore").document
    assert applied(document, nasty()[0]) == meant(resolution)


@pytest.mark.parametrize("seed", range(60))
def test_random_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    options: dict[str, Any] = {"group_size": 32} if random.random() < 0.3 else {}
    resolution = resolved(random_quantization_list(random))
    serve = random.choice((None, "vllm"))
    document = cc.export(resolution, "gptqmodel", names=names, serve=serve, on_loss="ignore", **options).document
    assert applied(document, nasty()[0]) == meant(resolution, options.get("group_size", -1))


FURTHER = (*LIKE_REGEXES, "+:fc1", "x\n")


@pytest.mark.parametrize("names", ["exact", "patterns"])
def test_names_that_are_prefixes_and_regexes_are_only_names(names: Any) -> None:
    model = live_model(dict.fromkeys(("x", "fc1", "a", "aab", "A", *FURTHER), "Linear"), linear=(64, 32))
    for bits, name in zip((2, 3, 4, 8) * 4, FURTHER, strict=True):
        config = [
            {"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4},
            {"op_names": [name], "quant_types": ["weight"], "quant_bits": bits},
            {"op_names": ["fc1"], "exclude": True},
        ]
        resolution = resolved(config, model)
        document = cc.export(resolution, "gptqmodel", names=names, on_loss="ignore").document
        assert applied(document, model) == meant(resolution)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("other", [4, 5])
@pytest.mark.parametrize("sides", [(64, 32), (40, 32), (64, 48)])
def test_what_is_lost_by_shape_is_what_it_cannot_pack(bits: int, other: int, sides: tuple[int, int]) -> None:
    inputs, outputs = sides
    layers = [
        cc.Layer(name="h.0.fc1", type="Linear", weight_shape=(outputs, inputs)),
        cc.Layer(name="h.0.fc2", type="Linear", weight_shape=(64, 64)),
    ]
    config = [{"op_names": ["h.0.fc1"], "quant_types": ["weight"], "quant_bits": bits}]
    config.append({"op_names": ["h.0.fc2"], "quant_types": ["weight"], "quant_bits": other})
    resolution: Any = cc.resolve(config, layers)
    whole = parsed({"bits": other, "dynamic": {r"+:^h\.0\.fc1$": {"bits": bits}}})
    assert (whole.format is FORMAT.GPTQ_P) is bool({bits, other} & {5, 6, 7})
    given = {"group_size": -1, "sym": True, "desc_act": False, "in_features": inputs, "out_features": outputs}
    try:
        TorchLinear(bits=bits, format=whole.format, **given)
    except NotImplementedError:
        with pytest.raises(cc.LossyExport, match=r"packs . bits only where inputs and outputs are multiples of 32"):
            cc.export(resolution, "gptqmodel")
        document = cc.export(resolution, "gptqmodel", on_loss="ignore").document
        assert clone_gptq_config_for_module(parsed(document), "h.0.fc1") is None
    else:
        assert cc.export(resolution, "gptqmodel").document["lm_head"] is False


def test_the_output_layer_is_quantized_only_where_it_is_said_to_be() -> None:
    model = live_model({"model.layers.0.fc": "Linear", "lm_head": "Linear"}, linear=(64, 32))
    config = [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}]
    for excluded in (True, False):
        resolution = resolved([*config, *([{"op_names": ["lm_head"], "exclude": True}] if excluded else [])], model)
        document = cc.export(resolution, "gptqmodel").document
        # Where `dynamic` has nothing for it, which is None, it gets 8 bits in groups of 32.
        config_of_all = parsed(document)
        assert config_of_all.lm_head is not excluded
        assert config_of_all.dynamic_get("lm_head", default=None) is not None
        assert applied(document, model) == meant(resolution)


def test_the_kernels_have_the_groups_and_bits_that_are_exported() -> None:
    assert [size for size in TorchLinear.SUPPORTS_GROUP_SIZE if size != -1] == list(GROUP_SIZES)
    assert list(BITS) == TorchLinear.SUPPORTS_BITS
    assert TorchLinear.SUPPORTS_SYM == [True, False]
