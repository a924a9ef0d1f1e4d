"""torch prunes and rounds what a resolution says, element for element; its sparsifier reads our list."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from live import filled_model, inventory, live_model, nasty_model, resolved
from nasty import NASTY, random_pruning_list, random_quantization_list
from torch import nn
from torch.ao.pruning import WeightNormSparsifier
from torch.nn.utils import prune

import compression_config as cc
from compression_config.interop.torch import fake_quantize_, prune_

TYPES = ("Linear", "Embedding", "Conv2d", "LayerNorm")


def zeros(model: nn.Module) -> dict[str, int]:
    """Return how many elements of each weight are zero, of the layers that have some."""
    counts = {
        name: int((module.weight == 0).sum())
        for name, module in model.named_modules()
        if isinstance(getattr(module, "weight", None), torch.Tensor)
    }
    return {name: count for name, count in counts.items() if count}


def masked(resolution: cc.Resolution[Any]) -> dict[str, int]:
    return {name: count for name, count in resolution.budget.counts().items() if count}


@pytest.mark.parametrize("seed", range(200))
def test_the_plan_masks_exactly_the_counts(seed: int) -> None:
    resolution = resolved(random_pruning_list(Random(seed), TYPES), "pruning")  # noqa: S311
    plan = cc.export(resolution, "torch", allocate=True).document
    model = filled_model(nasty_model(device="cpu"))
    for step in plan:
        prune.l1_unstructured(model.get_submodule(step["module"]), step["name"], amount=step["amount"])
    assert zeros(model) == masked(resolution)
    named = {name for name, layer in resolution.compressed.items() if layer.layer.has_weight}
    assert {step["module"] for step in plan} == named


@pytest.mark.parametrize("seed", range(200))
def test_a_model_is_pruned_in_place(seed: int) -> None:
    resolution = resolved(random_pruning_list(Random(seed), TYPES), "pruning")  # noqa: S311
    model = filled_model(nasty_model(device="cpu"))
    counts = prune_(model, resolution)
    assert dict(counts) == dict(resolution.budget.counts())
    assert zeros(model) == masked(resolution)
    assert cc.verify(resolution, model, tolerance="exact").findings == ()


def test_the_elements_nearest_to_zero_are_masked() -> None:
    model = live_model({"fc": "Linear"}, device="cpu")
    before = model.get_submodule("fc").weight.detach().abs().flatten()
    prune_(model, cc.resolve([{"op_names": ["fc"], "sparsity_per_layer": 0.5}], model))
    kept = model.get_submodule("fc").weight.flatten() != 0
    assert before[kept].min() > before[~kept].max()


def test_scores_divide_the_budget_of_a_group() -> None:
    model = live_model({"a": "Linear", "b": "Linear"}, device="cpu")
    resolution = cc.resolve([{"op_types": ["Linear"], "total_sparsity": 0.5}], model)
    assert dict(prune_(model, resolution, {"a": 3, "b": 1})) == {"a": 24, "b": 8} == zeros(model)


def test_what_was_masked_before_counts() -> None:
    model = live_model({"fc": "Linear"}, device="cpu")
    prune.l1_unstructured(model.get_submodule("fc"), "weight", amount=10)
    resolution = cc.resolve([{"op_names": ["fc"], "sparsity_per_layer": 0.5}], model)
    assert dict(prune_(model, resolution)) == {"fc": 16} == zeros(model)
    assert dict(prune_(model, resolution)) == {"fc": 16} == zeros(model)


def test_layers_that_share_a_weight_have_the_same_mask() -> None:
    model = live_model({"wte": "Embedding", "head": "Linear"}, device="cpu")
    head = model.get_submodule("head")
    head.weight = model.get_submodule("wte").weight
    resolution = cc.resolve([{"op_types": ["Linear", "Embedding"], "total_sparsity": 0.5}], model)
    assert dict(resolution.budget.counts()) == {"wte": 20}
    assert dict(prune_(model, resolution)) == {"wte": 20, "head": 20} == zeros(model)
    assert torch.equal(head.weight, model.get_submodule("wte").weight)


def test_another_model_is_refused() -> None:
    resolution = cc.resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], [("fc", "Linear")])
    with pytest.raises(cc.UnknownNumel):
        prune_(live_model({"fc": "Linear"}), resolution)
    known: Any = cc.resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], live_model({"fc": "Linear"}))
    with pytest.raises(cc.UsageError) as raised:
        prune_(live_model({"fc2": "Linear"}), known)
    assert str(raised.value) == "the model has no layer 'fc' with a weight; pass the model that was resolved"
    quantized: Any = cc.resolve([{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}], nasty_model())
    with pytest.raises(cc.UsageError, match="pass it to fake_quantize_"):
        prune_(nasty_model(), quantized)
    with pytest.raises(cc.UsageError, match="pass it to prune_"):
        fake_quantize_(nasty_model(), known)


# torch.ao.pruning.


@pytest.mark.parametrize("seed", range(200))
def test_the_sparsifier_masks_exactly_the_counts(seed: int) -> None:
    resolution = resolved(random_pruning_list(Random(seed), ("Linear", "Embedding")), "pruning")  # noqa: S311
    config = cc.export(resolution, "torch-ao-pruning", allocate=True, on_loss="ignore").document
    model = filled_model(nasty_model(device="cpu"))
    sparsifier = WeightNormSparsifier()
    sparsifier.prepare(model, config)
    sparsifier.step()
    expected = {name: n for name, n in masked(resolution).items() if NASTY.get(name) in ("Linear", "Embedding")}
    assert zeros(model) == expected


@pytest.mark.parametrize("numel", [(7, 3), (10, 10), (31, 5), (64, 64)])
@pytest.mark.parametrize("ratio", [0.01, 0.05, 0.29, 0.5, 0.55, 0.999])
def test_the_level_gives_the_count_that_rounding_down_gives(numel: tuple[int, int], ratio: float) -> None:
    model = nn.ModuleDict({"fc": nn.Linear(*numel, bias=False)})
    resolution = cc.resolve([{"op_names": ["fc"], "sparsity_per_layer": ratio}], model)
    sparsifier = WeightNormSparsifier()
    sparsifier.prepare(model, cc.export(resolution, "torch-ao-pruning").document)
    sparsifier.step()
    assert cc.verify(resolution, {"fc": model["fc"].weight}, tolerance="exact").findings == ()


# Rounding.


@pytest.mark.parametrize("seed", range(200))
def test_rounded_weights_are_verified(seed: int) -> None:
    config = random_quantization_list(Random(seed), TYPES)  # noqa: S311
    model = nasty_model(device="cpu")
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    resolution: Any = cc.resolve(config, inventory(), unmatched="ignore", kind="quantization")
    done = fake_quantize_(model, resolution)
    assert done == tuple(
        name
        for name, layer in resolution.compressed.items()
        if "weight" in layer.settings.bits and layer.layer.has_weight
    )
    verification = cc.verify(resolution, model)
    # The few numbers of a norm fit any bits.
    assert {finding.code for finding in verification.findings} <= {cc.Code.NOT_VERIFIED}
    others = [row.layer for row in verification.layers if row.codes and not row.layer.endswith("norm")]
    assert len(others) <= 2  # by chance those of a layer of 32 weights do as well
    changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed <= {f"{name}.weight" for name in done}


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16, 31])
@pytest.mark.parametrize(
    "scheme", ["per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric"]
)
@pytest.mark.parametrize("layer", ["Linear", "Conv2d", "ConvTranspose1d"])
def test_no_value_is_further_away_than_half_a_step(bits: int, scheme: str, layer: str) -> None:
    module: nn.Module = {
        "Linear": nn.Linear(16, 8),
        "Conv2d": nn.Conv2d(4, 8, 3),
        "ConvTranspose1d": nn.ConvTranspose1d(4, 8, 3),
    }[layer].double()
    model = nn.ModuleDict({"one": module})
    before = module.weight.detach().clone()
    config = {"op_names": ["one"], "quant_types": ["weight"], "quant_bits": bits, "quant_scheme": scheme}
    resolution: Any = cc.resolve([config], model)
    assert fake_quantize_(model, resolution) == ("one",)
    # So few weights have no more values than 16 bits tell apart, whatever was done to them.
    decided: set[cc.Code] = set() if bits <= 8 else {cc.Code.NOT_VERIFIED}
    assert {finding.code for finding in cc.verify(resolution, model).findings} <= decided
    symmetric = scheme.endswith("symmetric")
    whole = before.abs().max() * 2 if symmetric else before.max() - before.min()
    # Of a range that is not symmetric, the most positive value is cut by up to one step.
    step = whole / (2**bits - 1 if not symmetric else max(2**bits - 2, 1))
    assert (module.weight - before).abs().max() <= step * (0.501 if not (symmetric and bits == 1) else 1.001)


def test_a_mask_is_made_permanent_before_rounding() -> None:
    model = live_model({"fc": "Linear"}, device="cpu")
    both = cc.resolve(
        {
            "pruning": [{"op_names": ["fc"], "sparsity_per_layer": 0.5}],
            "quantization": [{"op_names": ["fc"], "quant_types": ["weight"], "quant_bits": 4}],
        },
        model,
    )
    prune_(model, both)
    with pytest.raises(cc.UsageError) as raised:
        fake_quantize_(model, both)
    assert str(raised.value) == "'fc' has a mask: make it permanent first, with torch.nn.utils.prune.remove"
    prune.remove(model.get_submodule("fc"), "weight")
    assert fake_quantize_(model, both) == ("fc",)
    assert cc.verify(both, model).findings == ()
