"""Documents as users publish them: checkpoints and lists in full, what they import as, and where they go from there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import compression_config as cc
from compression_config.cli import main

LLAMA = Path(__file__).parents[1] / "examples" / "inventories" / "llama-3-8b.json.gz"

ARGUMENTS: dict[str, Any] = {"actorder": None, "block_structure": None, "observer": "minmax", "observer_kwargs": {}}
W4A16 = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "quantization_config": {
        "config_groups": {
            "group_0": {
                "input_activations": None,
                "output_activations": None,
                "targets": ["Linear"],
                "weights": {
                    **ARGUMENTS,
                    "dynamic": False,
                    "group_size": 128,
                    "num_bits": 4,
                    "strategy": "group",
                    "symmetric": True,
                    "type": "int",
                },
            }
        },
        "format": "pack-quantized",
        "global_compression_ratio": 1.89,
        "ignore": ["lm_head"],
        "kv_cache_scheme": None,
        "quant_method": "compressed-tensors",
        "quantization_status": "compressed",
        "sparsity_config": {},
    },
    "vocab_size": 128256,
}
FLOATS = {**ARGUMENTS, "group_size": None, "num_bits": 8, "symmetric": True, "type": "float"}
FP8 = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "quantization_config": {
        "config_groups": {
            "group_0": {
                "input_activations": {**FLOATS, "dynamic": True, "observer": None, "strategy": "token"},
                "output_activations": None,
                "targets": ["Linear"],
                "weights": {**FLOATS, "dynamic": False, "strategy": "channel"},
            }
        },
        "format": "float-quantized",
        "ignore": ["lm_head", "re:.*self_attn.*"],
        "quant_method": "compressed-tensors",
        "quantization_status": "compressed",
    },
}
AWQ_OF_MODELOPT = {
    "producer": {"name": "modelopt", "version": "0.33.0"},
    "quantization": {
        "quant_algo": "W4A16_AWQ",
        "kv_cache_quant_algo": None,
        "group_size": 128,
        "has_zero_point": False,
        "pre_quant_scale": True,
        "exclude_modules": ["lm_head", "model.layers.0*"],
    },
}
NNI_2_PRUNING = [
    {"sparsity_per_layer": 0.5, "op_types": ["Linear", "Conv2d"]},
    {"total_sparsity": 0.8, "op_partial_names": ["mlp.up_proj"], "max_sparsity_per_layer": 0.9},
    {"exclude": True, "op_names": ["lm_head"]},
]
NNI_3_TRAINING = [
    {
        "op_types": ["Linear"],
        "op_names_re": [r"model\.layers\.\d+\.self_attn\..*"],
        "target_names": ["_input_", "weight", "_output_"],
        "quant_dtype": "int8",
        "target_settings": {
            "weight": {"granularity": "out_channel", "quant_scheme": "symmetric"},
            "_output_": {"quant_scheme": "affine"},
        },
    },
    {"op_types": ["Linear"], "exclude_op_names": ["lm_head"], "target_names": ["weight"], "quant_dtype": "int4"},
]
GPTQ = {
    "architectures": ["LlamaForCausalLM"],
    "quantization_config": {
        "bits": 4,
        "checkpoint_format": "gptq",
        "desc_act": True,
        "dynamic": {r"+:.*\.down_proj$": {"bits": 8}},
        "group_size": 128,
        "lm_head": False,
        "quant_method": "gptq",
        "sym": True,
    },
}
GROUPS = {"group_size": 128}


@pytest.fixture(scope="module")
def llama() -> cc.Inventory:
    return cc.Inventory.load(LLAMA)


def quantized(bits: dict[str, int], scheme: dict[str, str], **selector: Any) -> dict[str, Any]:
    return {**selector, "quant_types": list(bits), "quant_bits": bits, "quant_scheme": scheme}


def test_a_checkpoint_of_4_bits_in_groups(llama: cc.Inventory) -> None:
    found = cc.import_list(W4A16, model=llama)
    assert found.to_data() == [
        quantized({"weight": 4}, {"weight": "per_channel_symmetric"}, op_types=["Linear"]),
        {"op_names": ["lm_head"], "exclude": True},
    ]
    assert [str(finding) for finding in found.findings] == [
        (
            "warning[lossy-approximation] at config_groups.group_0.weights.strategy: a config list cannot express "
            "groups of 128 (export with group_size=128)"
        )
    ]


def test_a_checkpoint_of_floats_keeps_their_bits(llama: cc.Inventory) -> None:
    found = cc.import_list(FP8, model=llama)
    resolution: Any = cc.resolve(found.config_list, llama)
    assert {name.split(".")[3] for name in resolution.compressed} == {"mlp"}
    assert {tuple(layer.settings.bits.items()) for layer in resolution.compressed.values()} == {
        (("weight", 8), ("input", 8))
    }
    assert [(finding.severity, path_of(finding)) for finding in found.findings] == [
        ("error", "weights.type"),
        ("error", "input_activations.type"),
        ("warning", "input_activations.dynamic"),
    ]


def path_of(finding: cc.Finding) -> str:
    return ".".join(map(str, finding.path[-2:]))


def test_a_checkpoint_of_modelopt_leaves_out_what_it_excludes(llama: cc.Inventory) -> None:
    resolution: Any = cc.resolve(cc.import_list(AWQ_OF_MODELOPT, model=llama).config_list, llama)
    assert len(resolution.compressed) == 31 * 7
    assert not any(name.startswith("model.layers.0.") for name in resolution.compressed)


def test_a_list_of_nni_3_for_training(llama: cc.Inventory) -> None:
    found = cc.import_list(NNI_3_TRAINING, model=llama)
    resolution: Any = cc.resolve(found.config_list, llama)
    settings = {name: resolution[f"model.layers.7.{name}"].settings for name in ("self_attn.q_proj", "mlp.up_proj")}
    assert settings["self_attn.q_proj"].bits == {"input": 8, "weight": 8, "output": 8}
    assert settings["self_attn.q_proj"].scheme["weight"] == "per_channel_symmetric"
    assert settings["self_attn.q_proj"].scheme["output"] == "per_tensor_affine"
    assert settings["mlp.up_proj"].bits == {"weight": 4}
    assert "lm_head" not in resolution.compressed
    assert found.findings == ()


# From one tool to another.

SOURCES: dict[str, tuple[Any, str | None, dict[str, Any]]] = {
    "W4A16": (W4A16, None, GROUPS),
    "modelopt": (AWQ_OF_MODELOPT, None, GROUPS),
    "nni-2": (NNI_2_PRUNING, "nni-1", {}),
    "nni-3": (NNI_3_TRAINING, None, {}),
}
PAIRS = [
    ("W4A16", "llm-compressor"),
    ("W4A16", "modelopt"),
    ("W4A16", "torchao"),
    ("modelopt", "compressed-tensors"),
    ("modelopt", "torchao"),
    ("nni-2", "nni"),
    ("nni-3", "compressed-tensors"),
    ("nni-3", "nni"),
]


@pytest.mark.parametrize(("source", "engine"), PAIRS)
def test_what_is_translated_and_imported_again_gives_each_layer_the_same(
    source: str, engine: str, llama: cc.Inventory
) -> None:
    document, dialect, options = SOURCES[source]
    first: Any = cc.resolve(cc.import_list(document, dialect, llama).config_list, llama)
    exported = cc.export(first, engine, **options)
    second: Any = cc.resolve(cc.import_list(exported.document, engine, llama).config_list, llama)
    assert settings_of(second) == settings_of(first)


def settings_of(resolution: cc.Resolution[Any]) -> dict[str, Any]:
    """Return what each compressed layer gets; which sub-config a group is of does not matter."""
    return {
        name: replace(layer.settings, group=None) if hasattr(layer.settings, "group") else layer.settings
        for name, layer in resolution.compressed.items()
    }


def translated(tmp_path: Path, document: Any, *arguments: str) -> int:
    (tmp_path / "config.json").write_text(json.dumps(document))
    return main(["translate", f"hf:{tmp_path}", "--model", str(LLAMA), *arguments])


def test_groups_that_the_export_has_are_no_loss_of_a_translation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translated(tmp_path, W4A16, "--to", "gptqmodel", "--option", "group_size=128") == 0
    shown = capsys.readouterr()
    assert yaml.safe_load(shown.out) == {
        "bits": 4,
        "group_size": 128,
        "sym": True,
        "lm_head": False,
        "dynamic": {"-:^lm_head$": {}},
    }
    assert shown.err == ""
    for other in ([], ["--option", "group_size=64"]):
        assert translated(tmp_path, W4A16, "--to", "gptqmodel", *other) == 0
        assert "help: export with group_size=128" in capsys.readouterr().err


def test_inputs_that_are_dynamic_in_any_case_are_no_loss_of_a_translation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translated(tmp_path, FP8, "--to", "torchao", "--on-loss", "ignore") == 0
    assert "dynamic scales" not in capsys.readouterr().err
    assert translated(tmp_path, FP8, "--to", "compressed-tensors", "--on-loss", "ignore") == 0
    assert "a config list cannot express dynamic scales" in capsys.readouterr().err


def test_what_an_import_loses_stops_a_translation_unless_it_may_be_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translated(tmp_path, FP8, "--to", "torchao") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "error[lossy-setting]: a config list has integers only, not floats" in shown.err
    assert translated(tmp_path, FP8, "--to", "torchao", "--on-loss", "warn") == 0
    shown = capsys.readouterr()
    assert "FqnToConfig" in shown.out
    assert "warning[lossy-setting]: a config list has integers only, not floats" in shown.err


def test_a_checkpoint_of_another_method_is_refused_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translated(tmp_path, GPTQ, "--to", "torchao") == 2
    assert ", but of 'gptq'" in capsys.readouterr().err
