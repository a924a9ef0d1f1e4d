"""What documents for Apple's engines are, and what they lose, without any engine."""

from __future__ import annotations

from typing import Any

import pytest
from exports import NARROW, PER_CHANNEL, Exports, pruned, quantized

import compression_config as cc

MODEL = cc.Inventory.from_layers(
    [
        cc.Layer(name="fc1", type="Linear", weight_shape=(10, 100)),
        cc.Layer(name="fc2", type="Linear", weight_shape=(10, 64)),
        cc.Layer(name="emb", type="Embedding", weight_shape=(5, 8)),
        cc.Layer(name="conv", type="Conv2d", weight_shape=(4, 6, 3, 3)),
        cc.Layer(name="up", type="ConvTranspose2d", weight_shape=(8, 6, 3, 3)),
        cc.Layer(name="norm", type="LayerNorm", weight_shape=(10,)),
        cc.Layer(name="act", type="ReLU", has_weight=False),
        cc.Layer(name="pool", type="AvgPool2d", has_weight=False),
        cc.Layer(name="attention", type="MultiheadAttention", has_weight=False),
        cc.Layer(name="attention.out_proj", type="NonDynamicallyQuantizableLinear", weight_shape=(8, 8)),
        cc.Layer(name="huge", type="Linear", weight_shape=(11111, 5003)),
        cc.Layer(name="huge.adapter", type="Linear", weight_shape=(10, 10)),
    ]
)
EXPORTS = Exports(MODEL)
losses, document = EXPORTS.losses, EXPORTS.document


# coreai-opt.


def coreai(config: Any, **options: Any) -> Any:
    return document(config, "coreai-opt", **options)["quantization_config"]["module_name_configs"]


def test_a_quantization_config_switches_everything_off_but_the_compressed_layers() -> None:
    config = quantized(["fc1"], {"weight": 4, "input": 8}, {"weight": PER_CHANNEL, "input": "per_tensor_affine"})
    assert document(config, "coreai-opt") == {
        "quantization_config": {
            "execution_mode": "eager",
            "global_config": None,
            "module_name_configs": {
                "fc1": {
                    "op_input_spec": {
                        "*": {"dtype": "int8", "qscheme": "asymmetric", "granularity": {"type": "per_tensor"}}
                    },
                    "op_output_spec": None,
                    "op_state_spec": None,
                    "module_state_spec": {
                        "weight": {
                            "dtype": "int4",
                            "qscheme": "symmetric",
                            "granularity": {"type": "per_channel", "axis": 0},
                        }
                    },
                }
            },
        }
    }


@pytest.mark.parametrize(
    ("keys", "bits", "dtype", "qscheme", "granularity"),
    [
        ({}, 8, "int8", "symmetric", {"type": "per_channel", "axis": 0}),
        ({"quant_dtype": "uint"}, 2, "uint2", "symmetric", {"type": "per_channel", "axis": 0}),
        ({"quant_scheme": "per_tensor_affine"}, 6, "int6", "asymmetric", {"type": "per_tensor"}),
        ({"quant_scheme": "per_channel_affine"}, 4, "int4", "asymmetric", {"type": "per_channel", "axis": 0}),
    ],
)
def test_the_words_of_coreai_opt(keys: Any, bits: int, dtype: str, qscheme: str, granularity: Any) -> None:
    config = [{**quantized(["fc1"], bits)[0], **keys}]
    spec = coreai(config)["fc1"]["module_state_spec"]["weight"]
    assert spec == {"dtype": dtype, "qscheme": qscheme, "granularity": granularity}


def test_what_has_no_words_is_not_written() -> None:
    assert coreai(quantized(["fc1"], 3)) == {}
    given = coreai(quantized(["fc1"], {"weight": 3, "input": 8}))["fc1"]
    assert (given["op_input_spec"]["*"]["dtype"], "module_state_spec" in given) == ("int8", False)


def test_axes_are_those_of_the_type() -> None:
    config = quantized(["fc1", "conv", "up"], {"weight": 8, "output": 8})
    assert {
        name: (given["module_state_spec"]["weight"]["granularity"], given["op_output_spec"]["*"]["granularity"])
        for name, given in coreai(config).items()
    } == {
        "fc1": ({"type": "per_channel", "axis": 0}, {"type": "per_channel", "axis": -1}),
        "conv": ({"type": "per_channel", "axis": 0}, {"type": "per_channel", "axis": -3}),
        "up": ({"type": "per_channel", "axis": 1}, {"type": "per_channel", "axis": -3}),
    }
    grouped = coreai(quantized(["fc1", "up"], 8), group_size=2)
    assert {name: given["module_state_spec"]["weight"]["granularity"] for name, given in grouped.items()} == {
        "fc1": {"type": "per_block", "axis": 1, "block_size": 2},
        "up": {"type": "per_block", "axis": 0, "block_size": 2},
    }


def test_the_output_of_an_activation_is_that_of_its_module() -> None:
    spec = {"dtype": "int8", "qscheme": "symmetric", "granularity": {"type": "per_tensor"}}
    assert coreai(quantized(["act"], {"output": 8}, "per_tensor_symmetric")) == {
        "act": {
            "op_input_spec": None,
            "op_output_spec": None,
            "op_state_spec": None,
            "module_output_spec": {"*": spec},
        }
    }


def test_the_start_step_is_when_fake_quantization_begins() -> None:
    given = coreai([*quantized(["fc1"], 8, quant_start_step=100), *quantized(["fc2"], 8)])
    assert [setting.get("qat_schedule") for setting in given.values()] == [{"enable_fake_quant": 100}, None]
    assert losses(quantized(["fc1"], 8, quant_start_step=100), "coreai-opt") == []


def test_layers_inside_of_others_are_named_after_them() -> None:
    model = [("a", "Linear"), ("a.base", "Linear"), ("a.base.base", "Linear"), ("b", "Linear"), ("b.base", "Linear")]
    config = [{**quantized(["a.base.base", "a", "b.base"], {"weight": 8, "input": 8})[0]}]
    for names in ("exact", "patterns"):
        given = document(config, "coreai-opt", model, names=names)["quantization_config"]["module_name_configs"]
        order = [(regex, setting is None) for regex, setting in given.items()]
        assert order == [("a", False), (r"b\.base", False), (r"a\.base", True), (r"a\.base\.base", False)]


def test_a_pruning_config_has_the_ratio_that_masks_the_count() -> None:
    hundred = [cc.Layer(name="fc", type="Linear", weight_shape=(1, 100))]
    given = document(pruned(["fc"], 0.29), "coreai-opt", hundred)
    assert given == {
        "magnitude_pruning_config": {
            "global_config": None,
            "module_name_configs": {
                "fc": {"op_state_spec": None, "module_state_spec": {"weight": {"target_sparsity": 0.291}}}
            },
        }
    }
    assert int(100 * 0.29) == 28
    unknown = document(pruned(["fc"], 0.29), "coreai-opt", [("fc", "Linear")])
    (setting,) = unknown["magnitude_pruning_config"]["module_name_configs"].values()
    assert setting["module_state_spec"]["weight"]["target_sparsity"] == 0.29


def test_each_part_of_a_list_has_its_own_key() -> None:
    both = {"pruning": pruned(["fc1"]), "quantization": quantized(["fc2"], 8)}
    assert list(document(both, "coreai-opt")) == ["magnitude_pruning_config", "quantization_config"]
    assert list(document(both, "coremltools")) == ["pruning", "quantization"]
    assert document(both["pruning"], "coremltools") == document(both, "coremltools")["pruning"]
    assert document(both["quantization"], "coremltools") == document(both, "coremltools")["quantization"]


CONVOLUTIONS = "'Conv1d', 'Conv2d', 'Conv3d', 'ConvTranspose1d', 'ConvTranspose2d' and 'ConvTranspose3d'"
ALLOCATE = "(2 layers) (allocate the budget: allocate=True, or --allocate)"
COREAI = [
    (quantized(["fc1", "emb", "conv", "up"], {"weight": 4, "output": 8}, quant_dtype="uint"), {}, []),
    (quantized(["fc1"], {"input": 8}, "per_channel_affine"), {}, []),
    (pruned(["fc1", "emb", "conv", "up", "norm", "attention.out_proj"]), {}, []),
    (quantized(["act", "norm"], {"output": 8}, "per_tensor_affine"), {"group_size": 3}, []),
    (
        quantized(["norm"], {"weight": 8, "output": 8}, "per_tensor_affine"),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_types: 'coreai-opt' quantizes only the outputs of a 'LayerNorm' "
                "layer ('norm')"
            )
        ],
    ),
    (
        quantized(["act"], {"output": 8}),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_scheme: it depends on the model which axis of an output has the "
                "channels, so there is one scale for all ('act')"
            )
        ],
    ),
    (
        quantized(["pool"], {"output": 8}),
        {},
        [
            (
                "error[type-not-applied] at [0]: 'coreai-opt' quantizes 'Linear', 'Embedding', "
                f"{CONVOLUTIONS.replace(' and', ',')}, 'ReLU', 'ReLU6', 'GELU', 'SiLU', 'Sigmoid', 'Tanh', "
                f"'Softmax' and 'LayerNorm' layers; a 'AvgPool2d' layer is left unchanged ('pool'){NARROW}"
            )
        ],
    ),
    (
        quantized(["attention.out_proj"], 8),
        {},
        [
            (
                "error[type-not-applied] at [0]: a 'NonDynamicallyQuantizableLinear' layer never runs by itself, so "
                f"'coreai-opt' leaves it unchanged ('attention.out_proj'){NARROW}"
            )
        ],
    ),
    (
        quantized(["emb"], {"weight": 8, "input": 8}),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_types: the inputs of embeddings are indices, which 'coreai-opt' "
                "does not quantize ('emb')"
            )
        ],
    ),
    (
        quantized(["fc1"], {"weight": 8, "input": 12}),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_bits: 'coreai-opt' has integers of 2, 4, 6 or 8 bits, not 12 "
                "(input) ('fc1')"
            )
        ],
    ),
    (
        quantized(["fc1"], 6),
        {},
        [
            (
                "note[lossy-detail] at [0].quant_bits: 'coreai-opt' writes 6-bit integers neither for Core AI nor for "
                "Core ML ('fc1')"
            )
        ],
    ),
    (
        quantized(["fc1", "fc2", "up"], 8),
        {"group_size": 16},
        [
            (
                f"error[group-size] at [0]: groups of 16 do not divide {inputs} inputs ('{name}') (choose a group_size "
                "that divides them, or exclude the layers)"
            )
            for inputs, name in ((100, "fc1"), (8, "up"))
        ],
    ),
    (
        [{"op_names": ["fc1", "fc2"], "total_sparsity": 0.5}],
        {},
        [
            (
                "error[lossy-setting] at [0].total_sparsity: 'coreai-opt' has no budget shared by several layers "
                f"{ALLOCATE}"
            )
        ],
    ),
]


@pytest.mark.parametrize(("config", "options", "findings"), COREAI)
def test_what_coreai_opt_loses(config: Any, options: dict[str, Any], findings: list[str]) -> None:
    assert losses(config, "coreai-opt", **options) == findings


# coremltools.


def test_a_config_that_names_no_layer_names_the_model() -> None:
    excluded = [{"op_names": ["fc1"], "exclude": True}]
    for kind in ("pruning", "quantization"):
        resolution: Any = cc.resolve(excluded, MODEL, kind=kind)
        assert cc.export(resolution, "coremltools").document == {"module_name_configs": {"^$": None}}


def test_the_words_of_coremltools() -> None:
    config = [*quantized(["fc1"], 4, quant_dtype="uint"), *quantized(["conv"], 8, "per_tensor_symmetric")]
    assert document(config, "coremltools") == {
        "module_name_configs": {
            "fc1": {"weight_dtype": "uint4", "quantization_scheme": "symmetric", "granularity": "per_channel"},
            "conv": {"weight_dtype": "int8", "quantization_scheme": "symmetric", "granularity": "per_tensor"},
        }
    }
    affine = document(quantized(["fc2"], 4, "per_channel_affine"), "coremltools", group_size=16)
    assert affine["module_name_configs"]["fc2"] == {
        "weight_dtype": "int4",
        "quantization_scheme": "affine",
        "granularity": "per_block",
        "block_size": 16,
    }


def test_one_group_of_all_inputs_is_a_channel() -> None:
    given = document(quantized(["fc1", "fc2", "up"], 8), "coremltools", group_size=64)["module_name_configs"]
    assert {name: setting["granularity"] for name, setting in given.items()} == {
        "fc1": "per_block",
        "fc2": "per_channel",
        "up": "per_block",
    }
    assert losses(quantized(["fc2"], 8), "coremltools", group_size=64) == []
    assert losses(quantized(["up"], 8), "coremltools", group_size=8) == []


def test_groups_of_layers_of_unknown_shape_are_written() -> None:
    model = [("a", "Linear"), ("a.wrapped", "Linear")]
    given = document(quantized(["a.wrapped"], 8), "coremltools", model, group_size=64)["module_name_configs"]
    assert [setting["block_size"] for setting in given.values()] == [64]


def test_a_group_is_allocated_to_ratios() -> None:
    config = [{"op_names": ["fc1", "fc2"], "total_sparsity": 0.3337}]
    given = document(config, "coremltools", allocate=True)["module_name_configs"]
    assert given == {"fc1": {"target_sparsity": 0.334}, "fc2": {"target_sparsity": 0.333}}


COREMLTOOLS = [
    (quantized(["fc1", "conv", "up"], 4, "per_channel_affine"), {}, []),
    (pruned(["fc1", "conv", "attention.out_proj"]), {}, []),
    (
        pruned(["up", "emb"]),
        {},
        [
            (
                "error[type-not-applied] at [0]: 'coremltools' prunes 'Linear', 'Conv1d', 'Conv2d' and 'Conv3d' "
                f"layers; a '{kind}' layer is left unchanged ('{name}'){NARROW}"
            )
            for kind, name in (("Embedding", "emb"), ("ConvTranspose2d", "up"))
        ],
    ),
    (
        quantized(["emb"], 8),
        {},
        [
            (
                f"error[type-not-applied] at [0]: 'coremltools' quantizes 'Linear', {CONVOLUTIONS} layers; "
                f"a 'Embedding' layer is left unchanged ('emb'){NARROW}"
            )
        ],
    ),
    (
        quantized(["attention.out_proj"], 8),
        {},
        [
            (
                "error[type-not-applied] at [0]: a 'NonDynamicallyQuantizableLinear' layer never runs by itself, so "
                f"'coremltools' leaves it unchanged ('attention.out_proj'){NARROW}"
            )
        ],
    ),
    (
        quantized(["huge.adapter"], 8),
        {},
        [
            (
                "error[type-not-applied] at [0]: 'coremltools' does not look inside of a 'Linear' layer "
                f"('huge.adapter'){NARROW}"
            )
        ],
    ),
    (
        quantized(["fc1"], {"input": 8}),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_types: 'coremltools' quantizes weights only, not inputs ('fc1') "
                "(export with 'coreai-opt')"
            )
        ],
    ),
    (
        quantized(["fc1"], {"weight": 8, "input": 8, "output": 8}),
        {},
        [
            (
                f"error[lossy-setting] at [0].quant_types: 'coremltools' quantizes weights only, not {kind}s ('fc1') "
                "(export with 'coreai-opt')"
            )
            for kind in ("input", "output")
        ],
    ),
    (
        quantized(["fc1"], 2),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'coremltools' has weights of 4 or 8 bits, not 2 ('fc1')"],
    ),
    (
        quantized(["fc1"], 8, quant_start_step=7),
        {},
        [
            (
                "note[lossy-detail] at [0].quant_start_step: 'coremltools' has no start step, so quantization begins "
                "at once ('fc1')"
            )
        ],
    ),
    (
        [*quantized(["fc1", "fc2"], 8), *quantized(["conv"], 8, "per_channel_affine")],
        {},
        [
            (
                "error[lossy-setting] at [1].quant_scheme: 'coremltools' needs one scheme for all layers, which are "
                "symmetric in the document ('conv') (write a 'quant_scheme' that is symmetric, or export these "
                "layers by themselves)"
            )
        ],
    ),
    (
        [*quantized(["fc1", "fc2"], 8, "per_tensor_affine"), *quantized(["conv"], 8)],
        {},
        [
            (
                "error[lossy-setting] at [1].quant_scheme: 'coremltools' needs one scheme for all layers, which are "
                "affine in the document ('conv') (write a 'quant_scheme' that is affine, or export these "
                "layers by themselves)"
            )
        ],
    ),
    (
        quantized(["fc1"], 8),
        {"group_size": 16},
        [
            (
                "error[group-size] at [0]: groups of 16 do not divide 100 inputs ('fc1') (choose a group_size that "
                "divides them, or exclude the layers)"
            )
        ],
    ),
    (
        quantized(["up"], 8),
        {"group_size": 4},
        [
            (
                "error[group-size] at [0]: groups of transposed convolutions have to divide their outputs too, into "
                f"more than one ('up'){NARROW}"
            )
        ],
    ),
    (
        [{"op_names": ["fc1", "fc2"], "total_sparsity": 0.5}],
        {},
        [
            (
                "error[lossy-setting] at [0].total_sparsity: 'coremltools' has no budget shared by several layers "
                f"{ALLOCATE}"
            )
        ],
    ),
    (
        pruned(["huge"], 0.1),
        {},
        [
            (
                "note[lossy-detail] at [0]: 'coremltools' counts in single precision: a few elements more or fewer are "
                "masked ('huge')"
            )
        ],
    ),
]


@pytest.mark.parametrize(("config", "options", "findings"), COREMLTOOLS)
def test_what_coremltools_loses(config: Any, options: dict[str, Any], findings: list[str]) -> None:
    assert losses(config, "coremltools", **options) == findings


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("coreai-opt", "'coreai-opt' has no option 'inputs'; its options are 'group_size'"),
        ("coremltools", "'coremltools' has no option 'inputs'; its options are 'group_size'"),
    ],
)
def test_the_only_option_is_the_size_of_groups(engine: str, message: str) -> None:
    with pytest.raises(cc.UsageError) as raised:
        document(quantized(["fc1"], 8), engine, inputs="dynamic")
    assert str(raised.value) == message
