"""NNI 3.0 and 2.10 parse and match what is exported for the one, and agree with what is imported from both."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
import torch
from live import inventory, live_model, nasty_model, resolved
from nasty import NASTY, random_pruning_list, random_quantization_list
from nni_code import nni_2, nni_3
from torch import nn

import compression_config as cc
from compression_config.interop.nni_reading import ACTIVATIONS, PRUNED, QUANTIZED

Given = dict[str, Any]
"""For each compressed layer what it gets."""
TARGETS = {"weight": "weight", "input": "_input_0", "output": "_output_0"}


def spaces(configs: list[dict[str, Any]], kind: str, model: nn.Module | None = None) -> Mapping[str, Mapping[str, Any]]:
    """Return what NNI 3.0 itself makes of a list: the targets of each layer."""
    compressor = nni_3()["Pruner" if kind == "pruning" else "Quantizer"](model or nasty_model(), configs)
    found: Mapping[str, Mapping[str, Any]] = compressor._target_spaces  # noqa: SLF001
    return found


def pruned_by_nni(configs: list[dict[str, Any]], model: nn.Module | None = None) -> Given:
    """Return the ratio, the group and the cap of each layer whose weight NNI prunes."""
    found: Given = {}
    for name, targets in spaces(configs, "pruning", model).items():
        weight = targets.get("weight")
        if weight is not None and weight.global_group_id is not None:
            found[name] = weight.sparse_ratio, weight.global_group_id, weight.max_sparse_ratio
        elif weight is not None and weight.sparse_ratio is not None:
            ratio = max(weight.min_sparse_ratio or 0.0, weight.sparse_ratio)
            found[name] = min(weight.max_sparse_ratio or 1.0, ratio), None, None
    return found


def quantized_by_nni(configs: list[dict[str, Any]], model: nn.Module | None = None) -> Given:
    """Return bits, sign, symmetry and granularity of each tensor that NNI quantizes."""
    return {
        name: {
            kind: (space.quant_bits, space.qmin < 0, space.quant_scheme != "affine", granularity(space))
            for kind, target in TARGETS.items()
            if (space := targets.get(target)) is not None
        }
        for name, targets in spaces(configs, "quantization", model).items()
    }


def granularity(space: Any) -> str:
    return "tensor" if space._scaler is None else "channel"  # noqa: SLF001


def pruned(resolution: Any, types: tuple[str, ...] = PRUNED) -> Given:
    """Return the same for what a resolution says, but for the layers that NNI cannot prune."""
    return {
        name: (
            layer.settings.total_sparsity if layer.settings.sparsity is None else layer.settings.sparsity,
            None if layer.settings.group is None else f"group_{layer.settings.group}",
            layer.settings.max_sparsity,
        )
        for name, layer in resolution.compressed.items()
        if layer.layer.type in types and layer.layer.has_weight is not False
    }


def quantized(resolution: Any) -> Given:
    """Return the same for what a resolution says, but for the layers and weights that NNI cannot quantize."""
    found: Given = {}
    for name, layer in resolution.compressed.items():
        settings, layer_type = layer.settings, layer.layer.type
        tensors = {kind: meant(settings, kind) for kind in settings.bits}
        if layer_type in ACTIVATIONS:
            tensors.pop("weight", None)
        if layer_type in QUANTIZED and tensors:
            found[name] = tensors
    return found


def meant(settings: Any, kind: str) -> tuple[int, bool, bool, str]:
    signed = (settings.dtype or {}).get(kind) != "uint"
    scheme = (settings.scheme or {}).get(kind)
    if scheme is None:
        return settings.bits[kind], signed, signed, "channel" if kind == "weight" else "tensor"
    return settings.bits[kind], signed, scheme.endswith("symmetric"), scheme.split("_")[1]


def grouped(given: Given) -> list[tuple[Any, list[str]]]:
    """Return what is given with the layers that it is given to; the names of groups do not count."""
    found: dict[Any, list[str]] = {}
    for name, (ratio, group, cap) in sorted(given.items()):
        found.setdefault((ratio, group, cap), []).append(name)
    return sorted(((ratio, group is not None, cap), names) for (ratio, group, cap), names in found.items())


# Export.


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize(
    "layer", [name for name in NASTY if "." not in name or name.endswith(("0.q_proj", ".up_proj"))]
)
def test_one_layer_is_compressed_and_no_other(layer: str, names: Any) -> None:
    for kind, keys in (("pruning", {"sparsity": 0.5}), ("quantization", {"quant_types": "weight", "quant_bits": 4})):
        resolution = resolved([{"op_names": [layer], **keys}], kind)
        document = cc.export(resolution, "nni", names=names, on_loss="ignore").document
        read, said = (pruned_by_nni, pruned) if kind == "pruning" else (quantized_by_nni, quantized)
        assert read(document) == said(resolution)
        assert set(said(resolution)) <= {layer}


@pytest.mark.parametrize("seed", range(200))
def test_random_pruning_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    resolution = resolved(random_pruning_list(random), "pruning")
    document = cc.export(resolution, "nni", names=names, on_loss="ignore").document
    assert pruned_by_nni(document) == pruned(resolution)
    assert all(set(targets) == {"weight"} for targets in spaces(document, "pruning").values())


@pytest.mark.parametrize("seed", range(200))
def test_random_quantization_lists_are_applied_layer_by_layer(seed: int) -> None:
    random = Random(1000 + seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    resolution = resolved(random_quantization_list(random), "quantization")
    document = cc.export(resolution, "nni", names=names, on_loss="ignore").document
    assert quantized_by_nni(document) == quantized(resolution)


@pytest.mark.parametrize("kind", [*PRUNED, *QUANTIZED])
def test_every_type_is_taken_by_its_exact_name(kind: str) -> None:
    sizes = {"Embedding": (4, 4), "Linear": (4, 4), **dict.fromkeys(ACTIVATIONS, ()), "MaxPool2d": (2,)}
    numbers = (4,) if kind.startswith("BatchNorm") else sizes.get(kind, (4, 4, 2))
    other = type(f"My{kind}", (getattr(nn, kind),), {})
    model = nn.ModuleDict({"a": getattr(nn, kind)(*numbers), "b": other(*numbers)})
    types = [kind, f"My{kind}"]
    if kind in PRUNED:
        resolution: Any = cc.resolve([{"op_types": types, "sparsity": 0.5}], model)
        export = cc.export(resolution, "nni", on_loss="ignore")
        assert pruned_by_nni(export.document, model) == {"a": (0.5, None, None)}
    model = nn.ModuleDict({"a": getattr(nn, kind)(*numbers), "b": other(*numbers)})
    if kind in QUANTIZED:
        tensors = ["input", "output"] if kind in ACTIVATIONS else ["weight", "input", "output"]
        scheme = {"quant_scheme": "per_channel_affine"}
        config = [{"op_types": types, "quant_types": tensors, "quant_bits": 6, **scheme}]
        export = cc.export(cc.resolve(config, model), "nni", on_loss="ignore")
        assert quantized_by_nni(export.document, model) == {"a": dict.fromkeys(tensors, (6, True, False, "channel"))}


@pytest.mark.parametrize("layer", [nn.Linear(3, 5), nn.Conv2d(3, 5, 2), nn.ConvTranspose2d(3, 5, 2)], ids=repr)
def test_weights_per_channel_have_a_scale_for_each_output(layer: nn.Module) -> None:
    model = nn.ModuleDict({"a": layer})
    config = [{"op_names": ["a"], "quant_types": "weight", "quant_bits": 8, "quant_scheme": "per_channel_symmetric"}]
    weight = spaces(cc.export(cc.resolve(config, model), "nni").document, "quantization", model)["a"]["weight"]
    values = weight.target.detach()
    scales = weight._scaler.shrink(values, lambda part: part.amax(dim=-1), keepdim=True)  # noqa: SLF001
    assert scales.numel() == 5


def masked_by_nni(configs: list[dict[str, Any]], model: nn.Module) -> dict[str, int]:
    """Return how many elements of each weight its LevelPruner masks."""
    _, masks = nni_3()["LevelPruner"](model, configs).compress()
    return {name: int((targets["weight"] == 0).sum()) for name, targets in masks.items()}


@pytest.mark.parametrize("size", range(20, 40))
def test_allocated_groups_are_masked_to_the_element(size: int) -> None:
    model = nn.ModuleDict({"a": nn.Linear(10, size), "b": nn.Linear(7, size), "c": nn.Linear(10, 10)})
    config = [{"op_names": ["a", "b"], "total_sparsity": 0.3337}, {"op_names": ["c"], "sparsity": 0.5}]
    resolution: Any = cc.resolve(config, model)
    document = cc.export(resolution, "nni", allocate=True).document
    assert masked_by_nni(document, model) == dict(resolution.budget.counts())


@pytest.mark.parametrize("ratio", [number / 100 for number in range(1, 100)])
def test_where_a_note_says_that_rounding_masks_one_element_less_it_does(ratio: float) -> None:
    """D8: 0.29 of 100 is 29, and 28 as a product of binary floats."""
    for key in ("sparsity", "total_sparsity"):
        model = nn.ModuleDict({"a": nn.Linear(10, 10)})
        resolution: Any = cc.resolve([{"op_names": ["a"], key: ratio}], model)
        export = cc.export(resolution, "nni")
        less = sum("one element less" in finding.message for finding in export.findings)
        assert masked_by_nni(export.document, model)["a"] == resolution.budget.counts()["a"] - less
        assert (less > 0) == (int(ratio * 100) != round(ratio * 100))


def test_the_budget_of_a_group_is_masked_over_all_of_it_and_caps_are_not_kept() -> None:
    """The warning of an export with caps is true."""
    for cap in ({}, {"max_sparsity_per_layer": 0.6}):
        model = nn.ModuleDict({"a": nn.Linear(10, 50), "b": nn.Linear(10, 100)})
        with torch.no_grad():
            model["a"].weight.uniform_(0.001, 0.01)
            model["b"].weight.uniform_(1, 2)
        resolution: Any = cc.resolve([{"op_types": ["Linear"], "total_sparsity": 0.5, **cap}], model)
        export = cc.export(resolution, "nni")
        assert masked_by_nni(export.document, model) == {"a": 500, "b": 250}
        assert ["compares the caps" in finding.message for finding in export.findings] == [True] * len(cap)


def test_a_shared_weight_counts_twice_in_a_group() -> None:
    """The warning of an export with shared weights is true."""
    model = nn.ModuleDict({"a": nn.Embedding(50, 10), "b": nn.Linear(10, 50, bias=False), "c": nn.Linear(10, 50)})
    model["b"].weight = model["a"].weight
    with torch.no_grad():
        # The bound is between two values: a pair of equal ones across it would be masked whole or not at all.
        model["a"].weight.copy_(torch.arange(1, 501).reshape(50, 10))
        model["c"].weight.copy_(torch.arange(501, 1001).reshape(50, 10))
    resolution: Any = cc.resolve([{"op_types": ["Linear", "Embedding"], "total_sparsity": 0.5}], model)
    export = cc.export(resolution, "nni")
    assert sum(masked_by_nni(export.document, model).values()) == 750
    assert sum(resolution.budget.counts().values()) == 500
    assert ["a shared one counts" in finding.message for finding in export.findings] == [True]


# Import from 3.0.

REGEXES = (
    *("fc.*", ".*q_proj.*", r"model\.layers\.1\..*_proj", ".*experts.[0-4]", r"^(0|1)$", ".*self_attn.*", "a", ".*1"),
    *(r"fc1\Z", r".*layers\.3\..*", "fc1$", ".*gate$"),
)


def drawn(random: Random, values: Any, most: int) -> list[Any]:
    given = list(values)
    return random.sample(given, random.randint(1, min(most, len(given))))


def random_selector(random: Random, types: tuple[str, ...]) -> dict[str, Any]:
    """Return a selector as people write them; the types keep NNI from failing at a container."""
    selector: dict[str, Any] = {}
    form = random.randrange(5)
    if form in (0, 1):
        selector["op_types"] = drawn(random, types, 2)
    if form in (1, 2):
        selector["op_names"] = [name for name in drawn(random, NASTY, 6) if NASTY[name] in types] + ["unknown"]
    if form in (3, 4):
        selector |= {"op_names_re": drawn(random, REGEXES, 2), "op_types": drawn(random, types, 3)}
    if form == 4:
        selector["op_names"] = drawn(random, NASTY, 2)
    if random.random() < 0.2:
        selector["exclude_op_names"] = drawn(random, NASTY, 8)
    if random.random() < 0.1:
        selector["exclude_op_names_re"] = drawn(random, REGEXES, 2)
    if random.random() < 0.1:
        selector["exclude_op_types"] = drawn(random, types, 1)
    return selector


def random_pruner_list(random: Random) -> list[dict[str, Any]]:
    configs: list[dict[str, Any]] = []
    for _ in range(random.randint(1, 5)):
        config = random_selector(random, ("Linear", "Embedding", "Conv2d"))
        config["sparse_ratio"] = random.choice((0.25, 0.5, 0.75))
        form = random.random()
        if form < 0.3:
            # All of one group have one ratio and one cap.
            number = random.randrange(2)
            config |= {"sparse_ratio": 0.5, "global_group_id": number, "max_sparse_ratio": 0.9}
        elif form < 0.5:
            config["min_sparse_ratio"] = 0.4
        elif form < 0.6:
            config["max_sparse_ratio"] = 0.6
        if random.random() < 0.7:
            config["target_names"] = random.choice((["weight"], ["weight", "bias"]))
            if config["target_names"] == ["weight", "bias"]:
                config["exclude_op_types"] = ["Embedding"]
        if random.random() < 0.3 and "global_group_id" not in config:
            config["target_settings"] = {"weight": {"sparse_ratio": config.pop("sparse_ratio")}}
        configs.append(config)
    return configs


def random_quantizer_list(random: Random) -> list[dict[str, Any]]:
    configs = []
    for _ in range(random.randint(1, 5)):
        targets = random.choice((["weight"], ["_input_", "weight"], ["_output_"], ["_input_", "weight", "_output_"]))
        types = ("Linear", "Conv2d") if "weight" in targets else ("Linear", "Conv2d", "ReLU")
        config = {**random_selector(random, types), "target_names": targets}
        config["quant_dtype"] = random.choice(("int8", "uint8", "int4", None))
        if random.random() < 0.7:
            config["quant_scheme"] = random.choice(("affine", "symmetric"))
        if targets == ["weight"]:
            config["granularity"] = random.choice(("default", "out_channel"))
        if random.random() < 0.3:
            config["target_settings"] = {
                target: {"quant_dtype": random.choice(("int3", "uint5")), "quant_scheme": "affine"}
                for target in drawn(random, targets, 1)
            }
        configs.append(config)
    return configs


def random_nni_3(random: Random) -> tuple[str, list[dict[str, Any]]]:
    """Return a list as people write them."""
    kind = random.choice(("pruning", "quantization"))
    return kind, (random_pruner_list if kind == "pruning" else random_quantizer_list)(random)


def answer(kind: str, configs: list[dict[str, Any]]) -> Given | None:
    """Return what NNI 3.0 makes of a list; None where it fails, as at layers whose type it does not know."""
    try:
        return (pruned_by_nni if kind == "pruning" else quantized_by_nni)(configs)
    except (AssertionError, KeyError):
        return None


def agree(kind: str, config_list: Any, engine: Given, unmatched: Any) -> bool:
    resolution = cc.resolve(config_list, inventory(), unmatched=unmatched, kind=kind)  # type: ignore[call-overload]
    if kind == "pruning":
        return grouped(pruned(resolution, tuple(NASTY.values()))) == grouped(engine)
    return quantized(resolution) == engine


@pytest.mark.parametrize("seed", range(160))
def test_an_import_agrees_with_nni_3(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    while True:
        kind, configs = random_nni_3(random)
        engine = answer(kind, configs)
        if engine is not None:
            break
    found = cc.import_list(configs, model=inventory())
    assert found.dialect == "nni"
    assert not [finding for finding in found.findings if finding.severity == "error"]
    assert agree(kind, found.config_list, engine, "error")


@pytest.mark.parametrize("seed", range(10))
def test_an_import_without_a_model_agrees_with_nni_3_or_asks_for_one(seed: int) -> None:
    random = Random(1000 + seed)  # noqa: S311
    agreed = 0
    while agreed < 10:
        kind, configs = random_nni_3(random)
        try:
            found = cc.import_list(configs)
        except cc.UsageError as error:
            assert str(error).endswith("which only a model resolves: pass 'model' (--model)")  # noqa: PT017
            continue
        engine = answer(kind, configs)
        if engine:
            assert agree(kind, found.config_list, engine, "ignore"), configs
            agreed += 1


@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize("seed", range(80))
def test_what_was_exported_is_imported_as_the_same_settings(seed: int, names: Any) -> None:
    random = Random(5000 + seed)  # noqa: S311
    for kind, said, config in (
        ("pruning", pruned, random_pruning_list(random)),
        ("quantization", quantized, random_quantization_list(random)),
    ):
        resolution: Any = resolved(config, kind)
        document = cc.export(resolution, "nni", names=names, on_loss="ignore").document
        models: tuple[Any, ...] = (inventory(), None) if names == "exact" and document else (inventory(),)
        for model in models if document else ():
            again: Any = resolved(cc.import_list(document, "nni", model).config_list, kind)
            assert agreeing(kind, said(again)) == agreeing(kind, said(resolution))


def agreeing(kind: str, given: Given) -> Any:
    return grouped(given) if kind == "pruning" else given


def test_a_group_whose_caps_are_what_limits_it_has_a_ratio_for_each_layer() -> None:
    configs: Any = [{"op_types": ["Linear"], "sparse_ratio": 0.8, "max_sparse_ratio": 0.5, "global_group_id": 1}]
    model = nn.ModuleDict({"a": nn.Linear(10, 50), "b": nn.Linear(10, 100)})
    resolution: Any = cc.resolve(cc.import_list(configs, model=model).config_list, model)
    assert dict(resolution.budget.counts()) == masked_by_nni(configs, model) == {"a": 250, "b": 500}


# Import from 1.x and 2.x.

PARTIAL = ("fc", "fc1", "q_proj", "layers.1", "layers.1.", "self_attn", "a", "unknown")


def random_legacy_list(random: Random, *, partial_names: bool) -> list[dict[str, Any]]:
    """Return a list as scripts have them, odd ones included: empty selectors, and `exclude: False`."""
    configs: list[dict[str, Any]] = []
    for _ in range(random.randint(1, 6)):
        config: dict[str, Any] = {}
        if random.random() < 0.5:
            config["op_types"] = random.choice((["default"], ["Linear"], ["Embedding", "Linear"], ["ReLU"], []))
        if not config or random.random() < 0.5:
            config["op_names"] = random.choice(([], drawn(random, NASTY, 8), drawn(random, NASTY, 40)))
        if partial_names and random.random() < 0.5:
            config["op_partial_names"] = drawn(random, PARTIAL, 2)
        form = random.random()
        if form < 0.3:
            config["exclude"] = random.random() < 0.7
        elif form < 0.5:
            config["total_sparsity"] = random.choice((0.5, 0.75))
        elif form < 0.8 or partial_names:
            config["sparsity"] = random.choice((0.25, 0.5))
        else:
            config |= {"initial_sparsity": 0.0, "final_sparsity": 0.9, "start_epoch": 0, "end_epoch": 10}
        if random.random() < 0.2 and "exclude" not in config:
            config["rho"] = 0.001
        configs.append(config)
    return configs


def selected_by_nni_1(configs: list[dict[str, Any]]) -> list[tuple[Any, list[str]]]:
    """Return what the compressors of NNI 1.x and 2.x give each layer; configs with a total are told by their place."""
    _, compressor = nni_2()
    found: Given = {}
    reader: Any = object.__new__(compressor)
    reader.config_list = [{**config, "place": place} for place, config in enumerate(configs)]
    for name, module in nasty_model().named_modules():
        layer = type("LayerInfo", (), {"name": name, "type": type(module).__name__})
        config = reader.select_config(layer) if name else None
        if config is not None and "total_sparsity" in config:
            found[name] = config["total_sparsity"], config["place"], None
        elif config is not None:
            found[name] = config.get("sparsity", config.get("final_sparsity")), None, None
    return grouped(found)


def selected_by_nni_2(configs: list[dict[str, Any]]) -> list[tuple[Any, list[str]]]:
    """Return what the newer pruners of NNI 2.x give each layer: there a ratio is the total of a config of one layer."""
    canonical, _ = nni_2()
    marked = [{**config, "per_layer": "sparsity" in config} for config in configs]
    found: Given = {}
    for place, config in enumerate(canonical(nasty_model(), marked)):
        for name in filter(None, config["op_names"]):
            found[name] = config["total_sparsity"], None if config["per_layer"] else place, None
    return grouped(found)


@pytest.mark.parametrize("seed", range(160))
def test_an_import_agrees_with_nni_1_and_2(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    partial_names = seed % 2 == 0
    configs = random_legacy_list(random, partial_names=partial_names)
    engine = (selected_by_nni_2 if partial_names else selected_by_nni_1)(configs)
    found = cc.import_list(configs, "nni-1")
    resolution: Any = resolved(found.config_list, "pruning")
    everything = {
        name: (layer.settings.total_sparsity or layer.settings.sparsity, layer.settings.group, None)
        for name, layer in resolution.compressed.items()
    }
    assert grouped(everything) == engine
    assert not [finding for finding in found.findings if finding.severity == "error"]


def test_nni_1_reads_bits_of_weights() -> None:
    found = cc.import_list([{"op_types": ["Linear"], "q_bits": 4}])
    assert found.dialect == "nni-1"
    assert found.to_data() == [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}]


def test_names_that_are_no_regexes_do_not_matter_where_names_are_exact() -> None:
    layers = {"a(b": "Linear", "a|b": "Linear", "a\nb": "Linear", "x" * 500: "Linear"}
    resolution = cc.resolve([{"op_types": ["Linear"], "sparsity": 0.5}], live_model(layers))
    for names in ("exact", "patterns"):
        document = cc.export(resolution, "nni", names=names).document
        assert set(pruned_by_nni(document, live_model(layers))) == set(layers)
