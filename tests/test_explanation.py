"""Why a layer gets what it gets, and the words for selectors and settings."""

from __future__ import annotations

from typing import Any

import pytest

import compression_config as cc
from compression_config.explanation import selector_words, settings_words, shape_words

LINEAR = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}


def layer(name: str, kind: str = "Linear", shape: tuple[int, ...] | None = (4, 100), **facts: Any) -> cc.Layer:
    return cc.Layer(name=name, type=kind, weight_shape=shape, **facts)


def explained(configs: list[dict[str, Any]], name: str, *layers: cc.Layer) -> list[str]:
    """Return the lines of an explanation; what is wrong with the selectors does not matter."""
    return cc.resolve(configs, layers, unmatched="ignore").explain(name).splitlines()


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ({"op_types": ["Linear"]}, "Linear"),
        ({"op_types": ["Linear", "Conv2d"]}, "Linear or Conv2d"),
        ({"op_names": ["fc"]}, "name is 'fc'"),
        ({"op_partial_names": ["a", "b", "c"]}, "name contains 'a', 'b' or 'c'"),
        ({"op_partial_names": ["a", "b", "c", "d"]}, "name contains 'a', 'b', 'c' or 'd'"),
        ({"op_partial_names": ["a", "b", "c", "d", "e"]}, "name contains 'a', 'b', 'c' or 2 more"),
        ({"op_names": ["fc"], "op_partial_names": ["head"]}, "name is 'fc' or contains 'head'"),
        ({"op_types": ["default"], "op_names": ["fc"]}, "default, name is 'fc'"),
    ],
)
def test_a_selector_reads_as_a_condition(selector: dict[str, Any], words: str) -> None:
    assert selector_words(cc.PruningConfig(**selector, exclude=True)) == words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (None, "exclude"),
        (cc.PruningSettings(0.8), "sparsity 0.8"),
        (cc.PruningSettings(None, 0.8, 2), "total_sparsity 0.8"),
        (cc.PruningSettings(None, 0.8, 2, 0.9), "total_sparsity 0.8, cap 0.9"),
        (cc.QuantizationSettings({"weight": 8, "input": 8}), "weight+input 8 bits"),
        (cc.QuantizationSettings({"weight": 1}), "weight 1 bit"),
        (cc.QuantizationSettings({"weight": 4, "input": 8}, 1000), "weight 4 bits, input 8 bits, from step 1,000"),
        (
            cc.QuantizationSettings({"weight": 8, "input": 8}, 0, {"input": "uint"}, {"weight": "per_tensor_affine"}),
            "weight 8 bits per_tensor_affine, input 8 bits uint",
        ),
    ],
)
def test_settings_are_in_the_words_of_the_keys(settings: Any, words: str) -> None:
    assert settings_words(settings) == words


def test_a_shape_is_written_as_people_write_it() -> None:
    assert [shape_words(shape) for shape in ((64, 3, 7, 7), (768,), (), None)] == ["64x3x7x7", "768", "scalar", "?"]


class TestExplanation:
    def test_the_deciding_sub_config_is_before_those_that_it_overwrites(self) -> None:
        configs = [LINEAR, {"op_partial_names": ["fc"], "exclude": True}, {"op_names": ["fc1"], "sparsity": 0.8}]
        assert explained(configs, "fc1", layer("fc1")) == [
            "fc1 is compressed by the pruning list",
            "  layer       Linear, weight 4x100, 400 elements",
            "  gets        sparsity 0.8: 320 of its 400 weight elements are masked",
            "  decided by  [2] sparsity 0.8: op_names lists it",
            "  overwrites  [0] sparsity 0.5: op_types lists 'Linear'",
            "              [1] exclude: its name contains 'fc'",
        ]

    def test_a_sub_config_of_a_file_says_where_it_is(self) -> None:
        config = cc.loads("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n", name="p.yaml")
        line = cc.resolve(config, [layer("fc")]).explain("fc").splitlines()[-1]
        assert line == "  decided by  [0] sparsity 0.5 at p.yaml:1:3: op_types lists 'Linear'"

    def test_an_excluded_layer(self) -> None:
        lines = explained([LINEAR, {"op_names": ["fc"], "exclude": True}], "fc", layer("fc"))
        assert lines[0] == "fc is excluded by the pruning list"
        assert lines[2] == "  gets        nothing: it is left out of compression"

    def test_a_type_that_default_stands_for_is_named(self) -> None:
        lines = explained([{"op_types": ["default"], "sparsity_per_layer": 0.5}], "fc", layer("fc"))
        assert lines[-1] == "  decided by  [0] sparsity 0.5: 'Linear' is one of the 'default' types"

    def test_both_halves_of_a_selector_are_named(self) -> None:
        config = {"op_types": ["Linear"], "op_partial_names": ["f", "c", "x"], "sparsity_per_layer": 0.5}
        lines = explained([config], "fc", layer("fc"))
        assert lines[-1].endswith(": op_types lists 'Linear' and its name contains 'f' and 'c'")

    def test_a_share_in_a_group_is_an_interval(self) -> None:
        """Spec, max_sparsity_per_layer: 'up to 450 parameters can be masked in layer_1, and 900 ... in layer_2'."""
        config = {"op_types": ["Linear"], "total_sparsity": 0.8, "max_sparsity_per_layer": 0.9}
        layers = layer("layer_1", shape=(500,)), layer("layer_2", shape=(1000,))
        lines = explained([config], "layer_1", *layers)
        assert "300 to 450 of its 500 weight elements are masked" in lines[2]
        assert "masks 1,200 of 1,500" in lines[2]

    def test_quantization_says_bits(self) -> None:
        config = {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}}
        lines = explained([config], "fc", layer("fc"))
        assert lines[0] == "fc is compressed by the quantization list"
        assert lines[2].startswith("  gets        weight 4 bits, input 8 bits: its 400 weight elements take 200 bytes")

    def test_in_a_two_part_document_the_part_is_named(self) -> None:
        config = {"pruning": [LINEAR], "quantization": [{"op_types": ["Linear"], "exclude": True}]}
        text = cc.resolve(config, [layer("fc")]).explain("fc")
        assert "decided by  pruning[0] sparsity 0.5: " in text
        assert "decided by  quantization[0] exclude: " in text

    def test_an_untouched_layer_names_what_nearly_selects_it(self) -> None:
        configs = [
            {"op_types": ["Conv2d", "Conv1d"], "op_partial_names": ["fc"], "sparsity_per_layer": 0.5},
            {"op_types": ["Linear"], "op_partial_names": ["head", "tail"], "sparsity_per_layer": 0.5},
            {"op_types": ["Conv2d"], "sparsity_per_layer": 0.5},
        ]
        gets, first, second = explained(configs, "fc", layer("fc"), layer("c", "Conv2d"))[2:]
        assert gets == "  gets       nothing: no sub-config selects it"
        assert first == (
            "  near miss  [0] sparsity 0.5: its name contains 'fc', but op_types lists only 'Conv2d' and 'Conv1d'"
        )
        assert second == (
            "             [1] sparsity 0.5: op_types lists 'Linear', "
            "but it selects only a name that contains 'head' or 'tail'"
        )

    def test_of_very_many_overwritten_sub_configs_the_others_are_counted(self) -> None:
        lines = explained([LINEAR] * 50, "fc", layer("fc"))
        assert lines[3] == "  decided by  [49] sparsity 0.5: op_types lists 'Linear'"
        assert lines[4:] == [
            "  overwrites  [0] sparsity 0.5: op_types lists 'Linear'",
            *(f"              [{index}] sparsity 0.5: op_types lists 'Linear'" for index in range(1, 30)),
            "              and 19 more",
        ]

    def test_not_every_near_miss_is_named(self) -> None:
        configs = [{"op_types": ["Conv2d"], "op_names": ["fc"], "sparsity_per_layer": 0.5}] * 9
        assert len(explained(configs, "fc", layer("fc"))) == 6

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"shape": None, "has_weight": False}, "Linear, no weight"),
            (
                {"shape": None, "has_weight": False, "parameters": {"up": (2, 3), "down": None}},
                "Linear, no weight (its parameters are up 2x3, down ?)",
            ),
            ({"shape": None}, "Linear, of which only the name and the type are known"),
            ({"shape": None, "has_weight": True}, "Linear, weight of unknown shape"),
            ({"shape": ()}, "Linear, weight scalar, 1 elements"),
        ],
    )
    def test_what_is_known_of_a_layer_is_said(self, facts: dict[str, Any], words: str) -> None:
        assert explained([LINEAR], "fc", layer("fc", **facts))[1] == f"  layer       {words}"

    def test_layers_with_one_weight_name_each_other(self) -> None:
        """D17: layers that share one weight are known as such."""
        layers = layer("embed", "Embedding"), layer("head", tied_to="embed")
        assert explained([LINEAR], "head", *layers)[-1] == "  shares      its weight with 'embed' (untouched)"
        assert explained([LINEAR], "embed", *layers)[-1] == "  shares  its weight with 'head' (compressed)"

    def test_an_alias_is_named_where_it_is_what_the_selector_found(self) -> None:
        """D17: names that match an alias select the layer."""
        shared = layer("encoder.fc", aliases=("decoder.fc",))
        by_part = {"op_partial_names": ["decoder"], "sparsity_per_layer": 0.5}
        lines = explained([by_part], "decoder.fc", shared)
        assert lines[0] == "encoder.fc is compressed by the pruning list"
        assert lines[3] == "  decided by  [0] sparsity 0.5: its alias 'decoder.fc' contains 'decoder'"
        assert lines[4] == "  aliases     'decoder.fc': the same module"
        by_name = {"op_names": ["decoder.fc"], "sparsity_per_layer": 0.5}
        assert explained([by_name], "encoder.fc", shared)[3].endswith(": op_names lists its alias 'decoder.fc'")
