"""Exports and imports without any engine: what is lost is reported at its sub-config, and nothing else is."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import codes_of

import compression_config as cc
from compression_config.cli import main
from compression_config.interop import EXPORTERS, IMPORTERS
from compression_config.interop.base import QuantizationOptions, Request
from compression_config.linting.fused import FUSED as FUSED_LAYERS

Q = {"quant_types": ["weight"], "quant_bits": 4}
QI = {"quant_types": ["weight", "input"], "quant_bits": {"weight": 8, "input": 8}}
SCHEME = {"quant_scheme": "per_channel_symmetric"}
LAYERS = [("fc1", "Linear"), ("fc10", "Linear"), ("emb", "Embedding"), ("conv", "Conv2d"), ("act", "ReLU")]
MODEL = cc.Inventory.from_layers(
    [
        cc.Layer(name="fc1", type="Linear", weight_shape=(10, 100)),
        cc.Layer(name="fc2", type="Linear", weight_shape=(10, 64)),
        cc.Layer(name="conv", type="Conv2d", weight_shape=(4, 2, 3, 3)),
        cc.Layer(name="act", type="ReLU", has_weight=False),
    ]
)
EXAMPLES = Path(__file__).parents[1] / "examples"


def exported(config: Any, engine: str = "compressed-tensors", model: Any = MODEL, **options: Any) -> cc.Export:
    return cc.export(cc.resolve(config, model), engine, **options)


def losses(config: Any, engine: str = "compressed-tensors", model: Any = MODEL, **options: Any) -> list[str]:
    try:
        return [str(finding) for finding in exported(config, engine, model, **options).findings]
    except cc.LossyExport as error:
        return [str(finding) for finding in error.findings]


# Documents.


def test_a_quantization_config_names_exactly_the_compressed_layers() -> None:
    config = [{"op_types": ["Linear"], **QI}, {"op_names": ["fc2"], "exclude": True}]
    assert exported(config).document == {
        "quant_method": "compressed-tensors",
        "format": "int-quantized",
        "quantization_status": "initialized",
        "config_groups": {
            "group_0": {
                "targets": ["fc1"],
                "weights": {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel", "dynamic": False},
                "input_activations": {
                    "num_bits": 8,
                    "type": "int",
                    "symmetric": True,
                    "strategy": "tensor",
                    "dynamic": False,
                },
                "format": "int-quantized",
            }
        },
        "ignore": [],
    }


def test_sub_configs_of_equal_settings_are_one_group() -> None:
    config = [{"op_names": ["fc1"], **Q, **SCHEME}, {"op_names": ["fc2"], **Q, **SCHEME}]
    groups = exported(config).document["config_groups"]
    assert [group["targets"] for group in groups.values()] == [["fc1", "fc2"]]


@pytest.mark.parametrize(
    ("name", "serve", "target"),
    [
        ("fc1", None, "fc1"),
        ("model.Linear", None, "model.Linear"),
        ("Linear", None, "re:Linear$"),
        ("re:fc1", None, "re:re:fc1$"),
        ("a[0]", None, "a[0]"),
        ("head", "vllm", "re:head$"),
    ],
)
def test_a_name_that_an_engine_reads_as_something_else_is_written_as_a_regex(
    name: str, serve: str | None, target: str
) -> None:
    config = [{"op_names": [name], **Q, **SCHEME}]
    document = exported(config, model=[(name, "Linear"), ("other", "Linear")], serve=serve).document
    assert document["config_groups"]["group_0"]["targets"] == [target]


@pytest.mark.parametrize(("count", "exact"), [(64, True), (65, False)])
def test_names_are_exact_up_to_64_layers(count: int, exact: bool) -> None:
    model = [(f"l.{number}", "Linear") for number in range(count)]
    config = [{"op_types": ["Linear"], **Q, **SCHEME}]
    targets = {n: exported(config, model=model, names=n).document["config_groups"]["group_0"]["targets"] for n in NAMES}
    assert targets["auto"] == targets["exact" if exact else "patterns"]
    assert targets["exact"] == [name for name, _ in model]
    assert len(targets["patterns"]) == 1


NAMES: Any = ("auto", "exact", "patterns")


def test_ratios_follow_the_order_of_the_model() -> None:
    config = [{"op_names": ["fc2"], "sparsity_per_layer": 0.5}, {"op_names": ["fc1"], "sparsity_per_layer": 0.25}]
    stage = exported(config, "llm-compressor").document["default_stage"]
    assert stage == {"pruning_modifiers": {"SparseGPTModifier": {"targets": ["fc1", "fc2"], "sparsity": [0.25, 0.5]}}}


def test_magnitude_pruning_has_a_modifier_for_each_ratio() -> None:
    config = [{"op_names": ["fc2"], "sparsity_per_layer": 0.5}, {"op_types": ["Conv2d"], "sparsity_per_layer": 0.25}]
    stage = exported(config, "llm-compressor", modifier="magnitude").document["default_stage"]
    found = {group: modifiers["MagnitudePruningModifier"] for group, modifiers in stage.items()}
    assert {group: (given["targets"], given["final_sparsity"]) for group, given in found.items()} == {
        "pruning_0_modifiers": (["fc2"], 0.5),
        "pruning_1_modifiers": (["conv"], 0.25),
    }


def test_a_group_is_allocated_to_ratios_that_give_its_counts() -> None:
    config = [{"op_types": ["Linear"], "total_sparsity": 0.3337}]
    export = exported(config, "llm-compressor", allocate=True)
    modifier = export.document["default_stage"]["pruning_modifiers"]["SparseGPTModifier"]
    assert modifier == {"targets": ["fc1", "fc2"], "sparsity": [0.334, 0.333]}
    assert dict(cc.resolve(config, MODEL).budget.allocate()) == {"fc1": 334, "fc2": 213}
    assert [str(finding) for finding in export.findings] == [
        (
            "warning[lossy-approximation] at [0].total_sparsity: the budget of the group is divided among its layers "
            "in proportion to their sizes (2 layers)"
        )
    ]


def test_documents_are_saved_as_yaml_and_json(tmp_path: Path) -> None:
    export = exported([{"op_types": ["Linear"], **Q}])
    for ending, read in ((".yaml", yaml.safe_load), (".json", json.loads)):
        export.save(tmp_path / f"document{ending}")
        assert read((tmp_path / f"document{ending}").read_text()) == export.document
    with pytest.raises(cc.UsageError, match=r"^a document is saved as \.json, \.yaml or \.yml, not as 'x\.toml'$"):
        export.save("x.toml")


# What is lost.

LOSSES = [
    pytest.param(
        [{"op_types": ["Linear", "Conv2d"], **Q, **SCHEME}],
        {},
        "error[type-not-applied] at [0].op_types: 'compressed-tensors' quantizes 'Linear' and 'Embedding' layers; a "
        "'Conv2d' layer is left unchanged ('conv') (exclude these layers, or narrow 'op_types')",
        id="type",
    ),
    pytest.param(
        [{"op_types": ["Linear"], **Q, **SCHEME, "quant_dtype": "uint"}],
        {},
        "error[lossy-setting] at [0].quant_dtype: 'compressed-tensors' has no unsigned symmetric integers (weight) "
        "(2 layers)",
        id="unsigned symmetric",
    ),
    pytest.param(
        [{"op_types": ["Linear"], **Q, "quant_scheme": "per_channel_affine", "quant_dtype": "uint"}],
        {},
        "note[lossy-detail] at [0].quant_dtype: unsigned integers are written as signed ones with another zero point, "
        "which is equivalent (weight) (2 layers)",
        id="unsigned affine",
    ),
    pytest.param(
        [{"op_types": ["Linear"], **QI, **SCHEME}],
        {},
        "error[lossy-setting] at [0].quant_scheme: 'compressed-tensors' has one scale for the whole input, not one for "
        "each channel (2 layers)",
        id="input per channel",
    ),
    pytest.param(
        [{"op_types": ["Linear"], **Q, **SCHEME, "quant_start_step": 10}],
        {},
        "note[lossy-detail] at [0].quant_start_step: 'compressed-tensors' has no start step, so quantization begins at "
        "once (2 layers)",
        id="start step",
    ),
    pytest.param(
        [{"op_types": ["Linear"], **Q}],
        {},
        "note[assumed-scheme] at [0]: without a 'quant_scheme' the export uses symmetric integers (affine where "
        "unsigned), weights per channel, inputs static per tensor (2 layers) (write 'quant_scheme')",
        id="no scheme",
    ),
    pytest.param(
        [{"op_types": ["Linear"], **QI, "quant_scheme": "per_tensor_symmetric"}],
        {"inputs": "dynamic"},
        "warning[lossy-approximation] at [0].quant_scheme: inputs are quantized per token at run time, not statically "
        "per tensor (2 layers)",
        id="dynamic inputs",
    ),
    pytest.param(
        [{"op_types": ["Linear"], **Q, **SCHEME}],
        {"group_size": 32},
        "error[group-size] at [0]: groups of 32 do not divide 100 inputs ('fc1') (choose a group_size that divides "
        "them, or exclude the layers)",
        id="group size",
    ),
    pytest.param(
        [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}],
        {},
        "error[lossy-setting] at [0]: 'compressed-tensors' does not support pruning (2 layers) (export "
        "with 'llm-compressor', 'torch', 'torch-ao-pruning', 'nni', 'coreai-opt' or 'coremltools')",
        id="other kind",
    ),
]


@pytest.mark.parametrize(("config", "options", "finding"), LOSSES)
def test_what_is_lost_is_said_at_its_sub_config(config: Any, options: dict[str, Any], finding: str) -> None:
    assert losses(config, **options) == [finding]


def test_what_an_engine_can_say_loses_nothing() -> None:
    scheme = {"quant_scheme": {"weight": "per_channel_symmetric", "input": "per_tensor_affine"}}
    assert losses([{"op_types": ["Linear"], **QI, **scheme, "quant_dtype": "int"}], serve="vllm") == []
    assert losses([{"op_types": ["Linear", "Conv2d"], "sparsity_per_layer": 0.5}], "llm-compressor") == []


@pytest.mark.parametrize("modifier", ["sparsegpt", "wanda"])
def test_one_shot_pruning_leaves_other_types_alone(modifier: str) -> None:
    (loss,) = losses(
        [{"op_types": ["Embedding"], "sparsity_per_layer": 0.5}], "llm-compressor", LAYERS, modifier=modifier
    )
    assert loss.startswith("error[type-not-applied] at [0].op_types: ")
    assert (
        "a 'Embedding' layer is left unchanged ('emb') (export with modifier='magnitude', or narrow 'op_types')" in loss
    )


def test_a_group_without_allocation_is_an_error() -> None:
    assert losses([{"op_types": ["Linear"], "total_sparsity": 0.5}], "llm-compressor") == [
        (
            "error[lossy-setting] at [0].total_sparsity: 'llm-compressor' has no budget shared by several layers "
            "(2 layers) (allocate the budget: allocate=True, or --allocate)"
        )
    ]


def test_findings_have_the_file_and_line_of_the_sub_config(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("- op_types: [Linear]\n  quant_types: weight\n  quant_bits: 4\n  quant_start_step: 7\n")
    _, note = exported(cc.load(path)).findings
    assert str(note).startswith(f"note[lossy-detail] {path}:4:21 at [0].quant_start_step: ")


def test_the_severities_of_the_list_are_those_of_its_losses() -> None:
    config = cc.validate([{"op_types": ["Conv2d"], **Q}], severity={"type-not-applied": "note"})
    assert codes_of(exported(config).findings) == ["type-not-applied", "assumed-scheme"]
    strict = cc.validate([{"op_types": ["Linear"], **QI, "quant_scheme": "per_tensor_symmetric"}], strict=True)
    with pytest.raises(cc.LossyExport):
        exported(strict, inputs="dynamic")


# on_loss


LOSSY = [{"op_types": ["Linear", "Conv2d"], **Q, **SCHEME}]


def test_an_error_raises_with_all_findings() -> None:
    with pytest.raises(cc.LossyExport) as raised:
        exported(LOSSY)
    assert isinstance(raised.value, cc.FindingsError)
    assert codes_of(raised.value.findings) == ["type-not-applied"]


def test_a_warning_is_issued_once_at_the_caller() -> None:
    resolution = cc.resolve(LOSSY, MODEL)
    with pytest.warns(cc.LossyExportWarning, match="type-not-applied") as caught:
        export = cc.export(resolution, "compressed-tensors", on_loss="warn")
    assert [(warning.filename, finding.severity) for warning in caught for finding in export.findings] == [
        (__file__, "warning")
    ]


def test_ignored_errors_are_left_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert exported(LOSSY, on_loss="ignore").findings == ()


# The tables of the page: what an engine is said to lose it loses, and nothing of what it is said to keep.

PAGE = Path(__file__).parents[1] / "docs" / "engines.md"
EIGHT = {"op_names": ["layers.0.fc1"], "quant_types": ["weight"], "quant_bits": 8, **SCHEME}
OUTPUTS = {
    "op_names": ["layers.0.fc1"],
    "quant_types": ["weight", "output"],
    "quant_bits": 8,
    "quant_scheme": {"weight": "per_channel_symmetric", "output": "per_tensor_symmetric"},
}
INPUTS = {
    "op_names": ["layers.0.fc1"],
    "quant_types": ["weight", "input"],
    "quant_bits": 8,
    "quant_scheme": {"weight": "per_channel_symmetric", "input": "per_tensor_symmetric"},
}
STATEMENTS: dict[str, dict[str, Any]] = {
    "`sparsity_per_layer`": {"op_names": ["layers.0.fc1"], "sparsity_per_layer": 0.5},
    "`sparsity_per_layer`, `total_sparsity`": {"op_types": ["Linear"], "total_sparsity": 0.5},
    "`total_sparsity`, `max_sparsity_per_layer`": {
        "op_types": ["Linear"],
        "total_sparsity": 0.5,
        "max_sparsity_per_layer": 0.9,
    },
    "bits of weights": EIGHT,
    "bits of inputs": INPUTS,
    "bits of outputs": OUTPUTS,
    "`quant_dtype: uint`": {**EIGHT, "quant_dtype": "uint"},
    "`quant_scheme` of weights": {**EIGHT, "quant_scheme": "per_channel_affine"},
    "`quant_scheme` of inputs": INPUTS,
    "`quant_scheme` of inputs and outputs": {
        **INPUTS,
        "quant_types": ["weight", "input", "output"],
        "quant_scheme": {
            "weight": "per_channel_symmetric",
            "input": "per_tensor_symmetric",
            "output": "per_tensor_symmetric",
        },
    },
    "`quant_start_step`": {**EIGHT, "quant_start_step": 100},
}


def cells() -> list[Any]:
    """Return each cell that is plainly yes, no, note or with `allocate`: engine, what a list says, what is promised."""
    found = []
    for table in PAGE.read_text(encoding="utf-8").split("\n\n"):
        if table.startswith("| what a list says "):
            header, _, *rows = ([cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines())
            found += [
                pytest.param(engine, statement, promise, id=f"{engine}-{statement}")
                for statement, *promises in rows
                for engines, promise in zip(header[1:], promises, strict=True)
                for engine in engines.partition(" (")[0].split(", ")
                if statement in STATEMENTS and promise in ("yes", "no", "note", "with `allocate`")
            ]
    return found


@pytest.mark.parametrize(("engine", "statement", "promise"), cells())
def test_each_engine_loses_what_the_page_says(engine: str, statement: str, promise: str) -> None:
    resolution = cc.resolve([STATEMENTS[statement]], DIVISIBLE)
    if promise in ("no", "with `allocate`"):
        with pytest.raises(cc.LossyExport) as raised:
            cc.export(resolution, engine)
        assert "lossy-setting" in codes_of(raised.value.findings)
    if promise == "no":
        return
    severities = {finding.severity for finding in cc.export(resolution, engine, allocate=True).findings}
    assert ("note" in severities) is (promise == "note")
    assert "error" not in severities


DIVISIBLE = cc.Inventory.from_layers(
    cc.Layer(name=name, type="Linear", weight_shape=(64, 64)) for name in ("layers.0.fc1", "layers.0.fc2", "lm_head")
)


def test_the_page_has_a_cell_for_every_engine_and_statement() -> None:
    plain = {(param.values[0], param.values[1]) for param in cells()}
    assert {engine for engine, _ in plain} == set(EXPORTERS)
    assert len(plain) > 50


# What a runtime can serve.

BLOCKS = [(f"l.{i}.{part}", "Linear") for i in range(3) for part in ("q_proj", "k_proj", "v_proj", "o_proj")]
FUSED = (
    "vLLM 0.33 merges 'q_proj', 'k_proj' and 'v_proj' into 'qkv_proj' and needs one setting for them, but "
    "'l.0' and 1 more have several (give them the same settings)"
)


@pytest.mark.parametrize("other", [{**Q, "quant_bits": 8, **SCHEME}, {"exclude": True}], ids=["bits", "excluded"])
def test_layers_that_are_merged_need_one_setting(other: dict[str, Any]) -> None:
    config = [{"op_types": ["Linear"], **Q, **SCHEME}, {"op_names": ["l.0.q_proj", "l.2.k_proj"], **other}]
    assert losses(config, model=BLOCKS, serve="vllm") == [f"error[fused-conflict] at [1]: {FUSED}"]
    assert losses(config, model=BLOCKS) == [f"note[fused-conflict] at [1]: {FUSED}"]


@pytest.mark.parametrize("fused", FUSED_LAYERS)
def test_each_of_the_layers_that_are_merged_needs_the_setting_of_the_others(fused: str) -> None:
    shards = FUSED_LAYERS[fused]
    model = [(f"l.0.{shard}", "Linear") for shard in (*shards, "o_proj")]
    base = {"op_types": ["Linear"], **Q, **SCHEME}
    for shard in shards:
        found = losses(
            [base, {"op_names": [f"l.0.{shard}"], **Q, "quant_bits": 8, **SCHEME}], model=model, serve="vllm"
        )
        assert [loss.partition(" merges")[0] for loss in found] == ["error[fused-conflict] at [1]: vLLM 0.33"]
        assert f"into '{fused}' and needs one setting for them, but 'l.0' has several" in found[0]
    other = {"op_names": ["l.0.o_proj"], **Q, "quant_bits": 8, **SCHEME}
    same = {"op_names": [f"l.0.{shards[0]}"], **Q, **SCHEME}
    assert losses([base, other, same], model=model, serve="vllm") == []


def test_all_experts_of_one_module_need_one_setting() -> None:
    model = [(f"mlp.experts.{i}.{part}", "Linear") for i in range(4) for part in ("w1", "w2", "w3")]
    config = [{"op_types": ["Linear"], **Q, **SCHEME}, {"op_partial_names": ["w2"], **Q, "quant_bits": 8, **SCHEME}]
    assert losses(config[:1], model=model, serve="vllm") == []
    assert losses(config, model=model, serve="vllm") == [
        (
            "error[fused-conflict] at [1]: vLLM 0.33 merges all experts of one module into 'experts' and needs one "
            "setting for them, but 'mlp' has several (give them the same settings)"
        )
    ]


W, I, O = "weight", "input", "output"  # noqa: E741
SERVED = [
    ({W: 2}, {}, None),
    ({W: 4}, {"group_size": 128}, None),
    ({W: 8, I: 8}, {}, None),
    ({W: 8, I: 8}, {"inputs": "dynamic"}, None),
    ({W: 4, I: 8}, {"inputs": "dynamic"}, None),
    ({W: 4, I: 8, O: 8}, {}, None),
    ({W: 1}, {}, "has no kernel for 1-bit weights"),
    ({W: 4}, {"group_size": 16}, "has no kernel for groups of 16"),
    ({W: 4, I: 8}, {}, "has no kernel for 4-bit weights with static 8-bit inputs"),
    ({W: 8, I: 4}, {}, "has no kernel for 8-bit weights with static 4-bit inputs"),
    ({W: 8, O: 8}, {}, "has no kernel for 8-bit weights with quantized outputs and unquantized inputs"),
    ({W: 8, I: 8, O: 4}, {}, "has no kernel for 8-bit weights with static 8-bit inputs and 4-bit outputs"),
    ({W: 8, I: 8}, {"group_size": 32}, "has no kernel for 8-bit weights with scales per group and static 8-bit inputs"),
    ({I: 8}, {}, "serves no layer whose weights are not quantized"),
]


@pytest.mark.parametrize(("bits", "options", "missing"), SERVED)
def test_the_kernels_of_vllm(bits: dict[str, int], options: dict[str, Any], missing: str | None) -> None:
    config = [{"op_types": ["Linear"], "quant_types": list(bits), "quant_bits": bits}]
    found = [loss for loss in losses(config, model=[("fc", "Linear")], serve="vllm", **options) if "unservable" in loss]
    assert [loss.partition(": vLLM 0.33 ")[2].partition(" ('fc')")[0] for loss in found] == [missing] * bool(missing)


AFFINE = {"quant_scheme": {W: "per_channel_affine", I: "per_tensor_symmetric"}}
TENSOR = {"quant_scheme": "per_tensor_symmetric"}


@pytest.mark.parametrize(
    ("bits", "scheme", "inputs", "missing"),
    [
        ({W: 8, I: 8}, AFFINE, "static", "has no kernel for 8-bit weights that are affine, with static 8-bit inputs"),
        ({W: 4}, TENSOR, "static", "has no kernel for 4-bit weights with one scale per tensor"),
        ({W: 4, I: 8}, TENSOR, "dynamic", "4-bit weights with one scale per tensor and dynamic 8-bit inputs"),
    ],
)
def test_the_kernels_of_vllm_by_scheme(bits: Any, scheme: Any, inputs: str, missing: str) -> None:
    config = [{"op_types": ["Linear"], "quant_types": list(bits), "quant_bits": bits, **scheme}]
    found = losses(config, model=[("fc", "Linear")], serve="vllm", inputs=inputs)
    assert [missing in loss for loss in found if "unservable" in loss] == [True]


def test_groups_are_divided_on_each_device() -> None:
    model = [cc.Layer(name="down_proj", type="Linear", weight_shape=(8, 18_944))]
    config = [{"op_types": ["Linear"], **Q, **SCHEME}]
    assert losses(config, model=model, group_size=128, serve="vllm") == []
    assert losses(config, model=model, group_size=128, serve="vllm", tensor_parallel=8) == [
        (
            "error[group-size] at [0]: groups of 128 do not divide 18,944 inputs on 8 devices ('down_proj') (choose a "
            "group_size that divides them, or exclude the layers)"
        )
    ]


MERGED = {
    "mixtral-8x7b": (["self_attn.q_proj", "self_attn.o_proj"], 32, 64),
    "deepseek-v3-unfused": (["self_attn.q_a_proj", "mlp.experts."], 61, 44_605),
    "llama-3-8b": (["mlp.gate_proj", "mlp.up_proj"], 0, 64),
}


@pytest.mark.parametrize("name", MERGED)
def test_what_vllm_cannot_serve_is_counted_on_real_models(name: str) -> None:
    parts, fused, unservable = MERGED[name]
    config = [
        {"op_types": ["Linear"], **QI, **SCHEME},
        {"op_partial_names": parts, "quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}},
    ]
    inventory = cc.Inventory.load(EXAMPLES / "inventories" / f"{name}.json.gz")
    found = losses(config, model=inventory, serve="vllm")
    for code, count in (("fused-conflict", f"and {fused - 1} more have"), ("unservable", f"({unservable:,} layers)")):
        there = [loss for loss in found if f"[{code}]" in loss]
        assert [count in loss for loss in there] == ([] if code == "fused-conflict" and not fused else [True])


# Arguments.


@pytest.mark.parametrize(
    ("engine", "options", "message"),
    [
        ("compressed-tensor", {}, "there is no engine 'compressed-tensor'; did you mean 'compressed-tensors'?"),
        ("gguf", {}, "there is no engine 'gguf'; there are 'llm-compressor', 'compressed-tensors', "),
        (
            "compressed-tensors",
            {"groupsize": 128},
            (
                "'compressed-tensors' has no option 'groupsize'; its options are 'group_size', 'inputs' and "
                "'tensor_parallel'; did you mean 'group_size'?"
            ),
        ),
        ("compressed-tensors", {"group_size": "128"}, "the option 'group_size' is a whole number from 1, not '128'"),
        ("compressed-tensors", {"inputs": "x"}, "the option 'inputs' is 'static' or 'dynamic', not 'x'"),
        ("compressed-tensors", {"serve": "sglang"}, "'serve' is 'vllm' for 'compressed-tensors', not 'sglang'"),
        ("compressed-tensors", {"names": "all"}, "'names' is 'auto', 'exact' or 'patterns', not 'all'"),
        ("compressed-tensors", {"on_loss": "no"}, "'on_loss' is 'error', 'warn' or 'ignore', not 'no'"),
    ],
)
def test_a_wrong_argument_is_a_usage_error(engine: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(cc.UsageError) as raised:
        exported([{"op_types": ["Linear"], **Q}], engine, **options)
    assert str(raised.value).startswith(message)


def test_an_engine_with_a_default_is_given_the_layers_that_are_no_targets() -> None:
    resolution = cc.resolve([{"op_names": ["fc1"], **Q}], LAYERS)
    request = Request(next(iter(cc.engines())), [resolution.resolved])
    (part,) = request.quantized(QuantizationOptions(), ["Linear"])
    assert [request.inventory.names[position] for position in request.others(part.positions, "Linear")] == ["fc10"]
    assert request.named(dict.fromkeys(part.positions, "4 bits")) == {"4 bits": ["fc1"]}


def test_globs_are_written_for_engines_that_read_them() -> None:
    model = [(f"l.{i}.{part}", "Linear") for i in range(12) for part in ("q[0]", "k")]
    resolution = cc.resolve([{"op_partial_names": ["q"], **Q}], model)
    request = Request(next(iter(cc.engines())), [resolution.resolved], names="patterns")
    (part,) = request.quantized(QuantizationOptions(), ["Linear"])
    globs = request.named(dict.fromkeys(part.positions, 4), glob=lambda pattern: f"{pattern}.weight_quantizer")
    assert globs == {4: ["l.*.q[[]0].weight_quantizer"]}


def test_engines_lists_every_exporter_and_importer_by_its_name() -> None:
    engines = {engine.name: engine for engine in cc.engines()}
    assert set(engines) == {*EXPORTERS, *IMPORTERS}
    assert {name for name, engine in engines.items() if engine.export} == set(EXPORTERS)
    assert {name for name, engine in engines.items() if engine.read} == set(IMPORTERS)
    assert all(engine.reads and engine.version for engine in engines.values())


@pytest.mark.parametrize("engine", cc.engines(), ids=lambda engine: engine.name)
def test_the_options_of_an_engine_have_a_rule_and_a_description(engine: cc.Engine) -> None:
    fields = engine.options.model_fields
    assert [name for name, field in fields.items() if not field.title or not field.description] == []


# Imports.

GROUP = {"targets": ["Linear"], "weights": {"num_bits": 4, "strategy": "channel"}}


def imported(groups: dict[str, Any], ignore: Any = (), model: Any = LAYERS, **more: Any) -> cc.Import:
    return cc.import_list({"config_groups": groups, "ignore": list(ignore), **more}, model=model)


def test_an_import_is_a_default_for_a_type_and_its_exceptions() -> None:
    model = [*LAYERS, ("fc2", "Linear"), ("lm_head", "Linear")]
    eight = {"targets": ["re:fc10"], "weights": {"num_bits": 8, "strategy": "tensor"}}
    found = imported({"group_0": GROUP, "group_1": eight}, ["lm_head"], model)
    four = {"quant_types": ["weight"], "quant_bits": {"weight": 4}, "quant_scheme": {"weight": "per_channel_symmetric"}}
    assert found.config_list.to_list() == [  # type: ignore[union-attr]
        {"op_types": ["Linear"], **four},
        {
            "op_names": ["fc10"],
            "quant_types": ["weight"],
            "quant_bits": {"weight": 8},
            "quant_scheme": {"weight": "per_tensor_symmetric"},
        },
        {"op_names": ["lm_head"], "exclude": True},
    ]


IMPORT_LOSSES = [
    pytest.param(
        {"weights": {"num_bits": 8, "type": "float", "strategy": "channel"}},
        "error[lossy-setting] at config_groups.group_0.weights.type: a config list has integers only, not floats",
        id="float",
    ),
    pytest.param(
        {"weights": {"num_bits": 4, "group_size": 128}},
        "warning[lossy-approximation] at config_groups.group_0.weights.strategy: a config list cannot express groups "
        "of 128 (export with group_size=128)",
        id="groups",
    ),
    pytest.param(
        {"weights": {"num_bits": 4, "strategy": "channel", "actorder": "weight"}},
        "note[lossy-detail] at config_groups.group_0.weights.actorder: a config list cannot express the order of "
        "activations",
        id="order of activations",
    ),
    pytest.param(
        {"weights": {"num_bits": 100}},
        "error[lossy-setting] at config_groups.group_0.weights.num_bits: a config list has 1 to 31 bits, not 100",
        id="bits",
    ),
    pytest.param(
        {"weights": {}, "input_activations": {"strategy": "token", "dynamic": True}},
        "warning[lossy-approximation] at config_groups.group_0.input_activations.dynamic: a config list cannot "
        "express dynamic scales (export with inputs='dynamic')",
        id="dynamic",
    ),
]


@pytest.mark.parametrize(("scheme", "finding"), IMPORT_LOSSES)
def test_what_an_import_loses_is_said_at_its_place(scheme: dict[str, Any], finding: str) -> None:
    found = imported({"group_0": {"targets": ["Linear"], **scheme}})
    assert [str(loss) for loss in found.findings] == [finding]


def test_the_cache_of_keys_and_values_is_a_loss() -> None:
    assert [str(loss) for loss in imported({"g": GROUP}, kv_cache_scheme={"num_bits": 8}).findings] == [
        "error[lossy-setting] at kv_cache_scheme: a config list cannot express the quantization of the key-value cache"
    ]


def test_a_preset_is_read_by_its_name() -> None:
    found = imported({"W8A8": ["Linear"]})
    assert found.config_list.to_list()[0]["quant_bits"] == {"weight": 8, "input": 8}  # type: ignore[union-attr]
    assert [str(loss) for loss in imported({"FP8": ["Linear"]}).findings] == [
        "error[lossy-setting] at config_groups.FP8: the preset 'FP8' is not an integer preset"
    ]


def test_a_checkpoint_is_read_from_its_directory(tmp_path: Path) -> None:
    config = {"model_type": "x", "quantization_config": {"config_groups": {"group_0": GROUP}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert len(cc.import_list(f"hf:{tmp_path}", model=LAYERS).config_list) == 1  # type: ignore[arg-type]


def test_a_checkpoint_of_modelopt_may_have_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["X"], "model_type": "x"}))
    (tmp_path / "hf_quant_config.json").write_text(
        json.dumps({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "W8A16"}})
    )
    found: Any = cc.import_list(f"hf:{tmp_path}", model=LAYERS)
    assert (found.dialect, found.to_data()[0]["quant_bits"]) == ("modelopt", {"weight": 8})
    config = {"quantization_config": {"config_groups": {"group_0": GROUP}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert cc.import_list(f"hf:{tmp_path}", model=LAYERS).dialect == "compressed-tensors"


NOT_ONE = (
    "the document is of none of the dialects 'modelopt', 'torchao', 'llm-compressor', 'compressed-tensors', 'nni' or "
    "'nni-1'"
)
UNRECOGNIZED = [
    ({"architectures": ["X"], "quantization_config": {"quant_method": "gptq", "bits": 4}}, ", but of 'gptq'"),
    ({"quant_method": "awq", "bits": 4}, ", but of 'awq'"),
    ({"architectures": ["X"]}, ": this config.json has no 'quantization_config'"),
    ({"quantization_config": None}, ""),
    ({"x": 1}, ""),
    (
        [{"op_types": ["Linear"], "sparsity": 0.5}],
        "; a list of NNI 1.x or 2.x without their own keys is read with dialect='nni-1' (--from nni-1)",
    ),
    ([1], ""),
    ([], ""),
]


@pytest.mark.parametrize(("document", "what"), UNRECOGNIZED, ids=str)
def test_a_document_that_is_not_recognized_is_refused_with_what_it_may_be(document: Any, what: str) -> None:
    with pytest.raises(cc.UsageError) as raised:
        cc.import_list(document, model=LAYERS)
    assert str(raised.value) == NOT_ONE + what


def test_a_recipe_with_pruning_and_quantization_is_a_two_part_document() -> None:
    config = {
        "pruning": [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}],
        "quantization": [{"op_types": ["Linear"], **Q, "quant_scheme": {"weight": "per_channel_symmetric"}}],
    }
    document = exported(config, "llm-compressor").document
    again = cc.import_list(document, model=MODEL)
    assert (again.dialect, again.findings) == ("llm-compressor", ())
    assert isinstance(again.config_list, cc.CompressionConfig)
    assert cc.resolve(again.config_list, MODEL) == cc.resolve(config, MODEL)


RECIPE_LOSSES = [
    (
        {"SmoothQuantModifier": {}},
        (
            "error[lossy-setting] at s_stage.m_modifiers.SmoothQuantModifier: a config list cannot express "
            "'SmoothQuantModifier'"
        ),
    ),
    (
        {"SparseGPTModifier": {"targets": ["Linear"], "sparsity": [0.5]}},
        (
            "error[lossy-setting] at s_stage.m_modifiers.SparseGPTModifier.sparsity: there are 1 ratios for the 2 "
            "layers of the model that are targeted"
        ),
    ),
    (
        {"SparseGPTModifier": {"targets": ["Linear"], "sparsity": 0.5, "mask_structure": "2:4"}},
        (
            "error[lossy-setting] at s_stage.m_modifiers.SparseGPTModifier.mask_structure: a config list cannot "
            "express a mask structure"
        ),
    ),
    (
        {"WandaPruningModifier": {"targets": ["Linear"], "sparsity": 1.0}},
        (
            "error[lossy-setting] at s_stage.m_modifiers.WandaPruningModifier.sparsity: a config list has ratios from "
            "0 to below 1, not 1.0"
        ),
    ),
    (
        {"MagnitudePruningModifier": {"targets": ["Linear"]}},
        (
            "error[lossy-setting] at s_stage.m_modifiers.MagnitudePruningModifier.final_sparsity: a config list has "
            "ratios from 0 to below 1, not None"
        ),
    ),
]


@pytest.mark.parametrize(("modifiers", "finding"), RECIPE_LOSSES)
def test_what_a_recipe_loses_is_said_at_its_place(modifiers: dict[str, Any], finding: str) -> None:
    found = cc.import_list({"s_stage": {"m_modifiers": modifiers}}, model=LAYERS)
    assert [str(loss) for loss in found.findings] == [finding]


def test_a_target_of_a_block_prunes_what_is_in_it() -> None:
    model = [("block", "Block"), ("block.fc", "Linear"), ("block.norm", "LayerNorm"), ("head", "Linear")]
    recipe = {"s_stage": {"p_modifiers": {"WandaPruningModifier": {"targets": ["block"], "sparsity": 0.5}}}}
    resolution: Any = cc.resolve(cc.import_list(recipe, model=model).config_list, model)
    assert list(resolution.compressed) == ["block.fc"]


@pytest.mark.parametrize("scheme", ["W4A16", {"W4A16": ["Linear"]}], ids=["name", "names with targets"])
def test_a_quantization_modifier_with_a_preset_is_read(scheme: Any) -> None:
    recipe = {"s_stage": {"q_modifiers": {"GPTQModifier": {"targets": ["Linear"], "scheme": scheme}}}}
    resolution: Any = cc.resolve(cc.import_list(recipe, model=LAYERS).config_list, LAYERS)
    assert list(resolution.compressed) == ["fc1", "fc10"]


BAD_DOCUMENTS = [
    ({"config_groups": []}, "this is not a document of compressed-tensors: 'config_groups' is not a mapping"),
    (
        {"config_groups": {"g": {"targets": 1}}},
        "this is not a document of compressed-tensors: 'config_groups.g.targets' is not a list of names",
    ),
    (
        {"config_groups": {"g": {"targets": ["re:("]}}},
        (
            "'(' in the document of compressed-tensors is not a regex with at most six quantifiers, none inside "
            "another, and no back-reference"
        ),
    ),
    (
        {"quant_cfg": [{"quantizer_name": "fc1.weight_quantizer", "cfg": 4}]},
        "this is not a document of modelopt: 'quant_cfg[0].cfg' is not a mapping",
    ),
    (
        {"bits": 4},
        (
            "the document is of none of the dialects 'modelopt', 'torchao', 'llm-compressor', 'compressed-tensors', "
            "'nni' or 'nni-1'"
        ),
    ),
]


@pytest.mark.parametrize("regex", ["(a+)+b", "a*a*a*a*a*a*a*b", "(.*)*x", "(a)\\1", "[" * 10_000])
def test_a_regex_beyond_the_bounds_is_refused(regex: str) -> None:
    for document in (
        {"config_groups": {"g": {"targets": [f"re:{regex}"]}}},
        {"_type": "FqnToConfig", "_version": 1, "_data": {"fqn_to_config": {f"re:{regex}": None}}},
    ):
        with pytest.raises(cc.UsageError, match="not a regex with at most six quantifiers"):
            cc.import_list(document, model=[("a" * 100, "Linear")])


def test_regexes_that_could_take_minutes_are_refused() -> None:
    document = {"config_groups": {"g": {"targets": ["re:.*a.*a.*a.*a.*b"]}}}
    with pytest.raises(cc.UsageError) as raised:
        cc.import_list(document, model=[("a" * 1000, "Linear")])
    assert str(raised.value) == "matching '.*a.*a.*a.*a.*b' in the document with 1 layer could take minutes"
    assert cc.import_list(document, model=LAYERS).to_data() == []


@pytest.mark.parametrize(("document", "message"), BAD_DOCUMENTS)
def test_a_document_of_another_shape_is_refused(document: Any, message: str) -> None:
    with pytest.raises(cc.UsageError) as raised:
        cc.import_list(document, model=LAYERS)
    assert str(raised.value) == message


def test_patterns_need_a_model() -> None:
    with pytest.raises(cc.UsageError, match=r"^a document of compressed-tensors may have patterns"):
        cc.import_list({"config_groups": {"group_0": GROUP}})


# The command line.


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    MODEL.save("model.json")
    Path("list.yaml").write_text(yaml.safe_dump([{"op_types": ["Linear"], **Q, **SCHEME}]))
    Path("lossy.yaml").write_text(yaml.safe_dump(LOSSY))


def run(*arguments: str) -> int:
    return main(list(arguments))


@pytest.mark.usefixtures("files")
def test_export_prints_the_document_and_says_what_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "list.yaml", "-m", "model.json", "--to", "compressed-tensors") == 0
    captured = capsys.readouterr()
    assert yaml.safe_load(captured.out)["config_groups"]["group_0"]["targets"] == ["fc1", "fc2"]
    assert captured.err == ""


@pytest.mark.usefixtures("files")
def test_export_writes_nothing_where_a_layer_would_get_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("export", "lossy.yaml", "-m", "model.json", "--to", "compressed-tensors", "-o", "out.yaml")
    assert run(*command) == 1
    assert capsys.readouterr().err.startswith("error[type-not-applied]: ")
    assert not Path("out.yaml").exists()
    assert run(*command, "--on-loss", "warn") == 0
    assert capsys.readouterr().err.startswith("wrote out.yaml: compressed-tensors\nwarning[type-not-applied]: ")
    assert Path("out.yaml").exists()


@pytest.mark.usefixtures("files")
def test_options_are_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("export", "list.yaml", "-m", "model.json", "--to", "compressed-tensors", "--on-loss", "ignore")
    assert run(*command, "--option", "group-size=128", "--option", "inputs=dynamic") == 0
    group = yaml.safe_load(capsys.readouterr().out)["config_groups"]["group_0"]
    assert group["weights"]["group_size"] == 128
    assert run(*command, "--option", "group_size=x") == 2
    assert capsys.readouterr().err == (
        "compression-config: error: the option 'group_size' is a whole number from 1, not 'x'\n"
    )


@pytest.mark.usefixtures("files")
def test_export_does_not_overwrite_its_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "list.yaml", "-m", "model.json", "--to", "compressed-tensors", "-o", "list.yaml") == 2
    assert "'list.yaml' is read by this command: write the answer to another file" in capsys.readouterr().err


@pytest.mark.usefixtures("files")
def test_import_and_translate_are_the_way_back_and_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "list.yaml", "-m", "model.json", "--to", "compressed-tensors", "-o", "q.json") == 0
    assert run("import", "q.json", "-m", "model.json", "-o", "again.yaml") == 0
    again: Any = cc.resolve(cc.load("again.yaml"), MODEL)
    assert again.compressed.keys() == {"fc1", "fc2"}
    capsys.readouterr()
    assert run("translate", "q.json", "-m", "model.json", "--to", "llm-compressor") == 0
    assert "QuantizationModifier" in capsys.readouterr().out
    assert run("import", "q.json") == 2
    assert (
        "a document of compressed-tensors may have patterns, which only a model resolves: pass 'model' (--model)"
        in capsys.readouterr().err
    )
