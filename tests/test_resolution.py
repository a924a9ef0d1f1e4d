"""The facade: what a resolution says of layers and sub-configs, what it raises, and that nothing can be changed."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from builders import FakeModel, codes_of

import compression_config as cc

STEM = cc.Layer(name="stem", type="Conv2d", weight_shape=(8, 3, 3, 3))
BODY = cc.Layer(name="body", type="Sequential", has_weight=False)
FC1 = cc.Layer(name="body.fc1", type="Linear", weight_shape=(10, 10), aliases=("shared.fc",))
FC2 = cc.Layer(name="body.fc2", type="Linear", weight_shape=(10, 20))
HEAD = cc.Layer(name="head", type="Linear", weight_shape=(5, 20))
LAYERS = [STEM, BODY, FC1, FC2, HEAD]

PRUNING: list[dict[str, Any]] = [
    {"op_types": ["Linear"], "sparsity": 0.5},
    {"op_partial_names": ["body"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.75},
    {"op_names": ["head"], "exclude": True},
    {"op_names": ["body.fc1"], "sparsity_per_layer": 0.25},
]
QUANTIZATION: list[dict[str, Any]] = [
    {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8},
    {
        "op_names": ["body.fc2"],
        "quant_types": ["input", "weight"],
        "quant_bits": {"weight": 4, "input": 8},
        "quant_start_step": 10,
        "quant_dtype": {"weight": "int"},
        "quant_scheme": "per_tensor_affine",
    },
    {"op_partial_names": ["fc1"], "exclude": True},
]


@pytest.fixture
def pruned() -> cc.Resolution[cc.PruningSettings]:
    return cc.resolve(PRUNING, LAYERS, kind="pruning")


@pytest.fixture
def quantized() -> cc.Resolution[cc.QuantizationSettings]:
    return cc.resolve(QUANTIZATION, LAYERS, kind="quantization")


# --- One layer


def test_a_compressed_layer_has_settings_and_its_sub_config_as_written(
    pruned: cc.Resolution[cc.PruningSettings],
) -> None:
    layer = pruned["body.fc1"]
    assert (layer.name, layer.layer) == ("body.fc1", FC1)
    assert layer.status == "compressed"
    assert layer.status is cc.Status.COMPRESSED
    assert layer.settings == cc.PruningSettings(sparsity=0.25)
    assert layer.config == cc.PruningConfig(op_names=["body.fc1"], sparsity_per_layer=0.25)
    assert (layer.index, layer.selected_by) == (3, (0, 1, 3))


def test_a_layer_of_a_group_has_the_settings_of_the_group(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    layer = pruned["body.fc2"]
    assert layer.settings == cc.PruningSettings(sparsity=None, total_sparsity=0.5, group=1, max_sparsity=0.75)
    assert (layer.index, layer.selected_by) == (1, (0, 1))


def test_an_excluded_layer_has_a_sub_config_and_no_settings(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    layer = pruned["head"]
    assert (layer.status, layer.settings, layer.index, layer.selected_by) == ("excluded", None, 2, (0, 2))
    assert layer.config == cc.PruningConfig(op_names=["head"], exclude=True)


def test_an_untouched_layer_has_nothing(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    layer = pruned["stem"]
    assert (layer.status, layer.settings, layer.config, layer.index) == ("untouched", None, None, None)
    assert layer.selected_by == ()


def test_the_old_key_means_the_new_one() -> None:
    """Spec, sparsity: 'it has the same meaning as ``sparsity_per_layer``'."""
    resolution = cc.resolve([{"op_types": ["Linear"], "sparsity": 0.5}], LAYERS, kind="pruning")
    settings = resolution["head"].settings
    assert settings == cc.PruningSettings(sparsity=0.5)
    config = resolution["head"].config
    assert isinstance(config, cc.PruningConfig)
    assert (config.sparsity, config.sparsity_per_layer) == (0.5, None)


def test_quantization_settings_speak_of_exactly_the_quant_types(
    quantized: cc.Resolution[cc.QuantizationSettings],
) -> None:
    assert quantized["head"].settings == cc.QuantizationSettings(bits={"weight": 8, "input": 8})
    settings = quantized["body.fc2"].settings
    assert settings is not None
    assert settings.bits == {"weight": 4, "input": 8}
    assert list(settings.bits) == ["input", "weight"]
    assert (settings.start_step, settings.dtype) == (10, {"weight": "int"})
    assert settings.scheme == {"weight": "per_tensor_affine", "input": "per_tensor_affine"}
    more = [{"op_names": ["head"], "quant_types": "output", "quant_bits": {"output": 8, "weight": 4}}]
    narrow = cc.resolve(more, LAYERS, kind="quantization")["head"].settings
    assert narrow == cc.QuantizationSettings(bits={"output": 8})


def test_layers_compare_by_what_they_get_and_why(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    again = cc.resolve(PRUNING, LAYERS, kind="pruning")
    assert {name: pruned[name] == again[name] for name in pruned} == dict.fromkeys(pruned, True)
    assert hash(pruned["head"]) == hash(again["head"])
    assert pruned["head"] != pruned["stem"]
    assert pruned["head"] != cc.resolve(PRUNING[2:3], LAYERS)["head"]
    assert pruned["head"] != "head"
    assert "head" in repr(pruned["head"])


def test_an_explanation_names_the_layer_the_winner_and_the_losers(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    text = pruned.explain("body.fc1")
    for part in ("body.fc1", "Linear", "[3]", "0.25", "[0]", "[1]"):
        assert part in text
    assert "[2]" not in text
    assert pruned.explain("shared.fc") == text


# --- The mapping


def test_a_resolution_is_a_mapping_in_the_order_of_the_model(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    assert isinstance(pruned, Mapping)
    assert list(pruned) == [layer.name for layer in LAYERS]
    assert (len(pruned), len(pruned.values()), len(dict(pruned))) == (5, 5, 5)
    assert [layer.layer for layer in pruned.values()] == LAYERS
    assert pruned.inventory == cc.Inventory.from_layers(LAYERS)
    assert pruned.config_list == cc.validate(PRUNING)
    assert pruned.kind == "pruning"


def test_compressed_prunable_excluded_and_untouched_are_in_the_order_of_the_model(
    pruned: cc.Resolution[cc.PruningSettings],
) -> None:
    assert list(pruned.compressed) == ["body", "body.fc1", "body.fc2"]
    assert list(pruned.prunable) == ["body.fc1", "body.fc2"]
    assert pruned.excluded == ("head",)
    assert pruned.untouched == ("stem",)
    assert pruned.prunable["body.fc1"] == pruned["body.fc1"]
    assert isinstance(pruned["body"], cc.CompressedLayer)
    assert not isinstance(pruned["head"], cc.CompressedLayer)


def test_a_layer_of_which_only_name_and_type_are_known_counts_as_prunable() -> None:
    resolution = cc.resolve(PRUNING[:1], [("fc", "Linear"), ("conv", "Conv2d")], kind="pruning")
    assert list(resolution.prunable) == ["fc"]
    assert resolution["fc"].layer.has_weight is None


def test_an_alias_is_a_key_and_not_iterated_over(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    """D17."""
    assert pruned["shared.fc"] == pruned["body.fc1"]
    assert pruned["shared.fc"].name == "body.fc1"
    assert "shared.fc" in pruned
    assert "shared.fc" not in list(pruned)
    assert pruned.get("shared.fc") == pruned["body.fc1"]


@pytest.mark.parametrize("key", ["op_names", "op_partial_names"])
def test_a_selector_takes_a_layer_by_its_alias_and_says_so(key: str) -> None:
    """D17."""
    resolution = cc.resolve([{key: ["shared.fc"], "sparsity_per_layer": 0.5}], LAYERS)
    assert list(resolution.compressed) == ["body.fc1"]
    (finding,) = resolution.findings
    assert (finding.code, finding.severity, finding.path) == ("selected-by-alias", "note", (0, key, 0))
    assert resolution.sub_configs[0].selected == ("body.fc1",)
    assert resolution.to_list() == [{"op_names": ["body.fc1"], "sparsity_per_layer": 0.5}]


@pytest.mark.parametrize("name", ["body.fc11", "HEAD", "nothing like it", ""])
def test_an_unknown_layer_is_a_key_error_with_the_nearest_names(
    pruned: cc.Resolution[cc.PruningSettings], name: str
) -> None:
    for ask in (pruned.__getitem__, pruned.explain, pruned.inventory.layer):
        with pytest.raises(cc.UnknownLayer) as caught:
            ask(name)
        error = caught.value
        assert isinstance(error, KeyError)
        assert error.name == name
        assert repr(name) in str(error)
        assert set(error.nearest) <= set(pruned)
        assert all(repr(near) in str(error) for near in error.nearest)
    assert name not in pruned
    assert pruned.get(name) is None


def test_the_nearest_names_of_a_typo_are_offered(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    with pytest.raises(cc.UnknownLayer, match="did you mean 'head'"):
        pruned["Head"]
    with pytest.raises(cc.UnknownLayer, match=r"did you mean 'body\.fc1'"):
        pruned["fc1"]


# --- Sub-configs


def test_sub_configs_say_what_they_selected_and_won(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    assert len(pruned.sub_configs) == 4
    assert [sub.index for sub in pruned.sub_configs] == [0, 1, 2, 3]
    assert [sub.config for sub in pruned.sub_configs] == list(cc.validate(PRUNING, kind="pruning"))
    assert [sub.selected for sub in pruned.sub_configs] == [
        ("body.fc1", "body.fc2", "head"),
        ("body", "body.fc1", "body.fc2"),
        ("head",),
        ("body.fc1",),
    ]
    assert [sub.decided for sub in pruned.sub_configs] == [(), ("body", "body.fc2"), ("head",), ("body.fc1",)]
    assert [sub.shadowed for sub in pruned.sub_configs] == [True, False, False, False]
    assert pruned.sub_configs[-1] == pruned.sub_configs[3]
    assert list(pruned.sub_configs[1:3]) == [pruned.sub_configs[1], pruned.sub_configs[2]]
    with pytest.raises(IndexError):
        pruned.sub_configs[4]
    assert hash(pruned.sub_configs[0]) == hash(cc.resolve(PRUNING, LAYERS).sub_configs[0])


def test_a_sub_config_that_selects_nothing_is_not_shadowed() -> None:
    resolution = cc.resolve([{"op_names": ["a"], "exclude": True}], LAYERS, unmatched="ignore")
    assert (resolution.sub_configs[0].selected, resolution.sub_configs[0].shadowed) == ((), False)


# --- Exclude, and taking back


def test_a_later_sub_config_takes_an_excluded_layer_back() -> None:
    """D3: exclude is a winner like any other."""
    exclude, include = {"op_names": ["head"], "exclude": True}, {"op_types": ["Linear"], "sparsity_per_layer": 0.5}
    assert cc.resolve([include, exclude], LAYERS)["head"].status == "excluded"
    assert cc.resolve([exclude, include], LAYERS)["head"].status == "compressed"
    assert cc.resolve([include, exclude, include], LAYERS)["head"].index == 2


# --- Findings, and what is raised


def test_an_error_about_a_selector_is_raised_by_default() -> None:
    """D14."""
    with pytest.raises(cc.UnmatchedSelector) as caught:
        cc.resolve([{"op_names": ["haed", "head"], "exclude": True}], LAYERS)
    (finding,) = (finding for finding in caught.value.findings if finding.severity == "error")
    assert (finding.code, finding.path) == ("unmatched-name", (0, "op_names", 0))
    assert finding.message == "no layer has the name 'haed'"
    assert "head" in str(finding.hint)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("sub_config", "code", "inside"),
    [
        pytest.param({"op_names": ["x"], "exclude": True}, "unmatched-name", ("op_names", 0), id="name"),
        pytest.param(
            {"op_partial_names": ["bod", "x."], "exclude": True}, "unmatched-partial-name", ("op_partial_names", 1),
            id="partial-name",
        ),
        pytest.param(
            {"op_types": ["Conv1d"], "sparsity_per_layer": 0.5}, "unmatched-type", ("op_types", 0),
            id="compressing-selects-nothing",
        ),
        pytest.param(
            {"op_types": ["Conv2d"], "op_names": ["head"], "sparsity_per_layer": 0.5}, "selects-nothing", (),
            id="compressing-selects-nothing-of-that-type",
        ),
    ],
)  # fmt: skip
def test_what_is_an_error_when_it_selects_nothing(sub_config: Any, code: str, inside: tuple[Any, ...]) -> None:
    """D14."""
    with pytest.raises(cc.UnmatchedSelector) as caught:
        cc.resolve([sub_config], LAYERS)
    assert (code, (0, *inside)) in [(finding.code.value, finding.path) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("sub_config", "code", "inside"),
    [
        pytest.param(
            {"op_types": ["Conv1d"], "exclude": True}, "unmatched-type", ("op_types", 0),
            id="exclude-by-type",
        ),
        pytest.param(
            {"op_types": ["Linear", "Highway"], "sparsity_per_layer": 0.5}, "unmatched-type", ("op_types", 1),
            id="absent-type-beside-present-ones",
        ),
        pytest.param(
            {"op_types": ["Linear"], "op_names": ["head", "stem"], "sparsity_per_layer": 0.5}, "type-mismatch",
            ("op_names", 1), id="named-layer-of-another-type",
        ),
    ],
)  # fmt: skip
def test_what_is_a_warning_when_it_selects_nothing(sub_config: Any, code: str, inside: tuple[Any, ...]) -> None:
    """D14."""
    resolution = cc.resolve([sub_config], LAYERS)
    found = [finding for finding in resolution.findings if finding.code == code]
    assert [(finding.severity, finding.path) for finding in found] == [("warning", (0, *inside))]
    options: list[Any] = [{"strict": True}, {"severity": {code: "error"}}]
    for raised in options:
        for unmatched in ("error", "warn", "ignore"):
            resolution = cc.resolve([sub_config], LAYERS, unmatched=unmatched, kind="pruning", **raised)
            assert [f.severity for f in resolution.findings if f.code == code] == ["error"]
            with pytest.raises(cc.FindingsError):
                resolution.raise_for_findings()


def test_unmatched_selectors_can_warn() -> None:
    config_list = [{"op_names": ["haed", "x"], "exclude": True}, {"op_types": ["Linear"], "sparsity_per_layer": 0.5}]
    with pytest.warns(cc.UnmatchedSelectorWarning) as caught:
        resolution = cc.resolve(config_list, LAYERS, unmatched="warn")
    assert len(caught) == 1
    assert "'haed'" in str(caught[0].message)
    assert caught[0].filename == __file__
    unmatched = [finding for finding in resolution.findings if finding.code == "unmatched-name"]
    assert [finding.severity for finding in unmatched] == ["warning", "warning"]
    assert resolution.unmatched == tuple(unmatched)
    assert resolution["head"].status == "compressed"


def test_unmatched_selectors_can_be_ignored() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolution = cc.resolve([{"op_names": ["haed", "head"], "exclude": True}], LAYERS, unmatched="ignore")
    assert "unmatched-name" not in codes_of(resolution.findings)
    assert resolution.unmatched == ()
    assert resolution.excluded == ("head",)


def test_a_lowered_severity_raises_nothing() -> None:
    config_list = [{"op_names": ["haed", "head"], "exclude": True}]
    resolution = cc.resolve(config_list, LAYERS, severity={"unmatched-name": "note"})
    assert [(f.code, f.severity) for f in resolution.findings if f.code == "unmatched-name"] == [
        ("unmatched-name", "note")
    ]
    assert "unmatched-name" not in codes_of(
        cc.resolve(config_list, LAYERS, severity={"unmatched-name": "ignore"}).findings
    )


@pytest.mark.parametrize("unmatched", ["raise", None, True])
def test_another_word_for_unmatched_is_a_usage_error(unmatched: Any) -> None:
    with pytest.raises(cc.UsageError):
        cc.resolve(PRUNING, LAYERS, unmatched=unmatched)


def test_a_broken_list_is_an_invalid_config() -> None:
    with pytest.raises(cc.InvalidConfig):
        cc.resolve([{"op_types": ["Linear"], "sparsity": 80}], LAYERS)
    with pytest.raises(cc.InvalidConfig):
        cc.resolve([], LAYERS, strict=True)


def test_every_other_error_is_among_the_findings_and_can_be_raised() -> None:
    """Design: `resolve` raises only `InvalidConfig` and `UnmatchedSelector`."""
    resolution = cc.resolve(PRUNING, LAYERS, severity={"shadowed": "error"})
    assert codes_of(f for f in resolution.findings if f.severity == "error") == ["shadowed"]
    with pytest.raises(cc.FindingsError) as caught:
        resolution.raise_for_findings()
    assert codes_of(caught.value.findings) == ["shadowed"]


def test_findings_raise_from_a_severity_on() -> None:
    resolution = cc.resolve([{"op_types": ["Linear", "Highway"], "sparsity": 0.5}], LAYERS)
    assert {"legacy-key", "unmatched-type"} <= set(codes_of(resolution.findings))
    resolution.raise_for_findings()
    resolution.raise_for_findings(at="error")
    with pytest.raises(cc.FindingsError) as caught:
        resolution.raise_for_findings(at="warning")
    assert codes_of(caught.value.findings) == ["unmatched-type"]
    with pytest.raises(cc.UsageError):
        resolution.raise_for_findings(at="note")  # type: ignore[arg-type]


def test_findings_are_those_of_the_list_and_of_the_model_in_list_order() -> None:
    resolution = cc.resolve(
        [
            {"op_types": ["Linear"], "sparsity": 0.5},
            {"op_types": ["Linear", "Conv1d"], "op_names": ["head", "head"], "sparsity": 0.25},
        ],
        LAYERS,
    )
    codes = [(finding.path[0], finding.code.value) for finding in resolution.findings if finding.path]
    assert codes == sorted(codes, key=lambda pair: pair[0])
    assert {(0, "legacy-key"), (1, "repeated-element"), (1, "unmatched-type")} <= set(codes)
    assert set(resolution.config_list.findings) <= set(resolution.findings)
    assert cc.check(PRUNING, LAYERS) == cc.resolve(PRUNING, LAYERS).findings
    assert cc.check(PRUNING) == cc.validate(PRUNING).findings


def test_check_raises_nothing_for_a_list_that_does_not_fit_the_model() -> None:
    findings = cc.check([{"op_names": ["haed"], "sparsity_per_layer": 0.5}], LAYERS)
    assert "unmatched-name" in codes_of(finding for finding in findings if finding.severity == "error")


# --- Errors as values


@pytest.mark.parametrize("kind", [cc.InvalidConfig, cc.UnmatchedSelector, cc.FindingsError])
def test_errors_with_findings_compare_hash_and_pickle(kind: type[cc.FindingsError]) -> None:
    findings = cc.check([{"op_types": "a", "exclude": False}])
    error = kind(findings)
    for again in (kind(findings), pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):  # noqa: S301
        assert (again, hash(again), str(again), repr(again)) == (error, hash(error), str(error), repr(error))
        assert again.findings == error.findings
    assert error != kind(findings[:1])
    assert error != (cc.FindingsError if kind is not cc.FindingsError else cc.InvalidConfig)(findings)
    assert all(str(finding) in str(error) for finding in findings)


@pytest.mark.parametrize(
    "error",
    [
        cc.UnknownLayer("fc", ["fc1", "fc2"]),
        cc.UnknownLayer("fc"),
        cc.UnknownNumel(["a", "b", "c", "d"]),
        cc.UsageError("a kind is 'pruning' or 'quantization', not 'x'"),
        cc.InvalidInventory("two layers have the name 'a'"),
    ],
)
def test_other_errors_pickle(error: cc.CompressionConfigError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_a_finding_with_a_place_in_a_text_pickles() -> None:
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.loads("- op_types: Linear\n  sparsity: 80\n")
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value  # noqa: S301
    assert all(finding.span for finding in pickle.loads(pickle.dumps(caught.value.findings)))  # noqa: S301


# --- Nothing can be changed


def test_nothing_can_be_changed(pruned: Any) -> None:
    changes: list[Callable[[], object]] = [
        lambda: pruned.__setitem__("head", pruned["stem"]),
        lambda: pruned.compressed.__setitem__("head", pruned["stem"]),
        lambda: pruned.prunable.pop("head"),
        lambda: pruned.sub_configs.append(1),
        lambda: pruned.excluded.append("stem"),
        lambda: setattr(pruned["head"], "index", 7),
        lambda: setattr(pruned["head"], "other", 7),
        lambda: setattr(pruned["body.fc1"].settings, "sparsity", 0.5),
        lambda: setattr(pruned["head"].config, "exclude", None),
        lambda: setattr(pruned.findings[0], "severity", "error"),
        lambda: setattr(pruned, "excluded", ()),
        lambda: setattr(pruned["head"].layer, "type", "X"),
    ]
    for change in changes:
        with pytest.raises((AttributeError, TypeError, ValueError)):
            change()
    assert pruned == cc.resolve(PRUNING, LAYERS)


def test_what_comes_out_as_plain_data_is_the_callers_own(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    before = pruned.fingerprint
    pruned.to_list().clear()
    pruned.to_list()[0]["op_names"].clear()
    pruned.to_dict()["layers"].clear()
    assert cc.resolve(pruned.to_list(), LAYERS).fingerprint == pruned.fingerprint == before


def test_a_resolution_pickles_and_copies(
    pruned: cc.Resolution[cc.PruningSettings], quantized: cc.Resolution[cc.QuantizationSettings]
) -> None:
    for resolution in (pruned, quantized):
        assert resolution.compressed
        assert resolution.findings is not None
        for again in (pickle.loads(pickle.dumps(resolution)), copy.deepcopy(resolution)):  # noqa: S301
            assert again == resolution
            assert again.findings == resolution.findings
            assert dict(again) == dict(resolution)
            assert again.compressed == resolution.compressed
            assert again.prunable == resolution.prunable


def test_the_compressed_layers_pickle_and_copy(
    pruned: cc.Resolution[cc.PruningSettings], quantized: cc.Resolution[cc.QuantizationSettings]
) -> None:
    for layers in (pruned.compressed, pruned.prunable, quantized.compressed):
        assert list(layers)
        for again in (pickle.loads(pickle.dumps(layers)), copy.copy(layers), copy.deepcopy(layers)):  # noqa: S301
            assert again == layers
            assert list(again.items()) == list(layers.items())


@pytest.mark.parametrize("key", [[], [["fc1"]], {}, None, 0, ("fc1",)])
def test_what_is_not_a_name_is_an_unknown_layer(pruned: cc.Resolution[cc.PruningSettings], key: Any) -> None:
    assert key not in pruned
    for ask in (pruned.__getitem__, pruned.explain):
        with pytest.raises(cc.UnknownLayer):
            ask(key)


# --- What makes an answer, by D18


def test_spelling_indices_and_detours_do_not_count(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    detour = [
        {"op_types": ["Conv2d"], "exclude": True},
        {"op_names": ["head"], "exclude": True},
        {"op_names": ["body", "body.fc2"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.75},
        {"op_names": ["shared.fc"], "sparsity": 0.25},
    ]
    assert cc.resolve(detour[1:], LAYERS) == pruned
    assert cc.resolve(detour[1:], LAYERS).fingerprint == pruned.fingerprint
    assert cc.resolve(detour, LAYERS) != pruned  # excluded is not untouched


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"total_sparsity": 0.5}, {"sparsity_per_layer": 0.5}, id="group-or-each"),
        pytest.param({"total_sparsity": 0.5}, {"total_sparsity": 0.5, "max_sparsity_per_layer": 0.75}, id="cap"),
        pytest.param({"sparsity_per_layer": 0.5}, {"sparsity_per_layer": 0.25}, id="ratio"),
        pytest.param({"sparsity_per_layer": 0}, {"exclude": True}, id="nothing-masked-or-excluded"),
    ],
)
def test_other_settings_are_another_answer(one: Any, other: Any) -> None:
    first, second = (cc.resolve([{"op_types": ["Linear"], **setting}], LAYERS) for setting in (one, other))
    assert first != second
    assert first.fingerprint != second.fingerprint


def test_two_groups_are_not_one() -> None:
    half = {"total_sparsity": 0.5}
    together = cc.resolve([{"op_names": ["body.fc1", "head"], **half}], LAYERS)
    apart = cc.resolve([{"op_names": ["body.fc1"], **half}, {"op_names": ["head"], **half}], LAYERS)
    assert together != apart
    assert [config["op_names"] for config in apart.to_list()] == [["body.fc1"], ["head"]]


def test_what_has_no_effect_does_not_count() -> None:
    def answer(**setting: Any) -> cc.Resolution[Any]:
        return cc.resolve([{"op_types": ["Linear"], **setting}], LAYERS)

    assert answer(sparsity_per_layer=0.5, max_sparsity_per_layer=0.75) == answer(sparsity=0.5)
    assert answer(sparsity_per_layer=-0.0) == answer(sparsity_per_layer=0)
    one, other = (
        answer(quant_types=types, quant_bits=bits, quant_start_step=0)
        for types, bits in ((["weight", "input"], 8), (["input", "weight"], {"weight": 8, "input": 8, "output": 4}))
    )
    assert (one, one.fingerprint) == (other, other.fingerprint)


def test_the_kind_counts_even_where_nothing_is_compressed() -> None:
    excluding = [{"op_types": ["Linear"], "exclude": True}]
    assert cc.resolve(excluding, LAYERS, kind="pruning") != cc.resolve(excluding, LAYERS, kind="quantization")


def test_a_fingerprint_is_the_same_in_every_process(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    """Equal on every rank and machine: neither the seed of hashes nor the order of the list plays a part."""
    program = (
        "import compression_config as cc, json, sys\n"
        "print(cc.resolve(json.loads(sys.argv[1]), [tuple(p) for p in json.loads(sys.argv[2])]).fingerprint)"
    )
    pairs = [(layer.name, layer.type) for layer in LAYERS]
    prints = {
        subprocess.run(
            [sys.executable, "-c", program, json.dumps(config_list), json.dumps(pairs)],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed, config_list in (("1", PRUNING), ("2", pruned.to_list()[::-1]))
    }
    assert prints == {pruned.fingerprint}
    assert len(pruned.fingerprint) == 64


def test_the_canonical_list_says_the_answer_outright(
    pruned: cc.Resolution[cc.PruningSettings], quantized: cc.Resolution[cc.QuantizationSettings]
) -> None:
    assert pruned.to_list() == [
        {"op_names": ["body", "body.fc2"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.75},
        {"op_names": ["body.fc1"], "sparsity_per_layer": 0.25},
        {"op_names": ["head"], "exclude": True},
    ]
    assert quantized.to_list() == [
        {"op_names": ["body.fc1"], "exclude": True},
        {
            "op_names": ["body.fc2"],
            "quant_types": ["input", "weight"],
            "quant_bits": {"input": 8, "weight": 4},
            "quant_start_step": 10,
            "quant_dtype": {"weight": "int"},
            "quant_scheme": {"input": "per_tensor_affine", "weight": "per_tensor_affine"},
        },
        {"op_names": ["head"], "quant_types": ["weight", "input"], "quant_bits": {"weight": 8, "input": 8}},
    ]


def test_the_answer_as_plain_data_is_versioned_and_ready_for_json(pruned: cc.Resolution[cc.PruningSettings]) -> None:
    data = pruned.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert (data["format"], data["version"]) == ("compression-config-resolution", 2)
    assert (data["kind"], data["fingerprint"]) == ("pruning", pruned.fingerprint)
    assert [layer["name"] for layer in data["layers"]] == list(pruned)
    assert [layer["status"] for layer in data["layers"]] == [layer.status for layer in pruned.values()]
    assert [layer["index"] for layer in data["layers"]] == [layer.index for layer in pruned.values()]
    assert len(data["sub_configs"]) == 4
    assert len(data["findings"]) == len(pruned.findings)


# --- Models of all sorts


class Linear:
    def __init__(self, *shape: int) -> None:
        self.weight = type("Tensor", (), {"shape": shape, "dtype": "float32"})()


def test_a_model_may_be_a_model_an_inventory_layers_or_pairs() -> None:
    model = FakeModel({"a": Linear(2, 3), "b": Linear(4, 5)})
    answers = [
        cc.resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], given)
        for given in (
            model,
            cc.Inventory.from_model(model),
            list(cc.Inventory.from_model(model)),
            model.modules.items(),
            [("", "FakeModel"), ("a", "Linear"), ("b", "Linear")],
            [("a", Linear), ("b", Linear)],
            iter([("a", Linear(2, 3)), ("b", Linear(4, 5))]),
        )
    ]
    assert len({answer.fingerprint for answer in answers}) == 1
    assert answers[0]["a"].layer.weight_shape == (2, 3)


@pytest.mark.parametrize("model", [None, 7, "model", b"model", {"a": "Linear"}, [1], [("a",)], object()])
def test_what_is_no_model_is_an_invalid_inventory(model: Any) -> None:
    number: Any = 7
    with pytest.raises(cc.InvalidInventory):
        cc.resolve(PRUNING, model)
    with pytest.raises(cc.InvalidInventory):
        cc.check(PRUNING, number if model is None else model)


def test_a_model_that_is_nothing_but_its_root_is_told_to_be_wrapped() -> None:
    for model in (FakeModel(), [("", "Linear")]):
        with pytest.raises(cc.UnmatchedSelector) as caught:
            cc.resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], model)
        assert "only-root" in codes_of(caught.value.findings)


def test_an_empty_list_and_an_empty_model_have_an_answer() -> None:
    """D3: an empty config list is accepted with a warning."""
    nothing = cc.resolve([], LAYERS)
    assert nothing.untouched == tuple(nothing)
    assert codes_of(nothing.findings) == ["nothing-configured", "kind-not-stated"]
    assert (nothing.to_list(), len(nothing.sub_configs)) == ([], 0)
    empty = cc.resolve([], [])
    assert (len(empty), empty.compressed, empty.excluded, empty.untouched) == (0, {}, (), ())
    assert empty.to_dict()["layers"] == []
    assert empty == cc.resolve([], [])
    with pytest.raises(cc.UnknownLayer):
        empty["a"]


# --- Two-part documents


def test_both_parts_are_resolved_apart_and_shown_together(
    pruned: cc.Resolution[cc.PruningSettings], quantized: cc.Resolution[cc.QuantizationSettings]
) -> None:
    both = cc.resolve({"pruning": PRUNING, "quantization": QUANTIZATION}, LAYERS)
    assert isinstance(both, cc.CompressionResolution)
    assert (both.pruning, both.quantization) == (pruned, quantized)
    assert list(both) == list(pruned)
    assert len(both) == 5
    assert both.inventory == pruned.inventory
    layer = both["body.fc2"]
    assert isinstance(layer, cc.CompressionLayer)
    assert (layer.pruning, layer.quantization) == (pruned["body.fc2"], quantized["body.fc2"])
    assert layer == (pruned["body.fc2"], quantized["body.fc2"])
    assert both["shared.fc"].pruning.name == "body.fc1"
    assert both.explain("head").startswith(both.pruning.explain("head"))
    assert both.explain("head").endswith(both.quantization.explain("head"))
    assert pickle.loads(pickle.dumps(both)) == both  # noqa: S301
    assert hash(both) == hash(cc.resolve({"pruning": PRUNING, "quantization": QUANTIZATION}, LAYERS))
    assert both != cc.resolve({"pruning": PRUNING[:1], "quantization": QUANTIZATION}, LAYERS)
    with pytest.raises(cc.UnknownLayer):
        both["x"]


def test_the_findings_of_both_parts_say_which_part_they_are_of() -> None:
    both = cc.resolve(
        {"pruning": PRUNING, "quantization": [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 8}]},
        LAYERS,
    )
    assert {finding.path[0] for finding in both.findings} == {"pruning", "quantization"}
    assert both.findings == both.pruning.findings + both.quantization.findings
    with pytest.raises(cc.FindingsError):
        both.raise_for_findings(at="warning")
    assert json.loads(json.dumps(both.to_dict())) == both.to_dict()


def test_an_unmatched_selector_of_either_part_is_raised_for_both_together() -> None:
    wrong = {
        "pruning": [{"op_names": ["x"], "exclude": True}],
        "quantization": [{"op_names": ["y"], "exclude": True}],
    }
    with pytest.raises(cc.UnmatchedSelector) as caught:
        cc.resolve(wrong, LAYERS)
    assert [finding.path for finding in caught.value.findings] == [
        ("pruning", 0, "op_names", 0),
        ("quantization", 0, "op_names", 0),
    ]


def test_a_part_that_is_left_out_leaves_every_layer_untouched() -> None:
    both = cc.resolve({"pruning": PRUNING}, LAYERS)
    assert both.quantization.untouched == tuple(both)
    assert "quantization" not in {finding.path[0] for finding in both.findings}


def test_one_part_can_be_resolved_alone() -> None:
    both = {"pruning": PRUNING, "quantization": QUANTIZATION}
    assert cc.resolve(both, LAYERS, kind="pruning") == cc.resolve(PRUNING, LAYERS)
    assert cc.resolve(cc.validate(both), LAYERS, kind="quantization") == cc.resolve(QUANTIZATION, LAYERS)
