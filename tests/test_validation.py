"""What a config list may say: each refusal with its code, its place, its message and its hint; and what is accepted."""

from __future__ import annotations

import collections
import copy
import enum
import itertools
import json
import math
import pickle
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import yaml
from builders import codes_of
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import compression_config as cc

LINEAR: dict[str, Any] = {"op_types": ["Linear"]}
PRUNED: dict[str, Any] = {**LINEAR, "sparsity_per_layer": 0.5}
PAIR: dict[str, Any] = {**LINEAR, "quant_types": ["weight", "input"]}
QUANTIZED: dict[str, Any] = {**PAIR, "quant_bits": 8}
KEEP = "keep 'exclude' to leave the layers alone, or delete it to "
PUT_IT = "put it in [ ]"
KEEP_ONE = "keep one: sparsity_per_layer is the ratio of each layer, total_sparsity that of all layers together"
TWO_LISTS = "write two lists, under 'pruning' and 'quantization'"
PRUNING_KEYS = (
    "the keys are 'op_types', 'op_names', 'op_partial_names', 'exclude', 'sparsity_per_layer', 'total_sparsity', "
    "'sparsity' and 'max_sparsity_per_layer'"
)
SCHEMES = "'per_tensor_affine', 'per_tensor_symmetric', 'per_channel_affine' or 'per_channel_symmetric'"


def refused(data: Any, **options: Any) -> tuple[cc.Finding, ...]:
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.validate(data, **options)
    return caught.value.findings


def outcome(data: Any, kind: Any = None) -> Any:
    """Return the config list that `data` is, or the error that refuses it."""
    try:
        return cc.validate(data, kind=kind)
    except cc.InvalidConfig as error:
        return error


BAD_SUB_CONFIGS: list[Any] = [
    # what, the sub-config, code, the path inside it, message, hint
    ("unknown-key", {**LINEAR, "sparsity_per_laye": 0.5}, "unknown-key", ("sparsity_per_laye",),
     "there is no key 'sparsity_per_laye'", "write 'sparsity_per_layer'"),
    ("unknown-key-by-case", {"Op_Types": ["Linear"], "sparsity": 0.5}, "unknown-key", ("Op_Types",),
     "there is no key 'Op_Types'", "write 'op_types'"),
    ("unknown-key-like-none", {**PRUNED, "colour": 1}, "unknown-key", ("colour",),
     "there is no key 'colour'", PRUNING_KEYS),
    ("key-that-is-no-string", dict([*PRUNED.items(), (7, 1)]), "unknown-key", ("7",),
     "there is no key '7'", PRUNING_KEYS),
    ("wrong-type", {"op_types": 5, "sparsity_per_layer": 0.5}, "wrong-type", ("op_types",),
     "'op_types' must be a list, not 5", 'write "op_types": ["Linear"]'),
    ("wrong-type-of-element", {"op_names": ["a", ["b"]], "sparsity_per_layer": 0.5}, "wrong-type", ("op_names", 1),
     "'op_names' must contain strings, not [\"b\"]", 'write one name, as in "op_names": ["fc1"]'),
    ("set-has-no-order", {"op_types": {"Linear"}, "sparsity_per_layer": 0.5}, "wrong-type", ("op_types",),
     "'op_types' must be a list, not an object of type set", 'write "op_types": ["Linear"]'),
    ("both-ratios", {**LINEAR, "sparsity": 0.5, "sparsity_per_layer": 0.5}, "conflicting-keys",
     ("sparsity_per_layer",), "'sparsity' and 'sparsity_per_layer' cannot both be set in one sub-config", KEEP_ONE),
    ("total-and-each", {**PRUNED, "total_sparsity": 0.5}, "conflicting-keys", ("total_sparsity",),
     "'sparsity_per_layer' and 'total_sparsity' cannot both be set in one sub-config", KEEP_ONE),
    ("all-three-ratios", {**PRUNED, "sparsity": 0.5, "total_sparsity": 0.5}, "conflicting-keys", ("sparsity",),
     "'sparsity_per_layer', 'sparsity' and 'total_sparsity' cannot be set in one sub-config", KEEP_ONE),
    ("exclude-with-ratio", {**PRUNED, "exclude": True}, "conflicting-keys", ("exclude",),
     "'sparsity_per_layer' and 'exclude' cannot both be set in one sub-config", KEEP + "prune them"),
    ("exclude-with-total", {**LINEAR, "exclude": True, "total_sparsity": 0.5}, "conflicting-keys", ("total_sparsity",),
     "'exclude' and 'total_sparsity' cannot both be set in one sub-config", KEEP + "prune them"),
    ("exclude-with-cap", {**LINEAR, "exclude": True, "max_sparsity_per_layer": 0.5}, "conflicting-keys",
     ("max_sparsity_per_layer",), "'exclude' and 'max_sparsity_per_layer' cannot both be set in one sub-config",
     KEEP + "prune them"),
    ("no-selector", {"sparsity_per_layer": 0.5}, "no-selector", (),
     "a sub-config needs a selector: 'op_types', 'op_names' or 'op_partial_names'",
     'write "op_types": ["Linear"], or the names of the layers'),
    ("no-setting", LINEAR, "no-setting", (), "a sub-config must say what to do with the layers that it selects",
     'write "sparsity_per_layer": 0.5, "total_sparsity": 0.5, or "exclude": True'),
    ("empty-selector-list", {"op_types": [], "sparsity_per_layer": 0.5}, "empty-selector", ("op_types",),
     "'op_types' must name at least one type", "name one, or delete the key to select by the other keys"),
    ("empty-name", {"op_names": ["a", ""], "sparsity_per_layer": 0.5}, "empty-selector", ("op_names", 1),
     "an empty string is not a name", "write a name, or delete it"),
    ("empty-partial-name", {"op_partial_names": [""], "exclude": True}, "empty-selector", ("op_partial_names", 0),
     "an empty string is not a partial name", "write a partial name, or delete it"),
    ("null", {**PRUNED, "op_names": None}, "empty-value", ("op_names",),
     "'op_names' has no value", "write a value, or delete the key"),
    ("null-ratio", {**LINEAR, "sparsity_per_layer": None}, "empty-value", ("sparsity_per_layer",),
     "'sparsity_per_layer' has no value", "write a value, or delete the key"),
    ("null-element", {"op_names": ["a", None], "sparsity_per_layer": 0.5}, "empty-value", ("op_names", 1),
     "an element of 'op_names' has no value", "write a name, or delete it"),
    ("null-bits", {**PAIR, "quant_bits": {"weight": None, "input": 8}}, "empty-value", ("quant_bits", "weight"),
     "'quant_bits' has no value for 'weight'", "write a value, or delete it"),
    ("bare-string-for-list", {"op_types": "Conv2d", "sparsity_per_layer": 0.5}, "wrong-type", ("op_types",),
     "'op_types' must be a list, not the string \"Conv2d\"", 'write "op_types": ["Conv2d"]'),
    ("number-for-name", {"op_names": [0], "sparsity_per_layer": 0.5}, "unquoted-name", ("op_names", 0),
     "'op_names' must contain strings, not 0", 'write "0"'),
    ("bool-for-number", {**LINEAR, "sparsity_per_layer": True}, "wrong-type", ("sparsity_per_layer",),
     "'sparsity_per_layer' must be a number, not true", "write a ratio such as 0.5"),
    ("numpy-bool-for-number", {**LINEAR, "sparsity_per_layer": np.bool_(False)}, "wrong-type",
     ("sparsity_per_layer",), "'sparsity_per_layer' must be a number, not an object of type bool",
     "write a ratio such as 0.5"),
    ("string-for-number", {**LINEAR, "sparsity_per_layer": "0.5"}, "wrong-type", ("sparsity_per_layer",),
     "'sparsity_per_layer' must be a number, not \"0.5\"", "write 0.5 without quotes"),
    ("percentage", {**LINEAR, "sparsity_per_layer": "80%"}, "wrong-type", ("sparsity_per_layer",),
     "'sparsity_per_layer' must be a number, not \"80%\"", "write 0.8"),
    ("words-for-number", {**LINEAR, "sparsity_per_layer": "half"}, "wrong-type", ("sparsity_per_layer",),
     "'sparsity_per_layer' must be a number, not \"half\"", "write a ratio such as 0.5"),
    ("search-space", {**LINEAR, "sparsity_per_layer": {"_type": "uniform", "_value": [0, 1]}}, "wrong-type",
     ("sparsity_per_layer",), '\'sparsity_per_layer\' must be a number, not {"_type": "uniform", "_value": [0, 1]}',
     "a search space is not a config list: let the experiment fill in a number first"),
    ("80-for-0.8", {**LINEAR, "sparsity_per_layer": 80}, "out-of-range", ("sparsity_per_layer",),
     "'sparsity_per_layer' must be at least 0 and below 1, not 80", "ratios are not percentages: write 0.8"),
    ("one", {**LINEAR, "total_sparsity": 1}, "out-of-range", ("total_sparsity",),
     "'total_sparsity' must be at least 0 and below 1, not 1",
     "a ratio of 1 would mask every weight; to leave the layers untouched use 'exclude', else write 0.99"),
    ("negative", {**LINEAR, "sparsity_per_layer": -0.25}, "out-of-range", ("sparsity_per_layer",),
     "'sparsity_per_layer' must be at least 0 and below 1, not -0.25", "write a ratio such as 0.5"),
    ("nan", {**LINEAR, "sparsity_per_layer": math.nan}, "out-of-range", ("sparsity_per_layer",),
     "'sparsity_per_layer' must be at least 0 and below 1, not nan", "write a ratio such as 0.5"),
    ("infinity", {**LINEAR, "total_sparsity": math.inf}, "out-of-range", ("total_sparsity",),
     "'total_sparsity' must be at least 0 and below 1, not inf", "write a ratio such as 0.5"),
    ("cap-of-0", {**LINEAR, "total_sparsity": 0.0, "max_sparsity_per_layer": 0}, "out-of-range",
     ("max_sparsity_per_layer",), "'max_sparsity_per_layer' must be above 0 and at most 1, not 0",
     "to mask nothing write a ratio of 0 and delete 'max_sparsity_per_layer'"),
    ("cap-below-total", {**LINEAR, "total_sparsity": 0.5, "max_sparsity_per_layer": 0.4}, "cap-too-low",
     ("max_sparsity_per_layer",),
     "'max_sparsity_per_layer' 0.4 is below 'total_sparsity' 0.5, so the ratio cannot be met",
     "write a cap of at least 0.5, or a ratio of at most 0.4"),
    ("cap-below-each", {**PRUNED, "max_sparsity_per_layer": 0.4}, "cap-too-low", ("max_sparsity_per_layer",),
     "'max_sparsity_per_layer' 0.4 is below 'sparsity_per_layer' 0.5, so the ratio cannot be met",
     "write a cap of at least 0.5, or a ratio of at most 0.4"),
    ("cap-alone", {**LINEAR, "max_sparsity_per_layer": 0.4}, "missing-key", ("max_sparsity_per_layer",),
     "'max_sparsity_per_layer' goes with 'sparsity_per_layer', 'total_sparsity' or 'sparsity', which is missing",
     'write "total_sparsity": 0.5 beside it'),
    ("exclude-false", {**LINEAR, "exclude": False}, "exclude-false", ("exclude",),
     "'exclude' takes only true", "delete the key; leaving it out means the same"),
    ("exclude-1", {**LINEAR, "exclude": 1}, "wrong-type", ("exclude",),
     "'exclude' takes only true, not 1", 'write "exclude": True'),
    ("bits-0", {**PAIR, "quant_bits": 0}, "out-of-range", ("quant_bits",),
     "'quant_bits' must be from 1 to 31, not 0", "write a whole number such as 8"),
    ("bits-32", {**PAIR, "quant_bits": 32}, "out-of-range", ("quant_bits",),
     "'quant_bits' must be from 1 to 31, not 32", "to leave these layers unquantized use 'exclude'"),
    ("bits-32-of-one-type", {**PAIR, "quant_bits": {"weight": 8, "input": 32}}, "out-of-range",
     ("quant_bits", "input"), "'quant_bits' must be from 1 to 31, not 32",
     "to leave these layers unquantized use 'exclude'"),
    ("bits-as-float", {**PAIR, "quant_bits": 4.0}, "wrong-type", ("quant_bits",),
     "'quant_bits' must be a whole number from 1 to 31, not 4.0", "write 4"),
    ("bits-as-string", {**PAIR, "quant_bits": "4"}, "wrong-type", ("quant_bits",),
     "'quant_bits' must be a whole number from 1 to 31, not \"4\"", "write 4"),
    ("bits-as-bool", {**PAIR, "quant_bits": True}, "wrong-type", ("quant_bits",),
     "'quant_bits' must be a whole number from 1 to 31, not true", "write a whole number such as 8"),
    ("missing-bits", {**PAIR, "quant_bits": {"weight": 8}}, "missing-bits", ("quant_bits",),
     "'quant_bits' has no bits for 'input'", "write \"input\": 8 in it, or remove 'input' from 'quant_types'"),
    ("bits-for-no-type", {**PAIR, "quant_bits": {"weight": 8, "input": 8, "inputs": 8}}, "unknown-value",
     ("quant_bits", "inputs"), "'quant_bits' takes 'weight', 'input' or 'output' as keys, not \"inputs\"",
     'write "input"'),
    ("bits-for-nothing", {**PAIR, "quant_bits": {}}, "empty-value", ("quant_bits",),
     "'quant_bits' must have a value for each quant type", "write one value for all, or one for each"),
    ("types-without-bits", PAIR, "missing-key", ("quant_types",),
     "'quant_types' goes with 'quant_bits', which is missing", 'write "quant_bits": 8'),
    ("bits-without-types", {**LINEAR, "quant_bits": 8}, "missing-key", ("quant_bits",),
     "'quant_bits' goes with 'quant_types', which is missing", 'write "quant_types": ["weight", "input"]'),
    ("start-step-without-types", {**LINEAR, "quant_start_step": 8}, "missing-key", ("quant_start_step",),
     "'quant_start_step' goes with 'quant_types', which is missing", 'write "quant_types": ["weight", "input"]'),
    ("no-quant-type", {**QUANTIZED, "quant_types": []}, "empty-value", ("quant_types",),
     "'quant_types' must name at least one quant type", 'write "quant_types": ["weight", "input"]'),
    ("unknown-quant-type", {**QUANTIZED, "quant_types": "weights"}, "unknown-value", ("quant_types",),
     "'quant_types' must be 'weight', 'input' or 'output', not \"weights\"", 'write "weight"'),
    ("repeated-quant-type", {**QUANTIZED, "quant_types": ["input", "weight", "input"]}, "repeated-quant-type",
     ("quant_types", 2), "'quant_types' names \"input\" twice", "delete one of the two"),
    ("negative-start-step", {**QUANTIZED, "quant_start_step": -1}, "out-of-range", ("quant_start_step",),
     "'quant_start_step' must be at least 0, not -1", "write 0"),
    ("endless-start-step", {**QUANTIZED, "quant_start_step": 2**63}, "out-of-range", ("quant_start_step",),
     "'quant_start_step' must be at most 9223372036854775807, not 9223372036854775808", "write 0"),
    ("unknown-dtype", {**QUANTIZED, "quant_dtype": "float"}, "unknown-value", ("quant_dtype",),
     "'quant_dtype' must be 'int' or 'uint', not \"float\"", "write one of these"),
    ("unknown-scheme", {**QUANTIZED, "quant_scheme": {"weight": "per_tensor"}}, "unknown-value",
     ("quant_scheme", "weight"), f"'quant_scheme' must be {SCHEMES}, not \"per_tensor\"",
     'write "per_tensor_affine" or "per_tensor_symmetric"'),
    ("exclude-with-quant-key", {**LINEAR, "exclude": True, "quant_start_step": 1}, "conflicting-keys",
     ("quant_start_step",), "'exclude' and 'quant_start_step' cannot both be set in one sub-config",
     KEEP + "quantize them"),
    ("both-kinds-in-one", {**PRUNED, "quant_bits": 8}, "mixed-kinds", ("quant_bits",),
     "'quant_bits' is a key of quantization, not of pruning", TWO_LISTS),
]  # fmt: skip

bad_sub_configs = pytest.mark.parametrize(
    ("sub_config", "code", "inside", "message", "hint"), [pytest.param(*row[1:], id=row[0]) for row in BAD_SUB_CONFIGS]
)


def kind_of(sub_config: Any) -> type[cc.PruningConfig | cc.QuantizationConfig]:
    quantizes = any(str(key).startswith("quant") for key in sub_config)
    return cc.QuantizationConfig if quantizes and "sparsity_per_layer" not in sub_config else cc.PruningConfig


@bad_sub_configs
def test_a_broken_rule_is_one_finding_at_its_key_with_its_hint(
    sub_config: Any, code: str, inside: tuple[Any, ...], message: str, hint: str
) -> None:
    good = PRUNED if kind_of(sub_config) is cc.PruningConfig else QUANTIZED
    findings = refused([good, sub_config])
    errors = [finding for finding in findings if finding.severity == "error"]
    assert [(finding.code.value, finding.path) for finding in errors] == [(code, (1, *inside))]
    assert [(finding.message, finding.hint) for finding in errors] == [(message, hint)]
    assert (errors[0].span, errors[0].source) == (None, None)
    assert cc.check([good, sub_config]) == findings
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.resolve([good, sub_config], [("fc", "Linear")])
    assert caught.value.findings == findings


@pytest.mark.parametrize(
    ("sub_config", "code", "inside", "message", "hint"),
    # In direct construction None means absent (D6).
    [pytest.param(*row[1:], id=row[0]) for row in BAD_SUB_CONFIGS if row[0] not in ("null", "null-ratio")],
)
def test_direct_construction_raises_the_same_sentences_at_the_same_keys(
    sub_config: Any, code: str, inside: tuple[Any, ...], message: str, hint: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        kind_of(sub_config).model_validate(sub_config)
    (error,) = caught.value.errors()
    assert (error["type"], error["loc"], error["msg"]) == (code, inside, f"{message} ({hint})")


@pytest.mark.parametrize(
    ("data", "code", "path", "message", "hint"),
    [
        pytest.param(
            PRUNED, "not-a-list", (), "a config list is a list, not a single sub-config", PUT_IT,
            id="single-sub-config",
        ),
        pytest.param(
            {"a": 1}, "not-a-list", (), "a config list is a list, not a mapping",
            "write a list of sub-configs, or two of them under 'pruning' and 'quantization'", id="mapping",
        ),
        pytest.param(
            "[]", "not-a-list", (), 'a config list is a list, not "[]"',
            "write load(...) to read a file, loads(...) to read a text", id="string",
        ),
        pytest.param(
            b"[]", "not-a-list", (), "a config list is a list, not an object of type bytes",
            "write a list of sub-configs", id="bytes",
        ),
        pytest.param(
            None, "not-a-list", (), "a config list is a list, not an empty value",
            "write [] if nothing is to be compressed", id="nothing",
        ),
        pytest.param(
            ["op_types"], "not-a-mapping", (0,), 'a sub-config is a mapping of keys, not "op_types"',
            'write "op_types": ["Linear"] with a setting beneath it', id="string-for-sub-config",
        ),
        pytest.param(
            [PRUNED, None], "not-a-mapping", (1,), "a sub-config is a mapping of keys, not null",
            'write "op_types": ["Linear"] with a setting beneath it', id="nothing-for-sub-config",
        ),
        pytest.param(
            {"pruning": PRUNED}, "not-a-list", ("pruning",), "a config list is a list, not a single sub-config",
            PUT_IT, id="single-sub-config-in-a-part",
        ),
        pytest.param(
            {"pruning": [PRUNED], "quantisation": []}, "unknown-key", ("quantisation",),
            "there is no part 'quantisation' in a two-part document", "write 'quantization'", id="unknown-part",
        ),
        pytest.param(
            [cc.PruningConfig(**PRUNED), cc.QuantizationConfig(**QUANTIZED)], "mixed-kinds", (1,),
            "a quantization sub-config cannot be in a pruning list", TWO_LISTS, id="models-of-both-kinds",
        ),
    ],
)  # fmt: skip
def test_what_is_no_config_list_is_one_finding(data: Any, code: str, path: Any, message: str, hint: str) -> None:
    (finding,) = refused(data)
    assert (finding.code.value, finding.path, finding.message, finding.hint) == (code, path, message, hint)


HINTS: list[Any] = [
    # a sub-config, and its hint in YAML, in JSON and in Python
    ({"op_types": "Conv2d", "exclude": True},
     "write op_types: [Conv2d]", 'write "op_types": ["Conv2d"]', 'write "op_types": ["Conv2d"]'),
    ({"op_names": "fc1, 0", "exclude": True},
     "write op_names: [fc1, '0']", 'write "op_names": ["fc1", "0"]', 'write "op_names": ["fc1", "0"]'),
    ({**LINEAR, "exclude": 1}, "write exclude: true", 'write "exclude": true', 'write "exclude": True'),
    ({**LINEAR, "exclude": ["a"]},
     "write a later sub-config with op_names: [a] and exclude: true",
     'write a later sub-config with "op_names": ["a"] and "exclude": true',
     'write a later sub-config with "op_names": ["a"] and "exclude": True'),
    (LINEAR,
     "write sparsity_per_layer: 0.5, total_sparsity: 0.5, or exclude: true",
     'write "sparsity_per_layer": 0.5, "total_sparsity": 0.5, or "exclude": true',
     'write "sparsity_per_layer": 0.5, "total_sparsity": 0.5, or "exclude": True'),
    ({**LINEAR, "max_sparsity_per_layer": 0.5},
     "write total_sparsity: 0.5 beside it", 'write "total_sparsity": 0.5 beside it',
     'write "total_sparsity": 0.5 beside it'),
    ({**LINEAR, "quant_bits": 8},
     "write quant_types: [weight, input]", 'write "quant_types": ["weight", "input"]',
     'write "quant_types": ["weight", "input"]'),
    ({**QUANTIZED, "quant_types": "weights"}, "write weight", 'write "weight"', 'write "weight"'),
    ({**QUANTIZED, "quant_types": "weight+input"},
     "write quant_types: [weight, input]", 'write "quant_types": ["weight", "input"]',
     'write "quant_types": ["weight", "input"]'),
    ({**PAIR, "quant_bits": {"weight": 8}},
     "write input: 8 in it, or remove 'input' from 'quant_types'",
     "write \"input\": 8 in it, or remove 'input' from 'quant_types'",
     "write \"input\": 8 in it, or remove 'input' from 'quant_types'"),
    ({**QUANTIZED, "quant_dtype": "int8"},
     "NNI 3.0 writes the bits into the type: write int here, and quant_bits: 8",
     'NNI 3.0 writes the bits into the type: write "int" here, and "quant_bits": 8',
     'NNI 3.0 writes the bits into the type: write "int" here, and "quant_bits": 8'),
    ({**PRUNED, "exclude_op_names": ["a"]},
     "write a later sub-config with these 'op_names' and exclude: true",
     "write a later sub-config with these 'op_names' and \"exclude\": true",
     "write a later sub-config with these 'op_names' and \"exclude\": True"),
]  # fmt: skip


@pytest.mark.parametrize(("sub_config", "in_yaml", "in_json", "in_python"), HINTS)
def test_a_hint_is_in_the_notation_of_what_was_written(
    sub_config: Any, in_yaml: str, in_json: str, in_python: str
) -> None:
    """D21."""
    with pytest.raises(cc.InvalidConfig) as from_yaml:
        cc.loads(yaml.safe_dump([sub_config]))
    with pytest.raises(cc.InvalidConfig) as from_json:
        cc.loads(json.dumps([sub_config]), format="json")
    assert [finding.hint for finding in from_yaml.value.findings] == [in_yaml]
    assert [finding.hint for finding in from_json.value.findings] == [in_json]
    assert [finding.hint for finding in refused([sub_config])] == [in_python]


def test_a_single_sub_config_is_told_of_dashes_in_yaml_only() -> None:
    (in_yaml,) = cc.check(PRUNED)
    assert in_yaml.hint == "put it in [ ]"
    for text, form, hint in (
        (yaml.safe_dump(PRUNED), "yaml", "put it in [ ], or write '- ' before its first key and indent the others"),
        (json.dumps(PRUNED), "json", "put it in [ ]"),
    ):
        with pytest.raises(cc.InvalidConfig) as caught:
            cc.loads(text, format=form)  # type: ignore[call-overload]
        assert [finding.hint for finding in caught.value.findings] == [hint]


class Linear:
    """A class of layers, given in place of its name."""


@pytest.mark.parametrize(
    ("key", "value", "message", "hint"),
    [
        ("op_types", [Linear], "'op_types' must contain strings, not the class Linear", 'write "Linear"'),
        ("op_types", Linear, "'op_types' must be a list, not the class Linear", 'write "op_types": ["Linear"]'),
        ("op_names", [Linear], "'op_names' must contain strings, not the class Linear",
         'write one name, as in "op_names": ["fc1"]'),
    ],
)  # fmt: skip
def test_a_class_in_place_of_its_name_is_recognized(key: str, value: Any, message: str, hint: str) -> None:
    (finding,) = refused([{key: value, "exclude": True}])
    assert (finding.code, finding.message, finding.hint) == ("wrong-type", message, hint)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        (100, "a ratio of 1 would mask every weight; to leave the layers untouched use 'exclude', else write 0.99"),
        ("100%", "a ratio of 1 would mask every weight; to leave the layers untouched use 'exclude', else write 0.99"),
        (99.5, "ratios are not percentages: write 0.995"),
        (1000, "write a ratio such as 0.5"),
        ("80", "write 0.8"),
    ],
)
def test_a_percentage_is_told_the_ratio_that_the_key_takes(written: Any, hint: str) -> None:
    (finding,) = refused([{**LINEAR, "total_sparsity": written}])
    assert finding.hint == hint


def test_what_a_message_repeats_is_cut() -> None:
    long = "x" * 1_000_000
    candidates: list[object] = [
        [{**PRUNED, long: 1}],
        [{**PRUNED, "\n" * 1_000_000: 1}],
        [{**LINEAR, "sparsity_per_layer": long}],
        [{"op_types": long, "exclude": True}],
        [{"op_types": [{long: long}], "exclude": True}],
        [{**QUANTIZED, "quant_types": [long]}],
        [{**QUANTIZED, "quant_dtype": {long: "int"}}],
        [long],
        {"pruning": [PRUNED], long: []},
        {long: [PRUNED]},
        {long: {"op_types": []}},
    ]
    for data in candidates:
        (finding,) = refused(data)
        assert len(str(finding)) < 500


def test_a_value_that_is_cut_keeps_its_quotes() -> None:
    (finding,) = refused([{**LINEAR, "sparsity_per_layer": "half of all weights, but not of the first layer"}])
    assert finding.message == "'sparsity_per_layer' must be a number, not \"half of all weights, but not of the...\""


def test_both_kinds_in_one_list_are_named_at_each_key_of_the_later_kind() -> None:
    """D12: a list that mixes both kinds is refused."""
    assert [(f.code.value, f.path) for f in refused([PRUNED, QUANTIZED])] == [
        ("mixed-kinds", (1, "quant_types")),
        ("mixed-kinds", (1, "quant_bits")),
    ]
    assert [(f.code.value, f.path) for f in refused([QUANTIZED, PRUNED])] == [
        ("mixed-kinds", (1, "sparsity_per_layer"))
    ]
    assert [(f.code.value, f.path) for f in refused([PRUNED], kind="quantization")] == [
        ("mixed-kinds", (0, "sparsity_per_layer"))
    ]


def test_everything_wrong_is_reported_at_once_in_document_order() -> None:
    """D16."""
    findings = refused(
        [
            {"colour": 1, "op_types": "Linear", "sparsity": 80, "exclude": False},
            PRUNED,
            {"sparsity_per_layer": "a", "op_names": [1, "", "a", None]},
            [],
            {},
        ]
    )
    assert [(finding.code.value, finding.path) for finding in findings] == [
        ("unknown-key", (0, "colour")),
        ("wrong-type", (0, "op_types")),
        ("out-of-range", (0, "sparsity")),
        ("exclude-false", (0, "exclude")),
        ("wrong-type", (2, "sparsity_per_layer")),
        ("unquoted-name", (2, "op_names", 0)),
        ("empty-selector", (2, "op_names", 1)),
        ("empty-value", (2, "op_names", 3)),
        ("not-a-mapping", (3,)),
        ("no-selector", (4,)),
        ("no-setting", (4,)),
    ]


# --- What is worth a warning or a note


@pytest.mark.parametrize(
    ("config_list", "said"),
    [
        pytest.param([], [("nothing-configured", "warning", ()), ("kind-not-stated", "note", ())], id="empty"),
        pytest.param([{**LINEAR, "exclude": True}], [("kind-not-stated", "note", ())], id="only-excludes"),
        pytest.param([{**LINEAR, "sparsity": 0.5}], [("legacy-key", "note", (0, "sparsity"))], id="old-key"),
        pytest.param(
            [{**PRUNED, "max_sparsity_per_layer": 0.5}],
            [("cap-without-effect", "note", (0, "max_sparsity_per_layer"))],
            id="cap-beside-a-ratio-per-layer",
        ),
        pytest.param(
            [{"op_names": ["a", "b", "a"], "op_types": ["X", "X"], "sparsity_per_layer": 0.5}],
            [("repeated-element", "note", (0, "op_types", 1)), ("repeated-element", "note", (0, "op_names", 2))],
            id="repeated-elements",
        ),
        pytest.param(
            [{**QUANTIZED, "quant_bits": {"weight": 8, "input": 8, "output": 8}}],
            [("unused-quant-type", "warning", (0, "quant_bits", "output"))],
            id="bits-for-a-type-that-is-not-listed",
        ),
        pytest.param(
            [{**QUANTIZED, "quant_types": "weight"}],
            [("unpaired-quant-types", "note", (0, "quant_types"))],
            id="weight-without-input",
        ),
        pytest.param([{**QUANTIZED, "quant_types": ["output"]}], [], id="output-alone"),
        pytest.param([PRUNED], [], id="nothing-to-say"),
    ],
)
def test_what_is_allowed_and_worth_saying(config_list: Any, said: Any) -> None:
    findings = cc.validate(config_list).findings
    assert [(finding.code.value, finding.severity.value, finding.path) for finding in findings] == said
    for finding in findings:
        assert finding.hint


def test_strict_makes_errors_of_warnings_and_leaves_notes() -> None:
    """D10."""
    note = [{**LINEAR, "sparsity": 0.5}]
    assert codes_of(cc.validate(note, strict=True).findings) == ["legacy-key"]
    unused = [{**QUANTIZED, "quant_bits": {"weight": 8, "input": 8, "output": 8}}]
    (finding,) = refused(unused, strict=True)
    assert (finding.code, finding.severity) == ("unused-quant-type", "error")
    assert cc.validate(unused, strict=True, severity={"unused-quant-type": "ignore"}).findings == ()
    (finding,) = cc.validate(unused, strict=True, severity={"unused-quant-type": "note"}).findings
    assert finding.severity == "note"


def test_a_severity_can_be_raised_lowered_and_silenced_by_code() -> None:
    old = [{**LINEAR, "sparsity": 0.5}]
    (finding,) = refused(old, severity={"legacy-key": "error"})
    assert (finding.code, finding.severity) == ("legacy-key", "error")
    assert cc.validate(old, severity={"legacy-key": "warning"}).findings[0].severity == "warning"
    assert cc.validate(old, severity={cc.Code.LEGACY_KEY: "ignore"}).findings == ()
    assert cc.check(old, severity={"legacy-key": "error"}) == (finding,)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"severity": {"legacy-kye": "error"}}, id="unknown-code"),
        pytest.param({"severity": {"legacy-key": "fatal"}}, id="unknown-level"),
        pytest.param({"severity": {"syntax": "warning"}}, id="a-code-that-stays-an-error"),
        pytest.param({"severity": ["legacy-key"]}, id="no-mapping"),
        pytest.param({"severity": {1: "error"}}, id="a-code-that-is-not-a-string"),
        pytest.param({"severity": {"legacy-key": np.array(["error", "note"])}}, id="an-array-for-a-level"),
        pytest.param({"kind": "prune"}, id="unknown-kind"),
        pytest.param({"kind": np.array(["pruning", "quantization"])}, id="an-array-for-a-kind"),
        pytest.param({"strict": "yes"}, id="strict-is-a-string"),
        pytest.param({"strict": 1}, id="strict-is-a-number"),
        pytest.param({"strict": None}, id="strict-is-none"),
    ],
)
def test_a_wrong_option_is_a_usage_error(options: Any) -> None:
    for call in (cc.validate, cc.check):
        with pytest.raises(cc.UsageError):
            call([PRUNED], **options)
    with pytest.raises(cc.UsageError):
        cc.loads("[]", **options)


def test_a_code_that_is_misspelt_or_fatal_is_shown_as_it_is_written() -> None:
    with pytest.raises(cc.UsageError, match=r"no finding 'legacy-kye'; did you mean 'legacy-key'\?"):
        cc.validate([PRUNED], severity={"legacy-kye": "error"})
    with pytest.raises(cc.UsageError, match=r"^'syntax' is always an error"):
        cc.validate([PRUNED], severity={cc.Code.SYNTAX: "note"})


# --- What is accepted, and as what


class Names(Sequence[str]):
    """A list as config frameworks hand it out."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        return self.names[index]


class Settings(Mapping[str, Any]):
    """A dict as config frameworks hand it out."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def __getitem__(self, key: str) -> Any:
        return self.settings[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)


class Type(enum.StrEnum):
    LINEAR = "Linear"


class OldType(str, enum.Enum):  # noqa: UP042 - str() of its members is not their value
    LINEAR = "Linear"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([PRUNED], id="dicts"),
        pytest.param((PRUNED,), id="tuple"),
        pytest.param(collections.UserList([collections.UserDict(PRUNED)]), id="user-types"),
        pytest.param([Settings(**PRUNED)], id="mapping"),
        pytest.param([Settings(op_types=Names("Linear"), sparsity_per_layer=0.5)], id="sequence"),
        pytest.param([collections.ChainMap(PRUNED)], id="chain-map"),
        pytest.param([{**PRUNED, "op_types": ("Linear",)}], id="tuple-of-names"),
        pytest.param([{**PRUNED, "op_types": [Type.LINEAR]}], id="str-enum"),
        pytest.param([{**PRUNED, "op_types": [OldType.LINEAR]}], id="str-and-enum"),
        pytest.param([{**PRUNED, "op_types": [np.str_("Linear")]}], id="numpy-string"),
        pytest.param([{**PRUNED, "sparsity_per_layer": np.float32(0.5)}], id="numpy-float32"),
        pytest.param([{**PRUNED, "sparsity_per_layer": np.float64(0.5)}], id="numpy-float64"),
        pytest.param([{**PRUNED, "sparsity_per_layer": Fraction(1, 2)}], id="fraction"),
        pytest.param([{**PRUNED, "sparsity_per_layer": Decimal("0.50")}], id="decimal"),
        pytest.param([cc.PruningConfig(op_types=["Linear"], sparsity_per_layer=0.5)], id="model"),
        pytest.param(cc.validate([PRUNED]), id="config-list"),
    ],
)
def test_plain_data_of_many_types_is_the_same_list(data: Any) -> None:
    """D6: plain data means Mapping and Sequence, numbers are numbers.Real."""
    config_list = cc.validate(data, kind="pruning")
    assert config_list == cc.validate([PRUNED])
    assert config_list.to_list() == [PRUNED]
    (config,) = config_list
    assert config.op_types is not None
    assert (type(config.sparsity_per_layer), type(config.op_types), type(config.op_types[0])) == (float, tuple, str)


@pytest.mark.parametrize(
    "number", [np.float16(0.7), np.float32(0.7), np.float64(0.7), np.longdouble("0.7"), Decimal("0.7"), Fraction(7, 10)]
)
def test_a_number_is_read_by_its_shortest_text(number: Any) -> None:
    """D8: float32(0.7) is nearer to 0.699999988 than to 0.7, and nobody wrote that."""
    for config in (
        cc.validate([{**LINEAR, "sparsity_per_layer": number}], kind="pruning")[0],
        cc.PruningConfig(op_types=["Linear"], sparsity_per_layer=number),
    ):
        assert config.sparsity_per_layer == 0.7


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E+400"), 10**400])
def test_a_number_that_is_not_a_ratio_is_refused_whatever_its_type(number: Any) -> None:
    (finding,) = refused([{**LINEAR, "sparsity_per_layer": number}])
    assert finding.code in ("out-of-range", "wrong-type")


def test_whole_numbers_of_many_types_are_integers() -> None:
    (config,) = cc.validate(
        [{**PAIR, "quant_bits": Settings(weight=np.int64(4), input=8), "quant_start_step": np.uint8(7)}],
        kind="quantization",
    )
    assert config.quant_bits == {"weight": 4, "input": 8}
    assert isinstance(config.quant_bits, Mapping)
    assert [type(config.quant_bits["weight"]), type(config.quant_start_step)] == [int, int]
    assert cc.validate([{**LINEAR, "sparsity_per_layer": 0}], kind="pruning")[0].sparsity_per_layer == 0.0


def test_dicts_and_models_may_be_mixed() -> None:
    model = cc.PruningConfig(op_names=["fc"], exclude=True)
    config_list = cc.validate([PRUNED, model, Settings(**PRUNED)], kind="pruning")
    assert list(config_list) == [cc.PruningConfig(**PRUNED), model, cc.PruningConfig(**PRUNED)]
    assert config_list[1] is model


@pytest.mark.parametrize("kind", [cc.PruningConfig, cc.QuantizationConfig])
def test_the_class_of_a_model_states_the_kind(kind: type[cc.PruningConfig | cc.QuantizationConfig]) -> None:
    config_list = cc.validate([kind(op_types=["Linear"], exclude=True)])
    assert config_list.kind == kind.kind
    assert config_list.findings == ()


def test_what_was_given_is_never_changed_and_changes_nothing_later() -> None:
    data: list[Any] = [
        {"op_types": ["default", "Linear"], "sparsity": 0.5},
        {"op_names": ["a"], "exclude": True},
        {"op_partial_names": ["b"], "total_sparsity": 0.5, "max_sparsity_per_layer": 1},
    ]
    before = copy.deepcopy(data)
    config_list = cc.validate(data)
    resolution = cc.resolve(data, [("a", "Linear"), ("b", "Linear")])
    dumped, answer = config_list.findings, resolution.to_list()
    assert data == before
    data[0]["op_types"].append("Conv2d")
    data[0]["sparsity"] = 7
    data.clear()
    assert cc.validate(before) == config_list
    assert (config_list.findings, resolution.to_list()) == (dumped, answer)
    bits = {"weight": 4, "input": 8}
    (config,) = cc.validate([{**PAIR, "quant_bits": bits}], kind="quantization")
    bits["weight"] = 31
    assert config.quant_bits == {"weight": 4, "input": 8}


def test_plain_dicts_that_come_out_can_be_changed_without_harm() -> None:
    config_list = cc.validate([{**PAIR, "quant_bits": {"weight": 4, "input": 8}}], kind="quantization")
    (written,) = config_list.to_list()
    written["quant_bits"]["weight"] = 31
    written["op_types"].append("x")
    assert config_list.to_list() == [{**PAIR, "quant_bits": {"weight": 4, "input": 8}}]


# --- Sub-configs built in Python

pruning_configs = st.builds(
    lambda selector, setting: {**selector, **setting},
    st.fixed_dictionaries({"op_types": st.lists(st.text(min_size=1), min_size=1, max_size=3)}),
    st.one_of(
        st.just({"exclude": True}),
        st.fixed_dictionaries({"sparsity": st.floats(0, 1, exclude_max=True)}),
        st.fixed_dictionaries({"sparsity_per_layer": st.floats(0, 1, exclude_max=True)}),
        st.fixed_dictionaries(
            {"total_sparsity": st.floats(0, 0.5)}, optional={"max_sparsity_per_layer": st.floats(0.5, 1)}
        ),
    ),
)
bits = st.integers(1, 31)
quantization_configs = st.fixed_dictionaries(
    {
        "op_partial_names": st.lists(st.text(min_size=1), min_size=1, max_size=3),
        "quant_types": st.sampled_from(["weight", ["weight"], ["input", "weight"], ("output", "input")]),
        "quant_bits": st.one_of(bits, st.fixed_dictionaries({"weight": bits, "input": bits, "output": bits})),
    },
    optional={
        "quant_start_step": st.integers(0, 2**63 - 1),
        "quant_dtype": st.sampled_from(["int", {"weight": "uint"}]),
        "quant_scheme": st.sampled_from(["per_tensor_affine", {"input": "per_channel_symmetric"}]),
    },
)


@given(st.one_of(pruning_configs, quantization_configs))
def test_a_model_round_trips_hashes_pickles_and_stays_as_it_is(data: dict[str, Any]) -> None:
    """D6: `PruningConfig(**c.model_dump()) == c`."""
    kind = cc.QuantizationConfig if "quant_types" in data else cc.PruningConfig
    config = kind(**data)
    for again in (
        kind(**config.model_dump()),
        kind(**config.model_dump(mode="json")),
        kind.model_validate_json(config.model_dump_json()),
        kind.model_validate(config),
        pickle.loads(pickle.dumps(config)),  # noqa: S301 - made here
        copy.deepcopy(config),
        cc.validate([data])[0],
        cc.validate(cc.validate([config]).to_list(), kind=kind.kind)[0],
    ):
        assert (again, hash(again)) == (config, hash(config))
    assert set(config.model_dump()) == set(data) == set(config.keys())
    for key in type(config).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(config, key, ["x"])


def test_none_means_absent_when_a_model_is_built_directly() -> None:
    """D6."""
    config = cc.PruningConfig(op_types=["Linear"], op_names=None, sparsity=None, sparsity_per_layer=0.5)
    assert config == cc.PruningConfig(**PRUNED)
    assert hash(config) == hash(cc.PruningConfig(**PRUNED))
    assert config.model_dump() == {"op_types": ("Linear",), "sparsity_per_layer": 0.5}
    assert repr(config) == "PruningConfig(op_types=('Linear',), sparsity_per_layer=0.5)"
    with pytest.raises(ValidationError):
        cc.PruningConfig(op_types=None, sparsity_per_layer=0.5)
    with pytest.raises(ValidationError):
        cc.PruningConfig(op_types=["Linear"], sparsity_per_layer=None)


def test_what_was_written_stays_in_the_model() -> None:
    """D5."""
    config = cc.PruningConfig(op_types=["default"], sparsity=0.5)
    assert (config.op_types, config.sparsity, config.sparsity_per_layer) == (("default",), 0.5, None)
    assert config.ratio_per_layer == 0.5


def test_a_sub_config_is_not_equal_to_one_that_is_written_otherwise() -> None:
    old, new = cc.PruningConfig(op_types=["Linear"], sparsity=0.5), cc.PruningConfig(**PRUNED)
    assert old != new
    other: object = cc.QuantizationConfig(op_types=["a"], exclude=True)
    assert cc.PruningConfig(op_types=["a"], exclude=True) != other


def test_a_sub_config_is_a_mapping_of_the_keys_that_are_written() -> None:
    config = cc.QuantizationConfig(
        quant_bits={"weight": 4, "input": 8}, op_types=["Linear"], quant_types=["weight", "input"], op_names=None
    )
    assert dict(config) == {**config} == config.model_dump()
    assert list(dict(config)) == ["op_types", "quant_types", "quant_bits"]
    assert ("quant_bits" in config, "op_names" in config) == (True, False)
    assert cc.QuantizationConfig(**config) == config
    assert {**config, "quant_bits": 8} == {**config.model_dump(), "quant_bits": 8}
    assert config["quant_bits"] == {"weight": 4, "input": 8}
    with pytest.raises(KeyError):
        config["op_names"]


@pytest.mark.parametrize(
    ("config", "code"),
    [
        pytest.param(cc.PruningConfig.model_construct(op_types=5), "no-setting", id="no-setting"),
        pytest.param(
            cc.PruningConfig.model_construct(op_types=5, sparsity_per_layer=0.5), "wrong-type", id="wrong-type"
        ),
        pytest.param(
            cc.PruningConfig(**PRUNED).model_copy(update={"sparsity_per_layer": 80}), "out-of-range", id="copied"
        ),
        pytest.param(cc.PruningConfig.model_construct(), "no-selector", id="nothing"),
        pytest.param(object.__new__(cc.PruningConfig), "no-selector", id="not-even-built"),
    ],
)  # fmt: skip
def test_a_sub_config_that_was_built_without_checks_is_checked(config: Any, code: str) -> None:
    assert code in codes_of(refused([config], kind="pruning"))
    with pytest.raises(cc.InvalidConfig):
        cc.PruningConfigList([config])
    with pytest.raises(cc.InvalidConfig):
        cc.PruningConfigList([PRUNED]) + [config]  # noqa: RUF005 - a list of its own type


def test_a_sound_sub_config_that_was_built_without_checks_is_made_like_others() -> None:
    config = cc.PruningConfig.model_construct(op_types=["Linear"], sparsity_per_layer=np.float32(0.7))
    (made,) = cc.validate([config], kind="pruning")
    assert (hash(made), made) == (hash(made), cc.PruningConfig(op_types=["Linear"], sparsity_per_layer=0.7))
    assert (type(made.op_types), type(made.sparsity_per_layer)) == (tuple, float)


def test_the_schema_that_pydantic_makes_of_a_sub_config_has_the_rules_of_its_values() -> None:
    properties = cc.PruningConfig.model_json_schema()["properties"]
    assert {"type": "number", "minimum": 0, "exclusiveMaximum": 1} in properties["sparsity_per_layer"]["anyOf"]


# --- Whatever is thrown at it


class Boom(Exception):
    """What hostile objects raise; nothing of the library catches it by name."""


def boom(*_: object, **__: object) -> Any:
    raise Boom


class HostileSequence(Sequence[Any]):
    __len__ = __getitem__ = boom


class HostileMapping(Mapping[Any, Any]):
    __len__ = __getitem__ = __iter__ = boom


class HostileValues(Settings):
    __getitem__ = boom


class HostileDict(dict[str, Any]):
    __contains__ = keys = items = values = get = boom


class HostileString(str):
    __slots__ = ()
    __str__ = __repr__ = strip = lower = casefold = boom


class HostileNumber(float):
    __float__ = __repr__ = __str__ = __lt__ = __le__ = __gt__ = __ge__ = boom


class HostileInteger(int):
    __int__ = __index__ = __float__ = __repr__ = __str__ = __lt__ = __le__ = __gt__ = __ge__ = boom


class HostileObject:
    __repr__ = __str__ = __bool__ = __len__ = __iter__ = __eq__ = boom
    __hash__ = object.__hash__


class HostileClass:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise Boom


class LyingClass:
    """Claims to be of another class."""

    def __init__(self, claimed: type) -> None:
        self.claimed = claimed

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self.claimed


class HostileHash(str):
    __slots__ = ()

    def __hash__(self) -> int:
        raise Boom

    def __eq__(self, other: object) -> bool:
        raise Boom


class EndlessMapping(Mapping[Any, Any]):
    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())

    def __getitem__(self, key: Any) -> Any:
        return 1


class SelfSimilar(Sequence[Any]):
    """Longer at each level: together more values than can be looked at."""

    def __len__(self) -> int:
        return 100_000

    def __getitem__(self, index: Any) -> Any:
        return self


class EndlessSequence(Sequence[Any]):
    def __len__(self) -> int:
        return 10**15

    def __getitem__(self, index: Any) -> Any:
        return "Linear"


class BottomlessMapping(Mapping[str, Any]):
    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter(["op_types"])

    def __getitem__(self, key: str) -> Any:
        return self


def cyclic_list() -> Any:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


def cyclic_dict() -> Any:
    cycle: dict[str, Any] = {}
    cycle["op_types"] = cycle
    return cycle


def deep(wrap: Any) -> Any:
    value: Any = "Linear"
    for _ in range(10_000):
        value = wrap(value)
    return value


HOSTILE: dict[str, Any] = {
    "sequence-that-raises": HostileSequence(),
    "mapping-that-raises": HostileMapping(),
    "values-that-raise": HostileValues(**PRUNED),
    "dict-that-raises": HostileDict(PRUNED),
    "string-that-raises": HostileString("Linear"),
    "number-that-raises": HostileNumber(0.5),
    "integer-that-raises": HostileInteger(8),
    "object-that-raises": HostileObject(),
    "class-that-raises": HostileClass(),
    "hash-that-raises": HostileHash("Linear"),
    "claims-to-be-a-dict": LyingClass(dict),
    "claims-to-be-a-list": LyingClass(list),
    "claims-to-be-a-string": LyingClass(str),
    "claims-to-be-true": LyingClass(bool),
    "claims-to-be-a-sub-config": LyingClass(cc.PruningConfig),
    "claims-to-be-a-config-list": LyingClass(cc.PruningConfigList),
    "claims-to-be-a-class": LyingClass(type),
    "unchecked-model": cc.PruningConfig.model_construct(op_types=HostileMapping()),
    "endless-mapping": EndlessMapping(10**18),
    "endless-mapping-of-stated-length": EndlessMapping(20),
    "endless": EndlessSequence(),
    "endless-range": range(10**15),
    "bottomless": BottomlessMapping(),
    "cyclic-list": cyclic_list(),
    "cyclic-dict": cyclic_dict(),
    "deep-list": deep(lambda value: [value]),
    "deep-dict": deep(lambda value: {"op_types": value}),
    "huge-integer": 10**5000,
    "huge-negative": -(10**5000),
    "huge-fraction": Fraction(10**5000, 3),
    "huge-digits": "9" * 5000,
    "surrogate": "\ud800",
    "surrogate-key": {"\ud800": "\ud800"},
    "nul": "\0",
    "nan": math.nan,
    "complex": 1j,
    "bytes": b"Linear",
    "generator-function": cyclic_list,
    "set": {"Linear"},
    "array": np.zeros((2, 2)),
    "array-of-nothing": np.array(0.5),
    "key-of-tuple": {(1, 2): 3},
    "key-of-none": {None: 1, True: 2, 1.5: 3},
    "key-of-object": {HostileObject(): 1},
    "ellipsis": ...,
    "model": cc.PruningConfig(**PRUNED),
    "other-model": cc.QuantizationConfig(**QUANTIZED),
    "config-list": cc.validate([PRUNED]),
    "class": cc.PruningConfig,
}


def hashable(value: Any) -> bool:
    try:
        hash(value)
    except Exception:  # noqa: BLE001 - a hostile object raises anything
        return False
    return True


def places(value: Any) -> Iterator[Any]:
    """Yield config lists that have `value` in every place."""
    yield value
    yield [value]
    yield (PRUNED, value)
    for good in (PRUNED, QUANTIZED):
        for key in (*cc.PruningConfig.model_fields, *cc.QuantizationConfig.model_fields, "other"):
            yield [{**good, key: value}]
            yield [{**good, key: [value]}]
            yield [{**good, key: {"weight": value}}]
    yield {"pruning": value}
    yield {"pruning": [value], "quantization": value, "other": value}
    if hashable(value):
        yield [{**PRUNED, value: 1}]
        yield [{**PAIR, "quant_bits": {value: 8}}]
        yield {"pruning": [], value: []}


@pytest.mark.parametrize("value", [pytest.param(value, id=name) for name, value in HOSTILE.items()])
def test_only_errors_of_this_library_come_out(value: Any) -> None:
    for data in places(value):
        config = outcome(data)
        if isinstance(config, cc.InvalidConfig):
            again = cc.InvalidConfig(config.findings)
            assert (config, hash(config), str(config).encode()) == (again, hash(again), str(again).encode())
            assert issubclass(type(data), str) or cc.check(data) == config.findings
        else:
            assert cc.resolve(config, [("fc", "Linear")], unmatched="ignore").fingerprint
            assert (
                cc.validate(config.to_dict() if isinstance(config, cc.CompressionConfig) else config.to_list())
                == config
            )


def test_what_has_no_end_by_nesting_is_refused_for_its_size() -> None:
    (finding,) = refused(SelfSimilar())
    assert finding.message == (
        "a config list is a list, not an object of type SelfSimilar with more than 10,000,000 values"
    )


class HostileRepr(str):
    __slots__ = ()
    __repr__ = __str__ = boom


ODD_OPTIONS = {
    "object-that-raises": HostileObject(),
    "repr-that-raises": HostileRepr("x"),
    "hash-that-raises": HostileHash("x"),
    "claims-to-be-a-string": LyingClass(str),
    "escape": "\x1b[31m",
    "huge-integer": 10**5000,
}


@pytest.mark.parametrize("option", [pytest.param(option, id=name) for name, option in ODD_OPTIONS.items()])
def test_an_option_that_raises_when_it_is_shown_is_a_usage_error(option: Any) -> None:
    for call in (
        lambda: cc.validate([], kind=option),
        lambda: cc.validate([], strict=option),
        lambda: cc.validate([], severity=option),
        lambda: cc.validate([], severity={"legacy-key": option}),
        lambda: cc.loads("[]", format=option),
        lambda: cc.json_schema(option),
        lambda: cc.resolve([], [("a", "Linear")]).raise_for_findings(option),
    ):
        with pytest.raises(cc.UsageError) as caught:
            call()
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("option", [5, None, b"a.yaml", pytest.param(LyingClass(str), id="claims-to-be-a-string")])
def test_a_name_that_is_not_a_string_is_a_usage_error(option: Any) -> None:
    with pytest.raises(cc.UsageError, match="a name is a string"):
        cc.loads("[]", name=option)


@pytest.mark.parametrize("value", [HostileSequence(), HostileMapping(), HostileDict(PRUNED), EndlessSequence()])
def test_only_errors_of_this_library_come_out_of_joining(value: Any) -> None:
    base = cc.validate([PRUNED], kind="pruning")
    with pytest.raises(cc.InvalidConfig):
        base + value
    if not isinstance(value, dict):
        with pytest.raises(cc.InvalidConfig):
            base.__add__([value])


def test_what_raises_is_named_by_its_type_at_its_place() -> None:
    (finding,) = refused([PRUNED, {**PRUNED, "op_names": HostileSequence()}])
    assert (finding.code, finding.path) == ("wrong-type", (1, "op_names"))
    assert finding.message == "'op_names' must be a list, not an object of type HostileSequence"


def test_a_dict_whose_methods_raise_is_read_as_the_dict_it_is() -> None:
    assert cc.validate([HostileDict(PRUNED)]) == cc.validate([PRUNED])


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3),
    st.sampled_from(["weight", "Linear", 8, 0.5, True]),
)  # fmt: skip
keys = st.one_of(
    st.sampled_from([*cc.PruningConfig.model_fields, *cc.QuantizationConfig.model_fields]), st.text(max_size=6), scalars
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@given(
    st.one_of(anything, st.lists(st.dictionaries(keys, anything, max_size=5), max_size=4)),
    st.sampled_from([None, "pruning", "quantization"]),
)
def test_any_plain_data_is_accepted_or_refused_with_findings(data: Any, kind: Any) -> None:
    findings = cc.check(data, kind=kind) if not isinstance(data, str) else refused(data, kind=kind)
    config = outcome(data, kind)
    assert config.findings == findings
    if isinstance(config, cc.InvalidConfig):
        assert any(finding.severity == "error" for finding in findings)
        assert all(finding.message and not finding.message.removesuffix("...").endswith(".") for finding in findings)
    else:
        assert not any(finding.severity == "error" for finding in findings)


@pytest.mark.parametrize("key", ["op_types", "op_names", "op_partial_names"])
def test_an_exclude_may_list_nothing_which_draws_one_warning(key: str) -> None:
    """What scripts write for models without exceptions (D1)."""
    config_list = [PRUNED, {key: [], "exclude": True}]
    for findings in (cc.validate(config_list).findings, cc.resolve(config_list, [("fc1", "Linear")]).findings):
        (finding,) = findings
        assert (finding.code, finding.severity, finding.path) == ("nothing-configured", "warning", (1, key))
        assert finding.message == f"'{key}' is an empty list, so that it names nothing"
    assert cc.validate(config_list, severity={"nothing-configured": "ignore"}).findings == ()
    assert cc.validate(cc.validate(config_list).to_list()) == cc.validate(config_list)
    assert cc.PruningConfig.model_validate({key: [], "exclude": True}).model_dump() == {key: (), "exclude": True}
    assert dict(cc.resolve(config_list, [("fc1", "Linear")]).compressed).keys() == {"fc1"}
    assert codes_of(refused([{**PRUNED, key: []}])) == ["empty-selector"]


def test_an_empty_list_beside_other_names_takes_nothing_from_an_exclude() -> None:
    resolution = cc.resolve(
        [PRUNED, {"op_names": [], "op_partial_names": ["head"], "exclude": True}],
        [("head", "Linear"), ("fc", "Linear")],
    )
    assert resolution.excluded == ("head",)


@pytest.mark.parametrize(
    ("sub_config", "hint"),
    [
        ({"quant_types": ["weight", "bias"], "quant_bits": 8}, "biases are not quantized: delete it"),
        ({"quant_types": "Activation", "quant_bits": 8}, "write 'input' or 'output', or both"),
        ({"quant_types": "weight", "quant_bits": {"weight": 8, "acts": 8}}, "write 'input' or 'output', or both"),
        (
            {"quant_types": {"weight": 4, "input": 8}},
            'write "quant_types": ["weight", "input"] and "quant_bits": {"weight": 4, "input": 8}',
        ),
        (
            {"sparsity_per_layer": 0.5, "min_sparsity_per_layer": 0.1},
            "the specification has no lower bound: delete the key",
        ),
        ({"total_sparsity": 0.5, "min_sparsity": 0.1}, "the specification has no lower bound: delete the key"),
    ],
)
def test_a_hint_says_what_there_is_no_counterpart_for(sub_config: dict[str, Any], hint: str) -> None:
    (finding,) = refused([{**LINEAR, **sub_config}])
    assert finding.hint == hint


@pytest.mark.parametrize("key", ["sparsity_per_layer", "total_sparsity", "sparsity"])
def test_following_the_hint_for_a_hundred_percent_takes_one_step(key: str) -> None:
    (finding,) = refused([{**LINEAR, key: 100}])
    assert str(finding.hint).endswith("else write 0.99")
    assert cc.validate([{**LINEAR, key: 0.99}])


@pytest.mark.parametrize(
    ("count", "more"), [(1, ""), (2, ", here and in 1 more sub-config"), (32, ", here and in 31 more sub-configs")]
)
def test_what_every_sub_config_draws_is_said_once_a_list(count: int, more: str) -> None:
    """D5, D10."""
    (old,) = cc.validate([{"op_names": [f"fc{i}"], "sparsity": 0.5} for i in range(count)]).findings
    assert (old.message, old.path) == (f"'sparsity' is the old name of 'sparsity_per_layer'{more}", (0, "sparsity"))
    alone = {"quant_types": ["weight"], "quant_bits": 4}
    (note,) = cc.validate([{"op_names": [f"fc{i}"], **alone} for i in range(count)]).findings
    assert note.severity == "note"
    assert note.message == (f"'weight' is quantized without 'input'; the two are meant to be quantized together{more}")
    mixed = refused([{"op_names": [f"fc{i}"], "sparsity": 0.5} for i in range(count)] + [{"op_names": ["a"]}])
    assert codes_of(mixed) == ["legacy-key", "no-setting"]


@pytest.mark.parametrize(
    ("bits", "hint"),
    [
        ("int4", "write 4"),
        ("4bit", "write 4"),
        ("8 bits", "write 8"),
        ("four", "write a whole number such as 8"),
        ("w4a16", "write a whole number such as 8"),
        ("0.5", "write a whole number such as 8"),
        ("-4", "write a whole number such as 8"),
        ("64", "write a whole number such as 8"),
        ("fp8", "a config list quantizes to integers: to leave these layers floats use 'exclude'"),
        ("bfloat16", "a config list quantizes to integers: to leave these layers floats use 'exclude'"),
    ],
)
def test_bits_in_words_are_read_where_they_say_one_number(bits: str, hint: str) -> None:
    (finding,) = cc.check([{"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": bits}])
    assert finding.hint == hint


@pytest.mark.parametrize("number", ["1e400", "-1e400", "8e1", "1.50", "50"])
def test_a_number_out_of_range_is_shown_as_the_text_has_it(number: str) -> None:
    for text, notation in (
        (f"- op_types: [Linear]\n  sparsity_per_layer: {number}\n", "yaml"),
        (f'[{{"op_types": ["Linear"], "sparsity_per_layer": {number}}}]', "json"),
    ):
        with pytest.raises(cc.InvalidConfig) as raised:
            cc.loads(text, format=notation)  # type: ignore[call-overload]
        assert raised.value.findings[0].message.endswith(f", not {number}")


def test_a_missing_dash_is_thought_of_where_a_selector_comes_a_second_time() -> None:
    two = {"op_types": ["Linear"], "sparsity_per_layer": 0.5, "op_names": ["a"], "exclude": True}
    one = {"op_types": ["Linear"], "op_names": ["a"], "sparsity_per_layer": 0.5, "exclude": True}
    hints = [cc.check([config])[0].hint for config in (two, one)]
    assert hints == [f"{hints[1]}; if two sub-configs are meant, begin the second with 'op_names'", hints[1]]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("max_sparsity", "write 'max_sparsity_per_layer'"),
        ("exclude_types", "write a later sub-config with these 'op_types' and \"exclude\": True"),
        ("excluded_layers", "write a later sub-config with these 'op_names' and \"exclude\": True"),
        ("excludes", "write 'exclude'"),
        ("include", "the keys are "),
        ("min_sparsity", "the specification has no lower bound: delete the key"),
        ("bits", "write 'quant_bits'"),
        ("w_bits", "write 'quant_bits'"),
        ("dtype", "write 'quant_dtype'"),
        ("quant_dtypes", "write 'quant_dtype'"),
        ("names", "write 'op_names'"),
    ],
)
def test_a_key_is_not_taken_for_its_contrary_or_for_another_that_is_spelled_alike(key: str, hint: str) -> None:
    base = QUANTIZED if "bits" in key or "dtype" in key else PRUNED
    (finding,) = cc.check([{**base, key: 1}])
    assert (finding.code, finding.path) == ("unknown-key", (0, key))
    assert (finding.hint or "").startswith(hint)
