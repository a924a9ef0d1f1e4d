"""Live models, of transformers and of plain torch, resolve to the same answer as their saved inventories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import literal
import pytest
import torch
from builders import answer_of
from literal import LiteralLayer
from torch import nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    ResNetConfig,
    ResNetForImageClassification,
)

import compression_config as cc

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 12}


def bert() -> nn.Module:
    return BertForMaskedLM(BertConfig(vocab_size=100, **SMALL))


def resnet() -> nn.Module:
    return ResNetForImageClassification(ResNetConfig())


def llama() -> nn.Module:
    return LlamaForCausalLM(LlamaConfig(vocab_size=100, num_key_value_heads=2, tie_word_embeddings=True, **SMALL))


def mixtral() -> nn.Module:
    return MixtralForCausalLM(MixtralConfig(vocab_size=100, num_key_value_heads=2, num_local_experts=4, **SMALL))


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.body = nn.Linear(8, 8)
        self.head = nn.Linear(8, 20, bias=False)
        self.head.weight = self.embed.weight


class Shared(nn.Module):
    """One module under three names, one of them behind a container that is itself held twice."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.again = self.block
        self.first = self.block[0]
        self.last = nn.Linear(4, 4)


class Attention(nn.Module):
    """An attention whose inner projection is a parameter, not a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2)
        self.norm = nn.LayerNorm(8)


def nested() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.Sequential(nn.Conv2d(4, 4, 3), nn.Sequential(nn.Flatten(), nn.LazyLinear(3))),
        nn.Linear(3, 2),
    )


def pruning(partial: str, excluded: str, back: str) -> list[dict[str, Any]]:
    """Return a list that overwrites, excludes and takes back, by types, partial names and names."""
    return [
        {"op_types": ["default"], "sparsity_per_layer": 0.5},
        {"op_partial_names": [partial], "op_types": ["default"], "total_sparsity": 0.6, "max_sparsity_per_layer": 0.75},
        {"op_partial_names": [excluded], "exclude": True},
        {"op_names": [back], "sparsity": 0.25},
    ]


CASES: list[Any] = [
    pytest.param(bert, pruning("output.dense", "cls.", "cls.predictions.transform.dense"), id="bert"),
    pytest.param(resnet, pruning("stages.3.", "shortcut", "classifier.1"), id="resnet"),
    pytest.param(llama, pruning("mlp.", "layers.0.", "model.layers.0.mlp.down_proj"), id="llama-tied"),
    pytest.param(mixtral, pruning("self_attn.", "experts", "lm_head"), id="mixture-of-experts"),
    pytest.param(Tied, pruning("d", "head", "head"), id="tied-weights"),
    pytest.param(Shared, pruning("block", "again.1", "first"), id="shared-module"),
    pytest.param(nested, pruning("1.", "1.1", "1.1.1"), id="nested-sequential"),
    pytest.param(Attention, pruning("out", "norm", "attention"), id="multihead-attention"),
]
QUANTIZATION: list[dict[str, Any]] = [
    {"op_types": ["default", "LayerNorm"], "quant_types": ["weight", "input"], "quant_bits": 8},
    {"op_partial_names": ["."], "op_types": ["Linear"], "quant_types": "output", "quant_bits": {"output": 4}},
]


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return build()


@pytest.mark.parametrize(("build", "config_list"), CASES)
@pytest.mark.parametrize("ending", ["json", "json.gz", "yaml", "yaml.gz"])
def test_a_live_model_and_its_saved_inventory_give_the_same_answer(
    build: Callable[[], nn.Module], config_list: list[dict[str, Any]], ending: str, tmp_path: Path
) -> None:
    model = on_meta(build)
    inventory = cc.Inventory.from_model(model)
    path = tmp_path / f"inventory.{ending}"
    inventory.save(path)
    saved = cc.Inventory.load(path)
    assert saved == inventory
    for each in (config_list, QUANTIZATION):
        live, later = (cc.resolve(each, given, unmatched="ignore") for given in (model, saved))
        assert live.compressed
        assert live.fingerprint == later.fingerprint
        assert dict(live) == dict(later)
        assert live.findings == later.findings
        assert live.to_list() == later.to_list()
        assert {**live.to_dict(), "model": None} == {**later.to_dict(), "model": None}


@pytest.mark.parametrize(("build", "config_list"), CASES)
def test_a_live_model_reads_literally(build: Callable[[], nn.Module], config_list: list[dict[str, Any]]) -> None:
    """Held against `named_modules()` itself: with the names it drops, and without the root."""
    model = on_meta(build)
    kept = dict(model.named_modules())
    names: dict[int, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        names.setdefault(id(module), []).append(name)
    layers = [
        LiteralLayer(name, type(module).__name__, tuple(other for other in names[id(module)] if other != name))
        for name, module in kept.items()
        if name
    ]
    for each in (config_list, QUANTIZATION):
        resolution = cc.resolve(each, model, unmatched="ignore")
        assert isinstance(resolution, cc.Resolution)
        decided_by = literal.resolve(each, layers)
        assert {name: layer.index for name, layer in resolution.items()} == {
            layer.name: decided_by.get(layer.name) for layer in layers
        }
        assert answer_of(resolution) == literal.answer(each, layers, decided_by)
        assert resolution.to_list() == cc.resolve(resolution.to_list(), model, kind=resolution.kind).to_list()


@pytest.mark.parametrize(("build", "config_list"), CASES)
def test_a_model_with_memory_and_one_without_give_the_same_answer(
    build: Callable[[], nn.Module], config_list: list[dict[str, Any]]
) -> None:
    live, meta = (cc.resolve(config_list, model, unmatched="ignore") for model in (build(), on_meta(build)))
    assert live.fingerprint == meta.fingerprint
    assert live.findings == meta.findings
    assert dict(live) == dict(meta)


def test_weights_and_ties_of_a_live_model_are_known() -> None:
    resolution = cc.resolve([{"op_types": ["Embedding", "Linear"], "sparsity_per_layer": 0.5}], on_meta(Tied))
    assert list(resolution.prunable) == ["embed", "body", "head"]
    assert resolution["head"].layer.tied_to == "embed"
    assert resolution["head"].layer.weight_shape == (20, 8)
    mixed = [{"op_names": ["embed"], "sparsity_per_layer": 0.5}, {"op_names": ["head"], "exclude": True}]
    assert "tied-conflict" in [finding.code for finding in cc.resolve(mixed, on_meta(Tied)).findings]


def test_a_shared_module_is_one_layer_under_all_its_names() -> None:
    """D17."""
    model = on_meta(Shared)
    resolution = cc.resolve([{"op_names": ["first"], "sparsity_per_layer": 0.5}], model)
    assert list(resolution) == ["block", "block.0", "block.1", "last"]
    assert list(resolution.compressed) == ["block.0"]
    for name in ("block.0", "again.0", "first"):
        assert resolution[name].name == "block.0"
    assert [finding.code for finding in resolution.findings] == ["selected-by-alias"]
    partial = cc.resolve([{"op_partial_names": ["again."], "op_types": ["Linear"], "sparsity_per_layer": 0.5}], model)
    assert list(partial.compressed) == ["block.0"]


def test_experts_without_a_weight_are_compressed_and_not_prunable() -> None:
    model = on_meta(mixtral)
    experts = next(name for name, module in model.named_modules() if type(module).__name__.endswith("Experts"))
    resolution = cc.resolve([{"op_names": [experts], "sparsity_per_layer": 0.5}], model)
    assert list(resolution.compressed) == [experts]
    assert list(resolution.prunable) == []
    assert "no-weight" in [finding.code for finding in resolution.findings]
    assert set(resolution[experts].layer.parameters) == {"gate_up_proj", "down_proj"}


def test_the_inner_projection_of_attention_is_no_layer() -> None:
    resolution = cc.resolve([{"op_types": ["MultiheadAttention"], "sparsity_per_layer": 0.5}], on_meta(Attention))
    assert list(resolution) == ["attention", "attention.out_proj", "norm"]
    assert list(resolution.compressed) == ["attention"]
    assert list(resolution.prunable) == []
    assert resolution["attention.out_proj"].layer.type == "NonDynamicallyQuantizableLinear"
