"""What a config list as a whole does to a model, reviewed: each code with what draws it and what does not."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from edits import fixed
from hypothesis import given
from hypothesis import strategies as st

import compression_config as cc
from compression_config.findings import Code

HALF = {"sparsity_per_layer": 0.5}
MORE = {"sparsity_per_layer": 0.8}
LINEAR = {"op_types": ["Linear"], **HALF}
EIGHT_BITS = {"quant_types": ["weight", "input"], "quant_bits": 8}

REVIEWED = frozenset(
    {
        Code.SHADOWED,
        Code.EXCLUDE_WITHOUT_EFFECT,
        Code.EXCLUDED_CONTAINER,
        Code.DUPLICATE_SUB_CONFIG,
        Code.DIGIT_BOUNDARY,
        Code.WORD_BOUNDARY,
        Code.SEVERAL_PATHS,
        Code.UNEVEN_COVERAGE,
        Code.NO_WEIGHT,
        Code.PRUNED_NORMALIZATION,
        Code.INTEGER_INPUT,
        Code.FUSED_SIBLINGS,
        Code.SETTINGS_DROPPED,
        Code.CONTAINERS_CLAIMED,
        Code.TIED_CONFLICT,
    }
)

PAIRS = [("conv1", "Conv2d"), ("fc1", "Linear"), ("fc2", "Linear"), ("act", "ReLU")]


def blocks(count: int, *names: str, kind: str = "Linear", before: str = "layer") -> list[tuple[str, str]]:
    """Return pairs for `names` in each of so many numbered blocks."""
    return [(f"{before}.{block}.{name}", kind) for block in range(count) for name in names]


def reviewed(config_list: Any, model: Any, **options: Any) -> list[cc.Finding]:
    return [finding for finding in cc.check(config_list, model, **options) if finding.code in REVIEWED]


def said(config_list: Any, model: Any, **options: Any) -> list[tuple[str, tuple[str | int, ...], str, str | None]]:
    """Return code, path, message and hint of what the review says."""
    return [(f.code.value, f.path, f.message, f.hint) for f in reviewed(config_list, model, **options)]


def names_of(findings: Sequence[cc.Finding]) -> list[tuple[str, str | int]]:
    """Return code and index of the sub-config of each finding."""
    return [(finding.code.value, finding.path[0]) for finding in findings]


class TestShadowed:
    """Issue 3: "a sub-config fully overwritten by later ones, and by which"."""

    def test_a_sub_config_that_a_later_one_covers_is_named_with_it(self) -> None:
        assert said([LINEAR, {"op_types": ["default"], **MORE}], PAIRS) == [
            (
                "shadowed",
                (0,),
                "this sub-config has no effect: [1] overwrites it for every layer that it selects",
                "delete it, or move it after [1] so that it takes effect",
            )
        ]

    @pytest.mark.parametrize(
        "selector",
        [
            pytest.param({"op_types": ["Linear"]}, id="types"),
            pytest.param({"op_names": ["fc1", "fc2"]}, id="names"),
            pytest.param({"op_partial_names": ["fc"]}, id="partial-names"),
            pytest.param(
                {"op_names": ["fc1", "act"], "op_partial_names": ["c2"], "op_types": ["Linear"]}, id="all-three"
            ),
        ],
    )
    def test_all_who_take_its_layers_are_named(self, selector: dict[str, Any]) -> None:
        later = [{"op_names": ["fc2"], **MORE}, {"op_names": ["conv1"], **MORE}, {"op_names": ["fc1"], "exclude": True}]
        (finding,) = reviewed([{**selector, **HALF}, *later], PAIRS)
        assert (
            finding.message == "this sub-config has no effect: [1] and [3] overwrite it for every layer that it selects"
        )
        assert finding.hint == "delete it, or move it after [3] so that it takes effect"

    def test_of_many_the_first_few_are_named(self) -> None:
        model = blocks(6, "fc")
        later = [{"op_names": [name], "sparsity_per_layer": i / 10} for i, (name, _) in enumerate(model)]
        (finding,) = reviewed([{"op_partial_names": ["layer"], **HALF}, *later], model)
        assert (
            finding.message
            == "this sub-config has no effect: [1], [2], [3] and others overwrite it for every layer that it selects"
        )
        assert finding.hint == "delete it, or move it after them so that it takes effect"

    def test_one_layer_left_to_it_is_enough(self) -> None:
        assert said([LINEAR, {"op_names": ["fc1"], **MORE}], PAIRS) == []

    def test_a_sub_config_that_selects_nothing_is_not_shadowed(self) -> None:
        found = cc.check([{"op_types": ["Embedding"], **HALF}, LINEAR], PAIRS)
        assert [finding.code for finding in found] == [Code.UNMATCHED_TYPE]

    def test_in_a_two_part_document_the_parts_are_named(self) -> None:
        document = {"pruning": [LINEAR, {"op_types": ["Linear"], **MORE}], "quantization": []}
        (finding,) = reviewed(document, PAIRS)
        assert finding.path == ("pruning", 0)
        assert (
            finding.message == "this sub-config has no effect: pruning[1] overwrites it for every layer that it selects"
        )


class TestDuplicateSubConfig:
    """Issue 3: "the same sub-config twice"; one finding for one cause."""

    def test_the_earlier_one_is_reported_and_not_as_shadowed_too(self) -> None:
        assert said([LINEAR, {"op_names": ["fc1"], **MORE}, dict(reversed(LINEAR.items()))], PAIRS)[0] == (
            "duplicate-sub-config",
            (0,),
            "this sub-config is the same as [2], which overwrites it",
            "delete it: [2] says the same",
        )

    def test_of_three_the_last_one_stays(self) -> None:
        assert [(f.path, f.message) for f in reviewed([LINEAR] * 3, PAIRS)] == [
            ((0,), "this sub-config is the same as [2], which overwrites it"),
            ((1,), "this sub-config is the same as [2], which overwrites it"),
        ]

    def test_deleting_the_earlier_one_changes_nothing(self) -> None:
        config_list = [LINEAR, {"op_names": ["fc1"], "exclude": True}, {"op_types": ["Conv2d"], **MORE}, LINEAR]
        assert cc.resolve(config_list, PAIRS) == cc.resolve(config_list[1:], PAIRS)

    def test_another_ratio_is_another_sub_config(self) -> None:
        assert names_of(reviewed([LINEAR, {"op_types": ["Linear"], **MORE}], PAIRS)) == [("shadowed", 0)]


class TestExcludeWithoutEffect:
    """Issue 3: "an exclude that takes nothing away"; D3: "an earlier `exclude` has no effect"."""

    def test_an_exclude_of_what_nobody_compresses(self) -> None:
        assert said([LINEAR, {"op_names": ["conv1"], "exclude": True}], PAIRS) == [
            (
                "exclude-without-effect",
                (1, "exclude"),
                "this exclude has no effect: no earlier sub-config compresses a layer that it excludes",
                "delete it, unless it is a safeguard",
            )
        ]

    def test_an_exclude_before_what_it_was_to_limit(self) -> None:
        assert said([{"op_names": ["fc1"], "exclude": True}, LINEAR], PAIRS) == [
            (
                "exclude-without-effect",
                (0, "exclude"),
                "this exclude has no effect: [1] overwrites it for every layer that it selects",
                "delete it, or move it after [1] so that it takes effect",
            )
        ]

    def test_an_excluded_container_does_not_stand_for_the_layers_in_it(self) -> None:
        model = [("head", "Sequential"), ("head.fc", "Linear"), ("fc", "Linear")]
        assert said([LINEAR, {"op_names": ["head"], "exclude": True}], model) == [
            (
                "excluded-container",
                (1, "op_names", 0),
                "'head' only holds other layers, and [0] still compresses 'head.fc'",
                'write "op_partial_names": ["head."] for the layers in it',
            )
        ]
        assert reviewed([LINEAR, {"op_partial_names": ["head."], "exclude": True}], model) == []

    @pytest.mark.parametrize(
        "config_list",
        [
            pytest.param([LINEAR, {"op_names": ["fc1"], "exclude": True}], id="one-layer"),
            pytest.param([LINEAR, {"op_names": ["conv1", "fc1"], "exclude": True}], id="one-of-two"),
            pytest.param(
                [LINEAR, {"op_types": ["Linear"], "exclude": True}, {"op_names": ["fc1"], **MORE}], id="retaken"
            ),
            pytest.param([LINEAR, *[{"op_names": [name], "exclude": True} for name in ("fc1", "fc2")]], id="two"),
        ],
    )
    def test_an_exclude_that_takes_a_layer_away_draws_nothing_at_itself(self, config_list: Any) -> None:
        assert not any(finding.code is Code.EXCLUDE_WITHOUT_EFFECT for finding in reviewed(config_list, PAIRS))

    def test_of_two_excludes_of_one_layer_only_the_overwritten_one_is_reported(self) -> None:
        config_list = [LINEAR, {"op_names": ["fc1"], "exclude": True}, {"op_partial_names": ["fc1"], "exclude": True}]
        assert names_of(reviewed(config_list, PAIRS)) == [("exclude-without-effect", 1)]


class TestSettingsDropped:
    """Issue 3: "a later sub-config takes a layer and drops quant types or a cap that the earlier one set"."""

    def test_a_quant_type_that_the_later_one_does_not_list(self) -> None:
        config_list = [
            {"op_types": ["Linear"], **EIGHT_BITS},
            {"op_names": ["fc1"], "quant_types": ["input"], "quant_bits": 4},
        ]
        assert said(config_list, PAIRS) == [
            (
                "settings-dropped",
                (1, "quant_types"),
                "this sub-config takes 'fc1' from [0] and drops 'weight', which [0] sets",
                'write "quant_types": ["input", "weight"] with bits for each',
            )
        ]

    def test_a_cap_that_the_later_budget_does_not_have(self) -> None:
        config_list = [
            {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9},
            {"op_names": ["fc1"], "total_sparsity": 0.3},
        ]
        assert said(config_list, PAIRS) == [
            (
                "settings-dropped",
                (1, "total_sparsity"),
                "this sub-config takes 'fc1' from [0] and drops 'max_sparsity_per_layer', which [0] sets",
                'write "max_sparsity_per_layer": 0.9 in it too',
            )
        ]

    def test_several_who_lose_are_told_together(self) -> None:
        config_list = [
            {"op_names": ["fc1"], **EIGHT_BITS},
            {"op_names": ["fc2"], "quant_types": ["output", "weight"], "quant_bits": 8},
            {"op_types": ["Linear"], "op_partial_names": ["fc"], "quant_types": ["input"], "quant_bits": 4},
        ]
        (finding,) = [f for f in reviewed(config_list, PAIRS) if f.code is Code.SETTINGS_DROPPED]
        assert finding.message == (
            "this sub-config takes 'fc1' and 'fc2' from [0] and [1] and drops 'weight' and 'output', "
            "which [0] and [1] set"
        )

    def test_of_many_layers_the_first_few_are_named(self) -> None:
        model = blocks(6, "fc")
        config_list = [
            {"op_types": ["Linear"], **EIGHT_BITS},
            {"op_partial_names": ["layer"], "quant_types": ["input"], "quant_bits": 4},
            {"op_names": ["layer.0.fc"], **EIGHT_BITS},
        ]
        (finding,) = [f for f in reviewed(config_list, model) if f.code is Code.SETTINGS_DROPPED]
        assert finding.message.startswith(
            "this sub-config takes 'layer.1.fc', 'layer.2.fc', 'layer.3.fc' and 2 more from [0] and drops 'weight'"
        )

    @pytest.mark.parametrize(
        ("earlier", "later"),
        [
            pytest.param(EIGHT_BITS, {"quant_types": ["input", "weight"], "quant_bits": 4}, id="same-types"),
            pytest.param(EIGHT_BITS, {"quant_types": ["weight", "input", "output"], "quant_bits": 4}, id="more-types"),
            pytest.param(EIGHT_BITS, {"exclude": True}, id="exclude"),
            pytest.param({"total_sparsity": 0.5, "max_sparsity_per_layer": 0.9}, MORE, id="ratio-for-budget"),
            pytest.param({"total_sparsity": 0.5}, {"total_sparsity": 0.3}, id="no-cap-before"),
        ],
    )
    def test_what_drops_nothing_draws_nothing(self, earlier: dict[str, Any], later: dict[str, Any]) -> None:
        assert said([{"op_types": ["Linear"], **earlier}, {"op_names": ["fc1"], **later}], PAIRS) == []

    def test_only_the_claim_that_was_overruled_counts(self) -> None:
        config_list = [
            {"op_types": ["Linear"], **EIGHT_BITS},
            {"op_names": ["fc1"], "exclude": True},
            {"op_names": ["fc1"], "quant_types": ["input"], "quant_bits": 4},
        ]
        assert names_of(reviewed(config_list, PAIRS)) == [("exclude-without-effect", 1)]


class TestDigitBoundary:
    """Issue 3: "`layer.1` also takes `layer.10` to `layer.11`: write `layer.1.`"."""

    MODEL = tuple(blocks(12, "query", "key"))

    def test_the_longer_numbers_are_named_with_the_remedy(self) -> None:
        assert said([{"op_partial_names": ["layer.2", "layer.1"], **HALF}], self.MODEL) == [
            (
                "digit-boundary",
                (0, "op_partial_names", 1),
                "'layer.1' also takes 'layer.10' and 'layer.11', 4 layers more",
                "write 'layer.1.'",
            )
        ]

    def test_the_remedy_takes_only_the_block_that_was_meant(self) -> None:
        resolution = cc.resolve([{"op_partial_names": ["layer.1."], **HALF}], self.MODEL)
        assert list(resolution.compressed) == ["layer.1.query", "layer.1.key"]

    @pytest.mark.parametrize(
        ("model", "part", "message", "hint"),
        [
            pytest.param(
                blocks(40, "fc"),
                "layer.3",
                "'layer.3' also takes 'layer.30' to 'layer.39', 10 layers more",
                "write 'layer.3.'",
                id="more-than-two",
            ),
            pytest.param(
                [(f"conv{n}", "Conv2d") for n in range(12)],
                "conv1",
                "'conv1' also takes 'conv10' and 'conv11', 2 layers more",
                'write "op_names": ["conv1"]',
                id="at-the-end-of-names",
            ),
            pytest.param(
                blocks(12, "fc", before="net.block"),
                "1.fc",
                "'1.fc' also takes '11.fc', 1 layer more",
                "write '.1.fc'",
                id="at-its-beginning",
            ),
            pytest.param(
                [(f"{n}.fc", "Linear") for n in range(12)],
                "1.fc",
                "'1.fc' also takes '11.fc', 1 layer more",
                'write "op_names": ["1.fc"]',
                id="at-the-beginning-of-names",
            ),
            pytest.param(
                [(f"{block}.conv{n}", "Conv2d") for block in "ab" for n in range(11)],
                "conv1",
                "'conv1' also takes 'conv10', 2 layers more",
                'write "op_names": ["a.conv1", "b.conv1"]',
                id="in-some-names",
            ),
            pytest.param(
                [(f"{block}.conv{n}", "Conv2d") for block in "abcdefghi" for n in range(11)],
                "conv1",
                "'conv1' also takes 'conv10', 9 layers more",
                "write the names in full, in 'op_names'",
                id="in-many-names",
            ),
        ],
    )
    def test_the_remedy_depends_on_where_the_number_stands(
        self, model: list[tuple[str, str]], part: str, message: str, hint: str
    ) -> None:
        assert [(m, h) for _, _, m, h in said([{"op_partial_names": [part], **HALF}], model)] == [(message, hint)]

    @pytest.mark.parametrize(
        "config_list",
        [
            pytest.param([{"op_partial_names": ["layer.1."], **HALF}], id="ended-with-a-dot"),
            pytest.param([{"op_partial_names": ["layer.2"], **HALF}], id="no-longer-number"),
            pytest.param([{"op_partial_names": ["layer.1", "layer.10", "layer.11"], **HALF}], id="longer-ones-listed"),
            pytest.param([{"op_partial_names": ["layer.1", "query", "key"], **HALF}], id="another-element-holds"),
            pytest.param(
                [{"op_partial_names": [f"layer.{n}"], "sparsity_per_layer": n / 20} for n in range(12)],
                id="block-by-block",
            ),
            pytest.param(
                [
                    {
                        "op_partial_names": ["layer.1"],
                        "op_names": [f"layer.{n}.{name}" for n in (10, 11) for name in ("query", "key")],
                        **HALF,
                    }
                ],
                id="named-in-full",
            ),
        ],
    )
    def test_what_takes_nothing_by_a_longer_number_draws_nothing(self, config_list: Any) -> None:
        assert not any(finding.code is Code.DIGIT_BOUNDARY for finding in reviewed(config_list, self.MODEL))

    def test_block_by_block_in_the_other_order_it_is_a_mistake(self) -> None:
        config_list = [{"op_partial_names": [f"layer.{n}"], "sparsity_per_layer": n / 20} for n in reversed(range(12))]
        assert names_of(reviewed(config_list, self.MODEL)) == [("shadowed", 0), ("shadowed", 1), ("digit-boundary", 10)]


class TestUnevenCoverage:
    """Issue 3: "uneven coverage of repeated blocks (25 of 30 blocks get it: which do not)"."""

    MODEL = (*blocks(30, "query", "key", before="encoder.layer"), ("head", "Linear"))

    def names(self, *left_out: int, inside: str = "query") -> list[str]:
        return [f"encoder.layer.{block}.{inside}" for block in range(30) if block not in left_out]

    def test_the_blocks_that_are_left_are_named(self) -> None:
        assert said([{"op_names": self.names(3, 7, 25, 26, 27), **HALF}], self.MODEL) == [
            (
                "uneven-coverage",
                (0,),
                (
                    "this sub-config takes 'query' in 25 of the 30 blocks of 'encoder.layer', "
                    "and no sub-config takes it in 3, 7 and 25 to 27"
                ),
                "name these blocks too, or exclude them if they are to stay as they are",
            )
        ]

    def test_what_is_missing_in_the_same_blocks_is_told_together(self) -> None:
        parts = [f"layer.{block}." for block in range(30) if block != 7]
        (finding,) = reviewed([{"op_types": ["Linear"], "op_partial_names": parts, **HALF}], self.MODEL)
        assert finding.message == (
            "this sub-config takes 'query' and 'key' in 29 of the 30 blocks of 'encoder.layer', "
            "and no sub-config takes them in 7"
        )

    def test_a_layer_that_was_forgotten_in_one_block(self) -> None:
        found = reviewed([{"op_names": [*self.names(), *self.names(7, inside="key")], **HALF}], self.MODEL)
        assert [finding.message for finding in found] == [
            "this sub-config takes 'key' in 29 of the 30 blocks of 'encoder.layer', and no sub-config takes it in 7"
        ]

    def test_blocks_inside_of_blocks(self) -> None:
        model = [(f"layers.{layer}.experts.{expert}.up", "Linear") for layer in range(5) for expert in range(8)]
        parts = [f"experts.{expert}." for expert in range(8) if expert != 5]
        (finding,) = reviewed([{"op_partial_names": parts, **HALF}], model)
        assert finding.message == (
            "this sub-config takes 'up' in 7 of the 8 blocks of 'layers.*.experts', and no sub-config takes it in 5"
        )

    @pytest.mark.parametrize(
        "config_list",
        [
            pytest.param([{"op_types": ["Linear"], **HALF}], id="by-type"),
            pytest.param([{"op_partial_names": ["encoder.layer"], **HALF}], id="all"),
            pytest.param([{"op_partial_names": [f"layer.{n}." for n in range(2, 28)], **HALF}], id="but-both-ends"),
            pytest.param([{"op_partial_names": [f"layer.{n}." for n in range(15)], **HALF}], id="half-of-them"),
            pytest.param([{"op_partial_names": ["layer.3.", "layer.7."], **HALF}], id="chosen-ones"),
            pytest.param(
                [
                    {"op_partial_names": [f"layer.{n}." for n in range(20)], **HALF},
                    {"op_partial_names": [f"layer.{n}." for n in range(20, 30)], **MORE},
                ],
                id="the-others-otherwise",
            ),
            pytest.param(
                [
                    {"op_partial_names": [f"layer.{n}." for n in range(25)], **HALF},
                    {"op_partial_names": [f"layer.{n}." for n in range(25, 30)], "exclude": True},
                ],
                id="the-others-excluded",
            ),
        ],
    )
    def test_what_looks_meant_draws_nothing(self, config_list: Any) -> None:
        assert not any(finding.code is Code.UNEVEN_COVERAGE for finding in reviewed(config_list, self.MODEL))

    @pytest.mark.parametrize(
        ("left", "where"),
        [
            pytest.param({(3, 5)}, [" in 7 of the 8 blocks of 'layers.3.experts'"], id="in-one-sequence-of-several"),
            pytest.param({(3, 5), (2, 4)}, [], id="here-and-there"),
        ],
    )
    def test_single_blocks_inside_of_blocks(self, left: set[tuple[int, int]], where: list[str]) -> None:
        places = list(itertools.product(range(5), range(8)))
        model = [(f"layers.{layer}.experts.{expert}.up", "Linear") for layer, expert in places]
        names = [name for place, (name, _) in zip(places, model, strict=True) if place not in left]
        assert [finding.message for finding in reviewed([{"op_names": names, **HALF}], model)] == [
            f"this sub-config takes 'up'{place}, and no sub-config takes it in 5" for place in where
        ]

    def test_three_blocks_are_no_sequence(self) -> None:
        assert said([{"op_names": ["layer.0.fc", "layer.1.fc"], **HALF}], blocks(3, "fc")) == []

    def test_blocks_that_differ_are_not_compared(self) -> None:
        model = [*blocks(5, "fc"), ("layer.5.fc", "Identity"), ("layer.6.other", "Linear")]
        assert said([{"op_names": [f"layer.{n}.fc" for n in range(5)], **HALF}], model) == []

    def test_the_layers_of_a_sequential_are_no_blocks(self) -> None:
        model = [(f"features.{n}", "Conv2d") for n in range(6)]
        assert said([{"op_names": [f"features.{n}" for n in (1, 2, 3, 5)], **HALF}], model) == []


class TestNoWeight:
    """Issue 3: "layers that have no weight (one warning a sub-config, with the count, the parameters they do have"."""

    CONV = cc.Layer(name="layer1.conv", type="Conv2d", weight_shape=(4, 4, 3, 3))
    ACT = cc.Layer(name="layer1.act", type="ReLU", has_weight=False)
    NORM = cc.Layer(name="layer1.norm", type="LayerNorm", has_weight=False)
    LAYER1 = cc.Layer(name="layer1", type="Sequential", has_weight=False)
    EXPERTS = cc.Layer(
        name="mlp.experts",
        type="Experts",
        has_weight=False,
        parameters={"gate_up_proj": (8, 4, 4), "down_proj": (8, 4, 4)},
    )

    def test_they_are_counted_by_type_and_left_out_by_the_remedy(self) -> None:
        config_list = [{"op_partial_names": ["layer1."], **HALF}]
        assert said(config_list, [self.CONV, self.ACT, self.NORM]) == [
            (
                "no-weight",
                (0,),
                "2 of the 3 layers that this sub-config prunes have no weight: 1 ReLU and 1 LayerNorm",
                'write "op_types": ["Conv2d"] to leave them out',
            )
        ]
        config_list = [{"op_partial_names": ["layer1."], "op_types": ["Conv2d"], **HALF}]
        assert said(config_list, [self.CONV, self.ACT, self.NORM]) == []

    def test_quantization_of_weights_needs_them_too(self) -> None:
        (finding,) = reviewed([{"op_partial_names": ["layer1."], **EIGHT_BITS}], [self.CONV, self.ACT])
        assert finding.message == "1 of the 2 layers that this sub-config quantizes has no weight: 1 ReLU"

    def test_quantization_of_outputs_does_not(self) -> None:
        config_list = [{"op_types": ["ReLU"], "quant_types": ["output"], "quant_bits": 8}]
        assert said(config_list, [self.CONV, self.ACT]) == []

    def test_types_that_are_listed_are_taken_out_of_the_list(self) -> None:
        (finding,) = reviewed([{"op_types": ["ReLU", "default"], **HALF}], [self.CONV, self.ACT])
        assert finding.hint == 'write "op_types": ["default"] to leave them out'

    def test_fused_experts_are_named_with_the_parameters_that_they_have(self) -> None:
        assert said([{"op_types": ["Experts"], **HALF}], [self.EXPERTS, self.CONV]) == [
            (
                "no-weight",
                (0,),
                (
                    "the only layer that this sub-config prunes, 'mlp.experts', has no weight "
                    "(Experts has 'gate_up_proj' and 'down_proj')"
                ),
                "name layers that have a weight: nothing else is masked",
            )
        ]
        (finding,) = reviewed([{"op_types": ["Experts"], **EIGHT_BITS}], [self.EXPERTS, self.CONV])
        assert finding.hint == "take 'weight' out of 'quant_types', or name layers that have one"

    def test_fused_experts_are_no_containers_though_a_layer_is_below_them(self) -> None:
        below = cc.Layer(name="mlp.experts.act", type="SiLU", has_weight=False)
        (finding,) = reviewed([{"op_partial_names": ["mlp"], **HALF}], [self.EXPERTS, below])
        assert finding.message == (
            "none of the 2 layers that this sub-config prunes has a weight: 1 Experts and 1 SiLU "
            "(Experts has 'gate_up_proj' and 'down_proj')"
        )

    def test_a_container_that_is_named_stands_for_the_layers_in_it(self) -> None:
        model = [self.LAYER1, self.CONV, self.ACT, cc.Layer(name="fc", type="Linear", weight_shape=(4, 4))]
        (finding,) = reviewed([{"op_names": ["layer1"], **HALF}], model)
        assert finding.message == "the only layer that this sub-config prunes, 'layer1', has no weight"
        assert finding.hint == 'write "op_partial_names": ["layer1."] and "op_types": ["Conv2d"] for the layers in it'
        (finding,) = reviewed([{"op_names": ["layer1", "fc"], **HALF}], model)
        assert (
            finding.hint
            == 'write "op_partial_names": ["layer1."] and "op_types": ["Conv2d", "Linear"] for the layers in it'
        )

    def test_a_container_of_nothing_with_a_weight(self) -> None:
        (finding,) = reviewed([{"op_names": ["layer1"], **HALF}], [self.LAYER1, self.ACT])
        assert finding.hint == "name layers that have a weight: those in 'layer1' have none either"

    def test_a_type_that_has_a_weight_elsewhere_is_excluded_by_name(self) -> None:
        model = [self.NORM, cc.Layer(name="norm2", type="LayerNorm", weight_shape=(4,))]
        (finding,) = reviewed([{"op_types": ["LayerNorm"], **HALF}], model)
        assert finding.hint == "exclude 'layer1.norm' by name in a sub-config after it"

    def test_only_layers_that_it_wins_count(self) -> None:
        config_list = [{"op_partial_names": ["layer1."], **HALF}, {"op_types": ["ReLU"], "exclude": True}]
        assert said(config_list, [self.CONV, self.ACT]) == []

    def test_what_is_not_known_is_not_reported(self) -> None:
        assert said([{"op_partial_names": ["a"], **HALF}], [("act", "ReLU")]) == []


class TestContainersClaimed:
    """Issue 3: "containers claimed through partial names"."""

    MODEL = (("net", "Net"), ("net.block", "Block"), ("net.block.fc", "Linear"), ("net.act", "ReLU"))

    def test_they_are_counted_in_a_note_at_the_key(self) -> None:
        assert said([{"op_partial_names": ["net"], **HALF}], self.MODEL) == [
            (
                "containers-claimed",
                (0, "op_partial_names"),
                "the partial names also take 2 layers that only hold others: 'net' and 'net.block'",
                'write "op_types": ["Linear"] beside them to leave these out',
            )
        ]
        (finding,) = reviewed([{"op_partial_names": ["net"], **HALF}], self.MODEL)
        assert finding.severity == "note"

    @pytest.mark.parametrize(
        "selector",
        [
            pytest.param({"op_partial_names": ["net"], "op_types": ["Linear"]}, id="beside-types"),
            pytest.param({"op_partial_names": ["net.block."]}, id="only-what-is-below"),
            pytest.param({"op_names": ["net", "net.block.fc"]}, id="by-full-name"),
        ],
    )
    def test_other_selectors_draw_nothing(self, selector: dict[str, Any]) -> None:
        assert said([{**selector, **HALF}], self.MODEL) == []

    def test_an_exclude_may_hold_for_containers(self) -> None:
        config_list = [LINEAR, {"op_partial_names": ["net"], "exclude": True}, {"op_types": ["Linear"], **MORE}]
        assert names_of(reviewed(config_list, self.MODEL)) == [("shadowed", 0), ("exclude-without-effect", 1)]

    def test_beside_layers_without_weight_they_are_part_of_one_finding(self) -> None:
        model = [
            cc.Layer(name="net", type="Net", has_weight=False),
            cc.Layer(name="net.fc", type="Linear", weight_shape=(4, 4)),
            cc.Layer(name="net.act", type="ReLU", has_weight=False),
        ]
        found = reviewed([{"op_partial_names": ["net"], **HALF}], model)
        assert [(finding.code.value, finding.hint) for finding in found] == [
            ("no-weight", 'write "op_types": ["Linear"] to leave them out'),
        ]


class TestTiedConflict:
    """D17: "compressed beside excluded or untouched, or different settings, is the warning `tied-conflict`"."""

    MODEL = (
        cc.Layer(name="embed", type="Embedding", weight_shape=(10, 4)),
        cc.Layer(name="fc", type="Linear", weight_shape=(4, 4)),
        cc.Layer(name="head", type="Linear", weight_shape=(10, 4), tied_to="embed"),
    )

    def test_compressed_beside_untouched(self) -> None:
        assert said([LINEAR], self.MODEL) == [
            (
                "tied-conflict",
                (0,),
                "'embed' and 'head' share one weight, but only 'head' is pruned",
                "exclude 'head', or give 'embed' the same settings",
            )
        ]

    def test_compressed_beside_excluded(self) -> None:
        config_list = [{"op_types": ["default"], **EIGHT_BITS}, {"op_names": ["embed"], "exclude": True}]
        (finding,) = reviewed(config_list, self.MODEL)
        assert (finding.path, finding.message) == (
            (0,), "'embed' and 'head' share one weight, but only 'head' is quantized",
        )  # fmt: skip

    def test_different_settings(self) -> None:
        assert said([LINEAR, {"op_types": ["Embedding"], **MORE}], self.MODEL) == [
            (
                "tied-conflict",
                (1,),
                "'embed' and 'head' share one weight, but get different settings from [0] and [1]",
                "name both in one sub-config",
            )
        ]

    @pytest.mark.parametrize(
        "config_list",
        [
            pytest.param([{"op_types": ["default"], **HALF}], id="same-sub-config"),
            pytest.param([LINEAR, {"op_types": ["Embedding"], **HALF}], id="same-settings"),
            pytest.param([{"op_types": ["default"], "total_sparsity": 0.5}], id="one-group"),
            pytest.param([LINEAR, {"op_names": ["head"], "exclude": True}], id="excluded-beside-untouched"),
            pytest.param(
                [{"op_types": ["Linear"], "quant_types": ["output"], "quant_bits": 8}], id="the-weight-is-left-alone"
            ),
            pytest.param(
                [
                    {"op_types": ["Embedding"], "quant_types": ["weight"], "quant_bits": 8},
                    {"op_types": ["Linear"], **EIGHT_BITS},
                ],
                id="the-weight-gets-the-same",
            ),
        ],
    )
    def test_what_agrees_about_the_weight_is_no_conflict(self, config_list: Any) -> None:
        assert said(config_list, self.MODEL) == []

    def test_two_groups_are_two_budgets(self) -> None:
        config_list = [{"op_types": [kind], "total_sparsity": 0.5} for kind in ("Linear", "Embedding")]
        assert names_of(reviewed(config_list, self.MODEL)) == [("tied-conflict", 1)]

    def test_many_ties_of_the_same_kind_are_said_once(self) -> None:
        model = [
            layer
            for pair in range(5)
            for layer in (
                cc.Layer(name=f"embed{pair}", type="Embedding", weight_shape=(10, 4)),
                cc.Layer(name=f"head{pair}", type="Linear", weight_shape=(10, 4), tied_to=f"embed{pair}"),
            )
        ]
        (finding,) = reviewed([LINEAR], model)
        assert finding.message == (
            "'embed0' and 'head0' share one weight, but only 'head0' is pruned (the same applies to 8 layers more)"
        )


def test_a_sensible_list_draws_nothing() -> None:
    """Compress by type, override some, exclude the head: how last-wins is meant to be used."""
    model = [("embed", "Embedding"), *blocks(12, "query", "key", "norm", kind="Linear"), ("head", "Linear")]
    config_list = [
        {"op_types": ["Linear"], **HALF},
        {"op_types": ["Linear"], "op_partial_names": ["layer.0.", "layer.11."], "sparsity_per_layer": 0.2},
        {"op_names": ["head"], "exclude": True},
    ]
    assert cc.check(config_list, model) == ()


def test_severities_can_be_raised_lowered_and_silenced() -> None:
    config_list = [LINEAR, {"op_types": ["default"], **MORE}]
    assert [f.severity for f in reviewed(config_list, PAIRS, strict=True)] == ["error"]
    assert [f.severity for f in reviewed(config_list, PAIRS, severity={"shadowed": "note"})] == ["note"]
    assert reviewed(config_list, PAIRS, severity={"shadowed": "ignore"}) == []


SELECTORS: list[dict[str, Any]] = [
    {"op_types": ["Linear"]},
    {"op_types": ["Conv2d", "Linear"]},
    {"op_names": ["a.1"]},
    {"op_names": ["a.1", "a.10"]},
    {"op_partial_names": ["a"]},
    {"op_partial_names": ["a.1"], "op_types": ["Linear"]},
]
SETTINGS: list[dict[str, Any]] = [HALF, {"total_sparsity": 0.5}, {"exclude": True}]
SUB_CONFIGS = [{**selector, **setting} for selector, setting in itertools.product(SELECTORS, SETTINGS)]
MODEL = [("a", "Block"), ("a.1", "Linear"), ("a.10", "Linear"), ("b", "Conv2d")]


@given(st.lists(st.sampled_from(SUB_CONFIGS), max_size=5))
def test_what_is_said_to_have_no_effect_can_go_without_a_change(config_list: list[dict[str, Any]]) -> None:
    """What is not said to be needless decides about a layer, or selects none."""
    whole = cc.resolve(config_list, MODEL, kind="pruning", unmatched="ignore")
    useless = (Code.SHADOWED, Code.DUPLICATE_SUB_CONFIG, Code.EXCLUDE_WITHOUT_EFFECT)
    needless = {finding.path[0] for finding in whole.findings if finding.code in useless}
    for index, sub_config in enumerate(whole.sub_configs):
        if index in needless:
            rest = config_list[:index] + config_list[index + 1 :]
            assert ratios(cc.resolve(rest, MODEL, kind="pruning", unmatched="ignore")) == ratios(whole)
        else:
            assert sub_config.decided or not sub_config.selected


def ratios(resolution: cc.Resolution[cc.PruningSettings]) -> dict[str, tuple[float | None, float | None]]:
    """Return what the compressed layers get; indices of sub-configs do not count."""
    return {
        name: (layer.settings.sparsity, layer.settings.total_sparsity) for name, layer in resolution.compressed.items()
    }


def test_a_thousand_sub_configs_are_reviewed_without_asking_each_about_every_layer() -> None:
    """The bound is far above what it takes: a product of layers and sub-configs would need minutes."""
    model = cc.Inventory.from_layers(blocks(4000, "up", "down"))
    same = [{"op_types": ["Linear"], "sparsity_per_layer": number / 2000} for number in range(1000)]
    parts = [{"op_partial_names": [f"layer.{number}"], "sparsity_per_layer": number / 2000} for number in range(1000)]
    found = reviewed([*parts, *same], model)
    assert len(found) == 1999
    assert {finding.message for finding in found} == {
        "this sub-config has no effect: [1999] overwrites it for every layer that it selects"
    }


FIXED = [
    pytest.param(
        [LINEAR, {"op_names": ["head"], "exclude": True}],
        [("head", "Sequential"), ("head.fc", "Linear"), ("fc", "Linear")],
        Code.EXCLUDED_CONTAINER,
        id="container-by-name",
    ),
    pytest.param(
        [LINEAR, {"op_names": ["head", "fc"], "exclude": True}],
        [("head", "Sequential"), ("head.fc", "Linear"), ("fc", "Linear"), ("other", "Linear")],
        Code.EXCLUDED_CONTAINER,
        id="container-beside-a-layer",
    ),
    pytest.param(
        [LINEAR, {"op_types": ["Mlp"], "exclude": True}],
        [*blocks(5, "mlp", kind="Mlp"), *blocks(5, "mlp.fc", "attention.fc")],
        Code.EXCLUDED_CONTAINER,
        id="container-by-type",
    ),
    pytest.param(
        [LINEAR, {"op_partial_names": ["kv_proj"], "exclude": True}],
        blocks(4, "attn.kv_proj", "cross.qkv_proj", "fc"),
        Code.WORD_BOUNDARY,
        id="word-begun-inside",
    ),
    pytest.param(
        [{"op_types": ["Linear"], "op_partial_names": ["mlp.gate"], **HALF}],
        blocks(4, "mlp.gate", "mlp.gate_proj"),
        Code.WORD_BOUNDARY,
        id="word-ended-inside",
    ),
    pytest.param(
        [{"op_partial_names": ["layer.1"], **HALF}],
        blocks(12, "fc", "up"),
        Code.DIGIT_BOUNDARY,
        id="number-ended-inside",
    ),
    pytest.param(
        [{"op_partial_names": ["layer"], **HALF}],
        [*blocks(2, "norm", kind="LayerNorm"), *blocks(2, "fc")],
        Code.PRUNED_NORMALIZATION,
        id="normalization-by-name",
    ),
    pytest.param(
        [{"op_types": ["Linear", "LayerNorm"], **HALF}],
        [("norm", "LayerNorm"), ("fc", "Linear")],
        Code.PRUNED_NORMALIZATION,
        id="normalization-by-type",
    ),
    pytest.param(
        [
            {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9},
            {"op_names": ["fc1"], "total_sparsity": 0.3},
        ],
        PAIRS,
        Code.SETTINGS_DROPPED,
        id="dropped-cap",
    ),
]
"""Lists with one finding that has a fix."""


@pytest.mark.parametrize(("config_list", "model", "code"), FIXED)
def test_a_list_whose_fix_is_applied_draws_nothing(config_list: Any, model: Any, code: Code) -> None:
    (finding,) = reviewed(config_list, model)
    assert finding.code is code
    assert reviewed(fixed(config_list, [finding]), model) == []


class TestPairs:
    """Two findings of one cause are one finding, and to follow a hint draws no other."""

    MODEL = blocks(12, "query", "key")

    @pytest.mark.parametrize("missing", [[7], [11], [10, 11]])
    @pytest.mark.parametrize("before", [True, False], ids=["exclude-first", "exclude-last"])
    def test_an_exclude_that_states_a_gap_settles_it(self, missing: list[int], before: bool) -> None:
        taken = {"op_partial_names": [f"layer.{n}." for n in range(12) if n not in missing], **HALF}
        stated = {"op_partial_names": [f"layer.{n}." for n in missing], "exclude": True}
        assert [finding.code for finding in reviewed([taken], self.MODEL)] == [Code.UNEVEN_COVERAGE]
        assert reviewed([stated, taken] if before else [taken, stated], self.MODEL) == []

    def test_to_name_the_missing_blocks_settles_it(self) -> None:
        assert reviewed([{"op_partial_names": [f"layer.{n}." for n in range(12)], **HALF}], self.MODEL) == []

    @pytest.mark.parametrize("later", [EIGHT_BITS, {"quant_types": ["weight"], "quant_bits": 4}])
    def test_a_sub_config_that_is_overwritten_whole_is_one_finding(self, later: dict[str, Any]) -> None:
        earlier = {**EIGHT_BITS, "quant_scheme": "per_channel_symmetric", "quant_start_step": 10}
        found = reviewed([{"op_types": ["Linear"], **earlier}, {"op_types": ["Linear"], **later}], PAIRS)
        assert names_of(found) == [("shadowed", 0)]

    def test_an_early_exclude_that_also_selects_layers_without_weight_names_who_compresses(self) -> None:
        model = [("time", "Sequential"), ("time.0", "Linear"), ("time.1", "SiLU"), ("fc", "Linear")]
        config_list = [{"op_partial_names": ["time"], "exclude": True}, LINEAR]
        assert said(config_list, model) == [
            (
                "exclude-without-effect",
                (0, "exclude"),
                "this exclude has no effect: [1] compresses 'time.0', which it selects",
                "delete it, or move it after [1] so that it takes effect",
            )
        ]
        assert reviewed(config_list[::-1], model) == []


class TestQuiet:
    """What an experienced engineer writes draws notes at most."""

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param(range(4, 32), id="without-the-first-four"),
            pytest.param(range(28), id="without-the-last-four"),
            pytest.param(range(0, 32, 2), id="every-second"),
            pytest.param([n for n in range(32) if n % 4 != 3], id="three-of-four"),
            pytest.param([n for n in range(32) if n % 8 != 5], id="seven-of-eight"),
            pytest.param([0, 1, 2, 4, 5, 7, 9, 10, 12, 13, 15, 16, 19, 20, 22, 24, 25, 27, 30, 31], id="a-search"),
        ],
    )
    def test_ranges_and_choices_of_blocks_draw_nothing(self, parts: Sequence[int]) -> None:
        config = {"op_partial_names": [f"layer.{n}." for n in parts], **HALF}
        assert reviewed([config], blocks(32, "query")) == []

    @pytest.mark.parametrize("left", [1, 2])
    def test_the_last_one_or_two_blocks_are_a_note(self, left: int) -> None:
        config = {"op_partial_names": [f"layer.{n}." for n in range(12 - left)], **HALF}
        (finding,) = reviewed([config], blocks(12, "query"))
        assert (finding.code, finding.severity) == (Code.UNEVEN_COVERAGE, "note")

    def test_modules_at_uneven_places_are_no_sequence(self) -> None:
        model = [(f"model.{n}.conv", "Conv2d") for n in (0, 1, 3, 5, 7, 16, 19)]
        config = {"op_partial_names": [f"model.{n}." for n in (0, 1, 3, 7, 16, 19)], **HALF}
        assert reviewed([config], model) == []

    def test_network_slimming_is_a_note(self) -> None:
        (finding,) = reviewed([{"op_types": ["BatchNorm2d"], **HALF}], [("bn", "BatchNorm2d"), ("conv", "Conv2d")])
        assert (finding.code, finding.severity) == (Code.PRUNED_NORMALIZATION, "note")

    @pytest.mark.parametrize(
        "selector",
        [
            {"op_partial_names": ["gate_proj"]},
            {"op_partial_names": [".gate", "gate_proj"]},
            {"op_partial_names": ["proj"]},
            {"op_names": ["layer.0.mlp.gate"], "op_partial_names": ["gate_proj"]},
        ],
    )
    def test_words_that_are_whole_everywhere_or_nowhere_draw_nothing(self, selector: dict[str, Any]) -> None:
        assert reviewed([{**selector, **HALF}], blocks(4, "mlp.gate", "mlp.gate_proj", "mlp.up_proj")) == []


def test_a_longer_path_that_is_listed_too_says_that_both_are_meant() -> None:
    model = blocks(4, "output.dense", "attention.output.dense")
    (finding,) = reviewed([{"op_partial_names": ["output.dense"], **HALF}], model)
    assert (finding.code, finding.severity) == (Code.SEVERAL_PATHS, "note")
    assert reviewed([{"op_partial_names": ["output.dense", "attention.output.dense"], **HALF}], model) == []
    assert reviewed([{"op_partial_names": ["attention.output.dense"], **HALF}], model) == []
    assert reviewed([{"op_partial_names": ["dense"], **HALF}], model) == []


def test_a_layer_of_another_type_in_one_block_is_named_with_its_type() -> None:
    model = [(f"blocks.{n}.up", "LoRALinear" if n == 5 else "Linear") for n in range(12)]
    config = {"op_types": ["Linear"], "op_partial_names": [".up"], **HALF}
    assert said([config], model) == [
        (
            "uneven-coverage",
            (0,),
            (
                "this sub-config takes 'up' in 11 of the 12 blocks of 'blocks', and no sub-config takes it in 5, "
                "where the type is 'LoRALinear'"
            ),
            "add 'LoRALinear' to 'op_types', or exclude it there",
        )
    ]
    assert reviewed([{**config, "op_types": ["Linear", "LoRALinear"]}], model) == []


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        (
            {"op_types": ["MLP"]},
            'write "op_partial_names": [".mlp."] and "op_types": ["Linear"] for the layers in them',
        ),
        ({"op_types": ["MLP", "Linear"]}, "take 'MLP' out of 'op_types'"),
        (
            {"op_names": ["block.0.mlp"]},
            'write "op_partial_names": ["block.0.mlp."] and "op_types": ["Linear"] for the layers in it',
        ),
    ],
)
def test_containers_are_answered_with_all_that_they_hold(selector: dict[str, Any], hint: str) -> None:
    model = []
    for number in range(3):
        names = (f"block.{number}.mlp", "MLP"), (f"block.{number}.mlp.up", "Linear"), (f"block.{number}.out", "Linear")
        model += [cc.Layer(name=name, type=kind, has_weight=kind == "Linear") for name, kind in names]
    (finding,) = (finding for finding in cc.check([{**selector, **HALF}], model) if finding.code == Code.NO_WEIGHT)
    assert finding.hint == hint
    assert Code.LOW_COVERAGE not in {found.code for found in cc.check([{**selector, **HALF}], model)}


def test_one_block_that_is_left_out_is_one_finding_whatever_the_blocks_hold() -> None:
    model = [
        *blocks(10, "attn"),
        *(layer for layer in blocks(10, "mlp") if layer[0] not in ("layer.0.mlp", "layer.1.mlp")),
    ]
    partial_names = [f"layer.{number}." for number in range(10) if number != 5]
    config_list = [{"op_types": ["Linear"], "op_partial_names": partial_names, **HALF}]
    (finding,) = cc.check(config_list, model)
    assert finding.message == (
        "this sub-config takes 'attn' and 'mlp' in up to 9 of the 10 blocks of 'layer', "
        "and no sub-config takes them in 5"
    )


def test_what_may_be_a_pattern_is_a_warning_without_a_model_and_one_finding_with_it() -> None:
    config_list = [{"op_names": ["fc*", "fc1"], "op_partial_names": ["re:fc[12]$"], **HALF}]
    assert [(f.code, f.path) for f in cc.check(config_list)] == [
        (Code.WILDCARD, (0, "op_names", 0)),
        (Code.WILDCARD, (0, "op_partial_names", 0)),
    ]
    assert [f.code for f in cc.check(config_list, PAIRS)] == [Code.UNMATCHED_NAME, Code.UNMATCHED_PARTIAL_NAME]
    assert cc.check([{"op_names": ["a*b"], **HALF}], [("a*b", "Linear")]) == ()


@pytest.mark.parametrize("options", [{"strict": True}, {"severity": {"wildcard": "error"}}], ids=["strict", "level"])
def test_beside_a_model_a_pattern_is_unmatched_under_any_severity(options: dict[str, Any], tmp_path: Path) -> None:
    """The list is not refused for a pattern before the model can tell what to write."""
    model = [*blocks(2, "fc"), ("a+b", "Linear")]
    pattern, name = ([{"op_names": [word], "sparsity_per_layer": 0.5}] for word in ("layer.*.fc", "a+b"))
    file = tmp_path / "prune.json"
    file.write_text(json.dumps(pattern), encoding="utf-8")
    assert [finding.code.value for finding in cc.check(pattern, model, **options)] == ["unmatched-name"]
    assert [finding.code.value for finding in cc.check(file, model, **options)] == ["unmatched-name"]
    with pytest.raises(cc.UnmatchedSelector, match="for the 2 layers that it matches"):
        cc.resolve(pattern, model, **options)
    assert cc.check(name, model, **options) == ()
    assert cc.resolve(name, model, **options).findings == ()
    assert [finding.severity.value for finding in cc.check(name, **options)] == ["error"]


@pytest.mark.parametrize(
    ("names", "model", "forgotten"),
    [
        pytest.param(
            ["layer.0.fc", "layer.1.fc", "layer.1.fc", "layer.3.fc"], blocks(4, "fc"), "layer.2.fc", id="between"
        ),
        pytest.param(["layer.0.fc", "layer.1.fc", "layer.0.fc"], blocks(3, "fc"), "layer.2.fc", id="after"),
        pytest.param(["layer.2.fc", "layer.2.fc", "layer.1.fc"], blocks(3, "fc"), "layer.0.fc", id="before"),
        pytest.param(
            ["s1.conv2", "s1.conv2", "s1.conv3"], [(f"s1.conv{n}", "Linear") for n in (1, 2, 3)], "s1.conv1", id="word"
        ),
        pytest.param(["layer.0.fc", "layer.0.fc"], blocks(2, "fc"), None, id="no-sequence"),
        pytest.param(["layer.0.fc", "layer.2.fc", "layer.2.fc"], blocks(4, "fc"), None, id="one-of-two"),
        pytest.param(["layer.0.fc", "layer.1.fc", "layer.1.fc"], blocks(2, "fc"), None, id="all-listed"),
        pytest.param(
            ["layer.0.fc", "layer.1.fc", "layer.1.fc"],
            [*blocks(2, "fc"), ("layer.2.fc", "LayerNorm")],
            None,
            id="another-type",
        ),
        pytest.param(
            ["layer.0.fc", "layer.2.fc", "layer.2.fc"], [*blocks(1, "fc"), ("layer.2.fc", "Linear")], None, id="no-such"
        ),
    ],
)
def test_a_name_written_twice_may_be_meant_for_the_one_that_is_left(names: Any, model: Any, forgotten: Any) -> None:
    config_list = [{"op_names": names, "op_types": ["Linear"], "sparsity_per_layer": 0.5}]
    (repeated,) = (finding for finding in cc.check(config_list, model) if finding.code == "repeated-element")
    more = f", or write '{forgotten}', which no sub-config selects" if forgotten else ""
    assert repeated.hint == f"delete the repetition{more}"


@pytest.mark.parametrize(
    ("layer", "quant_types", "hint"),
    [
        ("act", ["weight"], "name layers that have one"),
        ("act", ["weight", "input"], "take 'weight' out of 'quant_types', or name layers that have one"),
        ("embed", ["input"], "quantize the weights instead, or delete the sub-config"),
        ("embed", ["weight", "input"], "remove 'input' from 'quant_types'"),
    ],
)
def test_the_only_quant_type_is_not_to_be_taken_out(layer: str, quant_types: list[str], hint: str) -> None:
    model = [
        cc.Layer(name="act", type="ReLU", has_weight=False),
        cc.Layer(name="embed", type="Embedding", weight_shape=(4, 2)),
    ]
    config_list = [{"op_names": [layer], "quant_types": quant_types, "quant_bits": 8}]
    wanted = (Code.NO_WEIGHT, Code.INTEGER_INPUT)
    assert [finding.hint for finding in cc.check(config_list, model) if finding.code in wanted] == [hint]


@pytest.mark.parametrize(
    ("selector", "codes"),
    [({"op_types": ["ReLU"]}, []), ({"op_types": ["ReLU", "Linear"]}, ["unpaired-quant-types"])],
)
def test_inputs_are_quantized_alone_where_there_is_no_weight(selector: dict[str, Any], codes: list[str]) -> None:
    model = [
        cc.Layer(name="act", type="ReLU", has_weight=False),
        cc.Layer(name="fc", type="Linear", weight_shape=(2, 2)),
    ]
    config_list = [{**selector, "quant_types": ["input"], "quant_bits": 8}]
    assert [finding.code.value for finding in cc.check(config_list, model)] == codes
    assert [finding.code.value for finding in cc.check(config_list)] == ["unpaired-quant-types"]


def test_a_layer_that_another_sub_config_selects_was_not_meant() -> None:
    config_list = [
        {"op_names": ["layer.0.fc", "layer.1.fc", "layer.1.fc"], "sparsity_per_layer": 0.5},
        {"op_names": ["layer.2.fc"], "exclude": True},
    ]
    (repeated,) = cc.check(config_list, blocks(3, "fc"))
    assert repeated.hint == "delete the repetition"


@given(st.data())
def test_a_name_with_a_nul_is_a_name_like_any_other(data: st.DataObject) -> None:
    component = st.sampled_from(["\x00", "0", "1", "fc", "a\x001"])
    names = data.draw(st.lists(st.lists(component, min_size=1, max_size=3).map(".".join), min_size=1, unique=True))
    word = data.draw(st.lists(component, min_size=1, max_size=3).map(".".join))
    for key in ("op_names", "op_partial_names"):
        cc.check([{key: [word, *names[:5]], **HALF}], [(name, "Linear") for name in names])


# Layers that runtimes merge.

ATTENTION = blocks(3, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
MLP = blocks(3, "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
SERVED = "give them the same settings where such a runtime is to serve the model"


@pytest.mark.parametrize(
    ("later", "path", "message"),
    [
        (
            {"op_partial_names": ["gate_proj"], **EIGHT_BITS, "quant_bits": 4},
            (1,),
            (
                "runtimes such as vLLM merge 'gate_proj' and 'up_proj' into one layer with one setting, and those of "
                "'layer.0.mlp' and 2 more have several"
            ),
        ),
        (
            {"op_names": ["layer.1.self_attn.k_proj"], "exclude": True},
            (1,),
            (
                "runtimes such as vLLM merge 'q_proj', 'k_proj' and 'v_proj' into one layer with one setting, and "
                "those of 'layer.1.self_attn' have several"
            ),
        ),
    ],
)
def test_merged_layers_with_several_settings_are_noted_once(later: Any, path: Any, message: str) -> None:
    found = said([{"op_types": ["Linear"], **EIGHT_BITS}, later], ATTENTION + MLP)
    assert found == [("fused-siblings", path, message, SERVED)]


def test_experts_of_one_module_are_merged() -> None:
    model = [(f"mlp.experts.{expert}.{name}", "Linear") for expert in range(3) for name in ("w1", "w2", "w3")]
    later = {"op_partial_names": ["w2"], **EIGHT_BITS, "quant_bits": 4}
    (finding,) = reviewed([{"op_types": ["Linear"], **EIGHT_BITS}, later], model)
    assert finding.message == (
        "runtimes such as vLLM merge all experts of one module into one layer with one setting, and those of 'mlp' "
        "have several"
    )


@pytest.mark.parametrize(
    "config_list",
    [
        pytest.param([{"op_types": ["Linear"], **EIGHT_BITS}], id="one setting"),
        pytest.param(
            [{"op_types": ["Linear"], **EIGHT_BITS}, {"op_partial_names": ["mlp", "attn"], "exclude": True}],
            id="none of them",
        ),
        pytest.param(
            [{"op_types": ["Linear"], **EIGHT_BITS}, {"op_partial_names": ["up_proj"], **EIGHT_BITS}], id="the same"
        ),
        pytest.param(
            [{"op_partial_names": ["o_proj", "down_proj"], **EIGHT_BITS, "quant_bits": 4}], id="others than the merged"
        ),
        pytest.param(
            [
                {"op_partial_names": ["q_proj"], **EIGHT_BITS, "quant_start_step": 100},
                {"op_partial_names": ["k_proj", "v_proj"], **EIGHT_BITS},
            ],
            id="other start steps",
        ),
        pytest.param([LINEAR, {"op_partial_names": ["up_proj"], **MORE}], id="pruning"),
    ],
)
def test_merged_layers_with_one_setting_and_those_that_are_pruned_are_not(config_list: Any) -> None:
    assert "fused-siblings" not in {code for code, *_ in said(config_list, ATTENTION + MLP)}
