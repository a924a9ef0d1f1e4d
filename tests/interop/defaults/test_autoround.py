"""AutoRound resolves `scheme` and `layer_config` to what each layer is meant to get, in blocks and outside of them."""

from __future__ import annotations

import functools
from random import Random
from typing import Any

import pytest
from auto_round.compressors.config_resolution.resolve import resolve_scheme_value
from auto_round.compressors.layer_config_resolver import resolve_layer_config
from auto_round.utils import check_to_quantized
from live import live_model, nasty_model
from nasty import LIKE_REGEXES, NASTY, random_quantization_list
from torch import nn

import compression_config as cc

Given = dict[str, tuple[int, int, bool, int, bool | None]]
"""For each quantized layer: bits, group size, symmetric; bits of inputs, symmetric, None for unquantized ones."""


def with_blocks(model: nn.Module) -> nn.Module:
    """Return a model whose blocks are in a `ModuleList`, which is what makes blocks of them for AutoRound."""
    model.get_submodule("model.layers").__class__ = nn.ModuleList
    return model


@functools.cache
def nasty(inputs: int = 64) -> tuple[nn.Module, cc.Inventory]:
    model = with_blocks(nasty_model(linear=(inputs, 32)))
    return model, cc.Inventory.from_model(model)


def applied(document: dict[str, Any], model: nn.Module) -> Given:
    """Return what AutoRound itself makes of a document."""
    scheme = resolve_scheme_value(document["scheme"], {})
    found: Given = {}
    for name, given in resolve_layer_config(model=model, scheme=scheme, layer_config=document["layer_config"]).items():
        if check_to_quantized(dict(given)):
            assert given["data_type"] == "int"
            inputs = given["act_bits"] < 16
            if inputs:
                assert (given["act_data_type"], given["act_dynamic"], given["act_group_size"]) == ("int", True, -1)
            sym = given["act_sym"] if inputs else None
            found[name] = given["bits"], given["group_size"], given["sym"], given["act_bits"], sym
    return found


def meant(resolution: cc.Resolution[Any], group_size: int = -1) -> Given:
    """Return what a resolution gives the layers that AutoRound quantizes, what it cannot left out."""
    found: Given = {}
    for name, layer in resolution.compressed.items():
        bits, weight = layer.settings.bits, _scheme(layer.settings, "weight")
        if layer.layer.type != "Linear" or "weight" not in bits or (bits["weight"] == 8 and not weight[1]):
            continue
        size = 0 if weight[0] == "tensor" else group_size
        inputs = (bits["input"], _scheme(layer.settings, "input")[1]) if "input" in bits else (16, None)
        found[name] = bits["weight"], size, weight[1], *inputs
    return found


def _scheme(settings: Any, kind: str) -> tuple[str, bool]:
    """Return what shares a scale, and whether it is symmetric."""
    scheme = (settings.scheme or {}).get(kind)
    if scheme is None:
        return "channel", (settings.dtype or {}).get(kind) != "uint"
    return scheme.split("_")[1], scheme.endswith("symmetric")


def resolved(config: Any, model: Any = None) -> cc.Resolution[Any]:
    return cc.resolve(config, nasty()[1] if model is None else model, unmatched="ignore", kind="quantization")


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize("layer", [name for name in NASTY if "." not in name or ".3." in name])
def test_one_layer_is_quantized_and_no_other(layer: str, names: Any) -> None:
    resolution = resolved([{"op_names": [layer], "quant_types": ["weight"], "quant_bits": 4}])
    document = cc.export(resolution, "autoround", names=names, on_loss="ignore").document
    assert applied(document, nasty()[0]) == meant(resolution)
    assert set(meant(resolution)) == ({layer} if NASTY[layer] == "Linear" else set())


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize("layer", [name for name in NASTY if NASTY[name] == "Linear" and "." not in name])
def test_one_layer_is_left_alone_and_no_other(layer: str, names: Any) -> None:
    config = [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}]
    resolution = resolved([*config, {"op_names": [layer], "exclude": True}])
    document = cc.export(resolution, "autoround", names=names, on_loss="ignore").document
    assert applied(document, nasty()[0]) == meant(resolution)


@pytest.mark.parametrize("seed", range(60))
def test_random_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    options: dict[str, Any] = {"group_size": 32} if random.random() < 0.3 else {}
    resolution = resolved(random_quantization_list(random))
    document = cc.export(resolution, "autoround", names=names, on_loss="ignore", **options).document
    assert applied(document, nasty()[0]) == meant(resolution, options.get("group_size", -1))


FURTHER = (*LIKE_REGEXES, "[.]", "\\")


@pytest.mark.parametrize("names", ["exact", "patterns"])
def test_names_that_are_regexes_are_only_names(names: Any) -> None:
    known = (
        "x",
        "fc1",
        "a",
        "aab",
        "A",
        *FURTHER,
        "a.b",
        "a.c.d",
        "axb",
        "h.a b.c",
        *(f"h.{name}" for name in FURTHER),
    )
    model = live_model(dict.fromkeys(known, "Linear"), linear=(64, 32))
    for bits, name in zip((2, 3, 4, 8) * 4, FURTHER, strict=True):
        config = [
            {"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4},
            {"op_names": [f"h.{name}"], "quant_types": ["weight"], "quant_bits": bits},
            {"op_names": ["fc1", name], "exclude": True},
        ]
        resolution = resolved(config, model)
        document = cc.export(resolution, "autoround", names=names, on_loss="ignore").document
        assert applied(document, model) == meant(resolution)


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize("inputs", [False, True])
def test_what_is_lost_by_shape_is_what_it_leaves_at_16_bits(names: Any, inputs: bool) -> None:
    """It overwrites the bits of such a layer in silence, except where the inputs of most layers are quantized."""
    model, inventory = nasty(40)
    kinds = ["weight", "input"] if inputs else ["weight"]
    config = [{"op_types": ["Linear"], "quant_types": kinds, "quant_bits": 4}]
    resolution = resolved(config, inventory)
    plain = {"bits": 4, "group_size": -1, "sym": True, "data_type": "int", "act_bits": 4 if inputs else 16}
    ours = cc.export(resolution, "autoround", names=names, on_loss="ignore")
    theirs = applied({"scheme": plain, "layer_config": {".*": plain}}, model)
    assert applied(ours.document, model) == (meant(resolution) if inputs else {})
    assert set(theirs) == set(applied(ours.document, model))
    if inputs:
        assert cc.export(resolution, "autoround").document
    else:
        with pytest.raises(cc.LossyExport, match="unless its inputs and outputs are multiples of 32"):
            cc.export(resolution, "autoround")


def test_it_refuses_affine_weights_of_8_bits() -> None:
    given = {"bits": 8, "group_size": -1, "sym": False, "data_type": "int", "act_bits": 16}
    with pytest.raises(ValueError, match="8-bit asymmetric"):
        applied({"scheme": {**given, "bits": 4}, "layer_config": {"fc1": given}}, nasty()[0])


def test_it_leaves_subclasses_alone() -> None:
    model = nn.ModuleDict({"attention": nn.MultiheadAttention(64, 2, device="meta"), "fc": nn.Linear(64, 32)})
    config = [{"op_partial_names": ["attention", "fc"], "op_types": ["Linear", "NonDynamicallyQuantizableLinear"]}]
    resolution = resolved([{**config[0], "quant_types": ["weight"], "quant_bits": 4}], model)
    export = cc.export(resolution, "autoround", on_loss="ignore")
    assert list(applied(export.document, model)) == ["fc"]
    given = export.document["scheme"]
    assert list(applied({"scheme": given, "layer_config": {"attention.out_proj": given}}, model)) == []
