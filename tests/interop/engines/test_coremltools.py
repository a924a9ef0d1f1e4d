"""coremltools parses and applies what is exported for it: what each layer gets is what the resolution says."""

from __future__ import annotations

import io
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
import torch
from coremltools.optimize.torch.pruning import MagnitudePruner, MagnitudePrunerConfig
from coremltools.optimize.torch.pruning._utils import magnitude_ranked_mask
from coremltools.optimize.torch.quantization import PostTrainingQuantizer, PostTrainingQuantizerConfig
from live import filled_model, live_model, nasty_model, resolved
from nasty import NASTY, random_pruning_list, random_quantization_list
from torch import nn

import compression_config as cc

APPLIED = ("Linear", "Conv2d")
METADATA = "._COREML_/weight/"
Given = dict[str, tuple[str, str, str]]
"""For each quantized layer: integers, symmetric or affine, what shares a scale."""


def positive(model: nn.Module) -> nn.Module:
    """Return `model` with positive weights, so that zero points tell affine from symmetric integers."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(1, 2)
    return model


def applied(export: cc.Export, model: nn.Module | None = None) -> Given:
    """Return what the engine's quantizer itself makes of a file; all other parameters stay as they are."""
    config = PostTrainingQuantizerConfig.from_yaml(io.StringIO(export.to_yaml()))
    before = positive(nasty_model(device="cpu")) if model is None else model
    after = PostTrainingQuantizer(before, config).compress()
    buffers = dict(after.named_buffers())
    layers = {name.partition(METADATA)[0] for name in buffers if METADATA in name}
    parameters = dict(after.named_parameters())
    changed = {name for name, value in before.named_parameters() if not torch.equal(value, parameters[name])}
    assert changed == {f"{layer}.weight" for layer in layers}
    return {layer: _given(after, buffers, layer) for layer in layers}


def _given(model: nn.Module, buffers: Mapping[str, torch.Tensor], layer: str) -> tuple[str, str, str]:
    bits = int(buffers[f"{layer}{METADATA}quantization_n_bits"])
    scales = list(buffers[f"{layer}{METADATA}quantization_scale"].shape)
    zero = buffers.get(f"{layer}{METADATA}zero_point")
    (point,) = {None} if zero is None else {int(point) for point in zero.flatten()}
    # Of positive numbers the smallest integer stands for zero where the scheme is affine.
    scheme = {
        None: ("int", "symmetric"),
        2 ** (bits - 1) - 1: ("uint", "symmetric"),
        -(2 ** (bits - 1)): ("int", "affine"),
        0: ("uint", "affine"),
    }[point]
    per = "tensor" if max(scales) == 1 else "block" if scales[1] > 1 else "channel"
    assert scales[0] in (1, model.get_submodule(layer).weight.shape[0])
    return f"{scheme[0]}{bits}", scheme[1], per


def meant(resolution: cc.Resolution[Any], *, grouped: bool = False) -> Given:
    """Return what a resolution gives the layers, without what the engine cannot; all have the most common scheme."""
    found: Given = {}
    for name, layer in resolution.compressed.items():
        settings = layer.settings
        if layer.layer.type not in APPLIED or settings.bits.get("weight") not in (4, 8):
            continue
        signed = (settings.dtype or {}).get("weight") != "uint"
        scheme = (settings.scheme or {}).get("weight")
        symmetric = signed if scheme is None else scheme.endswith("symmetric")
        per = "channel" if scheme is None else scheme.split("_")[1]
        # The convolution has two inputs: a group of two is all of them.
        if grouped and per == "channel" and layer.layer.type == "Linear":
            per = "block"
        integers = f"{'int' if signed else 'uint'}{settings.bits['weight']}"
        found[name] = integers, "symmetric" if symmetric else "affine", per
    schemes = [scheme for _, scheme, _ in found.values()]
    most = "symmetric" if schemes.count("symmetric") >= schemes.count("affine") else "affine"
    return {name: (integers, most, per) for name, (integers, _, per) in found.items()}


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize(
    "layer", [name for name in NASTY if "." not in name or name.endswith(("0.q_proj", "3.up_proj"))]
)
def test_one_layer_is_quantized_and_no_other(layer: str, names: Any) -> None:
    resolution = resolved([{"op_names": [layer], "quant_types": ["weight"], "quant_bits": 8}])
    export = cc.export(resolution, "coremltools", names=names, on_loss="ignore")
    assert applied(export) == meant(resolution)
    assert set(meant(resolution)) == ({layer} if NASTY[layer] in APPLIED else set())


@pytest.mark.parametrize("seed", range(30))
def test_random_quantization_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    options: dict[str, Any] = {"group_size": 2} if random.random() < 0.3 else {}
    resolution = resolved(random_quantization_list(random))
    export = cc.export(resolution, "coremltools", names=names, on_loss="ignore", **options)
    assert applied(export) == meant(resolution, grouped=bool(options))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("dtype", ["int", "uint"])
@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("per", ["per_tensor", "per_channel"])
def test_every_combination_is_quantized_without_a_loss(bits: int, dtype: str, scheme: str, per: str) -> None:
    config = {"op_types": list(APPLIED), "quant_types": ["weight"], "quant_bits": bits, "quant_dtype": dtype}
    resolution = resolved([config | {"quant_scheme": f"{per}_{scheme}"}])
    export = cc.export(resolution, "coremltools")
    assert export.findings == ()
    assert applied(export) == meant(resolution)
    assert set(applied(export).values()) == {(f"{dtype}{bits}", scheme, per.removeprefix("per_"))}


@pytest.mark.parametrize("kind", ["pruning", "quantization"])
def test_a_list_that_compresses_nothing_changes_nothing(kind: str) -> None:
    export = cc.export(resolved([{"op_types": ["Linear"], "exclude": True}], kind), "coremltools")
    assert (zeros(export) if kind == "pruning" else applied(export)) == {}


class Convolutions(nn.Module):
    """A convolution and transposed ones, for which inputs come first."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.up, self.odd, self.line = (
            nn.Conv2d(4, 8, 2),
            nn.ConvTranspose2d(4, 8, 2),
            nn.ConvTranspose2d(4, 5, 2),
            nn.ConvTranspose1d(8, 4, 3),
        )


@pytest.mark.parametrize("group_size", [None, 2, 4])
def test_groups_are_of_inputs(group_size: int | None) -> None:
    config = {"op_partial_names": ["conv", "up", "odd", "line"], "quant_types": ["weight"], "quant_bits": 8}
    export = cc.export(
        cc.resolve([config], Convolutions()), "coremltools", group_size=group_size, on_loss="ignore", names="exact"
    )
    quantizer_config = PostTrainingQuantizerConfig.from_dict(export.document)
    finished = PostTrainingQuantizer(positive(Convolutions()), quantizer_config).compress()
    suffix = f"{METADATA}quantization_scale"
    shapes = {
        name.removesuffix(suffix): list(buffer.shape)[:2]
        for name, buffer in finished.named_buffers()
        if name.endswith(suffix)
    }
    # Four inputs are one group of four, and eight are two; what cannot be divided is reported and left alone.
    assert (
        shapes
        == {
            None: {"conv": [8, 1], "up": [1, 8], "odd": [1, 5], "line": [1, 4]},
            2: {"conv": [8, 2], "up": [2, 8], "line": [4, 4]},
            4: {"conv": [8, 1], "up": [1, 8], "odd": [1, 5]},
        }[group_size]
    )
    lost = {None: set(), 2: {"odd"}, 4: {"line"}}[group_size]
    assert set(shapes) == {"conv", "up", "odd", "line"} - lost
    if lost:
        with pytest.raises(cc.LossyExport) as raised:
            cc.export(cc.resolve([config], Convolutions()), "coremltools", group_size=group_size)
        errors = [str(finding) for finding in raised.value.findings if finding.severity == "error"]
        assert [
            f"('{name}')" in error and "[group-size]" in error for name, error in zip(lost, errors, strict=True)
        ] == [True]


class AdapterLinear(nn.Linear):
    """A linear layer with one inside, as adapters are."""

    def __init__(self) -> None:
        super().__init__(8, 8)
        self.base = nn.Linear(8, 8)


class Linear(nn.Module):
    """A wrapper that only has the name of a linear layer, as other adapters are."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Linear(8, 8)


def test_layers_inside_of_others_are_pruned_and_not_quantized() -> None:
    def model() -> nn.Module:
        return nn.ModuleDict(
            {
                "attention": nn.MultiheadAttention(8, 2),
                "adapter": AdapterLinear(),
                "wrapper": Linear(),
                "fc": nn.Linear(8, 8),
            }
        )

    selector = {"op_names": ["attention.out_proj", "adapter.base", "wrapper.base", "fc"]}
    quantized = cc.resolve([{**selector, "quant_types": ["weight"], "quant_bits": 8}], model())
    export = cc.export(quantized, "coremltools", on_loss="ignore")
    assert set(applied(export, positive(model()))) == {"fc", "wrapper.base"}
    with pytest.raises(cc.LossyExport, match=r"(?s)type-not-applied.*'attention.out_proj'.*'adapter.base'"):
        cc.export(quantized, "coremltools")
    pruned = cc.export(cc.resolve([{**selector, "sparsity_per_layer": 0.5}], model()), "coremltools")
    assert zeros(pruned, filled_model(model())) == dict.fromkeys(
        ("attention.out_proj", "adapter.base", "wrapper.base", "fc"), 32
    )


# Pruning.


def zeros(export: cc.Export, model: nn.Module | None = None) -> dict[str, int]:
    """Return how many elements of each weight the engine's pruner sets to zero, of the layers that have some."""
    config = MagnitudePrunerConfig.from_yaml(io.StringIO(export.to_yaml()))
    pruner = MagnitudePruner(filled_model(nasty_model(device="cpu")) if model is None else model, config)
    pruner.prepare(inplace=True)
    pruner.step()
    finished = pruner.finalize(inplace=True)
    counts = {
        name: int((module.weight == 0).sum())
        for name, module in finished.named_modules()
        if isinstance(getattr(module, "weight", None), torch.Tensor)
    }
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("seed", range(30))
def test_random_pruning_lists_mask_exactly_the_counts(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    # Groups are divided among all their layers, so that they are of types here that it prunes.
    resolution = resolved(random_pruning_list(random, APPLIED), "pruning")
    export = cc.export(resolution, "coremltools", allocate=True, names=names, on_loss="ignore")
    assert zeros(export) == {
        name: count for name, count in resolution.budget.counts().items() if count and NASTY[name] in APPLIED
    }


@pytest.mark.parametrize("numel", [100, 1000, 12_345, 999_983, 4_000_001])
def test_ratios_that_single_precision_misses_are_written_otherwise(numel: int) -> None:
    weight = torch.arange(numel, dtype=torch.float64) + 1
    layers = [cc.Layer(name="fc", type="Linear", weight_shape=(1, numel))]
    for sparsity in (0.29, 0.57, 0.58, 0.07, 0.1, 0.3, 0.9999):
        resolution = cc.resolve([{"op_names": ["fc"], "sparsity_per_layer": sparsity}], layers)
        export = cc.export(resolution, "coremltools")
        ratio = export.document["module_name_configs"]["fc"]["target_sparsity"]
        missed = int((~magnitude_ranked_mask(weight, ratio, 1, "per_scalar")).sum()) - resolution.budget.counts()["fc"]
        assert (missed == 0) is (export.findings == ())
        assert abs(missed) <= 1


def test_layers_that_share_a_weight_are_pruned_alike() -> None:
    model = filled_model(live_model({"a": "Linear", "b": "Linear"}, device="cpu"))
    model.b.weight = model.a.weight
    resolution = cc.resolve([{"op_types": ["Linear"], "total_sparsity": 0.5}], model)
    assert zeros(cc.export(resolution, "coremltools", allocate=True), model) == {"a": 16, "b": 16}


def test_a_two_part_list_is_two_configs_that_are_applied_one_after_the_other() -> None:
    both = {
        "pruning": [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}],
        "quantization": [{"op_names": ["fc1", "fc10"], "quant_types": ["weight"], "quant_bits": 4}],
    }
    model = filled_model(nasty_model(device="cpu"))
    document = cc.export(cc.resolve(both, model), "coremltools").document
    pruner = MagnitudePruner(model, MagnitudePrunerConfig.from_dict(document["pruning"]))
    pruner.prepare(inplace=True)
    pruner.step()
    config = PostTrainingQuantizerConfig.from_dict(document["quantization"])
    finished: Any = PostTrainingQuantizer(pruner.finalize(inplace=True), config).compress()
    quantized = {name.partition(METADATA)[0] for name, _ in finished.named_buffers() if "quantization_scale" in name}
    assert quantized == {"fc1", "fc10"}
    assert {name: int((finished.get_submodule(name).weight == 0).sum()) >= 16 for name in ("fc1", "aab")} == {
        "fc1": True,
        "aab": True,
    }
