"""transformers replaces exactly the layers that it is meant to, and skips the others."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from live import live_model, nasty_model, resolved
from nasty import NASTY, random_quantization_list
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations import replace_with_bnb_linear, replace_with_quanto_layers
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.auto import AutoHfQuantizer, AutoQuantizationConfig

import compression_config as cc

METHODS = ["bitsandbytes", "quanto"]
BITS = {"bitsandbytes": (4, 8), "quanto": (4, 2, 8)}
Given = dict[str, int]
"""The bits of each quantized layer."""


def applied(document: dict[str, Any], model: nn.Module) -> Given:
    """Return what transformers itself makes of a document: it replaces layers of the model."""
    config = AutoQuantizationConfig.from_dict(document)
    quantizer = AutoHfQuantizer.from_config(config)
    if document["quant_method"] == "bitsandbytes":
        given = config.llm_int8_skip_modules
        replace, kinds = replace_with_bnb_linear, {"Linear4bit": 4, "Linear8bitLt": 8}
    else:
        given = config.modules_to_not_convert
        replace, kinds = replace_with_quanto_layers, {"QLinear": int(config.weights.removeprefix("int"))}
    skipped = quantizer.get_modules_to_not_convert(model, given, None)
    replace(model, modules_to_not_convert=skipped, quantization_config=config)
    return {name: kinds[kind] for name, m in model.named_modules() if (kind := type(m).__name__) in kinds}


def meant(resolution: cc.Resolution[Any], method: str) -> Given:
    """Return the bits of the layers that transformers quantizes: all get those that most of them are given."""
    asked = {
        name: layer.settings.bits["weight"]
        for name, layer in resolution.compressed.items()
        if layer.layer.type == "Linear" and layer.settings.bits.get("weight") in BITS[method]
    }
    most = max(BITS[method], key=list(asked.values()).count)
    return {name: bits for name, bits in asked.items() if bits == most}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize("layer", [name for name in NASTY if NASTY[name] == "Linear" and "." not in name])
def test_one_layer_is_skipped_and_no_other(layer: str, names: Any, method: str) -> None:
    config = [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}]
    resolution = resolved([*config, {"op_names": [layer], "exclude": True}])
    document = cc.export(resolution, "transformers", names=names, on_loss="ignore", method=method).document
    assert applied(document, nasty_model()) == dict.fromkeys(
        (name for name, kind in NASTY.items() if kind == "Linear" and name != layer), 4
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("names", ["exact", "patterns"])
@pytest.mark.parametrize("layer", ["fc1", "0", "a[0]", "re:.*", "model.layers.1.self_attn.q_proj", "wte"])
def test_one_layer_is_quantized_and_no_other(layer: str, names: Any, method: str) -> None:
    resolution = resolved([{"op_names": [layer], "quant_types": ["weight"], "quant_bits": 8}])
    document = cc.export(resolution, "transformers", names=names, on_loss="ignore", method=method).document
    assert applied(document, nasty_model()) == ({layer: 8} if NASTY[layer] == "Linear" else {})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(20))
def test_random_lists_are_applied_layer_by_layer(seed: int, method: str) -> None:
    random = Random(seed)  # noqa: S311
    names: Any = random.choice(("auto", "exact", "patterns"))
    resolution = resolved(random_quantization_list(random))
    document = cc.export(resolution, "transformers", names=names, on_loss="ignore", method=method).document
    assert applied(document, nasty_model()) == meant(resolution, method)


FURTHER = ("^x$", r"x\d", "a|b", "a+b", "{x}", "#hash", "~", "a b", "é", "a&b", "h.^fc1$", "h.^fc1", "fc1.0", "h.fc1")


@pytest.mark.parametrize("names", ["exact", "patterns"])
def test_names_that_are_regexes_prefixes_and_ends_are_only_names(names: Any) -> None:
    known = dict.fromkeys(("x", "x1", "fc1.1", "a", "aab", "h.fc2", "hxfc1", *FURTHER), "Linear")
    for name in (*FURTHER, "x"):
        config = [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}]
        resolution = resolved([*config, {"op_names": [name], "exclude": True}], model=live_model(known))
        document = cc.export(resolution, "transformers", names=names, on_loss="ignore").document
        assert set(known) - set(applied(document, live_model(known))) == {name}


def llama(*, tied: bool) -> LlamaForCausalLM:
    shape = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 4}
    with torch.device("meta"):
        return LlamaForCausalLM(LlamaConfig(**shape, num_hidden_layers=2, vocab_size=128, tie_word_embeddings=tied))


@pytest.mark.parametrize("method", METHODS)
def test_the_output_layer_is_quantized_only_where_the_list_says_so(method: str) -> None:
    """A list of skipped layers, an empty one too, takes the place of what transformers skips by itself."""
    config = [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}]
    for excluded in (True, False):
        model = llama(tied=False)
        further = [{"op_names": ["lm_head"], "exclude": True}] if excluded else []
        export = cc.export(resolved([*config, *further], model=model), "transformers", method=method)
        notes = [finding for finding in export.findings if "leaves the last layer" in finding.message]
        given = applied(export.document, model)
        assert len(given) == 14 + len(notes)
        assert ("lm_head" in given) is bool(notes) is not excluded
    model = llama(tied=False)
    del export.document[{"bitsandbytes": "llm_int8_skip_modules", "quanto": "modules_to_not_convert"}[method]]
    assert "lm_head" not in applied(export.document, model)


@pytest.mark.parametrize("method", METHODS)
def test_an_output_layer_that_shares_a_weight_is_lost(method: str) -> None:
    config = [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 4}]
    model = llama(tied=True)
    with pytest.raises(cc.LossyExport, match="shares its weight"):
        cc.export(resolved(config, model=model), "transformers", method=method)
    document = cc.export(resolved(config, model=model), "transformers", on_loss="ignore", method=method).document
    assert "lm_head" not in applied(document, model)


def test_the_transposed_layers_of_transformers_are_quantized_by_bitsandbytes() -> None:
    with torch.device("meta"):
        model = nn.ModuleDict({"c_attn": Conv1D(24, 8), "c_proj": Conv1D(8, 8), "fc": nn.Linear(8, 4)})
    config = [{"op_types": ["Conv1D"], "quant_types": ["weight"], "quant_bits": 8}]
    resolution = resolved([*config, {"op_names": ["c_proj"], "exclude": True}], model=model)
    assert applied(cc.export(resolution, "transformers").document, model) == {"c_attn": 8}


def test_bitsandbytes_leaves_subclasses_alone() -> None:
    model = nn.ModuleDict({"attention": nn.MultiheadAttention(64, 2, device="meta"), "fc": nn.Linear(64, 32)})
    types = ["Linear", "NonDynamicallyQuantizableLinear"]
    resolution = resolved([{"op_types": types, "quant_types": ["weight"], "quant_bits": 4}], model=model)
    with pytest.raises(cc.LossyExport, match="a 'NonDynamicallyQuantizableLinear' layer is left unchanged"):
        cc.export(resolution, "transformers")
    document = cc.export(resolution, "transformers", on_loss="ignore").document
    document["llm_int8_skip_modules"] = []
    assert applied(document, model) == {"fc": 4}
