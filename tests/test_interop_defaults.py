"""What documents for engines with a default and exceptions say and lose: GPTQModel, AutoRound, transformers."""

from __future__ import annotations

from typing import Any

import pytest
from exports import NARROW, Exports, quantized

import compression_config as cc

MODEL = cc.Inventory.from_layers(
    [
        cc.Layer(name="emb", type="Embedding", weight_shape=(5, 64)),
        cc.Layer(name="h.0.fc1", type="Linear", weight_shape=(32, 64)),
        cc.Layer(name="h.0.fc2", type="Linear", weight_shape=(64, 32)),
        cc.Layer(name="h.0.odd", type="Linear", weight_shape=(40, 64)),
        cc.Layer(name="h.0.own", type="MyLinear", weight_shape=(32, 64)),
        cc.Layer(name="h.0.turned", type="Conv1D", weight_shape=(64, 40)),
        cc.Layer(name="conv", type="Conv2d", weight_shape=(4, 6, 3, 3)),
        cc.Layer(name="pooler", type="Linear", weight_shape=(32, 32)),
        cc.Layer(name="lm_head", type="Linear", weight_shape=(5, 64), tied_to="emb"),
    ]
)
EXPORTS = Exports(MODEL, hidden=NARROW)
losses, document = EXPORTS.losses, EXPORTS.document
SYMMETRIC = "per_channel_symmetric"
IN = {"weight": SYMMETRIC, "input": "per_tensor_symmetric"}


TIED = "does not quantize a layer that shares its weight with another one ('lm_head') (exclude these layers)"
START = "has no start step, so quantization begins at once ('h.0.fc1')"
UNSIGNED = "has no unsigned symmetric integers (weight) ('h.0.fc1')"
PER_CHANNEL = (
    "warning[lossy-approximation] at [0].quant_scheme: weights have one scale for each channel, not one for all "
    "('h.0.fc1')"
)
EQUIVALENT = (
    "note[lossy-detail] at [0].quant_dtype: unsigned integers are written as signed ones with another zero point, "
    "which is equivalent (weight) ('h.0.fc1')"
)

GPTQMODEL = [
    (quantized("h.0.fc1", 4), {}, []),
    (quantized("h.0.fc1", 2, "per_channel_affine"), {"group_size": 32}, []),
    (quantized("h.0.turned", 4), {"group_size": 64}, []),
    (quantized("h.0.own", 3), {}, []),
    (
        quantized("conv", 4),
        {},
        [
            (
                "error[type-not-applied] at [0]: 'gptqmodel' quantizes 'Linear' and 'Conv1D' layers; a 'Conv2d' layer "
                "is left unchanged ('conv')"
            ),
        ],
    ),
    (
        quantized("h.0.fc1", {"weight": 8, "input": 8, "output": 8}, "per_tensor_symmetric"),
        {},
        [
            "error[lossy-setting] at [0].quant_types: 'gptqmodel' does not quantize inputs ('h.0.fc1')",
            "error[lossy-setting] at [0].quant_types: 'gptqmodel' does not quantize outputs ('h.0.fc1')",
            PER_CHANNEL,
        ],
    ),
    (
        quantized("h.0.fc1", 9),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'gptqmodel' has weights of 2 to 8 bits, not 9 ('h.0.fc1')"],
    ),
    (
        quantized("h.0.fc1", 4),
        {"group_size": 8},
        [
            (
                "error[lossy-setting] at [0]: 'gptqmodel' has groups of 16, 32, 64, 128, 256, 512 or 1024, not 8 "
                "('h.0.fc1') (choose one of these group sizes)"
            )
        ],
    ),
    (
        quantized(["h.0.turned", "h.0.fc2"], 4),
        {"group_size": 64},
        [
            (
                "error[group-size] at [0]: groups of 64 do not divide 32 inputs ('h.0.fc2') (choose a group_size that "
                "divides them, or exclude the layers)"
            )
        ],
    ),
    (
        quantized("h.0.odd", 3) + quantized("h.0.fc1", 5),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_bits: 'gptqmodel' packs 3 bits only where inputs and outputs are "
                "multiples of 32 ('h.0.odd') (write 2, 4 or 8 bits for these layers, or exclude them)"
            )
        ],
    ),
    (quantized("h.0.odd", 3) + quantized("h.0.fc1", 4), {}, []),
    (
        quantized("pooler", 4),
        {},
        [
            (
                "error[lossy-setting] at [0]: 'gptqmodel' quantizes the layers of numbered blocks and 'lm_head' only "
                "('pooler') (exclude these layers)"
            )
        ],
    ),
    (quantized("lm_head", 4), {}, [f"error[lossy-setting] at [0]: 'gptqmodel' {TIED}"]),
    (
        quantized("h.0.fc1", 4, quant_dtype="uint"),
        {},
        [f"error[lossy-setting] at [0].quant_dtype: 'gptqmodel' {UNSIGNED}"],
    ),
    (quantized("h.0.fc1", 4, "per_channel_affine", quant_dtype="uint"), {}, [EQUIVALENT]),
    (
        quantized("h.0.fc1", 4, quant_start_step=5),
        {},
        [f"note[lossy-detail] at [0].quant_start_step: 'gptqmodel' {START}"],
    ),
]


@pytest.mark.parametrize(("config", "options", "findings"), GPTQMODEL)
def test_what_gptqmodel_cannot_say(config: Any, options: dict[str, Any], findings: list[str]) -> None:
    assert losses(config, "gptqmodel", **options) == findings


AUTOROUND = [
    (quantized("h.0.fc1", 4), {}, []),
    (quantized(["h.0.fc1", "pooler"], 7, "per_tensor_affine"), {}, []),
    (quantized("h.0.fc1", 4, "per_channel_affine"), {"group_size": 32, "inputs": "dynamic"}, []),
    (
        quantized(["h.0.own", "conv"], 4),
        {},
        [
            (
                f"error[type-not-applied] at [0]: 'autoround' quantizes 'Linear' and 'Conv1D' layers; a '{kind}' layer "
                f"is left unchanged ('{name}')"
            )
            for kind, name in (("MyLinear", "h.0.own"), ("Conv2d", "conv"))
        ],
    ),
    (
        quantized("h.0.odd", 4),
        {},
        [
            (
                "error[lossy-setting] at [0]: 'autoround' leaves a layer unquantized unless its inputs and outputs are "
                "multiples of 32 ('h.0.odd') (exclude these layers, or export with another engine)"
            )
        ],
    ),
    (
        quantized("h.0.fc1", {"input": 8}, "per_tensor_symmetric"),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_types: 'autoround' quantizes inputs only beside weights ('h.0.fc1') "
                "(add weight to 'quant_types')"
            )
        ],
    ),
    (
        quantized("h.0.fc1", 1),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'autoround' has weights of 2 to 8 bits, not 1 ('h.0.fc1')"],
    ),
    (
        quantized("h.0.fc1", 8, "per_channel_affine"),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_scheme: 'autoround' refuses affine weights of 8 bits ('h.0.fc1') "
                "(write a symmetric 'quant_scheme', or 7 bits)"
            )
        ],
    ),
    (
        quantized("h.0.fc1", {"weight": 8, "output": 8}, "per_tensor_symmetric"),
        {},
        ["error[lossy-setting] at [0].quant_types: 'autoround' does not quantize outputs ('h.0.fc1')"],
    ),
    (
        quantized("h.0.fc1", {"weight": 8, "input": 16}, IN),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'autoround' has inputs of 2 to 8 bits, not 16 ('h.0.fc1')"],
    ),
    (
        quantized("h.0.fc1", {"weight": 8, "input": 8}, IN),
        {},
        [
            (
                "warning[lossy-approximation] at [0].quant_scheme: inputs are quantized per token at run time, not "
                "statically per tensor ('h.0.fc1')"
            )
        ],
    ),
    (
        quantized("h.0.fc2", 4),
        {"group_size": 64},
        [
            (
                "error[group-size] at [0]: groups of 64 do not divide 32 inputs ('h.0.fc2') (choose a group_size that "
                "divides them, or exclude the layers)"
            )
        ],
    ),
    (quantized("lm_head", 4), {}, [f"error[lossy-setting] at [0]: 'autoround' {TIED}"]),
    (
        quantized("h.0.fc1", 4, quant_dtype="uint"),
        {},
        [f"error[lossy-setting] at [0].quant_dtype: 'autoround' {UNSIGNED}"],
    ),
    (quantized("h.0.fc1", 4, "per_channel_affine", quant_dtype="uint"), {}, [EQUIVALENT]),
    (
        quantized("h.0.fc1", 4, quant_start_step=5),
        {},
        [f"note[lossy-detail] at [0].quant_start_step: 'autoround' {START}"],
    ),
]


@pytest.mark.parametrize(("config", "options", "findings"), AUTOROUND)
def test_what_autoround_cannot_say(config: Any, options: dict[str, Any], findings: list[str]) -> None:
    assert losses(config, "autoround", **options) == findings


def test_autoround_quantizes_any_shape_where_most_inputs_are_quantized() -> None:
    config = quantized(["h.0.fc1", "h.0.fc2"], {"weight": 8, "input": 8}, None) + quantized("h.0.odd", 4)
    assert not [loss for loss in losses(config, "autoround") if "multiples" in loss]
    assert document(config, "autoround")["layer_config"]["h.0.odd"]["bits"] == 4


FLOATS = (
    "warning[lossy-approximation] at [0].quant_scheme: weights of 4 bits are NormalFloats in blocks of 64, not "
    "integers ('h.0.fc1')"
)
OUTLIERS = (
    "warning[lossy-approximation] at [0].quant_scheme: inputs are quantized per token at run time, except for outliers "
    "('h.0.fc1')"
)
TOO = (
    "warning[lossy-approximation] at [0]: inputs of 8-bit layers are quantized as well, except for outliers ('h.0.fc1')"
)
QUANTO = {"method": "quanto"}
TRANSFORMERS = [
    (quantized("h.0.fc1", 4), {}, [FLOATS]),
    (quantized("h.0.fc1", {"weight": 8, "input": 8}, IN), {}, [OUTLIERS]),
    (quantized("h.0.fc1", 8), {}, [TOO]),
    (quantized("h.0.fc1", 8), QUANTO, []),
    (quantized("h.0.own", 8), QUANTO, []),
    (
        quantized("h.0.own", 4),
        {},
        [
            (
                "error[type-not-applied] at [0]: 'transformers' quantizes 'Linear' and 'Conv1D' layers; a 'MyLinear' "
                "layer is left unchanged ('h.0.own')"
            )
        ],
    ),
    (
        quantized("h.0.turned", 4),
        QUANTO,
        [
            (
                "error[type-not-applied] at [0]: 'transformers' quantizes 'Linear' layers; a 'Conv1D' layer is left "
                "unchanged ('h.0.turned')"
            )
        ],
    ),
    (
        quantized("h.0.fc1", {"input": 8}, "per_tensor_symmetric"),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_types: 'bitsandbytes' quantizes inputs only beside weights "
                "('h.0.fc1') (add weight to 'quant_types')"
            )
        ],
    ),
    (
        quantized("h.0.fc1", 5),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'bitsandbytes' has 4 or 8 bits, not 5 ('h.0.fc1')"],
    ),
    (
        quantized("h.0.fc1", 5),
        QUANTO,
        ["error[lossy-setting] at [0].quant_bits: 'quanto' has 2, 4 or 8 bits, not 5 ('h.0.fc1')"],
    ),
    (
        quantized("h.0.fc1", {"weight": 4, "output": 8}),
        {},
        [
            "error[lossy-setting] at [0].quant_types: 'bitsandbytes' does not quantize outputs ('h.0.fc1')",
            FLOATS,
        ],
    ),
    (
        quantized("h.0.fc1", {"weight": 4, "input": 8}, IN),
        {},
        [
            (
                "error[lossy-setting] at [0].quant_types: 'bitsandbytes' does not quantize the inputs of 4-bit layers "
                "('h.0.fc1')"
            ),
            FLOATS,
        ],
    ),
    (
        quantized("h.0.fc1", {"weight": 8, "input": 4}, IN),
        {},
        ["error[lossy-setting] at [0].quant_bits: 'bitsandbytes' quantizes inputs to 8 bits, not 4 ('h.0.fc1')"],
    ),
    (
        quantized("h.0.fc1", {"weight": 8, "input": 8}, IN),
        QUANTO,
        [("error[lossy-setting] at [0].quant_types: transformers does not quantize inputs with 'quanto' ('h.0.fc1')")],
    ),
    (
        quantized("h.0.fc1", 8, "per_channel_affine"),
        QUANTO,
        [
            (
                "error[lossy-setting] at [0].quant_scheme: 'quanto' has symmetric weights of 8 bits only ('h.0.fc1') "
                "(write per_channel_symmetric for weight)"
            )
        ],
    ),
    (quantized("h.0.fc1", 8, "per_tensor_symmetric"), QUANTO, [PER_CHANNEL]),
    (
        quantized("h.0.fc1", 8, quant_dtype="uint"),
        QUANTO,
        [f"error[lossy-setting] at [0].quant_dtype: 'transformers' {UNSIGNED}"],
    ),
    (
        quantized("h.0.fc1", 2, "per_channel_affine"),
        QUANTO,
        [
            (
                "warning[lossy-approximation] at [0].quant_scheme: weights of 2 bits are affine, in groups of at most "
                "128 inputs ('h.0.fc1')"
            )
        ],
    ),
    (
        quantized(["h.0.fc1", "h.0.fc2"], 8) + quantized("h.0.odd", 4),
        QUANTO,
        [
            (
                "error[lossy-setting] at [1].quant_bits: 'quanto' quantizes all layers to the same bits, here 8, not 4 "
                "('h.0.odd') (write one number of bits for all layers, or exclude these)"
            )
        ],
    ),
    (quantized("lm_head", 4), {}, [f"error[lossy-setting] at [0]: 'transformers' {TIED}"]),
    (
        quantized("h.0.fc1", 8, quant_start_step=5),
        QUANTO,
        [f"note[lossy-detail] at [0].quant_start_step: 'transformers' {START}"],
    ),
]


@pytest.mark.parametrize(("config", "options", "findings"), TRANSFORMERS)
def test_what_transformers_cannot_say(config: Any, options: dict[str, Any], findings: list[str]) -> None:
    assert sorted(losses(config, "transformers", **options)) == sorted(findings)


def test_transformers_does_not_skip_an_output_layer_by_itself_where_a_list_is_given() -> None:
    model = MODEL[:-1]
    config = quantized(["h.0.fc1", "pooler"], 8)
    assert losses(config, "transformers", model, method="quanto") == [
        (
            "note[lossy-detail] at [0]: transformers leaves the last layer of a model unquantized by default; this "
            "export quantizes it ('pooler') (exclude it)"
        )
    ]
    assert losses(quantized("h.0.fc1", 8), "transformers", model, method="quanto") == []


@pytest.mark.parametrize("engine", ["gptqmodel", "autoround", "transformers"])
def test_pruning_is_lost(engine: str) -> None:
    (loss,) = losses([{"op_names": ["h.0.fc1"], "sparsity_per_layer": 0.5}], engine)
    assert loss.startswith(f"error[lossy-setting] at [0]: '{engine}' does not support pruning ('h.0.fc1')")


@pytest.mark.parametrize(("engine", "said"), [("gptqmodel", True), ("autoround", True), ("transformers", False)])
def test_a_scheme_is_assumed_where_the_engine_lets_one_choose(engine: str, said: bool) -> None:
    found = losses(quantized("h.0.fc1", 4, None), engine)
    assert any(loss.startswith("note[assumed-scheme] at [0]: ") for loss in found) is said


# Documents.

BLOCKS = [(f"h.{block}.{part}", "Linear") for block in range(12) for part in ("q_proj", "k_proj", "v_proj", "o_proj")]
MIXED = [
    {"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4, "quant_scheme": SYMMETRIC},
    {"op_partial_names": ["o_proj"], "quant_types": ["weight"], "quant_bits": 8, "quant_scheme": SYMMETRIC},
    {"op_partial_names": ["h.11."], "exclude": True},
]


def test_gptqmodel_is_given_a_default_and_exceptions() -> None:
    assert document(MIXED, "gptqmodel", BLOCKS, names="patterns", group_size=128) == {
        "bits": 4,
        "group_size": 128,
        "sym": True,
        "lm_head": False,
        "dynamic": {
            r"-:^h\.11\.(?:q_proj|k_proj|v_proj|o_proj)$": {},
            r"+:^h\.(?:[0-9]|10)\.o_proj$": {"bits": 8, "group_size": 128, "sym": True},
        },
    }


def test_gptqmodel_is_given_the_names_of_merged_layers_for_vllm() -> None:
    found = document(MIXED, "gptqmodel", BLOCKS, names="exact", serve="vllm")["dynamic"]
    assert [key for key in found if "qkv" in key] == [r"-:^h\.11\.qkv_proj$"]


def test_equal_settings_of_several_sub_configs_are_one() -> None:
    four = [{**MIXED[0], "op_partial_names": [part]} for part in ("q_proj", "k_proj", "v_proj")]
    found = document([*four, MIXED[1]], "gptqmodel", BLOCKS)
    assert found["bits"] == 4
    assert {key: given["bits"] for key, given in found["dynamic"].items()} == {
        rf"+:^h\.{block}\.o_proj$": 8 for block in range(12)
    }


def test_gptqmodel_is_told_of_an_output_layer_that_gets_the_default() -> None:
    model = [*BLOCKS, ("lm_head", "Linear")]
    found = document(MIXED, "gptqmodel", model)
    assert found["lm_head"] is True
    assert found["dynamic"]["+:^lm_head$"] == {"bits": 4, "group_size": -1, "sym": True}


def test_autoround_is_given_all_layers_as_some_may_be_in_no_block() -> None:
    four = {"bits": 4, "group_size": -1, "sym": True, "data_type": "int", "act_bits": 16, "act_data_type": "float"}
    assert document(MIXED, "autoround", BLOCKS, names="patterns") == {
        "scheme": four,
        "layer_config": {
            "^h[.](?:[0-9]|10)[.](?:q_proj|k_proj|v_proj)$": four,
            "^h[.](?:[0-9]|10)[.]o_proj$": {**four, "bits": 8},
            "^h[.]11[.](?:q_proj|k_proj|v_proj|o_proj)$": {
                "bits": 16,
                "data_type": "float",
                "act_bits": 16,
                "act_data_type": "float",
            },
        },
    }


def test_a_skip_list_has_plain_names_where_they_match_nothing_else() -> None:
    model = [(name, "Linear") for name in ("fc", "h.0.fc1", "h.0.fc10", "h.0.fc1.0", "lm_head", "a[0]", "act")]
    config = [{"op_names": ["act"], "quant_types": ["weight"], "quant_bits": 8}]
    found = document(config, "transformers", model)
    assert found == {
        "quant_method": "bitsandbytes",
        "load_in_8bit": True,
        "llm_int8_skip_modules": ["fc", "^h\\.0\\.fc1$", "h.0.fc10", "h.0.fc1.0", "lm_head", r"^a\[0\]$"],
    }
    assert document(config, "transformers", model, names="patterns")["llm_int8_skip_modules"][0] == "^fc$"


@pytest.mark.parametrize("engine", ["gptqmodel", "autoround", "transformers"])
def test_a_document_that_compresses_nothing_names_every_layer(engine: str) -> None:
    found = document([{"op_types": ["Conv2d"], "quant_types": ["weight"], "quant_bits": 4}], engine)
    written = str(found)
    assert all(name in written.replace("\\", "") for name in ("fc1", "fc2", "odd", "turned", "pooler", "lm_head"))


def test_autoround_has_dynamic_inputs_only() -> None:
    with pytest.raises(cc.UsageError, match=r"^the option 'inputs' is 'dynamic' for autoround, not 'static'$"):
        losses(quantized("h.0.fc1", 4), "autoround", inputs="static")


def test_transformers_has_methods() -> None:
    with pytest.raises(cc.UsageError, match=r"^the option 'method' is 'bitsandbytes' or 'quanto', not 'awq'$"):
        losses(quantized("h.0.fc1", 4), "transformers", method="awq")


def test_a_regex_that_is_the_name_of_another_layer_is_written_differently() -> None:
    config = [{"op_names": ["^x$"], "quant_types": ["weight"], "quant_bits": 8}]
    model = [("x", "Linear"), ("^x$", "Linear")]
    assert "^(?:x)$" in document(config, "autoround", model, names="patterns")["layer_config"]
    assert document(config, "transformers", model, names="patterns")["llm_int8_skip_modules"] == ["^(?:x)$"]


def test_gptqmodel_is_not_given_layers_whose_weights_are_not_quantized() -> None:
    config = quantized("h.0.fc1", {"input": 8}, "per_tensor_symmetric")
    assert losses(config, "gptqmodel") == [
        "error[lossy-setting] at [0].quant_types: 'gptqmodel' does not quantize inputs ('h.0.fc1')"
    ]
    assert r"-:^h\.0\.fc1$" in document(config, "gptqmodel")["dynamic"]
