"""ModelOpt parses and applies what is exported for it, and agrees with what is imported from it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from random import Random
from typing import Any

import modelopt.torch.quantization as mtq
import pytest
import torch
import yaml
from live import inventory, live_model, nasty_model, resolved
from modelopt.recipe import load_recipe
from modelopt.torch.export.convert_hf_config import convert_hf_quant_config_format
from modelopt.torch.export.quant_utils import get_quant_config
from modelopt.torch.quantization.config import QuantizeConfig
from modelopt.torch.quantization.conversion import replace_quant_module, set_quantizer_by_cfg
from modelopt.torch.quantization.nn import TensorQuantizer
from nasty import NASTY, random_quantization_list
from torch import nn

import compression_config as cc

Given = dict[str, dict[str, tuple[int, bool, str]]]
"""For each layer and tensor whose quantizer is enabled: bits, unsigned, what shares a scale."""
KINDS: dict[str, tuple[str, ...]] = {
    "weight": ("Linear", "Embedding", "Conv2d"),
    "input": ("Linear", "Conv2d", "LayerNorm"),
}
KINDS["output"] = (*KINDS["weight"], "LayerNorm")
QUANTIZED = KINDS["output"]


def quantizers(model: nn.Module) -> Given:
    found: Given = {}
    for name, module in model.named_modules():
        if isinstance(module, TensorQuantizer) and module.is_enabled:
            layer, _, kind = name.rpartition(".")
            per = "tensor" if module.axis is None else "channel"
            if module.block_sizes:
                per = "token" if module.block_sizes[-1] is None else "group"
            found.setdefault(layer, {})[kind.removesuffix("_quantizer")] = module.num_bits, module.unsigned, per
    return found


def applied(document: dict[str, Any], model: nn.Module | None = None) -> Given:
    """Return what ModelOpt itself makes of a document for a model on which nothing is set yet."""
    model = nasty_model() if model is None else model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # for the older forms
        config = QuantizeConfig(**document)
    replace_quant_module(model)
    set_quantizer_by_cfg(model, config.quant_cfg)
    return quantizers(model)


def meant(resolution: cc.Resolution[Any], *, grouped: bool = False, dynamic: bool = False) -> Given:
    """Return what a resolution gives the layers that ModelOpt quantizes, what it cannot left out."""
    found: Given = {}
    for name, layer in resolution.compressed.items():
        given = {
            kind: _meant(layer.settings, kind, layer.layer.type, grouped=grouped, dynamic=dynamic)
            for kind in layer.settings.bits
            if layer.layer.type in KINDS[kind]
        }
        if given:
            found[name] = given
    return found


def _meant(settings: Any, kind: str, layer_type: str, *, grouped: bool, dynamic: bool) -> tuple[int, bool, str]:
    scheme, bits = (settings.scheme or {}).get(kind), settings.bits[kind]
    unsigned = (settings.dtype or {}).get(kind) == "uint" and scheme is not None and scheme.endswith("symmetric")
    if kind == "weight":
        per = "tensor" if scheme is not None and "per_tensor" in scheme else "channel"
        return bits, False, "group" if grouped and per == "channel" and layer_type != "Conv2d" else per
    return bits, unsigned, "token" if dynamic and kind == "input" else "tensor"


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize(
    "layer", [name for name in NASTY if "." not in name or name.endswith(("0.q_proj", "11.q_proj"))]
)
def test_one_layer_is_quantized_and_no_other(layer: str, names: Any) -> None:
    resolution = resolved([{"op_names": [layer], "quant_types": ["weight", "output"], "quant_bits": 4}])
    document = cc.export(resolution, "modelopt", names=names, on_loss="ignore").document
    assert applied(document) == meant(resolution)
    assert set(meant(resolution)) == ({layer} if NASTY[layer] in QUANTIZED else set())


@pytest.mark.parametrize("seed", range(60))
def test_random_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    grouped, dynamic = random.random() < 0.3, random.random() < 0.3
    options: dict[str, Any] = {"inputs": "dynamic"} if dynamic else {}
    if grouped:
        options["group_size"] = 2
    resolution = resolved(random_quantization_list(random))
    export = cc.export(resolution, "modelopt", names=names, on_loss="ignore", **options)
    expected = meant(resolution, grouped=grouped, dynamic=dynamic)
    assert applied(export.document) == expected
    assert yaml.safe_load(export.to_yaml()) == export.document


LAYERS: dict[str, tuple[Any, torch.Tensor]] = {
    "Linear": (lambda: nn.Linear(8, 4), torch.rand(3, 8)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, 3), torch.rand(1, 2, 5, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 4, 3), torch.rand(1, 2, 5, 5)),
    "Embedding": (lambda: nn.Embedding(5, 8), torch.tensor([1, 2])),
    "LayerNorm": (lambda: nn.LayerNorm(8), torch.rand(3, 8)),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("bits", [2, 4, 8, 16])
@pytest.mark.parametrize("options", [{}, {"group_size": 2}, {"inputs": "dynamic"}], ids=str)
def test_what_is_written_is_calibrated_and_runs(layer: str, bits: int, options: dict[str, Any]) -> None:
    build, data = LAYERS[layer]
    model = nn.Sequential(build())
    config = [{"op_names": ["0"], "quant_types": ["weight", "input", "output"], "quant_bits": bits}]
    document = cc.export(cc.resolve(config, model), "modelopt", on_loss="ignore", **options).document
    model = mtq.quantize(model, document, forward_loop=lambda model: model(data))
    assert torch.isfinite(model(data)).all()
    channels = getattr(model[0], "weight_quantizer", None)
    if channels is not None and not options:
        assert channels.amax.numel() == {"ConvTranspose2d": 4, "Embedding": 5}.get(layer, 4)


def test_a_recipe_is_loaded(tmp_path: Path) -> None:
    resolution = resolved([{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}])
    export = cc.export(resolution, "modelopt", group_size=4, recipe=True)
    export.save(tmp_path / "recipe.yaml")
    model = nasty_model()
    replace_quant_module(model)
    set_quantizer_by_cfg(model, load_recipe(tmp_path / "recipe.yaml").quantize.quant_cfg)
    assert quantizers(model) == meant(resolution, grouped=True)


@pytest.mark.parametrize("name", ["bert-base", "llama-3-8b"])
def test_the_examples_are_applied_as_they_resolve(name: str) -> None:
    root = Path(__file__).parents[3] / "examples"
    layers = cc.Inventory.load(root / "inventories" / f"{name}.json.gz")
    resolution: Any = cc.resolve(cc.load(root / name / "quantization.yaml"), layers)
    document = cc.export(resolution, "modelopt", on_loss="ignore").document
    assert applied(document, live_model({layer.name: layer.type for layer in layers})) == meant(resolution)


# Import.

GLOBS = (
    *("*", "*weight_quantizer", "*input_quantizer", "*output_quantizer", "*q_proj*", "*mlp*", "*lm_head*"),
    *("model.layers.1.*", "model.layers.[0-4].*weight_quantizer", "fc?.*", "fc1.weight_quantizer", "a[[]0].*"),
    *("a[*]b.input_quantizer", "*[!k]_proj.input_quantizer", "*norm*", "*experts*input_quantizer", "wte.*", "conv.*"),
)


def random_entry(random: Random) -> dict[str, Any]:
    entry: dict[str, Any] = {"quantizer_name": random.choice(GLOBS)}
    if random.random() < 0.6:
        entry["cfg"] = {"num_bits": random.choice((2, 4, 8)), "axis": random.choice((0, None))}
        if random.random() < 0.2:
            entry["cfg"]["unsigned"] = True
    if "cfg" not in entry or random.random() < 0.2:
        entry["enable"] = random.random() < 0.5
    if random.random() < 0.2:
        entry["parent_class"] = random.choice(("nn.Linear", "nn.Embedding", "nn.LayerNorm", "nn.Conv2d"))
    return entry


def random_document(random: Random) -> dict[str, Any]:
    """Return a document as people write them, in one of its three forms."""
    entries = [random_entry(random) for _ in range(random.randint(1, 7))]
    if random.random() < 0.6:
        entries.insert(0, {"quantizer_name": "*", "enable": False})
    form = random.randrange(4)
    if form > 1:
        return {"quant_cfg": entries, "algorithm": "max"}
    older = [_older(entry) for entry in entries]
    if form == 1:
        return {"quant_cfg": older, "algorithm": "max"}
    return {"quant_cfg": {key: value for entry in older for key, value in entry.items()}, "algorithm": "max"}


def _older(entry: dict[str, Any]) -> dict[str, Any]:
    value = {**entry.get("cfg", {}), **({"enable": entry["enable"]} if "enable" in entry else {})}
    name = "default" if entry["quantizer_name"] == "*" else entry["quantizer_name"]
    return {entry["parent_class"]: {name: value}} if "parent_class" in entry else {name: value}


def said(resolution: cc.Resolution[Any]) -> Given:
    return {
        name: {
            kind: (bits, (s.dtype or {}).get(kind) == "uint", s.scheme[kind].split("_")[1])
            for kind, bits in s.bits.items()
        }
        for name, s in ((name, layer.settings) for name, layer in resolution.compressed.items())
    }


@pytest.mark.parametrize("seed", range(80))
def test_an_import_agrees_with_the_engine(seed: int) -> None:
    document = random_document(Random(5000 + seed))  # noqa: S311
    found = cc.import_list(document, model=inventory())
    assert (found.dialect, found.findings) == ("modelopt", ())
    resolution: Any = cc.resolve(found.config_list, inventory(), unmatched="error")
    assert said(resolution) == applied(document)


@pytest.mark.parametrize("seed", range(80))
def test_what_was_exported_is_imported_as_the_same_settings(seed: int) -> None:
    resolution = resolved(random_quantization_list(Random(6000 + seed)))  # noqa: S311
    document = cc.export(resolution, "modelopt", on_loss="ignore").document
    again: Any = cc.resolve(cc.import_list(document, model=inventory()).config_list, inventory())
    assert said(again) == meant(resolution)


# Checkpoints.

CHECKPOINT = {name: kind for name, kind in NASTY.items() if "." in name} | {"lm_head": "Linear", "wte": "Embedding"}
FORMATS: dict[str, dict[str, Any]] = {
    "W8A16": {"weight": {"num_bits": 8, "axis": 0}},
    "W8A8_SQ_PER_CHANNEL": {"weight": {"num_bits": 8, "axis": 0}, "input": {"num_bits": 8, "axis": None}},
    "W4A16_AWQ": {"weight": {"num_bits": 4, "block_sizes": {-1: 4}}},
}
PLACES = ("*_proj", "*q_proj", "*layers.1.*_proj", "*experts.1.*", "*layers.[3-5].*_proj", "lm_head")


def random_checkpoint(random: Random) -> tuple[nn.Module, dict[str, Any]]:
    """Return a quantized model, and what ModelOpt writes about it."""
    entries: list[dict[str, Any]] = [{"quantizer_name": "*", "enable": False}]
    formats = random.sample(sorted(FORMATS), random.randint(1, 2))
    for place in random.sample(PLACES, random.randint(1, 4)):
        for kind in ("weight", "input"):
            config = FORMATS[random.choice(formats) if kind == "weight" else formats[0]].get(kind)
            name = f"{place}.{kind}_quantizer"
            entries.append({"quantizer_name": name, **({"cfg": config} if config else {"enable": False})})
    model = live_model(CHECKPOINT)
    replace_quant_module(model)
    set_quantizer_by_cfg(model, entries)
    return model, json.loads(json.dumps(get_quant_config(model)))


@pytest.mark.parametrize("seed", range(80))
def test_the_config_of_a_checkpoint_is_what_its_layers_are_quantized_to(seed: int, tmp_path: Path) -> None:
    model, config = random_checkpoint(Random(7000 + seed))  # noqa: S311
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["Nasty"]}))
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(config))
    layers = live_model(CHECKPOINT)
    expected: Given = {}
    for name, given in quantizers(model).items():
        if "weight" in given:
            # Inputs of layers with 4-bit weights are no part of the format.
            kinds = ("weight",) if given["weight"][0] == 4 else ("weight", "input")
            expected[name] = {
                kind: (given[kind][0], False, "channel" if kind == "weight" else "tensor")
                for kind in kinds
                if kind in given
            }
    found = cc.import_list(f"hf:{tmp_path}", model=layers)
    assert found.dialect == "modelopt"
    assert found == cc.import_list(config, model=layers)
    assert {finding.code for finding in found.findings} <= {"lossy-approximation"}  # groups
    resolution: Any = cc.resolve(found.config_list, layers)
    assert said(resolution) == expected
    if config["quantization"]["quant_algo"] != "MIXED_PRECISION":
        in_config = {"quantization_config": {**config["quantization"], "quant_method": "modelopt"}}
        assert cc.import_list(in_config, model=layers).config_list == found.config_list


def test_what_vllm_is_given_of_a_checkpoint_is_recognized_as_one_of_modelopt() -> None:
    config = {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}}
    converted = {"quantization_config": convert_hf_quant_config_format(config)}
    found = cc.import_list(converted, model=[("fc", "Linear"), ("lm_head", "Linear")])
    assert found.dialect == "modelopt"
    assert found.to_data() == cc.import_list(config, model=[("fc", "Linear"), ("lm_head", "Linear")]).to_data()
    cache = "a config list cannot express the quantization of the key-value cache"
    assert [str(finding) for finding in found.findings] == [
        f"error[lossy-setting] at kv_cache_quant_algo: {cache}",
        "error[lossy-setting] at quant_algo: a config list has integers only, not floats",
    ]
