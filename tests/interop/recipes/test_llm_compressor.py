"""llm-compressor parses the recipes that are exported for it, finds the layers meant, and prunes them as asked."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from compressed_tensors.quantization import apply_quantization_config
from compressed_tensors.utils import match_named_modules
from live import nasty_model
from llmcompressor.core import Event, EventType, State
from llmcompressor.modifiers.pruning.magnitude import MagnitudePruningModifier
from llmcompressor.modifiers.quantization import QuantizationModifier
from llmcompressor.recipe import Recipe
from nasty import random_pruning_list, random_quantization_list
from torch import nn

import compression_config as cc
from compression_config.budget.counting import masked_count

PRUNED = ("Linear", "Conv1d", "Conv2d", "Conv3d")
ONE_SHOT = ("SparseGPTModifier", "WandaPruningModifier")


def modifiers(export: cc.Export) -> list[Any]:
    return list(Recipe.create_instance(export.to_yaml()).modifiers)


def ratios_of(found: list[Any], model: nn.Module) -> dict[str, float]:
    """Return the ratio of each layer, from targets and ratios, by the code that the modifiers use."""
    ratios: dict[str, float] = {}
    for modifier in found:
        matched = [name for name, _ in match_named_modules(model, modifier.targets)]
        given = modifier.final_sparsity if isinstance(modifier, MagnitudePruningModifier) else modifier.sparsity
        listed = given if isinstance(given, list) else [given] * len(matched)
        ratios.update(zip(matched, listed, strict=True))
    return ratios


def meant(resolution: cc.Resolution[Any], types: tuple[str, ...]) -> dict[str, int]:
    """Return how many elements of each layer are masked; groups are allocated."""
    counts = resolution.budget.allocate()
    masked = {}
    for name, layer in resolution.prunable.items():
        if layer.layer.type in types:
            ratio = layer.settings.sparsity
            masked[name] = counts[name] if ratio is None else masked_count(layer.layer.numel or 0, ratio)
    return masked


def counted(ratios: dict[str, float], resolution: cc.Resolution[Any]) -> dict[str, int]:
    return {name: masked_count(resolution[name].layer.numel or 0, ratio) for name, ratio in ratios.items()}


@pytest.mark.parametrize("modifier", ["sparsegpt", "wanda", "magnitude"])
@pytest.mark.parametrize("seed", range(20))
def test_random_pruning_lists_are_read_layer_by_layer(seed: int, modifier: str) -> None:
    random = Random(seed)  # noqa: S311
    model = nasty_model()
    resolution = cc.resolve(random_pruning_list(random), model, unmatched="ignore", kind="pruning")
    names: Any = random.choice(("auto", "exact", "patterns"))
    export = cc.export(resolution, "llm-compressor", on_loss="ignore", allocate=True, names=names, modifier=modifier)
    types = (*PRUNED, "Embedding", "LayerNorm") if modifier == "magnitude" else PRUNED
    assert counted(ratios_of(modifiers(export), model), resolution) == meant(resolution, types)


@pytest.mark.parametrize("seed", range(20))
def test_random_quantization_lists_are_resolved_layer_by_layer(seed: int) -> None:
    random = Random(100 + seed)  # noqa: S311
    model = nasty_model()
    resolution = cc.resolve(random_quantization_list(random), model, unmatched="ignore", kind="quantization")
    export = cc.export(resolution, "llm-compressor", on_loss="ignore", names=random.choice(("exact", "patterns")))
    bits = {}
    for modifier in modifiers(export):
        assert isinstance(modifier, QuantizationModifier)
        apply_quantization_config(model, modifier.resolve_quantization_config(), show_progress=False)
    for name, module in model.named_modules():
        if hasattr(module, "quantization_scheme"):
            scheme = module.quantization_scheme
            tensors = {"weight": scheme.weights, "input": scheme.input_activations, "output": scheme.output_activations}
            bits[name] = {kind: tensor.num_bits for kind, tensor in tensors.items() if tensor is not None}
    assert bits == {
        name: dict(layer.settings.bits)
        for name, layer in resolution.compressed.items()
        if layer.layer.type in ("Linear", "Embedding")
    }


def test_magnitude_modifiers_mask_what_they_are_asked_to() -> None:
    torch.manual_seed(0)
    model = nasty_model(device="cpu")
    config = [
        {"op_names": ["fc1", "re:fc1", "a*b"], "sparsity_per_layer": 0.5},
        {"op_names": ["fc10", "conv"], "sparsity_per_layer": 0.25},
    ]
    export = cc.export(cc.resolve(config, model), "llm-compressor", modifier="magnitude")
    state = State()
    state.update(model=model)
    for modifier in modifiers(export):
        modifier.initialize(state)
        modifier.on_start(state, Event(type_=EventType.BATCH_START, global_step=1, batches_per_step=1))
        for parameter in modifier.parameterized_layers_:
            modifier.apply_mask_weight(parameter)
        modifier.finalize(state)
    masked = {
        name: float((module.weight == 0).float().mean())
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and bool((module.weight == 0).any())
    }
    assert masked == {"fc1": 0.5, "re:fc1": 0.5, "a*b": 0.5, "fc10": 0.25, "conv": 0.25}


def test_a_two_part_document_is_one_recipe_that_prunes_first() -> None:
    config = {
        "pruning": [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}],
        "quantization": [{"op_names": ["fc1"], "quant_types": ["weight"], "quant_bits": 4}],
    }
    found = modifiers(cc.export(cc.resolve(config, nasty_model()), "llm-compressor"))
    assert [type(modifier).__name__ for modifier in found] == ["SparseGPTModifier", "QuantizationModifier"]


@pytest.mark.parametrize("seed", range(20))
def test_a_recipe_is_imported_as_it_was_meant(seed: int) -> None:
    model = nasty_model()
    config = random_pruning_list(Random(300 + seed), ("Linear", "Conv2d"), groups=False)  # noqa: S311
    resolution = cc.resolve(config, model, unmatched="ignore", kind="pruning")
    export = cc.export(resolution, "llm-compressor", on_loss="ignore")
    again: Any = cc.resolve(cc.import_list(export.document, "llm-compressor", model).config_list, model)
    given = {name: layer.settings.sparsity for name, layer in again.prunable.items()}
    assert given == {n: la.settings.sparsity for n, la in resolution.prunable.items() if la.layer.type in PRUNED}
