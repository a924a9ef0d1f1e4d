"""What documents for torchao, ModelOpt and torch lose, and what imports of theirs do, without any engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from exports import NARROW, Exports, quantized

import compression_config as cc

MODEL = cc.Inventory.from_layers(
    [
        cc.Layer(name="fc1", type="Linear", weight_shape=(10, 100)),
        cc.Layer(name="fc2", type="Linear", weight_shape=(10, 64)),
        cc.Layer(name="emb", type="Embedding", weight_shape=(5, 8)),
        cc.Layer(name="conv", type="Conv2d", weight_shape=(4, 6, 3, 3)),
        cc.Layer(name="up", type="ConvTranspose2d", weight_shape=(4, 6, 3, 3)),
        cc.Layer(name="norm", type="LayerNorm", weight_shape=(10,)),
        cc.Layer(name="act", type="ReLU", has_weight=False),
    ]
)
SYMMETRIC = {"quant_scheme": "per_channel_symmetric"}
losses = Exports(MODEL, hidden=NARROW).losses


IN = {"weight": "per_channel_symmetric", "input": "per_tensor_symmetric"}
APPLIED = "quantizes 'Linear', 'Embedding' and 'Conv2d' layers"
TORCHAO = [
    (quantized(["fc1"], 4), {}, []),
    (quantized(["fc1"], 8, "per_tensor_symmetric"), {}, []),
    (
        quantized(["act", "norm"], 4),
        {},
        [
            f"error[type-not-applied] at [0]: 'torchao' {APPLIED}; a '{kind}' layer is left unchanged ('{name}')"
            for kind, name in (("LayerNorm", "norm"), ("ReLU", "act"))
        ],
    ),
    (
        quantized(["fc1"], {"input": 8}, "per_tensor_affine"),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_types: 'torchao' quantizes inputs only beside weights ('fc1') (add "
                "weight to 'quant_types')"
            )
        ],
    ),
    (
        quantized(["fc1"], 12),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'torchao' has weights of 1 to 8 bits, not 12 ('fc1')"],
    ),
    (
        quantized(["fc1"], {"weight": 8, "output": 8}),
        {},
        ["error[lossy-setting] at [0].quant_types: 'torchao' does not quantize outputs ('fc1')"],
    ),
    (
        quantized(["emb"], {"weight": 8, "input": 8}, IN),
        {},
        ["error[lossy-setting] at [0].quant_types: 'torchao' quantizes the inputs of linear layers only ('emb')"],
    ),
    (
        quantized(["fc1"], {"weight": 8, "input": 4}, IN),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'torchao' quantizes inputs to 8 bits, not 4 ('fc1')"],
    ),
    (
        quantized(["fc1"], {"weight": 8, "input": 8}, IN),
        {},
        [
            (
                "warning[lossy-approximation] at [0].quant_scheme: inputs are quantized per token at run time, not "
                "statically per tensor ('fc1')"
            )
        ],
    ),
    (
        quantized(["fc1"], {"weight": 4, "input": 8}, IN),
        {},
        [
            (
                "warning[lossy-approximation] at [0].quant_scheme: inputs are quantized per token at run time, not "
                "statically per tensor ('fc1')"
            ),
            (
                "warning[lossy-approximation] at [0].quant_scheme: inputs are affine; symmetric ones 'torchao' has "
                "only beside symmetric 8-bit weights ('fc1')"
            ),
        ],
    ),
    (
        quantized(["fc1"], 4, "per_tensor_symmetric"),
        {},
        [
            (
                "warning[lossy-approximation] at [0].quant_scheme: weights have one scale for each channel; one for "
                "all 'torchao' has for symmetric 8 bits only ('fc1')"
            )
        ],
    ),
    (
        quantized(["conv"], 4),
        {},
        [
            (
                "warning[lossy-approximation] at [0].quant_scheme: the weights of convolutions have a scale for each "
                "channel and place of the kernel ('conv')"
            )
        ],
    ),
    (
        quantized(["fc1"], 4, quant_dtype="uint"),
        {},
        ["error[lossy-setting] at [0].quant_dtype: 'torchao' has no unsigned symmetric integers (weight) ('fc1')"],
    ),
    (
        quantized(["fc1"], 4, quant_start_step=5),
        {},
        [
            (
                "note[lossy-detail] at [0].quant_start_step: 'torchao' has no start step, so quantization begins at "
                "once ('fc1')"
            )
        ],
    ),
    (
        quantized(["conv", "fc2"], 4),
        {"group_size": 4},
        [
            (
                "warning[lossy-approximation] at [0].quant_scheme: the weights of convolutions have a scale for each "
                "channel and place of the kernel ('conv')"
            ),
            (
                "error[group-size] at [0]: groups of 4 do not divide 6 inputs ('conv') (choose a group_size that "
                "divides them, or exclude the layers)"
            ),
        ],
    ),
    (
        quantized(["emb", "fc1"], 4),
        {"serve": "vllm"},
        [
            (
                "error[unservable] at [0]: vLLM 0.33 quantizes with torchao linear layers only, not embeddings, "
                "convolutions or experts ('emb') (exclude these layers, or serve with compressed-tensors)"
            )
        ],
    ),
]


@pytest.mark.parametrize(("config", "options", "findings"), TORCHAO)
def test_what_torchao_cannot_say(config: Any, options: dict[str, Any], findings: list[str]) -> None:
    assert sorted(losses(config, "torchao", **options)) == sorted(findings)


MODELOPT = [
    (quantized(["fc1"], {"weight": 4, "input": 8, "output": 8}, "per_tensor_symmetric"), {}, []),
    (
        quantized(["act"], 4),
        {},
        ["error[type-not-applied] at [0]: 'modelopt' quantizes "],
    ),
    (
        quantized(["emb"], {"weight": 8, "input": 8}, IN),
        {},
        ["error[lossy-setting] at [0].quant_types: 'modelopt' does not quantize the inputs of these layers ('emb')"],
    ),
    (
        quantized(["norm"], {"weight": 8, "input": 8}, IN),
        {},
        ["error[lossy-setting] at [0].quant_types: 'modelopt' does not quantize the weights of these layers ('norm')"],
    ),
    (
        quantized(["fc1"], 4, "per_channel_affine"),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_scheme: 'modelopt' has symmetric integers only (weight) ('fc1') "
                "(write a symmetric 'quant_scheme')"
            )
        ],
    ),
    (
        quantized(["fc1"], 4, quant_dtype="uint"),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_dtype: unsigned integers are for values from 0 only: 'modelopt' "
                "refuses others, so weights are signed ('fc1')"
            )
        ],
    ),
    (
        quantized(["fc1"], {"weight": 8, "input": 8}, IN, quant_dtype={"weight": "int", "input": "uint"}),
        {},
        [
            (
                "note[lossy-detail] at [0].quant_dtype: unsigned integers are for values from 0 only: 'modelopt' "
                "refuses others (input) ('fc1')"
            )
        ],
    ),
    (
        quantized(["fc1"], 1),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'modelopt' makes NaN of signed integers of 1 bit (weight) ('fc1')"],
    ),
    (
        quantized(["fc1"], {"weight": 8, "input": 8}),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_scheme: 'modelopt' has one scale for the whole input, not one for "
                "each channel ('fc1')"
            )
        ],
    ),
    (
        quantized(["fc1"], {"weight": 8, "input": 8}, IN),
        {"inputs": "dynamic"},
        [
            (
                "warning[lossy-approximation] at [0].quant_scheme: inputs are quantized per token at run time, not "
                "statically per tensor ('fc1')"
            )
        ],
    ),
    (
        quantized(["conv", "up"], 4),
        {"group_size": 64},
        [
            (
                "warning[lossy-approximation] at [0]: the weights of convolutions have a scale for each channel, not "
                "for groups (2 layers)"
            )
        ],
    ),
    (
        quantized(["fc1"], 4, quant_start_step=5),
        {},
        [
            (
                "note[lossy-detail] at [0].quant_start_step: 'modelopt' has no start step, so quantization begins at "
                "once ('fc1')"
            )
        ],
    ),
    (
        quantized(["fc1"], 4),
        {"group_size": 64},
        [
            (
                "error[group-size] at [0]: groups of 64 do not divide 100 inputs ('fc1') (choose a group_size that "
                "divides them, or exclude the layers)"
            )
        ],
    ),
]


@pytest.mark.parametrize(("config", "options", "findings"), MODELOPT)
def test_what_modelopt_cannot_say(config: Any, options: dict[str, Any], findings: list[str]) -> None:
    found = losses(config, "modelopt", **options)
    assert [finding[: len(start)] for finding, start in zip(found, findings, strict=True)] == findings


def test_what_torch_cannot_say() -> None:
    pruned = [{"op_names": ["fc1", "conv"], "sparsity_per_layer": 0.5}]
    group = [{"op_names": ["fc1", "fc2"], "total_sparsity": 0.5}]
    alone = (
        "'torch' has no budget shared by several layers (2 layers) (allocate the budget: allocate=True, or --allocate)"
    )
    assert losses(pruned, "torch") == []
    assert losses(group, "torch") == [f"error[lossy-setting] at [0].total_sparsity: {alone}"]
    assert losses(pruned, "torch-ao-pruning") == [
        (
            "error[type-not-applied] at [0]: 'torch-ao-pruning' prunes 'Linear' and 'Embedding' layers; a 'Conv2d' "
            "layer is left unchanged ('conv')"
        )
    ]
    *most, last = (f"'{engine.name}'" for engine in cc.engines() if engine.export and "quantization" in engine.kinds)
    for engine in ("torch", "torch-ao-pruning"):
        assert losses(quantized(["fc1"], 4), engine) == [
            (
                f"error[lossy-setting] at [0]: '{engine}' does not support quantization ('fc1') (export with "
                f"{', '.join(most)} or {last})"
            )
        ]


def test_counts_are_exact() -> None:
    config = [
        {"op_names": ["fc1", "fc2"], "total_sparsity": 0.3337},
        {"op_names": ["conv"], "sparsity_per_layer": 0.29},
    ]
    resolution: Any = cc.resolve(config, MODEL)
    assert dict(resolution.budget.counts()) == {"fc1": 334, "fc2": 213, "conv": 62}
    assert dict(resolution.budget.counts({"fc1": 0, "fc2": 1})) == {"fc1": 0, "fc2": 547, "conv": 62}
    plan = cc.export(resolution, "torch", allocate=True).document
    assert [(step["module"], step["amount"]) for step in plan] == [("fc1", 334), ("fc2", 213), ("conv", 62)]
    config[1]["op_names"] = ["emb"]
    levels = cc.export(cc.resolve(config, MODEL), "torch-ao-pruning", allocate=True).document
    assert [step["sparsity_level"] for step in levels] == [0.334, 0.333, 0.28]
    assert levels[0] == {
        "tensor_fqn": "fc1.weight",
        "sparsity_level": 0.334,
        "sparse_block_shape": [1, 1],
        "zeros_per_block": 1,
    }


@pytest.mark.parametrize("engine", ["torch", "torch-ao-pruning"])
def test_counts_need_the_number_of_elements(engine: str) -> None:
    resolution = cc.resolve([{"op_names": ["fc"], "sparsity_per_layer": 0.5}], [("fc", "Linear")])
    with pytest.raises(cc.UnknownNumel):
        cc.export(resolution, engine)
    with pytest.raises(cc.UnknownNumel):
        resolution.budget.counts()


def test_a_layer_of_which_nothing_is_masked_is_in_the_plan() -> None:
    resolution = cc.resolve([{"op_names": ["fc1"], "sparsity_per_layer": 0}], MODEL)
    assert cc.export(resolution, "torch").document == [{"module": "fc1", "name": "weight", "amount": 0}]
    assert cc.export(resolution, "torch-ao-pruning").document[0]["sparsity_level"] == 0.0


@pytest.mark.parametrize("tied", [("wte", "head"), ("head", "wte")])
def test_layers_that_share_a_weight_are_both_in_the_plan(tied: tuple[str, str]) -> None:
    first, second = tied
    types = {"wte": "Embedding", "head": "Linear"}
    model = cc.Inventory.from_layers(
        [
            cc.Layer(name=first, type=types[first], weight_shape=(5, 8)),
            cc.Layer(name=second, type=types[second], weight_shape=(5, 8), tied_to=first),
        ]
    )
    resolution = cc.resolve([{"op_types": ["Linear", "Embedding"], "total_sparsity": 0.5}], model)
    assert dict(resolution.budget.counts()) == {first: 20}
    for engine in ("torch", "torch-ao-pruning"):
        assert len(cc.export(resolution, engine, allocate=True).document) == 2


# Documents.


def test_torchao_names_what_is_no_name_to_it_by_regexes() -> None:
    names = ["fc1", "_default", "re:fc1", "re:_default"]
    model = [(name, "Linear") for name in names]
    config = cc.resolve([{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}], model)
    keys = list(cc.export(config, "torchao").document["_data"]["fqn_to_config"])
    assert keys == ["fc1", "re:(?:_default)", "re:re:fc1", "re:re:_default"]


@pytest.mark.parametrize("names", ["exact", "patterns"])
def test_torchao_is_given_the_names_of_merged_layers_for_vllm(names: Any) -> None:
    model = [(f"l.{block}.{part}_proj", "Linear") for block in range(3) for part in "qkv"]
    config = quantized([name for name, _ in model if name != "l.1.k_proj"], 4)
    export = cc.export(cc.resolve(config, model), "torchao", names=names, serve="vllm", on_loss="ignore")
    keys = list(export.document["_data"]["fqn_to_config"])
    fused = {"exact": ["l.0.qkv_proj", "l.2.qkv_proj"], "patterns": ["re:l\\.[02]\\.(?:k_proj|qkv_proj)"]}
    assert [key for key in keys if "qkv_proj" in key] == fused[names]


def test_modelopt_is_told_to_leave_everything_alone_first() -> None:
    config = quantized(["fc1", "up"], {"weight": 4, "input": 8}, IN)
    assert cc.export(cc.resolve(config, MODEL), "modelopt").document == {
        "quant_cfg": [
            {"quantizer_name": "*", "enable": False},
            {"quantizer_name": "fc1.weight_quantizer", "cfg": {"num_bits": 4, "axis": 0}},
            {"quantizer_name": "fc1.input_quantizer", "cfg": {"num_bits": 8, "axis": None}},
            {"quantizer_name": "up.weight_quantizer", "cfg": {"num_bits": 4, "axis": 1}},
            {"quantizer_name": "up.input_quantizer", "cfg": {"num_bits": 8, "axis": None}},
        ],
        "algorithm": "max",
    }


def test_what_json_cannot_hold_is_not_written_as_json(tmp_path: Path) -> None:
    export = cc.export(cc.resolve(quantized(["fc2"], 4), MODEL), "modelopt", group_size=32, recipe=True)
    assert export.document["quantize"]["quant_cfg"][1]["cfg"] == {"num_bits": 4, "block_sizes": {-1: 32}}
    with pytest.raises(cc.UsageError) as raised:
        export.save(tmp_path / "recipe.json")
    message = "this document of 'modelopt' has numbers as keys, which JSON cannot: write YAML"
    assert str(raised.value) == message
    export.save(tmp_path / "recipe.yaml")
    found = cc.import_list(tmp_path / "recipe.yaml", model=MODEL)
    assert found.to_data() == quantized(["fc2"], 4, {"weight": "per_channel_symmetric"})
    assert [finding.message for finding in found.findings] == ["a config list cannot express groups of 32"]


def test_torchao_has_no_static_inputs() -> None:
    with pytest.raises(cc.UsageError) as raised:
        cc.export(cc.resolve(quantized(["fc1"], 4), MODEL), "torchao", inputs="static")
    assert str(raised.value) == "the option 'inputs' is 'dynamic' for torchao, not 'static'"


# Imports.


def config_of(kind: str, **data: Any) -> dict[str, Any]:
    return {"_type": kind, "_version": 2, "_data": data}


def imported(document: Any) -> tuple[Any, list[str]]:
    found = cc.import_list(document, model=[("fc", "Linear"), ("norm", "LayerNorm")])
    return found.to_data(), [str(finding) for finding in found.findings]


@pytest.mark.parametrize(
    ("config", "bits", "findings"),
    [
        (config_of("Int8WeightOnlyConfig"), {"weight": 8}, []),
        (
            config_of("Float8WeightOnlyConfig"),
            {"weight": 8},
            ["error[lossy-setting] at _type: a config list has integers only, not floats"],
        ),
        (
            config_of("Int4WeightOnlyConfig"),
            {"weight": 4},
            [
                (
                    "warning[lossy-approximation] at (the whole): a config list cannot express groups of 128 (export "
                    "with group_size=128)"
                )
            ],
        ),
        (
            config_of("IntxWeightOnlyConfig", weight_dtype={"_type": "torch.dtype", "_data": "uint4"}),
            None,
            ["error[lossy-setting] at _data: 'IntxWeightOnlyConfig' has 'int1' to 'int8', not 'uint4'"],
        ),
        (config_of("GemliteConfig"), None, ["error[lossy-setting]: a config list cannot express 'GemliteConfig'"]),
        (
            config_of("Int8DynamicActivationInt8WeightConfig"),
            {"weight": 8, "input": 8},
            [
                (
                    "warning[lossy-approximation] at _type: a config list cannot express dynamic scales (export with "
                    "inputs='dynamic')"
                )
            ],
        ),
    ],
)
def test_a_config_of_torchao(config: Any, bits: Any, findings: list[str]) -> None:
    data, found = imported(config)
    assert [sub_config["quant_bits"] for sub_config in data] == ([] if bits is None else [bits])
    assert found == [finding.replace(" at (the whole)", "") for finding in findings]


def test_what_torchao_fails_on_is_reported() -> None:
    keys = {"re:.*": config_of("Int8WeightOnlyConfig"), "fc": None}
    assert imported({"_type": "FqnToConfig", "_version": 1, "_data": {"fqn_to_config": keys}}) == (
        [],
        [
            (
                "error[lossy-setting] at _data.fqn_to_config['re:.*']: torchao cannot quantize a 'LayerNorm' layer, "
                "which this matches"
            )
        ],
    )


ALL_OFF = {"quantizer_name": "*", "enable": False}


@pytest.mark.parametrize(
    ("entry", "bits", "findings"),
    [
        (
            {"quantizer_name": "fc.weight_quantizer", "cfg": {"num_bits": [4, 3], "axis": None}},
            {"weight": 8},
            ["error[lossy-setting] at quant_cfg[1].cfg.num_bits: a config list has integers only, not floats"],
        ),
        (
            {"quantizer_name": "fc.weight_quantizer", "cfg": {"num_bits": "e2m1"}},
            {"weight": 4},
            ["error[lossy-setting] at quant_cfg[1].cfg.num_bits: a config list has integers only, not floats"],
        ),
        (
            {"quantizer_name": "fc.weight_quantizer", "cfg": {"num_bits": "custom"}},
            None,
            ["error[lossy-setting] at quant_cfg[1].cfg.num_bits: a config list has 1 to 31 bits, not 'custom'"],
        ),
        (
            {"quantizer_name": "fc.weight_quantizer", "cfg": {"num_bits": 4, "block_sizes": {"-1": 16}}},
            {"weight": 4},
            [
                (
                    "warning[lossy-approximation] at quant_cfg[1].cfg.block_sizes: a config list cannot express "
                    "groups of 16 (export with group_size=16)"
                )
            ],
        ),
        (
            {
                "quantizer_name": "fc.input_quantizer",
                "cfg": {"num_bits": 8, "type": "dynamic", "block_sizes": {-1: None}},
            },
            {"input": 8},
            [
                (
                    "warning[lossy-approximation] at quant_cfg[1].cfg.type: a config list cannot express dynamic "
                    "scales (export with inputs='dynamic')"
                )
            ],
        ),
        (
            {"quantizer_name": "fc.weight_quantizer", "cfg": [{"num_bits": 4}, {"num_bits": 8}]},
            {"weight": 4},
            [
                (
                    "error[lossy-setting] at quant_cfg[1].cfg: a config list cannot express several formats one after "
                    "the other; the first is taken"
                )
            ],
        ),
        (
            {"quantizer_name": "fc.weight_quantizer", "cfg": {"num_bits": 4, "rotate": True}},
            {"weight": 4},
            ["note[lossy-detail] at quant_cfg[1].cfg.rotate: a config list cannot express 'rotate'"],
        ),
        (
            {"$import": "configs/ptq/units/base"},
            None,
            ["error[lossy-setting] at quant_cfg[1]: the import of 'configs/ptq/units/base' is not followed"],
        ),
    ],
)
def test_an_entry_of_modelopt(entry: Any, bits: Any, findings: list[str]) -> None:
    data, found = imported({"quant_cfg": [ALL_OFF, entry], "algorithm": "max"})
    assert [sub_config["quant_bits"] for sub_config in data] == ([] if bits is None else [bits])
    assert found == findings


def test_the_calibration_of_modelopt_is_noted() -> None:
    assert imported({"quant_cfg": [ALL_OFF], "algorithm": "awq_lite"}) == (
        [],
        ["note[lossy-detail] at algorithm: a config list cannot express how scales are calibrated"],
    )


def test_a_checkpoint_of_modelopt() -> None:
    layers = {"fc": {"quant_algo": "W4A16_AWQ", "group_size": 128, "has_zero_point": True}, "gone": {}}
    data, found = imported({"quantization": {"quant_algo": "MIXED_PRECISION", "quantized_layers": layers}})
    assert data == [
        {
            "op_types": ["Linear"],
            "quant_types": ["weight"],
            "quant_bits": {"weight": 4},
            "quant_scheme": {"weight": "per_channel_affine"},
        }
    ]
    assert found == [
        (
            "warning[lossy-approximation] at quantized_layers.fc.quant_algo: a config list cannot express groups of "
            "128 (export with group_size=128)"
        ),
        "error[lossy-setting] at quantized_layers.gone.quant_algo: 'NONE' is not a known algorithm",
        "error[lossy-setting] at quantized_layers.gone: the model has no layer 'gone'",
    ]
    excluded = {"quantization": {"quant_algo": "W8A8_SQ_PER_CHANNEL", "exclude_modules": ["f*"]}}
    assert imported(excluded) == ([], [])
    assert imported({"quantization": {"quant_algo": None}}) == ([], [])


def test_the_older_forms_of_modelopt_are_read() -> None:
    attributes = {"num_bits": 4, "axis": 0}
    new = [
        ALL_OFF,
        {"quantizer_name": "*weight_quantizer", "cfg": attributes, "parent_class": "nn.Linear"},
        {"quantizer_name": "*input_quantizer", "enable": True, "parent_class": "nn.LayerNorm"},
    ]
    pairs = {
        "default": {"enable": False},
        "nn.Linear": {"*weight_quantizer": attributes},
        "nn.LayerNorm": {"*input_quantizer": {"enable": True}},
    }
    data = imported({"quant_cfg": new, "algorithm": None})
    assert [sub_config["op_types"] for sub_config in data[0]] == [["Linear"], ["LayerNorm"]]
    assert imported({"quant_cfg": pairs}) == data
    assert imported({"quant_cfg": [{name: value} for name, value in pairs.items()]}) == data
    assert imported({"quant_cfg": [pairs]}) == data


def test_quantizers_are_enabled_until_an_entry_says_otherwise() -> None:
    model = [("fc", "Linear"), ("emb", "Embedding"), ("act", "ReLU"), ("pool", "MaxPool2d")]
    document = {"quant_cfg": [{"quantizer_name": "fc.output_quantizer", "cfg": {"num_bits": 4, "unsigned": True}}]}
    resolution: Any = cc.resolve(cc.import_list(document, model=model).config_list, model)
    assert {name: dict(layer.settings.bits) for name, layer in resolution.compressed.items()} == {
        "fc": {"weight": 8, "input": 8, "output": 4},
        "emb": {"weight": 8},
        "pool": {"input": 8},
    }
    assert resolution["fc"].settings.dtype == {"weight": "int", "input": "int", "output": "uint"}


def test_one_algorithm_is_for_all_linear_layers_of_a_checkpoint() -> None:
    cache = "a config list cannot express the quantization of the key-value cache"
    floats = "error[lossy-setting] at quant_algo: a config list has integers only, not floats"
    data, found = imported({"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}})
    assert (data[0]["op_types"], data[0]["quant_bits"]) == (["Linear"], {"weight": 8, "input": 8})
    assert found == [f"error[lossy-setting] at kv_cache_quant_algo: {cache}", floats]


@pytest.mark.parametrize(
    ("keys", "bits"),
    [
        ({"fc.weight": 2, "fc": 4, "re:.*": 8}, 2),
        ({"fc.bias": 2, "fc": 4}, None),
        ({"fc": 4, r"re:f.*\.weight": 2}, 4),
        ({"re:f.": 4, r"re:fc\.(weight|bias)": 2}, 2),
        ({"re:f.": 4, r"re:fc\.bias": 2}, None),
        ({"re:x": 2, "re:f.": 4, "re:fc": 8, "_default": 1}, 4),
        ({"other": 2, "_default": 5}, 5),
        ({"fc": None, "_default": 5}, None),
    ],
)
def test_the_precedence_of_torchao(keys: dict[str, int | None], bits: int | None) -> None:
    layer = cc.Layer(name="fc", type="Linear", weight_shape=(4, 8), parameters={"weight": (4, 8), "bias": (4,)})
    configs = {
        key: None
        if n is None
        else config_of("IntxWeightOnlyConfig", weight_dtype={"_type": "dtype", "_data": f"int{n}"})
        for key, n in keys.items()
    }
    document = {"_type": "ModuleFqnToConfig", "_data": {"module_fqn_to_config": configs}}
    resolution: Any = cc.resolve(cc.import_list(document, model=[layer]).config_list, [layer])
    assert {name: made.settings.bits["weight"] for name, made in resolution.compressed.items()} == (
        {} if bits is None else {"fc": bits}
    )


def test_the_granularity_and_the_mapping_of_torchao() -> None:
    groups = {"_type": "PerGroup", "_version": 1, "_data": {"group_size": 32}}
    affine = {"_type": "MappingType", "_data": "ASYMMETRIC"}
    data, found = imported(config_of("Int8WeightOnlyConfig", granularity=groups, mapping_type=affine))
    assert data[0]["quant_scheme"] == {"weight": "per_channel_affine"}
    assert found == [
        ("warning[lossy-approximation]: a config list cannot express groups of 32 (export with group_size=32)")
    ]
    per_tensor = [{"_type": "PerRow", "_data": {"dim": -1}}, {"_type": "PerTensor", "_data": {}}]
    config = config_of("Int8DynamicActivationInt8WeightConfig", granularity=per_tensor, act_mapping_type=affine)
    data, _ = imported(config)
    assert data[0]["quant_scheme"] == {"weight": "per_tensor_symmetric", "input": "per_tensor_affine"}


def test_an_unquantized_layer_of_a_kind_that_is_not_exported_is_left_out() -> None:
    config = quantized(["norm"], 4)
    assert cc.export(cc.resolve(config, MODEL), "modelopt", on_loss="ignore").document["quant_cfg"] == [ALL_OFF]
