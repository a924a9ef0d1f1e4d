"""Keys of other formats are recognized, and what is said of them is true (D13)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from recording import ROOT

import compression_config as cc
from compression_config.configs.dialects import FOREIGN_KEYS, foreign_document, foreign_value, nni_dialect
from compression_config.configs.validation import CONFIG_TYPES, KINDS
from compression_config.configs.value_rules import QUANT_TYPES
from compression_config.findings import Hint
from compression_config.text import Notation

LEGAL = {key for config_type in CONFIG_TYPES.values() for key in config_type.model_fields}
FINE: dict[Any, dict[str, Any]] = {
    "pruning": {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
    "quantization": {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8},
}

# As the documentation of each format shows them.
CONFIG_GROUP = {
    "targets": ["Linear"],
    "weights": {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel", "dynamic": False},
    "input_activations": {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "token", "dynamic": True},
    "output_activations": None,
    "format": "int-quantized",
}
QUANTIZER_ENTRY = {
    "quantizer_name": "*weight_quantizer",
    "parent_class": "nn.Linear",
    "cfg": {"num_bits": 8, "axis": 0},
}
ELSEWHERE: dict[str, list[dict[str, Any]]] = {
    "compressed-tensors": [CONFIG_GROUP, CONFIG_GROUP["weights"] | {"group_size": 128, "actorder": "group"}],  # type: ignore[operator]
    "llm-compressor": [
        {"targets": ["Linear"], "ignore": ["lm_head"], "scheme": "W4A16"},
        {"targets": ["Linear"], "sparsity": 0.5, "mask_structure": "2:4", "block_size": 128, "dampening_frac": 0.01},
        {"targets": ["Linear"], "init_sparsity": 0.1, "final_sparsity": 0.5, "apply_globally": True},
    ],
    "NVIDIA ModelOpt": [QUANTIZER_ENTRY, {"*weight_quantizer": {"num_bits": 8}, "*input_quantizer": {"enable": False}}],
    "DeepSpeed": [
        {"params": {}, "modules": ["attention.self"]},
        {"start_bits": 8, "target_bits": 4, "quantization_period": 50},
        {"dense_ratio": 0.5},
    ],
}
QUANTIZED_LAYER = {"weight": {"dtype": "int8"}}
DOCUMENTS: list[tuple[str, Any, str]] = [
    # the tool, a document as its own documentation shows one, the key that tells it
    (
        "compressed-tensors",
        {"quantization_config": {"config_groups": {"group_0": CONFIG_GROUP}}},
        "quantization_config",
    ),
    ("compressed-tensors", {"config_groups": {"group_0": CONFIG_GROUP}, "ignore": ["lm_head"]}, "config_groups"),
    (
        "compressed-tensors",
        {"quant_method": "compressed-tensors", "config_groups": {}, "sparsity_config": {"format": "dense"}},
        "quant_method",
    ),
    (
        "bitsandbytes",
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
        "quantization_config",
    ),
    ("bitsandbytes", {"load_in_8bit": True, "llm_int8_threshold": 6.0}, "load_in_8bit"),
    ("GPTQ", {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False}, "quant_method"),
    ("AWQ", {"quantization_config": {"quant_method": "awq", "bits": 4, "version": "gemm"}}, "quantization_config"),
    ("FP8", {"text_config": {"quantization_config": {"quant_method": "fp8"}}, "model_type": "a"}, "text_config"),
    ("FBGEMM FP8", {"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head"]}, "quant_method"),
    (
        "torchao",
        {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8WeightOnlyConfig"}}},
        "quant_method",
    ),
    ("torchao", {"_type": "FqnToConfig", "_version": 1, "_data": {"fqn_to_config": {"fc1": None}}}, "_type"),
    (
        "Quark",
        {"quant_method": "quark", "global_quant_config": QUANTIZED_LAYER, "exclude": ["*lm_head*"]},
        "quant_method",
    ),
    ("Quark", {"layer_quant_config": {"*fc1": QUANTIZED_LAYER}, "exclude": ["lm_head"]}, "layer_quant_config"),
    ("AQLM", {"quant_method": "aqlm", "nbits_per_codebook": 16}, "quant_method"),
    ("HQQ", {"quant_method": "hqq", "quant_config": {"nbits": 4}, "skip_modules": ["lm_head"]}, "quant_method"),
    ("quanto", {"quant_method": "quanto", "weights": "int8"}, "quant_method"),
    ("EETQ", {"quant_method": "eetq", "modules_to_not_convert": ["lm_head"]}, "quant_method"),
    ("HIGGS", {"quant_method": "higgs", "bits": 4}, "quant_method"),
    ("MXFP4", {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}, "quant_method"),
    ("AutoRound", {"quant_method": "auto-round", "bits": 4, "extra_config": {}}, "quant_method"),
    ("AutoRound", {"bits": 4, "layer_config": {"lm_head": {"bits": 16}}}, "layer_config"),
    ("a-new-method", {"quantization_config": {"quant_method": "a-new-method"}}, "quantization_config"),
    ("transformers", {"modules_to_not_convert": ["lm_head"]}, "modules_to_not_convert"),
    ("AWQ", {"zero_point": True, "q_group_size": 128, "w_bit": 4, "version": "GEMM"}, "q_group_size"),
    ("AWQ", {"bits": 4, "group_size": 128, "zero_point": True}, "zero_point"),
    ("GPTQ", {"bits": 4, "group_size": 128, "desc_act": False, "sym": True}, "desc_act"),
    ("torchao", {"module_fqn_to_config": {"_default": {}}}, "module_fqn_to_config"),
    ("transformers", {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}, "model_type"),
    ("llm-compressor", {"quant_stage": {"quant_modifiers": {"GPTQModifier": {"scheme": "W4A16"}}}}, "quant_stage"),
    ("llm-compressor", {"QuantizationModifier": {"targets": "Linear", "scheme": "W8A8"}}, "QuantizationModifier"),
    ("NVIDIA ModelOpt", {"quant_cfg": [QUANTIZER_ENTRY], "algorithm": "max"}, "quant_cfg"),
    ("NVIDIA ModelOpt", {"quant_cfg": {"*weight_quantizer": {"num_bits": 8}}}, "quant_cfg"),
    (
        "NVIDIA ModelOpt",
        {"producer": {"name": "modelopt", "version": "0.37.0"}, "quantization": {"quant_algo": "FP8"}},
        "quantization",
    ),
    ("NNCF", {"compression": {"algorithm": "quantization"}, "input_info": {"sample_size": [1, 3]}}, "compression"),
    ("NNCF", {"compression": [{"algorithm": "filter_pruning", "params": {"pruning_target": 0.3}}]}, "compression"),
    ("NNCF", {"algorithm": "quantization", "ignored_scopes": ["fc"]}, "ignored_scopes"),
    ("coremltools", {"global_config": {"target_sparsity": 0.5}, "module_name_configs": {"fc1": None}}, "global_config"),
    ("coremltools", {"module_type_configs": {"Linear": {"weight_dtype": "qint4"}}}, "module_type_configs"),
    ("coreai-opt", {"quantization_config": {"global_config": None, "module_name_configs": {}}}, "quantization_config"),
    ("coreai-opt", {"magnitude_pruning_config": {"module_type_configs": {}}}, "magnitude_pruning_config"),
    ("Neural Compressor", {"target_sparsity": 0.9, "pattern": "4x1"}, "target_sparsity"),
    ("Neural Compressor", {"approach": "static", "op_type_dict": {"Linear": {}}}, "op_type_dict"),
    ("Neural Compressor", {"rtn": {"global": {"bits": 4}, "local": {"fc1": {"bits": 8}}}}, "rtn"),
    (
        "Neural Compressor",
        {"model": {"framework": "pytorch"}, "pruning": {"approach": {"weight_compression": {}}}, "tuning": {}},
        "pruning",
    ),
    ("Neural Compressor", {"quantization": {"approach": "post_training_static_quant"}}, "quantization"),
    ("GPTQModel", {"bits": 4, "dynamic": {"-:^lm_head$": {}, "+:^fc$": {"bits": 8}}}, "dynamic"),
    ("AIMET", {"defaults": {"ops": {}}, "params": {}, "op_type": {}, "supergroups": []}, "defaults"),
    ("Distiller", {"version": 1, "pruners": {"p": {"class": "SensitivityPruner"}}}, "pruners"),
    ("Distiller", {"quantizers": {"q": {}}, "policies": [{"epochs": [0]}]}, "quantizers"),
    ("PyTorch (a qconfig_dict)", {"": None, "module_name": [["fc", None]]}, "module_name"),
    ("DeepSpeed", {"compression_training": {"sparse_pruning": {"different_groups": {}}}}, "compression_training"),
    ("DeepSpeed", {"weight_quantization": {"shared_parameters": {"enabled": True}}}, "weight_quantization"),
    ("NNI 1.0", {"AGPruner": {"config": [{"initial_sparsity": 0, "support_type": "default"}]}}, "AGPruner"),
]
LISTS: list[tuple[str, list[dict[str, Any]], str]] = [
    ("NNCF", [{"algorithm": "rb_sparsity", "params": {"sparsity_target": 0.7}}], "algorithm"),
    ("NNCF", [{"algorithm": "quantization", "ignored_scopes": ["fc"]}] * 2, "ignored_scopes"),
    (
        "torch.ao.pruning",
        [{"tensor_fqn": "fc1.weight", "sparsity_level": 0.7}, {"tensor_fqn": "fc2.weight"}],
        "tensor_fqn",
    ),
    ("NVIDIA ModelOpt", [QUANTIZER_ENTRY, {"quantizer_name": "*lm_head*", "enable": False}], "quantizer_name"),
    ("compressed-tensors", [CONFIG_GROUP], "targets"),
    (
        "Neural Compressor",
        [{"target_sparsity": 0.9, "op_names": ["layer1.*"], "pruning_scope": "local"}],
        "target_sparsity",
    ),
    ("bitsandbytes", [{"load_in_4bit": True}], "load_in_4bit"),
    ("GPTQ", [{"quant_method": "gptq", "bits": 4}], "quant_method"),
]
PARTS: list[Any] = [
    # Documents of tools that have an importer, in forms that it does not read, or that it reads too.
    {"quant_method": "compressed-tensors", "format": "dense"},
    {"sparsity_config": {"format": "dense"}},
    {"quant_method": "modelopt", "quant_algo": "FP8"},
    {"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]}},
    {"quantized_layers": {"fc1": {"quant_algo": "FP8"}}},
    {"quant_method": "torchao", "quant_type": "int8_weight_only"},
    {
        "quantization_config": {
            "quant_method": "torchao",
            "quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_version": 1, "_data": {}}},
        }
    },
    {"quant_modifiers": {"QuantizationModifier": {"targets": "Linear", "scheme": "W8A8"}}},
    {"quant_stage": {"run_type": "oneshot"}},
    {"text_config": {"quantization_config": {"config_groups": {}}}},
]


OFFER = "; or convert the whole list with 'compression-config import'"
"""What the first finding about a list of another version of NNI adds to its hint."""


def hint_of(key: str, notation: Notation) -> str:
    hint = FOREIGN_KEYS[key].hint
    return hint if isinstance(hint, str) else hint.in_notation(notation)


def of_nni() -> list[Any]:
    """Return the config lists of NNI 1.x and 3.0 among the real ones."""
    lines = (ROOT / "tests" / "data" / "corpus" / "nni_config_lists.jsonl").read_text(encoding="utf-8").splitlines()
    lists = [json.loads(line) for line in lines]
    return [found["config_list"] for found in lists if found["verdict"] == "nni3" or "algorithm keys" in found["why"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", FOREIGN_KEYS)
def test_a_foreign_key_is_reported_with_what_to_write_instead(key: str, kind: Any) -> None:
    config_list = [FINE[kind], {**FINE[kind], key: 1}]
    (finding,) = cc.check(config_list)
    assert (finding.code, finding.path) == (cc.Code.OTHER_DIALECT, (1, key))
    assert finding.message == f"'{key}' is a key of {FOREIGN_KEYS[key].dialect}"
    assert finding.hint == hint_of(key, "python") + (OFFER if nni_dialect(config_list) else "")


def test_no_key_of_the_specification_is_foreign() -> None:
    assert LEGAL.isdisjoint(FOREIGN_KEYS)


@pytest.mark.parametrize("key", FOREIGN_KEYS)
def test_a_hint_names_keys_that_exist(key: str) -> None:
    stands_for = FOREIGN_KEYS[key].stands_for
    assert set(stands_for) <= LEGAL
    hint = hint_of(key, "json")
    words = set(re.findall(r"'(\w+)[^']*'", hint)) | set(re.findall(r'"(\w+)": ', hint))
    assert words <= LEGAL | set(FOREIGN_KEYS) | {"re", *QUANT_TYPES}
    assert words & LEGAL or not stands_for or "settings" in hint


@pytest.mark.parametrize("dialect", ELSEWHERE)
def test_no_key_of_a_real_sub_config_is_merely_unknown(dialect: str) -> None:
    for config in ELSEWHERE[dialect]:
        findings = cc.check([config])
        assert cc.Code.UNKNOWN_KEY not in {f.code for f in findings}
        assert any(dialect in f.message for f in findings)


def test_the_config_lists_of_other_versions_of_nni_are_recognized() -> None:
    lists = of_nni()
    assert len(lists) > 20
    for config_list in lists:
        codes = {finding.code for finding in cc.check(config_list)}
        assert cc.Code.UNKNOWN_KEY not in codes
        assert codes & {cc.Code.OTHER_DIALECT, cc.Code.UNKNOWN_VALUE}


def ids(values: list[tuple[str, Any, str]]) -> list[str]:
    return [f"{tool}-{key}" for tool, _, key in values]


@pytest.mark.parametrize(("tool", "document", "key"), DOCUMENTS, ids=ids(DOCUMENTS))
def test_a_whole_document_of_another_tool_draws_one_finding_that_names_it(tool: str, document: Any, key: str) -> None:
    (finding,) = cc.check(document)
    assert (finding.code, finding.path) == (cc.Code.OTHER_DIALECT, (key,))
    assert finding.message == f"this is a document of {tool}, not a config list"
    assert finding.hint
    assert cc.check(document, kind="quantization") == (finding,)


@pytest.mark.parametrize(("tool", "document", "key"), DOCUMENTS, ids=ids(DOCUMENTS))
def test_in_a_file_the_finding_is_at_the_key_that_tells_the_tool(tool: str, document: Any, key: str) -> None:
    for text, form in ((json.dumps(document, indent=1), "json"), (yaml.safe_dump(document, sort_keys=False), "yaml")):
        with pytest.raises(cc.InvalidConfig) as caught:
            cc.loads(text, format=form)  # type: ignore[call-overload]
        (finding,) = caught.value.findings
        assert finding.span is not None
        assert tool in finding.message
        assert key in text.splitlines()[finding.span.start.line - 1]


@pytest.mark.parametrize(("tool", "entries", "key"), LISTS, ids=ids(LISTS))
def test_a_list_that_is_wholly_another_tools_draws_one_finding(tool: str, entries: Any, key: str) -> None:
    (finding,) = cc.check(entries)
    assert (finding.code, finding.path) == (cc.Code.OTHER_DIALECT, (0, key))
    assert finding.message == f"this is a document of {tool}, not a config list"
    (inside,) = cc.check({"pruning": entries})
    assert (inside.code, inside.path) == (cc.Code.OTHER_DIALECT, ("pruning", 0, key))


@pytest.mark.parametrize(("tool", "entries"), [entry[:2] for entry in LISTS], ids=ids(LISTS))
def test_beside_a_sub_config_of_ours_every_finding_stays(tool: str, entries: Any) -> None:
    """A list of ours with a foreign key keeps its other findings (D13, D16)."""
    findings = cc.check([{"op_types": ["Linear"], "sparsity_per_layer": 80}, *entries])
    assert ("out-of-range", (0, "sparsity_per_layer")) in [(f.code.value, f.path) for f in findings]
    assert any(f.path[:1] == (1,) for f in findings)
    assert not any(f"a document of {tool}" in f.message for f in findings)


def test_a_sub_config_that_was_not_put_in_a_list_is_not_another_tools() -> None:
    (finding,) = cc.check({"op_types": ["Linear"], "quant_bits": 8, "quant_method": "qat"})
    assert finding.code is cc.Code.NOT_A_LIST


def test_a_two_part_document_with_a_foreign_key_is_a_two_part_document() -> None:
    """Its lists are ours: the foreign key at the top is one finding among others."""
    findings = cc.check({"quant_method": "gptq", "pruning": [{"op_types": ["Linear"], "sparsity": 80}]})
    assert [(f.code.value, f.path) for f in findings] == [
        ("unknown-key", ("quant_method",)),
        ("out-of-range", ("pruning", 0, "sparsity")),
    ]


def test_what_is_of_no_other_tool_is_no_document_of_one() -> None:
    assert foreign_document({"pruning": [], "quantization": [], "op_types": [], "a": {}, "": 1, "params": {}}) is None


@pytest.mark.parametrize(
    "document", [*(entry[1] for entry in DOCUMENTS), *PARTS, *(entry[1] for entry in LISTS), *of_nni()], ids=repr
)
def test_a_hint_names_import_exactly_where_import_reads_the_document(document: Any) -> None:
    """D21: a hint was tried before it is shown."""
    offered = any("compression-config import" in str(finding.hint) for finding in cc.check(document))
    try:
        cc.import_list(document, model=[("model.fc1", "Linear"), ("lm_head", "Linear")])
    except cc.UsageError:
        assert not offered
    else:
        assert offered


def test_a_part_that_is_another_tools_is_not_offered_to_import() -> None:
    (finding,) = cc.check({"pruning": {"config_groups": {"group_0": CONFIG_GROUP}}})
    assert finding.code is cc.Code.OTHER_DIALECT
    assert "import" not in str(finding.hint)


LIST = [{"op_types": ["Linear"], "sparsity": 0.5}]


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        (
            {"compression": {"config_list": LIST, "type": "pruning"}},
            "the list is at compression.config_list: give that",
        ),
        ({"seed": 1, "pruner": {"args": {"config_list": LIST}}}, "the list is at pruner.args.config_list: give that"),
        ({"stages": [{"config_list": LIST}], "name": "a"}, "the list is at stages[0].config_list: give that"),
        ([{"config_list": LIST}], "the list is at [0].config_list: give that"),
        (
            {"first": LIST, "second": {"list": LIST}},
            "there are several lists: give one of them, first or second.list",
        ),
        ({"a": {"pruning": LIST, "quantization": LIST}, "b": 1}, "the two lists are in a: give what is there"),
        ([LIST, LIST, LIST], "give one of them, or each in a file of its own"),
        ([LIST], "take the sub-configs out of the inner list"),
        (
            {"config_list": LIST},
            "write the list without the key 'config_list', or name the key 'pruning' or 'quantization'",
        ),
    ],
)
def test_a_list_deeper_inside_a_document_is_found_and_its_place_named(document: Any, hint: str) -> None:
    (finding,) = cc.check(document)
    assert finding.code in (cc.Code.NOT_A_LIST, cc.Code.NOT_A_MAPPING)
    assert finding.hint == hint


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("int8", "NNI 3.0 writes the bits into the type: write int here, and quant_bits: 8"),
        ("uint4", "NNI 3.0 writes the bits into the type: write uint here, and quant_bits: 4"),
        ("affine", "NNI 3.0 splits the scheme over two keys: write per_tensor_affine or per_channel_affine"),
        ("int", None),
        ("float8", None),
        ("int0", None),
    ],
)
def test_values_of_nni_3_are_recognized_under_keys_that_both_have(word: str, said: str | None) -> None:
    hint = foreign_value(word)
    assert (hint.in_notation("yaml") if isinstance(hint, Hint) else hint) == said


def test_what_a_foreign_key_stands_for_is_not_missing_as_well() -> None:
    """One slip, one finding: the hint of the foreign key fixes both."""
    assert [f.code.value for f in cc.check([{"targets": ["Linear"], "sparsity_per_layer": 0.5}])] == ["other-dialect"]
    assert [f.code.value for f in cc.check([{"op_types": ["Linear"], "sparse_ratio": 0.5}])] == ["other-dialect"]
    assert [f.code.value for f in cc.check([{"op_types": ["Linear"], "rho": 0.5}])] == ["no-setting", "other-dialect"]


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ({"quant_method": "awq", "bits": 4}, "for the layers that it quantizes"),
        (
            {"quant_method": "awq", "bits": 4, "modules_to_not_convert": ["lm_head"]},
            "and a later one with \"exclude\": True for the layers in 'modules_to_not_convert'",
        ),
        ({"": None, "object_type": [["Linear", None]]}, "for each entry of 'object_type' and 'module_name'"),
        ({"quantization": {"op_wise": {}}}, "for each set of layers that it quantizes alike"),
    ],
)
def test_the_hint_names_only_what_the_document_has(document: dict[str, Any], hint: str) -> None:
    (finding,) = cc.check(document)
    assert (finding.hint or "").endswith(hint)


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        (
            {"bits": 4, "group_size": 128},
            "write a list of sub-configs, or two of them under 'pruning' and 'quantization'",
        ),
        (
            {"train": {"lr": 1}, "data": {}},
            "write a list of sub-configs, or two of them under 'pruning' and 'quantization'",
        ),
        (
            {"conv1": {"sparsity": 0.5}, "fc": {"sparsity": 0.8}},
            "write one sub-config for each of its keys, with 'conv1' in its 'op_names'",
        ),
        ({"op_types": ["Linear"], "sparsity_per_layer": 0.5}, "put it in [ ]"),
        ({"op_types": ["Linear"], "q_bits": 8}, "put it in [ ]"),
    ],
)
def test_a_mapping_is_a_sub_config_only_with_its_keys(document: dict[str, Any], hint: str) -> None:
    (finding,) = cc.check(document)
    assert (finding.code, finding.hint) == ("not-a-list", hint)


@pytest.mark.parametrize("key", ["modules_to_not_convert", "llm_int8_skip_modules", "ignored_layers", "ignored_scopes"])
def test_what_others_leave_out_is_an_exclude_and_hides_nothing_else(key: str) -> None:
    other, ours = cc.check([{"op_types": ["Linear"], key: ["lm_head"], "sparsity_per_layer": 1.5}])
    assert (other.code, other.path, ours.code) == ("other-dialect", (0, key), "out-of-range")
    assert re.fullmatch(
        r"write a later sub-config with these 'op_(partial_)?names' and \"exclude\": True", other.hint or ""
    )
