"""What a list reaches of a model: numbers that add up, what is left out, groups against their selector alone (D20)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from recording import ROOT

import compression_config as cc
from compression_config.cli import main

INVENTORIES = ROOT / "examples" / "inventories"


def inventory(name: str) -> cc.Inventory:
    return cc.Inventory.load(INVENTORIES / f"{name}.json.gz")


def found(code: str, config_list: Sequence[Any], model: Any, **options: Any) -> list[cc.Finding]:
    return [finding for finding in cc.check(list(config_list), model, **options) if finding.code == code]


# --- numbers that add up


def random_model(random: Random) -> list[cc.Layer]:
    """Return a model with ties of weights and of other parameters, fused experts, parametrizations and biases."""
    layers: list[cc.Layer] = []
    free_biases: dict[str, tuple[int, ...]] = {}
    for number in range(random.randint(1, 12)):
        name, shape = f"block.{number % 3}.part{number}", (random.randint(1, 9), random.randint(1, 9))
        dtype = random.choice(["float32", "bfloat16"])
        draw = random.randrange(7)
        owners = [layer for layer in layers if layer.weight_shape and layer.tied_to is None]
        if draw == 0:
            layers.append(cc.Layer(name=name, type="ReLU", has_weight=False))
        elif draw == 1:
            fused = {"up": (4, *shape), "down": shape}
            dtypes = {"up": dtype, "down": dtype}
            layers.append(
                cc.Layer(name=name, type="Experts", has_weight=False, parameters=fused, parameter_dtypes=dtypes)
            )
        elif draw == 2 and owners:
            owner = random.choice(owners)
            layers.append(
                cc.Layer(
                    name=name,
                    type=random.choice(["Linear", "Embedding"]),
                    weight_shape=owner.weight_shape,
                    dtype=owner.dtype,
                    tied_to=owner.name,
                )
            )
        elif draw == 3:
            # As torch's parametrizations store it: the weight is made of a parameter of another module.
            layers.append(
                cc.Layer(name=name, type="ParametrizedLinear", weight_shape=shape, parameters={}, dtype=dtype)
            )
            layers.append(
                cc.Layer(
                    name=f"{name}.parametrizations.weight",
                    type="ParametrizationList",
                    has_weight=False,
                    parameters={"original0": (shape[0], 1), "original1": shape},
                    parameter_dtypes={"original0": dtype, "original1": dtype},
                    parameter_ties={"original1": f"{name}.weight"},
                )
            )
        else:
            bias = (shape[0],)
            same = [full_name for full_name, known in free_biases.items() if known == bias]
            tie = {"bias": random.choice(same)} if same and random.random() < 0.5 else {}
            if not tie:
                free_biases[f"{name}.bias"] = bias
            layers.append(
                cc.Layer(
                    name=name,
                    type=random.choice(["Linear", "Conv2d", "LayerNorm"]),
                    weight_shape=shape,
                    parameters={"weight": shape, "bias": bias},
                    dtype=dtype,
                    parameter_dtypes={"bias": "float32"},
                    parameter_ties=tie,
                )
            )
    return layers


def random_list(random: Random, layers: Sequence[cc.Layer], kind: str) -> list[dict[str, Any]]:
    outcomes: list[dict[str, Any]] = [{"sparsity_per_layer": 0.5}, {"total_sparsity": 0.5}, {"exclude": True}]
    if kind == "quantization":
        outcomes = [
            {"quant_types": ["weight"], "quant_bits": 4},
            {"quant_types": ["input"], "quant_bits": 8},
            {"exclude": True},
        ]
    selectors: list[dict[str, Any]] = [
        {"op_types": ["Linear", "Conv2d"]},
        {"op_types": ["Embedding", "ParametrizedLinear"]},
        {"op_partial_names": [f"block.{random.randrange(3)}."]},
        {"op_types": ["Experts"]},
        {"op_names": [random.choice(layers).name]},
    ]
    return [{**random.choice(selectors), **random.choice(outcomes)} for _ in range(random.randint(1, 4))]


def parameters_of(layers: Sequence[cc.Layer]) -> int:
    """Return the elements of all parameters, each once, counted in the simplest way."""
    elements = 0
    for layer in layers:
        if layer.tied_to is None:
            elements += layer.numel or 0
        for name, shape in layer.parameters.items():
            if name != "weight" and name not in layer.parameter_ties:
                count = 1
                for length in shape or ():
                    count *= length
                elements += count
    return elements


CASES = [(seed, kind) for seed in range(60) for kind in ("pruning", "quantization")]


@pytest.mark.parametrize(("seed", "kind"), CASES)
def test_the_numbers_of_a_budget_add_up_to_all_parameters(seed: int, kind: str) -> None:
    random = Random(seed)  # noqa: S311 - nothing secret is drawn
    layers = random_model(random)
    config_list = random_list(random, layers, kind)
    plain = json.loads(json.dumps(cc.resolve(config_list, layers, kind=kind, unmatched="ignore").to_dict()))  # type: ignore[call-overload]
    model = plain["budget"]["model"]
    assert model["parameters"] == parameters_of(layers)
    assert model["reachable"] + model["excluded"] + model["untouched"] + model["besides"] == model["parameters"]
    assert model["reachable"] + model["excluded"] + model["untouched"] == model["numel"]
    assert model["coverage"] == (model["reachable"] / model["parameters"] if model["parameters"] else None)
    if kind == "pruning":
        groups = sum(group["granted"] for group in plain["budget"]["groups"])
        masked = sum(layer["masked"] for layer in plain["budget"]["layers"] if layer["group"] is None)
        assert model["masked"] == groups + masked
        assert model["reachable"] == sum(layer["numel"] for layer in plain["budget"]["layers"])


NUMBER = r"(\d[\d,]*)"


def elements_in(report: str) -> int:
    """Return the sum of what a table says of each sub-config, of what is untouched, and of what is besides."""
    text = " ".join(report.split())
    sections, totals = text.split(" untouched ", 1)
    decided = re.findall(rf"(?:masks [\d,]+ of |leaves ){NUMBER} weight elements", sections)
    decided += re.findall(rf"it selects(?:; [^:]*? the rest)? {NUMBER} weight elements", sections)
    rest, last = re.split(r" (?:masked|stored) ", totals, maxsplit=1)
    assert last
    elements = re.findall(rf"{NUMBER} (?:weight )?elements (?:in|of)", rest)
    return sum(int(number.replace(",", "")) for number in (*decided, *elements))


@pytest.mark.parametrize(("seed", "kind"), CASES)
def test_the_numbers_of_a_table_add_up_to_all_parameters(
    seed: int, kind: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(seed)  # noqa: S311 - nothing secret is drawn
    layers = random_model(random)
    config_list = random_list(random, layers, kind)
    cc.Inventory.from_layers(layers).save(tmp_path / "model.json")
    (tmp_path / "list.json").write_text(json.dumps(config_list))
    options = ("--kind", kind, "--unmatched", "ignore")
    main(["resolve", str(tmp_path / "list.json"), "--model", str(tmp_path / "model.json"), *options])
    report = capsys.readouterr().out.split("\n\nerror")[0].split("\n\nwarning")[0].split("\n\nnote")[0]
    assert elements_in(report) == parameters_of(layers), report


def test_the_share_of_a_model_with_fused_experts_is_that_of_all_parameters() -> None:
    """N-D3: 671 million of 46.7 billion parameters, not of the 1.6 billion that are called 'weight'."""
    config_list = [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}, {"op_names": ["lm_head"], "exclude": True}]
    model = cc.resolve(config_list, inventory("mixtral-8x7b")).budget.model
    assert (model.parameters, model.masked, model.reachable) == (46_702_792_704, 671_088_640, 1_342_177_280)
    assert model.masked_share == 0.5
    assert model.masked_share_of_all == 671_088_640 / 46_702_792_704
    assert model.bytes_before == 2 * 46_702_792_704


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet-50", 25_557_032),
        ("vit-base", 86_567_656),
        ("bert-base", 109_514_298),
        ("gpt2", 124_439_808),
        ("llama-3-8b", 8_030_261_248),
        ("deepseek-v3", 671_026_404_352),
        ("deepseek-v3-unfused", 671_026_404_352),
    ],
)
def test_an_inventory_has_as_many_parameters_as_torch_counts(name: str, parameters: int) -> None:
    assert cc.resolve([], inventory(name), kind="pruning").budget.model.parameters == parameters


def test_what_an_inventory_does_not_say_is_not_known(tmp_path: Any) -> None:
    """A file of version 0.1.0 says nothing of the root, so it is not known how many parameters there are."""
    (tmp_path / "old.json").write_text(
        '{"format": "compression-config-inventory", "version": 1, '
        '"layers": [{"name": "fc", "type": "Linear", "weight_shape": [4, 4], "dtype": "float32"}]}'
    )
    old = cc.Inventory.load(tmp_path / "old.json")
    model = cc.resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], old).budget.model
    assert (old.root, dict(old.bases)) == (None, {})
    assert (model.numel, model.reachable, model.masked, model.masked_share) == (16, 16, 8, 0.5)
    assert (model.parameters, model.besides, model.coverage, model.masked_share_of_all) == (None, None, None, None)
    assert (model.mean_bits, model.bytes_before, model.bytes_after) == (None, None, None)


def test_quantization_of_inputs_alone_reaches_no_weight() -> None:
    layers = [cc.Layer(name="fc", type="Linear", weight_shape=(4, 4))]
    model = cc.resolve([{"op_types": ["Linear"], "quant_types": ["input"], "quant_bits": 8}], layers).budget.model
    assert (model.reachable, model.untouched, model.coverage) == (0, 16, 0.0)


# --- types that are left out


def test_experts_that_no_sub_config_selects_are_said_with_their_share() -> None:
    config_list = [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]
    (finding,) = found("low-coverage", config_list, inventory("mixtral-8x7b"))
    assert (finding.severity, finding.path) == ("note", ())
    assert finding.message == (
        "no sub-config selects 32 MixtralExperts (96.6 %), which hold 45,097,156,608 of all 46,702,792,704 parameters"
    )


@pytest.mark.parametrize("types", [["default"], ["Linear"]])
def test_the_projections_of_gpt_2_are_said_to_be_left_out(types: list[str]) -> None:
    (finding,) = found("low-coverage", [{"op_types": types, "sparsity_per_layer": 0.5}], inventory("gpt2"))
    assert finding.message.startswith("no sub-config selects 48 Conv1D (68.3 %), which hold 85,017,600 of all ")
    assert finding.hint == 'add a sub-config with "op_types": ["Conv1D"] if they are to be compressed too'


@pytest.mark.parametrize(
    "more",
    [
        [{"op_types": ["Conv1D"], "sparsity_per_layer": 0.5}],
        [{"op_names": ["transformer.h.0.mlp.c_fc"], "sparsity_per_layer": 0.5}],
        [{"op_types": ["Conv1D"], "exclude": True}],
        [{"op_types": ["Conv1D"], "op_partial_names": [".h.3."], "exclude": True}],
    ],
)
def test_what_a_sub_config_or_an_exclude_names_is_not_left_out(more: list[dict[str, Any]]) -> None:
    assert found("low-coverage", [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}, *more], inventory("gpt2")) == []


@pytest.mark.parametrize("name", ["bert-base", "llama-3-8b", "vit-base", "deepseek-v3-unfused"])
def test_lists_that_reach_most_of_a_model_draw_no_note(name: str) -> None:
    assert found("low-coverage", [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], inventory(name)) == []


class Linear:
    """A class whose subclasses a pair may have in place of a module."""


class NonDynamicallyQuantizableLinear(Linear):
    pass


def test_subclasses_are_said_with_the_base_that_is_listed() -> None:
    pairs = [*((f"blocks.{i}.out", NonDynamicallyQuantizableLinear) for i in range(12)), ("head", Linear)]
    (finding,) = found("subclass-not-selected", [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], pairs)
    assert (finding.severity, finding.path) == ("note", (0, "op_types"))
    assert finding.message == ("12 layers of NonDynamicallyQuantizableLinear, a subclass of Linear, are not selected")
    assert finding.hint == 'write "op_types": ["Linear", "NonDynamicallyQuantizableLinear"] to select them too'
    assert finding.fix == (cc.Edit("insert", (0, "op_types", 1), "NonDynamicallyQuantizableLinear"),)


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        ({"op_types": ["Linear"]}, 3),
        ({"op_types": ["default"]}, 3),
        ({"op_types": ["Linear"], "op_partial_names": ["h.0."]}, 1),
        ({"op_types": ["Linear"], "op_names": ["h.0.q", "h.1.q", "head"]}, 2),
        ({"op_types": ["Linear"], "op_partial_names": ["head"]}, 0),
        ({"op_partial_names": ["head"]}, 0),
        ({"op_types": ["Conv2d"]}, 0),
    ],
)
def test_only_the_layers_that_the_names_match_are_counted(config: dict[str, Any], layers: int) -> None:
    pairs = [("h.0.q", "FalconLinear"), ("h.1.q", "FalconLinear"), ("h.2.q", "FalconLinear"), ("head", "Linear")]
    pairs.append(("stem", "Conv2d"))
    findings = found("subclass-not-selected", [config | {"sparsity_per_layer": 0.5}], pairs)
    assert [finding.message.split(",")[0] for finding in findings] == [
        f"{layers} layer{'s' * (layers > 1)} of FalconLinear"
    ] * (layers > 0)


def test_a_subclass_that_is_excluded_or_listed_elsewhere_is_not_said() -> None:
    pairs = [("q", "FalconLinear"), ("head", "Linear")]
    compress = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}
    assert found("subclass-not-selected", [compress], pairs)
    for more in ({"op_types": ["FalconLinear"], "exclude": True}, {"op_names": ["q"], "sparsity_per_layer": 0.1}):
        assert found("subclass-not-selected", [compress, more], pairs) == []


# --- groups against their selector alone


def test_a_group_is_compared_with_what_its_selector_alone_would_have() -> None:
    """S-D-3: the excluded decoder has a weight of its own once nothing else is compressed with it."""
    group = {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.8}
    exclude = {"op_names": ["cls.predictions.transform.dense", "cls.predictions.decoder"], "exclude": True}
    (finding,) = found("shrunk-group", [group, exclude], inventory("bert-base"))
    assert finding.message == (
        "later sub-configs overwrite 2 of the 74 layers (2 excluded, 0 compressed otherwise), so 'total_sparsity' 0.5 "
        "masks 42,467,328 of 84,934,656 elements instead of 54,482,688 of 108,965,376"
    )
    alone = cc.resolve([group], inventory("bert-base")).budget.groups[0]
    assert (alone.demanded, alone.numel) == (54_482_688, 108_965_376)


TIED = [
    cc.Layer(name="embed", type="Embedding", weight_shape=(100, 10)),
    cc.Layer(name="fc", type="Linear", weight_shape=(10, 10)),
    cc.Layer(name="head", type="Linear", weight_shape=(100, 10), tied_to="embed"),
]


def test_a_tied_layer_that_is_excluded_shrinks_its_group() -> None:
    group = {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9}
    (finding,) = found("shrunk-group", [group, {"op_names": ["head"], "exclude": True}], TIED)
    assert finding.message == (
        "later sub-configs overwrite 1 of the 2 layers (1 excluded, 0 compressed otherwise), so 'total_sparsity' 0.5 "
        "masks 50 of 100 elements instead of 550 of 1,100"
    )


def test_a_weight_that_counts_for_another_sub_config_shrinks_a_group() -> None:
    config_list = [
        {"op_types": ["Embedding"], "sparsity_per_layer": 0.1},
        {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9},
    ]
    (finding,) = found("shrunk-group", config_list, TIED)
    assert finding.message == (
        "1 of the 2 layers shares a weight counted for another sub-config, so 'total_sparsity' 0.5 masks 50 of 100 "
        "elements instead of 550 of 1,100"
    )


@pytest.mark.parametrize(("excluded", "said"), [(5, False), (6, True)])
def test_an_exclude_is_only_said_above_a_twentieth_of_the_group(excluded: int, said: bool) -> None:
    layers = [cc.Layer(name=f"fc{i}.", type="Linear", weight_shape=(10,)) for i in range(100)]
    config_list: list[dict[str, Any]] = [
        {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9},
        {"op_names": [f"fc{i}." for i in range(excluded)], "exclude": True},
    ]
    assert bool(found("shrunk-group", config_list, layers)) is said
    config_list[1] = {"op_names": ["fc0."], "sparsity_per_layer": 0.1}
    assert found("shrunk-group", config_list, layers)


@pytest.mark.parametrize("seed", range(80))
def test_a_note_on_a_group_has_the_numbers_of_the_group_alone(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - nothing secret is drawn
    layers = random_model(random)
    config_list = random_list(random, layers, "pruning")
    resolution = cc.resolve(config_list, layers, unmatched="ignore")
    notes = {finding.path[0]: finding for finding in resolution.findings if finding.code == "shrunk-group"}
    for group in resolution.budget.groups:
        (alone,) = cc.resolve([config_list[group.index]], layers, unmatched="ignore").budget.groups
        if group.index in notes:
            said = (
                f"masks {group.demanded:,} of {group.numel:,} elements instead of {alone.demanded:,} of {alone.numel:,}"
            )
            assert notes[group.index].message.endswith(said)
        else:
            assert group.numel is not None
            assert alone.numel is not None
            assert (alone.numel - group.numel) * 20 <= alone.numel


def test_one_layer_holds_and_the_root_has_parameters_that_are_not_layers() -> None:
    layers = [
        cc.Layer(name="fc", type="Linear", weight_shape=(2, 2)),
        cc.Layer(name="experts", type="Experts", has_weight=False, parameters={"w1": (8, 8)}),
    ]
    (note,) = cc.check([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], layers)
    assert note.message == "no sub-config selects 1 Experts (94.1 %), which holds 64 of all 68 parameters"


def test_a_parameter_of_the_root_is_not_a_layer(tmp_path: Path) -> None:
    heading = '"format": "compression-config-inventory", "version": 1'
    file = tmp_path / "net.json"
    file.write_text(
        f'{{{heading}, "root": {{"parameters": {{"token": [3]}}}}, "layers": [{{"name": "fc", "type": "Linear"}}]}}',
        encoding="utf-8",
    )
    (finding,) = cc.check([{"op_names": ["token"], "sparsity_per_layer": 0.5}], cc.Inventory.load(file))
    assert finding.hint == "'token' is a parameter of the model itself: a selector names layers"
