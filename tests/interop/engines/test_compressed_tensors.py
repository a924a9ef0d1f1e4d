"""compressed-tensors parses and applies what is exported for it, and agrees with what is imported from it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from random import Random
from typing import Any

import pytest
from compressed_tensors.compressors.format import infer_model_format
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from live import live_model, nasty_model
from nasty import NASTY, random_quantization_list
from torch import nn

import compression_config as cc

WORDS = {"weight": "weights", "input": "input_activations", "output": "output_activations"}
Given = dict[str, dict[str, tuple[int, bool, str, bool]]]
"""For each quantized layer and tensor: bits, symmetric, strategy, dynamic."""


def applied(document: dict[str, Any], model: nn.Module) -> Given:
    """Return what compressed-tensors itself makes of a document for a model."""
    config = QuantizationConfig.model_validate(document)
    apply_quantization_config(model, config, show_progress=False)
    found: Given = {}
    for name, module in model.named_modules():
        scheme = getattr(module, "quantization_scheme", None)
        if scheme is not None:
            found[name] = {
                kind: (
                    args.num_bits,
                    args.symmetric,
                    getattr(args.strategy, "value", args.strategy),
                    bool(args.dynamic),
                )
                for kind, word in WORDS.items()
                if (args := getattr(scheme, word)) is not None
            }
    return found


def _given(args: Any) -> tuple[int, bool, str, bool]:
    return args.num_bits, args.symmetric, getattr(args.strategy, "value", args.strategy), bool(args.dynamic)


def meant(resolution: cc.Resolution[Any], *, dynamic: bool = False, grouped: bool = False) -> Given:
    """Return what a resolution gives the layers that compressed-tensors quantizes, in its words."""
    return {
        name: {kind: _meant(layer.settings, kind, dynamic=dynamic, grouped=grouped) for kind in layer.settings.bits}
        for name, layer in resolution.compressed.items()
        if layer.layer.type in ("Linear", "Embedding")
    }


def _meant(settings: Any, kind: str, *, dynamic: bool, grouped: bool) -> tuple[int, bool, str, bool]:
    scheme = (settings.scheme or {}).get(kind)
    signed = (settings.dtype or {}).get(kind) != "uint"
    symmetric = signed if scheme is None else scheme.endswith("symmetric")
    if kind != "weight":
        if kind == "input" and dynamic:
            return settings.bits[kind], symmetric, "token", True
        return settings.bits[kind], symmetric, "tensor", False
    strategy = "channel" if scheme is None or "channel" in scheme else "tensor"
    return settings.bits[kind], symmetric, "group" if grouped and strategy == "channel" else strategy, False


def exported(config: Any, **options: Any) -> tuple[dict[str, Any], cc.Resolution[Any]]:
    resolution = cc.resolve(config, nasty_model(), unmatched="ignore", kind="quantization")
    return cc.export(resolution, "compressed-tensors", on_loss="ignore", **options).document, resolution


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize(
    "layer", [name for name in NASTY if "." not in name or name.endswith(("0.q_proj", ".up_proj"))]
)
def test_one_layer_is_quantized_and_no_other(layer: str, names: Any) -> None:
    config = {"op_names": [layer], "quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}}
    document, resolution = exported([config], names=names)
    assert applied(document, nasty_model()) == meant(resolution)
    assert set(meant(resolution)) == ({layer} if NASTY[layer] in ("Linear", "Embedding") else set())


@pytest.mark.parametrize("seed", range(200))
def test_random_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names = random.choice(("auto", "exact", "patterns"))
    dynamic, grouped = random.random() < 0.3, random.random() < 0.3
    options: dict[str, Any] = {"inputs": "dynamic"} if dynamic else {}
    if grouped:
        options["group_size"] = 2
    document, resolution = exported(random_quantization_list(random), names=names, **options)
    assert applied(document, nasty_model()) == meant(resolution, dynamic=dynamic, grouped=grouped)


def test_what_is_not_applied_is_a_loss_at_its_sub_config(tmp_path: Path) -> None:
    path = tmp_path / "quantization.yaml"
    path.write_text("- op_types: [Linear, Conv2d, ReLU]\n  quant_types: [weight]\n  quant_bits: 8\n")
    resolution = cc.resolve(cc.load(path), nasty_model())
    with pytest.raises(cc.LossyExport) as raised:
        cc.export(resolution, "compressed-tensors")
    hint = "(exclude these layers, or narrow 'op_types')"
    assert [str(f) for f in raised.value.findings if f.severity == "error"] == [
        f"error[type-not-applied] {path}:1:13 at [0].op_types: 'compressed-tensors' quantizes 'Linear' and 'Embedding' "
        f"layers; a '{name}' layer is left unchanged ('{layer}') {hint}"
        for name, layer in (("Conv2d", "conv"), ("ReLU", "act"))
    ]


@pytest.mark.parametrize(
    "bits", [{"weight": 4}, {"weight": 8, "input": 8}, {"weight": 12}, {"weight": 4, "input": 8}, {"input": 8}], ids=str
)
def test_the_format_is_the_one_that_compressed_tensors_infers(bits: dict[str, int]) -> None:
    config = [{"op_types": ["Linear"], "quant_types": list(bits), "quant_bits": bits}]
    document, _ = exported(config)
    model = nasty_model()
    apply_quantization_config(model, QuantizationConfig.model_validate(without_formats(document)), show_progress=False)
    assert document["format"] == infer_model_format(model).value


def test_several_formats_are_mixed_precision() -> None:
    config = [
        {"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4},
        {"op_names": ["fc1"], "quant_types": ["weight", "input"], "quant_bits": 8},
    ]
    document, _ = exported(config)
    model = nasty_model()
    apply_quantization_config(model, QuantizationConfig.model_validate(without_formats(document)), show_progress=False)
    assert document["format"] == infer_model_format(model).value == "mixed-precision"


def without_formats(document: dict[str, Any]) -> dict[str, Any]:
    groups = document["config_groups"]
    return document | {
        "config_groups": {name: {k: v for k, v in group.items() if k != "format"} for name, group in groups.items()}
    }


# Import.


def random_document(random: Random) -> dict[str, Any]:
    """Return a document as other tools write them: names, regexes and classes that overlap."""
    targets = ["Linear", "Embedding", "Conv2d", "Module", "ReLU", "fc1", "fc10", "0", "1", "re:fc1", "re:fc1$", "re:.*"]
    targets += ["re:.*q_proj", r"re:.*layers\.1\.", r"re:.*experts\.[0-4]\..*", "re:.*mlp", "a*b", "head$", "re:(0|1)$"]
    targets += random.sample(list(NASTY), 5)
    drawn = iter(random.sample(list(dict.fromkeys(targets)), 12))
    groups = {}
    for number in range(random.randint(1, 5)):
        weights: dict[str, Any] = {"num_bits": random.choice((2, 4, 8)), "symmetric": random.random() < 0.5}
        weights["strategy"] = random.choice(("tensor", "channel"))
        group: dict[str, Any] = {"targets": [next(drawn) for _ in range(random.randint(1, 2))], "weights": weights}
        if random.random() < 0.5:
            group["input_activations"] = {"num_bits": 8, "symmetric": random.random() < 0.5}
        if random.random() < 0.2:
            group["output_activations"] = {"num_bits": 8}
        groups[f"group_{number}"] = group
    ignore = random.sample([*targets, "lm_head"], random.randint(0, 3))
    return {"quant_method": "compressed-tensors", "config_groups": groups, "ignore": ignore}


@pytest.mark.parametrize("seed", range(80))
def test_an_import_agrees_with_the_engine(seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    document = random_document(Random(1000 + seed))  # noqa: S311
    found = cc.import_list(document, model=nasty_model())
    config = {"architectures": ["Nasty"], "quantization_config": document}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert cc.import_list(f"hf:{tmp_path}", model=nasty_model()) == found
    assert (found.dialect, found.findings) == ("compressed-tensors", ())
    resolution: Any = cc.resolve(found.config_list, nasty_model(), unmatched="error")
    assert meant(resolution) == applied(document, nasty_model())
    assert set(resolution.compressed) == set(meant(resolution))


@pytest.mark.parametrize("seed", range(80))
def test_what_was_exported_is_imported_as_the_same_settings(seed: int) -> None:
    random = Random(2000 + seed)  # noqa: S311
    config = [sub_config | schemes(sub_config, random) for sub_config in random_quantization_list(random, ["Linear"])]
    for sub_config in config:
        sub_config.pop("quant_dtype", None)
        sub_config.pop("quant_start_step", None)
    document, resolution = exported(config)
    again: Any = cc.resolve(cc.import_list(document, model=nasty_model()).config_list, nasty_model())
    kept = {
        name: layer.settings
        for name, layer in resolution.compressed.items()
        if NASTY.get(name) in ("Linear", "Embedding")
    }
    assert {name: layer.settings for name, layer in again.compressed.items()} == kept


def schemes(sub_config: dict[str, Any], random: Random) -> dict[str, Any]:
    if "exclude" in sub_config:
        return {}
    weights = ("per_tensor_affine", "per_channel_symmetric", "per_channel_affine")
    choices = {
        "weight": weights,
        "input": ("per_tensor_affine", "per_tensor_symmetric"),
        "output": ("per_tensor_symmetric",),
    }
    return {"quant_scheme": {kind: random.choice(choices[kind]) for kind in sub_config["quant_types"]}}


@pytest.mark.parametrize("name", ["llama-3-8b", "mixtral-8x7b", "deepseek-v3", "deepseek-v3-unfused"])
def test_the_examples_are_applied_as_they_resolve(name: str) -> None:
    root = Path(__file__).parents[3] / "examples"
    inventory = cc.Inventory.load(root / "inventories" / f"{name}.json.gz")
    resolution: Any = cc.resolve(cc.load(root / name / "quantization.yaml"), inventory)
    document = cc.export(resolution, "compressed-tensors").document
    assert applied(document, live_model({layer.name: layer.type for layer in inventory})) == meant(resolution)
