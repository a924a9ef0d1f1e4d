"""Keys of other formats are recognized, and what is said of them is true (D13)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from recording import ROOT

import compression_config as cc
from compression_config.configs.dialects import FOREIGN_DOCUMENTS, FOREIGN_KEYS, foreign_document, foreign_value
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
DOCUMENTS: dict[str, Any] = {
    "compressed-tensors": {"model_type": "llama", "quantization_config": {"config_groups": {"group_0": CONFIG_GROUP}}},
    "llm-compressor": {"quant_stage": {"quant_modifiers": {"GPTQModifier": {"scheme": "W4A16"}}}},
    "NVIDIA ModelOpt": {"quant_cfg": [QUANTIZER_ENTRY], "algorithm": "max"},
    "DeepSpeed": {"compression_training": {"sparse_pruning": {"different_groups": {}}}},
}


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
    (finding,) = cc.check([{**FINE[kind], key: 1}])
    assert (finding.code, finding.path) == (cc.Code.OTHER_DIALECT, (0, key))
    assert finding.message == f"'{key}' is a key of {FOREIGN_KEYS[key].dialect}"
    assert finding.hint == hint_of(key, "python")


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


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_a_whole_document_of_another_format_is_named(dialect: str) -> None:
    (finding,) = cc.check(DOCUMENTS[dialect])
    assert finding.code is cc.Code.OTHER_DIALECT
    assert finding.path[0] in DOCUMENTS[dialect]
    assert f"a document of {dialect}" in finding.message


@pytest.mark.parametrize("key", FOREIGN_DOCUMENTS)
def test_each_key_at_the_top_of_another_format_is_known(key: str) -> None:
    assert foreign_document(["a", key]) == (key, FOREIGN_DOCUMENTS[key])


def test_what_is_of_no_other_format_is_no_document_of_one() -> None:
    assert foreign_document(["pruning", "quantization", "op_types", "a", ""]) is None


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
