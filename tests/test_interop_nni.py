"""What lists of NNI lose, on the way there and back, and what is read without a model; without NNI."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from exports import NARROW, Exports

import compression_config as cc
from compression_config.cli import main

MODEL = cc.Inventory.from_layers(
    [
        cc.Layer(name="fc1", type="Linear", weight_shape=(10, 10)),
        cc.Layer(name="fc2", type="Linear", weight_shape=(10, 64)),
        cc.Layer(name="emb", type="Embedding", weight_shape=(50, 10)),
        cc.Layer(name="head", type="Linear", weight_shape=(50, 10), tied_to="emb"),
        cc.Layer(name="conv", type="Conv2d", weight_shape=(4, 6, 3, 3)),
        cc.Layer(name="up", type="ConvTranspose2d", weight_shape=(4, 6, 3, 3)),
        cc.Layer(name="norm", type="LayerNorm", weight_shape=(10,)),
        cc.Layer(name="out", type="MyLinear", weight_shape=(10, 10)),
        cc.Layer(name="act", type="ReLU", has_weight=False),
    ]
)
losses = functools.partial(Exports(MODEL).losses, engine="nni")
SCHEME = {"quant_scheme": "per_channel_symmetric"}
WEIGHT = {"quant_types": ["weight"], "quant_bits": 4, **SCHEME}


def exported(config: Any, **options: Any) -> cc.Export:
    return cc.export(cc.resolve(config, MODEL), "nni", on_loss="ignore", **options)


# Export.


def test_a_pruning_list_masks_weights_alone() -> None:
    config = [{"op_names": ["fc1", "conv"], "sparsity": 0.5}, {"op_names": ["fc2"], "sparsity_per_layer": 0}]
    assert exported(config).document == [
        {"op_names": ["fc1", "conv"], "target_names": ["weight"], "sparse_ratio": 0.5},
        {"op_names": ["fc2"], "target_names": ["weight"], "sparse_ratio": 0.0},
    ]


def test_groups_have_ids_and_caps() -> None:
    first = {"op_names": ["fc1", "fc2"], "total_sparsity": 0.5}
    second = {"op_names": ["emb", "conv"], "total_sparsity": 0.5, "max_sparsity_per_layer": 1}
    group = {"target_names": ["weight"], "sparse_ratio": 0.5}
    assert exported([first, second]).document == [
        {"op_names": ["fc1", "fc2"], **group, "global_group_id": "group_0"},
        {"op_names": ["emb", "conv"], **group, "global_group_id": "group_1", "max_sparse_ratio": 1.0},
    ]


def test_settings_that_all_tensors_share_are_written_once() -> None:
    tensors = {"quant_types": ["weight", "input", "output"], "quant_bits": 8, "quant_scheme": "per_tensor_affine"}
    (config,) = exported([{"op_names": ["fc1"], **tensors, "quant_dtype": "uint"}]).document
    assert config == {
        "op_names": ["fc1"],
        "target_names": ["_input_", "weight", "_output_"],
        "quant_dtype": "uint8",
        "quant_scheme": "affine",
    }


def test_scales_per_channel_are_those_of_the_outputs() -> None:
    both = {"quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}, **SCHEME}
    first, second = exported([{"op_names": ["fc1", "up"], **both}]).document
    assert (first["op_names"], second["op_names"]) == (["fc1"], ["up"])
    assert first["quant_dtype"] == "int8"
    assert {name: setting["granularity"] for name, setting in first["target_settings"].items()} == {
        "_input_": "per_channel",
        "weight": "out_channel",
    }
    assert second["target_settings"]["weight"]["granularity"] == "in_channel"


def test_patterns_match_whole_names() -> None:
    config = [{"op_names": ["fc1", "fc2"], "sparsity": 0.5}]
    (found,) = exported(config, names="patterns").document
    assert found["op_names_re"] == [r"fc[12]\Z"]


def test_a_two_part_document_becomes_two_lists() -> None:
    config = {"pruning": [{"op_names": ["fc1"], "sparsity": 0.5}], "quantization": [{"op_names": ["fc1"], **WEIGHT}]}
    export = exported(config)
    assert list(export.document) == ["pruning", "quantization"]
    assert cc.resolve(cc.import_list(export.document).config_list, MODEL) == cc.resolve(config, MODEL)
    empty = cc.import_list({"pruning": export.document["pruning"], "quantization": []}, "nni").to_data()
    assert empty == {"pruning": [{"op_names": ["fc1"], "sparsity_per_layer": 0.5}], "quantization": []}


PRUNED = (
    "'Linear', 'Embedding', 'Conv1d', 'Conv2d', 'Conv3d', 'ConvTranspose1d', 'ConvTranspose2d', 'ConvTranspose3d', "
    "'BatchNorm1d', 'BatchNorm2d' and 'BatchNorm3d'"
)
QUANTIZED = (
    "'Linear', 'Conv1d', 'Conv2d', 'Conv3d', 'ConvTranspose1d', 'ConvTranspose2d', 'ConvTranspose3d', 'BatchNorm1d', "
    "'BatchNorm2d', 'ReLU', 'ReLU6', 'Hardtanh' and 'MaxPool2d'"
)
LOSSES = [
    (
        [{"op_names": ["norm", "out"], "sparsity": 0.5}],
        {},
        [
            f"error[type-not-applied] at [0]: 'nni' prunes {PRUNED} layers; a '{kind}' layer is left unchanged "
            f"('{name}'){NARROW}"
            for kind, name in (("LayerNorm", "norm"), ("MyLinear", "out"))
        ],
    ),
    (
        [{"op_types": ["Embedding"], **WEIGHT}],
        {},
        [
            (
                f"error[type-not-applied] at [0].op_types: 'nni' quantizes {QUANTIZED} layers; a 'Embedding' layer is "
                f"left unchanged ('emb'){NARROW}"
            )
        ],
    ),
    (
        [{"op_names": ["fc2", "conv"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.8}],
        {},
        [
            (
                "warning[lossy-approximation] at [0].max_sparsity_per_layer: 'nni' compares the caps with the budget "
                "as a whole only, so it may mask more of a single layer (2 layers) (allocate the budget: "
                "allocate=True, or --allocate)"
            )
        ],
    ),
    (
        [{"op_names": ["fc2", "conv"], "total_sparsity": 0.5}],
        {"allocate": True},
        [
            (
                "warning[lossy-approximation] at [0].total_sparsity: the budget of the group is divided among its "
                "layers in proportion to their sizes (2 layers)"
            )
        ],
    ),
    (
        [{"op_names": ["emb", "head"], "total_sparsity": 0.5}],
        {},
        [
            (
                "warning[lossy-approximation] at [0].total_sparsity: 'nni' gives each layer a weight of its own, so a "
                "shared one counts several times in the budget (2 layers)"
            )
        ],
    ),
    (
        [{"op_names": ["fc1", "fc2"], "sparsity_per_layer": 0.29}],
        {},
        [
            (
                "note[lossy-detail] at [0].sparsity_per_layer: 'nni' rounds ratios as binary floats, which masks one "
                "element less ('fc1')"
            )
        ],
    ),
    (
        [{"op_names": ["fc1"], "total_sparsity": 0.29}],
        {},
        [
            (
                "note[lossy-detail] at [0].total_sparsity: 'nni' rounds ratios as binary floats, which masks one "
                "element less ('fc1')"
            )
        ],
    ),
    (
        [{"op_names": ["act"], "quant_types": ["weight", "output"], "quant_bits": 8, **SCHEME}],
        {},
        [
            (
                "error[lossy-setting] at [0].quant_types: 'nni' quantizes only inputs and outputs of 'ReLU', 'ReLU6', "
                "'Hardtanh' and 'MaxPool2d' layers ('act')"
            )
        ],
    ),
    (
        [{"op_names": ["fc1"], "quant_types": ["weight"], "quant_bits": 1, **SCHEME}],
        {},
        [
            (
                "error[lossy-setting] at [0].quant_bits: 'nni' has only one value for signed integers of 1 bit "
                "(weight) ('fc1')"
            )
        ],
    ),
    (
        [{"op_names": ["fc1"], "quant_types": ["weight"], "quant_bits": 1, **SCHEME, "quant_dtype": "uint"}],
        {},
        [],
    ),
    (
        [{"op_names": ["fc1"], **WEIGHT, "quant_start_step": 100}],
        {},
        [
            (
                "note[lossy-detail] at [0].quant_start_step: 'nni' has no start step in a config list: it is an "
                "argument of QATQuantizer, for all layers ('fc1') (pass quant_start_step=100 to QATQuantizer)"
            )
        ],
    ),
    (
        [{"op_names": ["fc1"], "quant_types": ["weight"], "quant_bits": 4}],
        {},
        [
            (
                "note[assumed-scheme] at [0]: without a 'quant_scheme' the export uses symmetric integers (affine "
                "where unsigned), weights per channel, inputs static per tensor ('fc1') (write 'quant_scheme')"
            )
        ],
    ),
]


@pytest.mark.parametrize(("config", "options", "findings"), LOSSES)
def test_what_nni_cannot_say(config: Any, options: dict[str, Any], findings: list[str]) -> None:
    config = [dict(sub_config) for sub_config in config]
    assert losses(config, **options) == findings


# Import of 3.0.

R = {"target_names": ["weight"], "sparse_ratio": 0.5}
Q = {"target_names": ["weight"], "quant_dtype": "int8"}
BITS = {"quant_types": ["weight"], "quant_bits": {"weight": 8}, "quant_scheme": {"weight": "per_tensor_symmetric"}}
HALF = {"sparsity_per_layer": 0.5}


@pytest.mark.parametrize(
    ("configs", "data"),
    [
        pytest.param([{"op_types": ["Linear"], **R}], [{"op_types": ["Linear"], **HALF}], id="types"),
        pytest.param([{"op_names": ["a"], "op_types": [], **R}], [{"op_names": ["a"], **HALF}], id="empty"),
        pytest.param([{"op_names": [], **R}], [], id="nothing"),
        pytest.param(
            [{"op_names": ["a"], **R}, {"op_types": ["Linear"], **R, "sparse_ratio": 0.2}],
            [{"op_types": ["Linear"], "sparsity_per_layer": 0.2}, {"op_names": ["a"], **HALF}],
            id="the first decides",
        ),
        pytest.param(
            [{"op_types": ["Linear"], "exclude_op_names": ["a"], **R}],
            [{"op_types": ["Linear"], **HALF}, {"op_names": ["a"], "exclude": True}],
            id="exclude",
        ),
        pytest.param(
            [{"op_types": ["Linear", "Conv2d"], "exclude_op_types": ["Conv2d"], **R}],
            [{"op_types": ["Linear"], **HALF}],
            id="exclude types",
        ),
        pytest.param(
            [{"op_names": ["a", "b"], "exclude_op_names": ["b"], **R}], [{"op_names": ["a"], **HALF}], id="less names"
        ),
        pytest.param(
            [{"op_types": ["Linear"], "op_names_re": [r".*attn\.q.*", "^fc1$", ".*gate"], **R}],
            [{"op_types": ["Linear"], "op_names": ["fc1"], "op_partial_names": ["attn.q", "gate"], **HALF}],
            id="regexes that are texts",
        ),
        pytest.param(
            [{"op_names": ["a"], **R, "global_group_id": 1}, {"op_names": ["b"], **R, "global_group_id": 1}],
            [{"op_names": ["a", "b"], "total_sparsity": 0.5}],
            id="a group of several configs",
        ),
        pytest.param(
            [{"op_types": ["Linear"], **R, "global_group_id": 1, "max_sparse_ratio": 0.4}],
            [{"op_types": ["Linear"], "sparsity_per_layer": 0.4}],
            id="a cap that limits a group",
        ),
        pytest.param(
            [{"op_names": ["a"], **R, "max_sparse_ratio": 0.4}, {"op_names": ["b"], **R, "min_sparse_ratio": 0.6}],
            [{"op_names": ["b"], "sparsity_per_layer": 0.6}, {"op_names": ["a"], "sparsity_per_layer": 0.4}],
            id="bounds of a layer",
        ),
        pytest.param(
            [{"op_types": ["Linear"], "quant_dtype": None, "target_names": ["weight"]}],
            [{"op_types": ["Linear"], **BITS}],
            id="no type is int8",
        ),
        pytest.param(
            [
                {"op_types": ["Linear"], **Q},
                {"op_types": ["Linear"], "quant_dtype": "uint4", "target_names": ["weight", "_output_"]},
            ],
            [
                {
                    "op_types": ["Linear"],
                    "quant_types": ["weight", "output"],
                    "quant_bits": {"weight": 8, "output": 4},
                    "quant_scheme": {"weight": "per_tensor_symmetric", "output": "per_tensor_symmetric"},
                    "quant_dtype": {"weight": "int", "output": "uint"},
                }
            ],
            id="configs of several targets add up",
        ),
    ],
)
def test_a_list_of_nni_3_is_read_without_a_model(configs: Any, data: Any) -> None:
    found = cc.import_list(configs, "nni")
    assert (found.to_data(), found.findings) == (data, ())


@pytest.mark.parametrize(
    ("configs", "what"),
    [
        ([{"op_types": ["Linear"], "op_names_re": ["fc.*"], **R}], "'[0]' has the regex 'fc.*'"),
        ([{"op_types": ["Linear"], "op_names_re": [".*layer.1.*"], **R}], "'[0]' has the regex '.*layer.1.*'"),
        (
            [{"op_names": ["a"], **Q}, {"op_types": ["Linear"], **Q, "target_names": ["weight", "_input_"]}],
            "'[0]' and '[1]' may add up for a layer",
        ),
        (
            [{"op_types": ["Linear"], "exclude_op_names": ["a"], **R}, {"op_names": ["a"], **R}],
            "'[0]' excludes what '[1]' may select",
        ),
        ([{"op_names": ["a"], "quant_dtype": "int8"}], "'[0]' depends on the types of its layers"),
        (
            [{"op_types": ["Linear", "ReLU"], "quant_dtype": "int8"}],
            "'[0]' gives layers of several types other settings",
        ),
        (
            [{"op_types": ["Linear"], **R, "global_group_id": 1}, {"op_names": ["b"], **R, "global_group_id": 1}],
            "the group of '[0]' has layers of several configs",
        ),
    ],
)
def test_where_a_layer_depends_on_the_model_a_list_of_nni_3_needs_it(configs: Any, what: str) -> None:
    with pytest.raises(cc.UsageError) as raised:
        cc.import_list(configs, "nni")
    assert str(raised.value) == f"{what}, which only a model resolves: pass 'model' (--model)"
    model = [("a", "Linear"), ("b", "Linear"), ("fc1", "Linear"), ("layer_1", "Linear"), ("act", "ReLU")]
    assert cc.import_list(configs, "nni", model).to_data()


IMPORT_LOSSES = [
    (
        {"sparse_ratio": 0.5},
        ("note[lossy-detail] at [0]: a config list prunes weights only; NNI masks the biases of masked outputs too"),
        HALF,
    ),
    (
        {**R, "target_names": ["weight", "_input_"], "target_settings": {"_input_": {"sparse_ratio": 0.5}}},
        "error[lossy-setting] at [0]: a config list prunes weights only, not '_input_0'",
        HALF,
    ),
    (
        {**R, "sparse_threshold": 0.1},
        "error[lossy-setting] at [0].sparse_threshold: a config list prunes by ratio, not by threshold",
        HALF,
    ),
    (
        {**R, "target_settings": {"weight": {"align": {"module_name": "x"}}}},
        (
            "error[lossy-setting] at [0].target_settings.weight.align: a config list cannot express the mask of "
            "another layer"
        ),
        HALF,
    ),
    (
        {**R, "dependency_group_id": "x"},
        (
            "warning[lossy-approximation] at [0].dependency_group_id: a config list cannot express which elements are "
            "masked together"
        ),
        HALF,
    ),
    (
        {**R, "internal_metric_block": 2},
        (
            "note[lossy-detail] at [0].internal_metric_block: a config list cannot express which elements are masked "
            "together"
        ),
        HALF,
    ),
    (
        {**R, "granularity": "out_channel"},
        (
            "warning[lossy-approximation] at [0].granularity: a config list cannot express which elements are masked "
            "together"
        ),
        HALF,
    ),
    (
        {**R, "apply_method": "add"},
        "note[lossy-detail] at [0].apply_method: a config list cannot express how masks are applied",
        HALF,
    ),
    (
        {**R, "sparse_ratio": 1.0},
        "error[lossy-setting] at [0].sparse_ratio: a config list has ratios from 0 to below 1, not 1.0",
        None,
    ),
    (
        {**R, "global_group_id": "g", "min_sparse_ratio": 0.2},
        (
            "error[lossy-setting] at [0].min_sparse_ratio: a config list cannot express a lower bound for each layer "
            "of a group"
        ),
        {"total_sparsity": 0.5},
    ),
    (
        {"target_names": ["weight"], "global_group_id": "g", "max_sparse_ratio": 0.2},
        "error[lossy-setting] at [0]: NNI 3.0 needs one 'sparse_ratio' for all layers of a group",
        None,
    ),
    (
        {**Q, "target_names": ["weight", "bias"]},
        ("error[lossy-setting] at [0]: a config list quantizes weights, first inputs and first outputs, not 'bias'"),
        BITS,
    ),
    (
        {**Q, "target_names": ["weight", "_input_1"]},
        (
            "error[lossy-setting] at [0]: a config list quantizes weights, first inputs and first outputs, not "
            "'_input_1'"
        ),
        BITS,
    ),
    (
        {**Q, "quant_dtype": "fp8"},
        "error[lossy-setting] at [0].quant_dtype: a config list has integers of 1 to 31 bits, not 'fp8'",
        None,
    ),
    (
        {**Q, "quant_scheme": "per_tensor_symmetric"},
        (
            "error[lossy-setting] at [0].quant_scheme: NNI 3.0 has the schemes 'affine' and 'symmetric', not "
            "'per_tensor_symmetric'"
        ),
        BITS,
    ),
    (
        {**Q, "granularity": "in_channel"},
        (
            "warning[lossy-approximation] at [0].granularity: a config list cannot express the granularity "
            "'in_channel' (weight)"
        ),
        {**BITS, "quant_scheme": {"weight": "per_channel_symmetric"}},
    ),
    (
        {**Q, "fuse_names": [["fc1", "bn"]]},
        (
            "warning[lossy-approximation] at [0].fuse_names: a config list cannot express that layers are quantized as "
            "one with those after them"
        ),
        BITS,
    ),
    (
        {"lambda": 0.5},
        "error[lossy-setting] at [0].lambda: a config list cannot express distillation",
        None,
    ),
]


@pytest.mark.parametrize(("keys", "finding", "settings"), IMPORT_LOSSES)
def test_what_an_import_from_nni_3_loses(keys: Any, finding: str, settings: Any) -> None:
    configs = [{"op_types": ["Linear"], **keys}]
    for model in (None, [("fc1", "Linear")]):
        found = cc.import_list(configs, "nni", model)
        assert [str(loss) for loss in found.findings] == [finding]
        written = [config for config in found.to_data() if "exclude" not in config]
        assert written == ([] if settings is None else [{"op_types": ["Linear"], **settings}])


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        (
            {"op_types": ["LSTM"], **R},
            "error[lossy-setting] at [0]: NNI 3.0 cannot prune a 'LSTM' layer, which this selects",
        ),
        (
            {"op_types": ["ReLU"], **Q},
            "error[lossy-setting] at [0].target_names: NNI 3.0 cannot quantize 'weight' of a 'ReLU' layer",
        ),
        (
            {"op_types": ["default"], **R},
            (
                "note[lossy-detail] at [0].op_types: NNI 3.0 does not know 'default', which selects only a class of "
                "that name (write the types)"
            ),
        ),
    ],
)
def test_what_nni_3_fails_on_or_does_not_find_is_reported(config: Any, finding: str) -> None:
    for model in (None, [("rnn", "LSTM"), ("act", "ReLU")]):
        found = cc.import_list([config], model=model)
        assert ([str(loss) for loss in found.findings], found.to_data()) == ([finding], [])


def test_empty_settings_of_targets_are_none() -> None:
    config = {"op_types": ["Linear"], "quant_dtype": "float8", "target_names": ["weight"], "target_settings": None}
    found = cc.import_list([config], "nni", [("fc", "Linear")])
    message = "a config list has integers of 1 to 31 bits, not 'float8'"
    assert [str(finding) for finding in found.findings] == [f"error[lossy-setting] at [0].quant_dtype: {message}"]


def test_several_ratios_in_a_group_are_a_loss() -> None:
    configs = [{"op_names": [name], **R, "sparse_ratio": 1 / size, "global_group_id": 1} for name, size in SIZES]
    for model in (None, [(name, "Linear") for name, _ in SIZES]):
        found = cc.import_list(configs, model=model)
        assert [str(loss) for loss in found.findings] == [
            "error[lossy-setting] at [1]: NNI 3.0 needs one 'sparse_ratio' for all layers of a group"
        ]
        assert not any("exclude" not in sub_config for sub_config in found.to_data())


SIZES = (("a", 2), ("b", 4))


def test_several_caps_in_a_group_are_a_loss() -> None:
    configs = [
        {"op_names": ["a"], **R, "global_group_id": 1, "max_sparse_ratio": 0.8},
        {"op_names": ["b"], **R, "global_group_id": 1, "max_sparse_ratio": 0.9},
    ]
    for model in (None, [("a", "Linear"), ("b", "Linear"), ("c", "Linear")]):
        found = cc.import_list(configs, model=model)
        assert found.to_data() == [{"op_names": ["a", "b"], "total_sparsity": 0.5}]
        assert [str(loss) for loss in found.findings] == [
            "error[lossy-setting] at [1]: a config list cannot express several caps in one group, so that it has none"
        ]


def test_a_group_is_one_sub_config_whatever_the_rest_gets() -> None:
    """A default and its exceptions would be two groups."""
    model = [*((f"l.{i}", "Linear") for i in range(5)), ("emb", "Embedding"), ("conv", "Conv2d")]
    configs = [
        {"op_names": ["l.1"], **R, "sparse_ratio": 0.25},
        {"op_types": ["Linear", "Embedding"], **R, "global_group_id": "g"},
        {"op_types": ["Conv2d"], **R},
    ]
    found = cc.import_list(configs, model=model)
    resolution: Any = cc.resolve(found.config_list, model)
    (group,) = resolution.budget.groups
    assert [layer.layer for layer in group.layers] == ["l.0", "l.2", "l.3", "l.4", "emb"]
    assert resolution["l.1"].settings.sparsity == 0.25
    assert resolution["conv"].settings.sparsity == 0.5


def test_an_alias_is_a_name_to_nni_3() -> None:
    model: Any = [cc.Layer(name="a", type="Linear", weight_shape=(4, 4), aliases=("b",)), ("c", "Linear")]
    configs = [{"op_types": ["Linear"], "op_names_re": ["b", "c"], "exclude_op_names": ["c"], **R}]
    resolution: Any = cc.resolve(cc.import_list(configs, model=model).config_list, model)
    assert list(resolution.compressed) == ["a"]


# Import of 1.x and 2.x.


@pytest.mark.parametrize(
    ("config", "data", "findings"),
    [
        (
            {"op_types": ["Conv2d"], "initial_sparsity": 0.0, "final_sparsity": 0.8, "start_epoch": 0},
            [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.8}],
            [
                (
                    "note[lossy-detail] at [0].initial_sparsity: a config list cannot express the schedule or options "
                    "of a pruner: 'initial_sparsity' and 'start_epoch'"
                )
            ],
        ),
        (
            {"op_name": "conv0", "sparsity": 0.3},
            [{"op_names": ["conv0"], "sparsity": 0.3}],
            [
                (
                    "warning[lossy-approximation] at [0].op_name: NNI does not read 'op_name', and compresses the "
                    "layers that the other selectors leave (check that these layers were meant)"
                )
            ],
        ),
        (
            {"op_names": ["a"], "exclude": False},
            [{"op_names": ["a"], "exclude": True}],
            [
                (
                    "warning[lossy-approximation] at [0].exclude: NNI excludes these layers from version 1.4 on, "
                    "whatever 'exclude' is (delete the sub-config if they were meant)"
                )
            ],
        ),
        ({"op_names": ["a"], "exclude": True, "sparsity": 0.5}, [{"op_names": ["a"], "exclude": True}], []),
        ({"op_names": [], "op_types": ["Linear"], "exclude": True}, [], []),
        (
            {"op_names": [], "op_partial_names": ["a"], "sparsity": 0.5},
            [{"op_partial_names": ["a"], "sparsity": 0.5}],
            [],
        ),
        ({"op_types": [], "sparsity": 0.5}, [], []),
        ({"support_type": "default", "sparsity": 0.5}, [{"op_types": ["default"], "sparsity": 0.5}], []),
        (
            {"op_types": ["Linear"], "q_bits": 4},
            [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}],
            [],
        ),
        (
            {"op_types": ["Linear"], "sparsity": 0.5, "sparsity_per_layer": 0.5},
            [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}],
            ["error[lossy-setting] at [0].sparsity: NNI refuses 'sparsity' beside another ratio for each layer"],
        ),
        (
            {"op_types": ["Linear"], "sparsity": 80},
            [],
            [
                (
                    "error[lossy-setting] at [0]: 'sparsity' must be at least 0 and below 1, not 80 (ratios are not "
                    "percentages: write 0.8)"
                )
            ],
        ),
    ],
)
def test_a_config_of_nni_1(config: Any, data: Any, findings: list[str]) -> None:
    for model in (None, MODEL):
        found = cc.import_list([config], "nni-1", model)
        assert (found.to_data(), [str(loss) for loss in found.findings]) == (data, findings)


def test_a_document_that_is_not_a_list_is_refused() -> None:
    for dialect in ("nni", "nni-1"):
        with pytest.raises(cc.UsageError) as raised:
            cc.import_list({"a": 1} if dialect == "nni-1" else 1, dialect)
        assert str(raised.value) == f"this is not a document of {dialect}: it is not a list of configs"


@pytest.mark.parametrize(
    "configs",
    [
        [{"op_types": 1, "sparse_ratio": 0.5}],
        [{"op_names_re": ["("], "sparse_ratio": 0.5}],
        [{"op_names_re": ["a{99999999999999999999}"], "sparse_ratio": 0.5}],
        [{"op_types": ["Linear"], "target_settings": {"weight": 0.5}}],
        [{"op_types": ["Linear"], "sparse_ratio": 0.5, "unknown": 1}],
        [{"op_types": ["Linear"], "sparsity": 0.5}],
        [{"op_types": ["Linear"], "lambda": 0.5}],
        [1],
        [],
    ],
)
def test_what_is_not_wholly_a_list_of_another_version_of_nni_is_not_recognized(configs: Any) -> None:
    assert not any("compression-config import" in str(finding.hint) for finding in cc.check(configs))
    with pytest.raises(cc.UsageError, match=r"^the document is of none of the dialects "):
        cc.import_list(configs)


def test_only_the_first_finding_offers_to_import_the_list() -> None:
    configs = [{"op_types": ["Linear"], "exclude_op_names": ["a"], "quant_dtype": "int8", "target_names": ["weight"]}]
    assert ["import" in str(finding.hint) for finding in cc.check(configs)] == [True, False, False]
    assert ["import" in str(finding.hint) for finding in cc.check({"quantization": configs})] == [False, False, False]
    (dtype,) = cc.check([{"op_types": ["Linear"], "quant_dtype": "int8"}])[:1]
    assert "compression-config import" in str(dtype.hint)


# The command line.


def test_import_needs_no_model_where_the_list_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nni.json").write_text(json.dumps([{"op_names": ["a"], **R}, {"op_types": ["Linear"], **R}]))
    assert main(["import", "nni.json"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == [
        {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
        {"op_names": ["a"], "sparsity_per_layer": 0.5},
    ]
    Path("nni.json").write_text(json.dumps([{"op_types": ["Linear"], "op_names_re": ["a.c"], **R}]))
    assert main(["import", "nni.json"]) == 2
    assert capsys.readouterr().err == (
        "compression-config: error: '[0]' has the regex 'a.c', which only a model resolves: pass 'model' (--model)\n"
    )
    Path("nni.json").write_text(json.dumps([{"op_types": ["Linear"], **R}]))
    assert main(["translate", "nni.json", "--to", "torch"]) == 2
    assert "error: a document names layers of a model: write --model" in capsys.readouterr().err
