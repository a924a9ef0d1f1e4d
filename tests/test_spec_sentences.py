"""Every sentence of the specification, word for word, with what the library makes of it.

The last test reads docs/specification.rst and holds that no sentence of it is missing here.
"""

# The docstrings are quotations, which neither begin nor end as sentences of ours do.
# ruff: noqa: D205, D400

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from builders import codes_of
from pydantic import ValidationError

import compression_config as cc

SPECIFICATION = Path(__file__).parents[1] / "docs" / "specification.rst"

LAYERS = [
    cc.Layer(name="layer_1", type="Linear", weight_shape=(20, 25)),
    cc.Layer(name="layer_2", type="Linear", weight_shape=(25, 40)),
    cc.Layer(name="other", type="Conv2d", weight_shape=(10, 1, 3, 3)),
]


def resolve(*configs: dict[str, Any]) -> cc.Resolution[Any]:
    resolution = cc.resolve(list(configs), LAYERS)
    assert isinstance(resolution, cc.Resolution)
    return resolution


def known(count: int | None) -> int:
    assert count is not None
    return count


def refusal(*configs: dict[str, Any]) -> tuple[cc.Finding, ...]:
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.validate(list(configs))
    return caught.value.findings


# --- The list


def test_a_sub_config_is_a_dict_with_keys_of_its_own() -> None:
    """'Each sub-config in the config list is a dict, and the scope of each setting (key) is only internal to each
    sub-config.'
    """
    (not_a_dict,) = refusal({"op_types": ["Linear"], "sparsity_per_layer": 0.5}, ["op_types", "Linear"])  # type: ignore[arg-type]
    assert (not_a_dict.code, not_a_dict.path) == ("not-a-mapping", (1,))
    resolution = resolve(
        {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.75},
        {"op_names": ["layer_2"], "total_sparsity": 0.5},
    )
    assert resolution.compressed["layer_1"].settings.max_sparsity == 0.75
    assert resolution.compressed["layer_2"].settings.max_sparsity is None


def test_later_sub_configs_overwrite_earlier_ones() -> None:
    """'If multiple sub-configs are configured for the same layer, the later ones will overwrite the previous ones.'"""
    resolution = resolve(
        {"op_types": ["Linear"], "sparsity_per_layer": 0.8},
        {"op_names": ["layer_1"], "sparsity_per_layer": 0.5},
        {"op_names": ["layer_1"], "sparsity_per_layer": 0.25},
    )
    assert (resolution.compressed["layer_1"].settings.sparsity, resolution["layer_1"].selected_by) == (0.25, (0, 1, 2))
    assert (resolution.compressed["layer_2"].settings.sparsity, resolution["layer_2"].selected_by) == (0.8, (0,))


# --- The selector


def test_op_types_are_the_types_of_the_layers() -> None:
    """'The type of the layers targeted by this sub-config.'"""
    assert list(resolve({"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}).compressed) == ["other"]


def test_types_alone_select_all_layers_of_the_type() -> None:
    """'If ``op_names`` is not set in this sub-config, all layers in the model that satisfy the type will be
    selected.'
    """
    assert list(resolve({"op_types": ["Linear"], "sparsity_per_layer": 0.5}).compressed) == ["layer_1", "layer_2"]


def test_types_and_names_select_what_satisfies_both() -> None:
    """'If ``op_names`` is set in this sub-config, the selected layers should satisfy both type and name.'"""
    resolution = resolve({"op_types": ["Linear"], "op_names": ["layer_1", "other"], "sparsity_per_layer": 0.5})
    assert list(resolution.compressed) == ["layer_1"]


def test_op_names_are_the_names_of_the_layers() -> None:
    """'The name of the layers targeted by this sub-config.'"""
    assert list(resolve({"op_names": ["other", "layer_1"], "sparsity_per_layer": 0.5}).compressed) == [
        "layer_1",
        "other",
    ]


def test_names_and_types_select_what_satisfies_both() -> None:
    """'If ``op_types`` is set in this sub-config, the selected layer should satisfy both type and name.'"""
    resolution = resolve({"op_names": ["layer_2", "other"], "op_types": ["Conv2d"], "sparsity_per_layer": 0.5})
    assert list(resolution.compressed) == ["other"]


def test_partial_names_serve_quantization_too() -> None:
    """'This key will share with `Quantization Config` in the future.' (D2: it does.)"""
    resolution = resolve({"op_partial_names": ["layer_"], "quant_types": ["weight", "input"], "quant_bits": 8})
    assert list(resolution.compressed) == ["layer_1", "layer_2"]


def test_a_partial_name_is_a_sub_string() -> None:
    """'This key is for the layers to be pruned with names that have the same sub-string.'"""
    resolution = resolve({"op_partial_names": ["the"], "sparsity_per_layer": 0.5})
    assert list(resolution.compressed) == ["other"]


def test_partial_names_are_appended_to_names() -> None:
    """'NNI will find all names in the model, find names that contain one of ``op_partial_names``, and append them into
    the ``op_names``.'
    """
    resolution = resolve({"op_names": ["other"], "op_partial_names": ["r_1", "r_2"], "sparsity_per_layer": 0.5})
    assert list(resolution.compressed) == ["layer_1", "layer_2", "other"]
    both = resolve({"op_names": ["other"], "op_partial_names": ["r_1"], "op_types": ["Linear"], "sparsity": 0.5})
    assert list(both.compressed) == ["layer_1"]


# --- exclude


def test_exclude_and_sparsity_exclude_each_other() -> None:
    """'The ``exclude`` and ``sparsity`` keyword are mutually exclusive and cannot exist in the same sub-config.'"""
    (finding,) = refusal({"op_types": ["Linear"], "exclude": True, "sparsity": 0.5})
    assert (finding.code, finding.path) == ("conflicting-keys", (0, "sparsity"))
    with pytest.raises(ValidationError):
        cc.PruningConfig(op_types=["Linear"], exclude=True, sparsity=0.5)


def test_excluded_layers_are_not_compressed() -> None:
    """'If ``exclude`` is set in sub-config, the layers selected by this config will not be compressed.'"""
    resolution = resolve(
        {"op_types": ["Linear"], "sparsity_per_layer": 0.5}, {"op_names": ["layer_2"], "exclude": True}
    )
    assert resolution.excluded == ("layer_2",)
    assert resolution["layer_2"].settings is None


# --- Pruning


def test_a_ratio_per_layer_holds_for_each_layer() -> None:
    """'The sparsity ratio of each selected layer.'"""
    resolution = resolve({"op_types": ["Linear"], "sparsity_per_layer": 0.8})
    assert {layer.settings.sparsity for layer in resolution.compressed.values()} == {0.8}


def test_a_ratio_per_layer_of_0_8_masks_four_fifths_of_each_weight() -> None:
    """'e.g., the ``sparsity_per_layer`` is 0.8 means each selected layer will mask 80% values on the weight.'"""
    resolution = resolve({"op_types": ["Linear", "Conv2d"], "sparsity_per_layer": 0.8})
    for layer in resolution.budget.layers:
        assert layer.masked == known(layer.numel) * 8 // 10


def test_a_ratio_per_layer_in_numbers() -> None:
    """'If ``layer_1`` (500 parameters) and ``layer_2`` (1000 parameters) are selected in this sub-config, then
    ``layer_1`` will be masked 400 parameters and ``layer_2`` will be masked 800 parameters.'
    """
    first, second = resolve({"op_types": ["Linear"], "sparsity_per_layer": 0.8}).budget.layers
    assert (first.layer, first.numel, first.masked) == ("layer_1", 500, 400)
    assert (second.layer, second.numel, second.masked) == ("layer_2", 1000, 800)


def test_a_total_ratio_leaves_the_ratio_of_each_layer_open() -> None:
    """'The sparsity ratio of all selected layers, means that sparsity ratio may no longer be even between layers.'"""
    resolution = resolve({"op_types": ["Linear"], "total_sparsity": 0.8})
    for name, share in zip(resolution.compressed, resolution.budget.layers, strict=True):
        assert resolution.compressed[name].settings.sparsity is None
        assert share.masked is None
        assert known(share.minimum) < known(share.maximum)


def test_a_total_ratio_of_0_8_masks_four_fifths_of_all() -> None:
    """'e.g., the ``total_sparsity`` is 0.8 means 80% of parameters in this sub-config will be masked.'"""
    (group,) = resolve({"op_types": ["Linear", "Conv2d"], "total_sparsity": 0.8}).budget.groups
    assert (group.numel, group.demanded) == (1590, 1272)


def test_a_total_ratio_in_numbers() -> None:
    """'If ``layer_1`` (500 parameters) and ``layer_2`` (1000 parameters) are selected in this sub-config, then
    ``layer_1`` and ``layer_2`` will be masked a total of 1200 parameters, how these total parameters are distributed
    between the two layers is determined by the pruning algorithm.'
    """
    budget = resolve({"op_types": ["Linear"], "total_sparsity": 0.8}).budget
    (group,) = budget.groups
    assert (group.demanded, group.reachable) == (1200, 1500)
    assert [layer.masked for layer in budget.layers] == [None, None]
    assert [(layer.minimum, layer.maximum) for layer in budget.layers] == [(200, 500), (700, 1000)]


def test_sparsity_is_the_old_name_of_sparsity_per_layer() -> None:
    """'``sparsity`` is an old config key from the pruning v1, it has the same meaning as ``sparsity_per_layer``.'"""
    old, new = (
        resolve({"op_types": ["Linear"], "sparsity": 0.8}),
        resolve({"op_types": ["Linear"], "sparsity_per_layer": 0.8}),
    )
    assert (old, old.fingerprint) == (new, new.fingerprint)
    assert [layer.masked for layer in old.budget.layers] == [400, 800]


def test_sparsity_may_still_be_used_and_draws_a_note() -> None:
    """'You can also use ``sparsity`` right now, but it will be deprecated in the future.'"""
    config_list = cc.validate([{"op_types": ["Linear"], "sparsity": 0.8}], kind="pruning")
    assert [(finding.code, finding.severity) for finding in config_list.findings] == [("legacy-key", "note")]
    assert config_list[0].sparsity == 0.8


def test_the_cap_goes_with_total_sparsity() -> None:
    """'This key is usually used with ``total_sparsity``.'"""
    capped = {"op_types": ["Linear"], "max_sparsity_per_layer": 0.9}
    assert cc.validate([{**capped, "total_sparsity": 0.8}]).findings == ()
    assert codes_of(cc.validate([{**capped, "sparsity_per_layer": 0.8}]).findings) == ["cap-without-effect"]
    assert codes_of(refusal(capped)) == ["missing-key"]


def test_the_cap_limits_the_ratio_of_each_layer() -> None:
    """'It limits the maximum sparsity ratio of each layer.'"""
    budget = resolve({"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9}).budget
    for layer in budget.layers:
        assert known(layer.maximum) <= known(layer.cap) == known(layer.numel) * 9 // 10


def test_without_a_cap_a_layer_may_be_masked_whole() -> None:
    """'In ``total_sparsity`` example, there are 1200 parameters that need to be masked and all parameters in
    ``layer_1`` may be totally masked.'
    """
    first, _ = resolve({"op_types": ["Linear"], "total_sparsity": 0.8}).budget.layers
    assert (first.layer, first.maximum, first.numel) == ("layer_1", 500, 500)


def test_the_cap_in_numbers() -> None:
    """'To avoid this situation, ``max_sparsity_per_layer`` can be set as 0.9, this means up to 450 parameters can be
    masked in ``layer_1``, and 900 parameters can be masked in ``layer_2``.'
    """
    budget = resolve({"op_types": ["Linear"], "total_sparsity": 0.8, "max_sparsity_per_layer": 0.9}).budget
    assert [(layer.layer, layer.cap, layer.maximum) for layer in budget.layers] == [
        ("layer_1", 450, 450),
        ("layer_2", 900, 900),
    ]
    assert [layer.minimum for layer in budget.layers] == [300, 750]


# --- Quantization


@pytest.mark.parametrize("quant_type", ["weight", "input", "output"])
def test_there_are_three_quant_types(quant_type: str) -> None:
    """'Currently, nni support three kind of quantization types: 'weight', 'input', 'output'.'"""
    resolution = resolve({"op_types": ["Linear"], "quant_types": [quant_type], "quant_bits": 8})
    assert resolution.compressed["layer_1"].settings.bits == {quant_type: 8}
    (finding,) = refusal({"op_types": ["Linear"], "quant_types": [quant_type, "bias"], "quant_bits": 8})
    assert (finding.code, finding.path) == ("unknown-value", (0, "quant_types", 1))


def test_quant_types_are_one_or_a_list() -> None:
    """'It can be set as ``str`` or ``List[str]``.'"""
    one = resolve({"op_types": ["Linear"], "quant_types": "output", "quant_bits": 8})
    many = resolve({"op_types": ["Linear"], "quant_types": ["output"], "quant_bits": 8})
    assert one == many


def test_weight_and_input_belong_together() -> None:
    """'Note that 'weight' and 'input' are always quantize together, e.g., ``['input', 'weight']``.' (D10)"""
    paired = {"op_types": ["Linear"], "quant_types": ["input", "weight"], "quant_bits": 8}
    assert cc.validate([paired]).findings == ()
    for alone in ("input", "weight"):
        (finding,) = cc.validate([{**paired, "quant_types": [alone, "output"]}]).findings
        assert (finding.code, finding.severity) == ("unpaired-quant-types", "note")
        assert cc.validate([{**paired, "quant_types": [alone, "output"]}], strict=True).findings == (finding,)


def test_bits_are_one_for_all_or_one_for_each() -> None:
    """'Bits length of quantization, key is the quantization type set in ``quant_types``, value is the length, eg.
    {'weight': 8}, when the type is int, all quantization types share same bits length.'
    """
    each = resolve(
        {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": {"weight": 8, "input": 4}}
    )
    assert each.compressed["layer_1"].settings.bits == {"weight": 8, "input": 4}
    shared = resolve({"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8})
    assert shared.compressed["layer_1"].settings.bits == {"weight": 8, "input": 8}


def test_the_start_step_is_a_key_of_quantization() -> None:
    """'Specific key for ``QAT Quantizer``.'"""
    config = cc.QuantizationConfig(op_types=["Linear"], quant_types=["output"], quant_bits=8, quant_start_step=7000)
    assert config.quant_start_step == 7000
    (finding,) = refusal({"op_types": ["Linear"], "sparsity_per_layer": 0.5, "quant_start_step": 7000})
    assert finding.code == "mixed-kinds"


def test_the_start_step_delays_quantization() -> None:
    """'Disable quantization until model are run by certain number of steps, this allows the network to enter a more
    stable.'
    """
    resolution = resolve({"op_types": ["Linear"], "quant_types": ["output"], "quant_bits": 8, "quant_start_step": 7000})
    assert resolution.compressed["layer_1"].settings.start_step == 7000


def test_quantization_starts_at_step_0_by_default() -> None:
    """'State where output quantization ranges do not exclude a significant fraction of values, default value is 0.'"""
    resolution = resolve({"op_types": ["Linear"], "quant_types": ["output"], "quant_bits": 8})
    assert resolution.compressed["layer_1"].settings.start_step == 0
    said = resolve({"op_types": ["Linear"], "quant_types": ["output"], "quant_bits": 8, "quant_start_step": 0})
    assert said == resolution


# --- Nothing is left out


def sentences(rst: str) -> list[str]:
    """Return the sentences of a text, without its headings, each on one line."""
    body = re.sub(r"^.*\n([=\-^])\1{2,}\n", "", rst, flags=re.MULTILINE)
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", body))
    return [sentence for text in paragraphs if text for sentence in re.split(r"(?<=[.:])\s+(?=[A-Z`])", text)]


def test_every_sentence_is_quoted_by_a_test() -> None:
    found = sentences(SPECIFICATION.read_text(encoding="utf-8"))
    quotes = " ".join(
        " ".join((test.__doc__ or "").split()) for name, test in globals().items() if name.startswith("test_")
    )
    assert [sentence for sentence in found if f"'{sentence}'" not in quotes] == []
    assert len(found) == 31
