"""coreai-opt parses and applies what is exported for it: what each layer gets is what the resolution says."""

from __future__ import annotations

import io
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
import torch
from coreai_opt.common import ExportBackend
from coreai_opt.pruning import MagnitudePruner, MagnitudePrunerConfig
from coreai_opt.quantization import Quantizer, QuantizerConfig
from coreai_opt.quantization.spec.fake_quantize import FakeQuantizeImplBase
from live import example_inputs, filled_model, resolved, running_model
from nasty import NASTY, random_pruning_list, random_quantization_list
from torch import nn

import compression_config as cc

QUANTIZED = ("Linear", "Embedding", "Conv2d")
OUTPUTS = ("ReLU", "LayerNorm")
WEIGHTED = (*QUANTIZED, "LayerNorm")
Given = dict[str, dict[str, tuple[str, str, str]]]
"""For each quantized layer and tensor of it: integers, symmetric or not, what shares a scale."""


def quantizer_of(export: cc.Export, model: nn.Module) -> Quantizer:
    """Return the engine's quantizer with the file that it is to read, prepared."""
    quantizer = Quantizer(model, QuantizerConfig.from_yaml(io.StringIO(export.to_yaml())))
    quantizer.prepare(example_inputs())
    return quantizer


def applied(export: cc.Export, model: nn.Module | None = None) -> Given:
    """Return what the engine itself makes of a document: its quantizers in each layer."""
    prepared = quantizer_of(export, running_model() if model is None else model)._model  # noqa: SLF001
    found: Given = {}
    for path, quantizer in prepared.named_modules():
        if isinstance(quantizer, FakeQuantizeImplBase):
            layer, tensor = _place(path)
            assert found.setdefault(layer, {}).setdefault(tensor, _given(quantizer, tensor)) == _given(
                quantizer, tensor
            )
    return found


def _place(path: str) -> tuple[str, str]:
    """Return the layer and the tensor that a quantizer is for, by its place in the prepared model."""
    if path.endswith(".parametrizations.weight.0"):
        return path.removesuffix(".parametrizations.weight.0"), "weight"
    layer, _, name = path.rpartition(".")
    return layer, "output" if name.endswith("_output_0") else "input"


def _given(quantizer: Any, tensor: str) -> tuple[str, str, str]:
    calculator, granularity = quantizer.qparams_calculator, quantizer.granularity.model_dump()
    per = granularity["type"].removeprefix("per_")
    scales = calculator.scale.numel()
    assert (scales == 1) == (per == "tensor")
    if per == "channel" and tensor == "weight":
        assert granularity["axis"] == 0
    return str(quantizer.dtype).removeprefix("torch."), str(calculator.qscheme), per


def meant(resolution: cc.Resolution[Any], *, grouped: bool = False) -> Given:
    """Return what a resolution gives the layers, without what the engine cannot."""
    found: Given = {}
    for name, layer in resolution.compressed.items():
        settings, kind = layer.settings, layer.layer.type
        tensors = {
            tensor: _meant(settings, tensor, grouped=grouped)
            for tensor, bits in settings.bits.items()
            if bits in (2, 4, 6, 8) and not (kind == "Embedding" and tensor == "input")
        }
        if kind in OUTPUTS:
            tensors = {"output": (*tensors["output"][:2], "tensor")} if "output" in tensors else {}
        if kind in (*QUANTIZED, *OUTPUTS) and tensors:
            found[name] = tensors
    return found


def _meant(settings: Any, tensor: str, *, grouped: bool) -> tuple[str, str, str]:
    signed = (settings.dtype or {}).get(tensor) != "uint"
    scheme = (settings.scheme or {}).get(tensor)
    symmetric = signed if scheme is None else scheme.endswith("symmetric")
    per = ("channel" if tensor == "weight" else "tensor") if scheme is None else scheme.split("_")[1]
    if grouped and tensor == "weight" and per == "channel":
        per = "block"
    integers = f"{'int' if signed else 'uint'}{settings.bits[tensor]}"
    return integers, "symmetric" if symmetric else "asymmetric", per


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize(
    "layer", [name for name in NASTY if "." not in name or name.endswith(("0.q_proj", "3.up_proj"))]
)
def test_one_layer_is_quantized_and_no_other(layer: str, names: Any) -> None:
    every = {"quant_types": ["weight", "input", "output"], "quant_bits": 8}
    resolution = resolved([{"op_names": [layer], **every}])
    export = cc.export(resolution, "coreai-opt", names=names, on_loss="ignore")
    assert applied(export) == meant(resolution)
    assert set(meant(resolution)) == {layer}


@pytest.mark.parametrize("seed", range(30))
def test_random_quantization_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    options: dict[str, Any] = {"group_size": 2} if random.random() < 0.3 else {}
    resolution = resolved(random_quantization_list(random))
    export = cc.export(resolution, "coreai-opt", names=names, on_loss="ignore", **options)
    assert applied(export) == meant(resolution, grouped=bool(options))


WEIGHT_4 = {"quant_types": ["weight"], "quant_bits": 4}


def test_a_list_that_compresses_nothing_quantizes_nothing() -> None:
    export = cc.export(resolved([{"op_types": ["Linear"], "exclude": True}]), "coreai-opt")
    assert applied(export) == {}


class AdapterLinear(nn.Linear):
    """A linear layer with one inside, as adapters are."""

    def __init__(self, levels: int) -> None:
        super().__init__(8, 8)
        self.base = AdapterLinear(levels - 1) if levels else nn.Linear(8, 8)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        inside: torch.Tensor = self.base(values)
        return super().forward(values) + inside


class Nested(nn.Module):
    """Layers inside of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = AdapterLinear(1), AdapterLinear(1)

    def forward(self, values: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        first: torch.Tensor = self.a(values)
        second: torch.Tensor = self.b(first)
        return second


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize(
    "chosen",
    [["a"], ["a.base"], ["a", "a.base.base"], ["a.base", "b", "b.base"], ["a", "a.base", "a.base.base", "b.base.base"]],
)
def test_layers_inside_of_layers_get_what_the_list_gives_them(chosen: list[str], names: Any) -> None:
    every = {"quant_types": ["weight", "input", "output"]}
    config = [{"op_names": [name], **every, "quant_bits": (2, 4, 6, 8)[i]} for i, name in enumerate(chosen)]
    resolution: Any = cc.resolve(config, Nested())
    found = applied(cc.export(resolution, "coreai-opt", names=names), Nested())
    assert {name: tensors["input"][0] for name, tensors in found.items()} == {
        name: f"int{(2, 4, 6, 8)[i]}" for i, name in enumerate(chosen)
    }
    pruned: Any = cc.resolve([{"op_names": chosen, "sparsity_per_layer": 0.5}], Nested())
    assert set(zeros(cc.export(pruned, "coreai-opt", names=names), filled_model(Nested()))) == set(chosen)


class Convolutions(nn.Module):
    """All convolutions, each with its own number of inputs and outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.ModuleDict(
            {f"{kind}{axes}": getattr(nn, f"{kind}{axes}d")(4, 6, 2) for kind in KINDS for axes in (1, 2, 3)}
        )

    def forward(self, values: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        del values
        return torch.stack([layer(torch.rand(1, 4, *[3] * int(name[-1]))).sum() for name, layer in self.image.items()])


KINDS = ("Conv", "ConvTranspose")


@pytest.mark.parametrize("group_size", [None, 2])
def test_channels_and_groups_are_of_the_right_axis(group_size: int | None) -> None:
    config = {
        "op_partial_names": ["image."],
        "quant_types": ["weight", "input", "output"],
        "quant_bits": 8,
        "quant_scheme": "per_channel_symmetric",
    }
    export = cc.export(cc.resolve([config], Convolutions()), "coreai-opt", group_size=group_size)
    prepared = quantizer_of(export, Convolutions())._model  # noqa: SLF001
    shapes: dict[str, dict[str, list[int]]] = {}
    for path, quantizer in prepared.named_modules():
        if isinstance(quantizer, FakeQuantizeImplBase):
            layer, tensor = _place(path)
            shapes.setdefault(layer, {})[tensor] = list(quantizer.qparams_calculator.scale.shape)
    assert set(shapes) == {f"image.{kind}{axes}" for kind in KINDS for axes in (1, 2, 3)}
    for layer, tensors in shapes.items():
        ones = [1] * int(layer[-1])
        groups = 1 if group_size is None else 2
        weight = [groups, 6] if "Transpose" in layer else [6, groups]
        assert tensors == {"weight": [*weight, *ones], "input": [1, 4, *ones], "output": [1, 6, *ones]}


@pytest.mark.parametrize(
    "kind", ["ReLU", "ReLU6", "LeakyReLU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softmax", "LayerNorm"]
)
def test_outputs_of_activations_are_quantized(kind: str) -> None:
    def model() -> nn.Module:
        layer = getattr(nn, kind)(*{"LayerNorm": [8], "Softmax": [-1]}.get(kind, ()))
        return First(nn.Sequential(nn.Linear(8, 8), layer, nn.Dropout(), nn.Linear(8, 8), nn.Identity()))

    resolution = cc.resolve([{"op_types": [kind], "quant_types": ["output"], "quant_bits": 8}], model())
    assert applied(cc.export(resolution, "coreai-opt"), model()) == {
        "layers.1": {"output": ("int8", "symmetric", "tensor")}
    }


class First(nn.Module):
    """Runs layers on the first of the inputs, and adds these in place."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, values: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layers(values)
        result += values
        return result


def test_groups_that_do_not_divide_the_inputs_are_not_quantized_and_reported() -> None:
    config = [{"op_names": ["conv", "fc1"], **WEIGHT_4}]
    export = cc.export(resolved(config), "coreai-opt", group_size=4, on_loss="ignore")
    assert set(applied(export)) == {"fc1"}
    with pytest.raises(cc.LossyExport, match=r"group-size.*\('conv'\)"):
        cc.export(resolved(config), "coreai-opt", group_size=4)


def test_quantization_begins_at_the_start_step() -> None:
    config = [
        {"op_names": ["fc1"], **WEIGHT_4, "quant_start_step": 2},
        {"op_names": ["fc10"], **WEIGHT_4, "quant_start_step": 3},
        {"op_names": ["aab"], **WEIGHT_4},
    ]
    quantizer = quantizer_of(cc.export(resolved(config), "coreai-opt"), running_model())
    seen: dict[str, list[bool]] = {"fc1": [], "fc10": [], "aab": []}
    with quantizer.training_mode():
        for _ in range(3):
            quantizer.step()
            for name, states in seen.items():
                found = quantizer._model.get_submodule(f"{name}.parametrizations.weight.0")  # noqa: SLF001
                states.append(bool(found.fake_quant_enabled))
    assert seen == {"fc1": [False, True, True], "fc10": [False, False, True], "aab": [True, True, True]}


class Attention(nn.Module):
    """torch's attention, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.fc = nn.MultiheadAttention(8, 2), nn.Linear(8, 8)

    def forward(self, values: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        attended: torch.Tensor = self.attention(values, values, values)[0]
        result: torch.Tensor = self.fc(attended)
        return result


def test_the_projection_of_attention_is_pruned_and_not_quantized() -> None:
    config = {"op_names": ["attention.out_proj", "fc"]}
    export = cc.export(cc.resolve([config | WEIGHT_4], Attention()), "coreai-opt", on_loss="ignore")
    assert set(applied(export, Attention())) == {"fc"}
    with pytest.raises(cc.LossyExport, match=r"type-not-applied.*\('attention.out_proj'\)"):
        cc.export(cc.resolve([config | WEIGHT_4], Attention()), "coreai-opt")
    pruned = cc.export(cc.resolve([{**config, "sparsity_per_layer": 0.5}], Attention()), "coreai-opt")
    assert zeros(pruned, filled_model(Attention())) == {"attention.out_proj": 32, "fc": 32}


# Pruning.


def zeros(export: cc.Export, model: nn.Module) -> dict[str, int]:
    """Return how many elements of each weight the engine's pruner sets to zero, of the layers that have some."""
    pruner = MagnitudePruner(model, MagnitudePrunerConfig.from_yaml(io.StringIO(export.to_yaml())))
    pruner.prepare(example_inputs())
    finished = pruner.finalize(backend=ExportBackend.Torch)
    counts = {
        name: int((module.weight == 0).sum())
        for name, module in finished.named_modules()
        if isinstance(getattr(module, "weight", None), torch.Tensor)
    }
    return {name: count for name, count in counts.items() if count}


def masked(resolution: cc.Resolution[Any]) -> Mapping[str, int]:
    return {name: count for name, count in resolution.budget.counts().items() if count}


@pytest.mark.parametrize("seed", range(30))
def test_random_pruning_lists_mask_exactly_the_counts(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    resolution = resolved(random_pruning_list(random, WEIGHTED), "pruning")
    export = cc.export(resolution, "coreai-opt", allocate=True, names=names)
    assert zeros(export, filled_model(running_model())) == masked(resolution)


@pytest.mark.parametrize("numel", [100, 1000, 12_345, 999_983])
def test_ratios_that_binary_floats_miss_are_written_otherwise(numel: int) -> None:
    model = nn.Sequential(nn.Linear(numel, 1, bias=False))
    for sparsity in (0.29, 0.57, 0.58, 0.07, 0.9999):
        resolution = cc.resolve([{"op_names": ["0"], "sparsity_per_layer": sparsity}], model)
        export = cc.export(resolution, "coreai-opt")
        (setting,) = export.document["magnitude_pruning_config"]["module_name_configs"].values()
        ratio = setting["module_state_spec"]["weight"]["target_sparsity"]
        config = MagnitudePrunerConfig.from_dict(export.document)
        algorithm = config.module_name_configs["0"].module_state_spec["weight"].pruning_algo
        mask = algorithm.compute_mask(torch.arange(numel) + 1.0, ratio, None)
        assert int((mask == 0).sum()) == resolution.budget.counts()["0"]


def test_layers_that_share_a_weight_are_pruned_alike() -> None:
    model = running_model({"wte": "Embedding", "fc": "Linear"})
    model.fc.weight = model.wte.weight
    filled_model(model)
    resolution = cc.resolve([{"op_types": ["Linear", "Embedding"], "total_sparsity": 0.5}], model)
    assert zeros(cc.export(resolution, "coreai-opt", allocate=True), model) == {"wte": 20, "fc": 20}


def test_a_two_part_list_is_two_configs_that_are_applied_one_after_the_other() -> None:
    both = {
        "pruning": [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}],
        "quantization": [{"op_names": ["fc1", "fc10"], **WEIGHT_4}],
    }
    model = filled_model(running_model())
    document = cc.export(cc.resolve(both, model), "coreai-opt").document
    assert list(document) == ["magnitude_pruning_config", "quantization_config"]
    pruning, quantization = ({key: document[key]} for key in document)
    pruner = MagnitudePruner(model, MagnitudePrunerConfig.from_dict(pruning))
    pruner.prepare(example_inputs())
    quantizer = Quantizer(pruner.finalize(backend=ExportBackend.Torch), QuantizerConfig.from_dict(quantization))
    prepared = quantizer.prepare(example_inputs())
    places = [_place(path) for path, found in prepared.named_modules() if isinstance(found, FakeQuantizeImplBase)]
    assert places == [("fc1", "weight"), ("fc10", "weight")]
    finished: Any = quantizer.finalize(backend=ExportBackend.Torch)
    # Small elements may be rounded to zero as well.
    assert int((finished.fc1.weight == 0).sum()) >= 16
    assert int((finished.aab.weight == 0).sum()) == 16
