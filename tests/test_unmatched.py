"""What the selectors find in a model, and what they do not: every element reports (D14, D17)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from builders import FakeModel

import compression_config as cc
from compression_config.findings import Code
from compression_config.linting.selectors import HINTS

HALF = {"sparsity_per_layer": 0.5}
EIGHT_BITS = {"quant_types": ["weight", "input"], "quant_bits": 8}
SMALL = [("conv1", "Conv2d"), ("relu", "ReLU"), ("layer1", "Sequential"), ("layer1.0", "Conv2d"), ("fc1", "Linear")]

Said = tuple[str, str, tuple[str | int, ...], str, str | None]


def said(config_list: Any, model: Any = SMALL, *, only: Sequence[Code] = (), **options: Any) -> list[Said]:
    """Return the findings of some codes, all of them without `only`: severity, code, path, message, hint."""
    return [
        (finding.severity.value, finding.code.value, finding.path, finding.message, finding.hint)
        for finding in cc.check(config_list, model, **options)
        if not only or finding.code in only
    ]


class TestUnmatchedName:
    """D14: "Error: an `op_names` or `op_partial_names` element that no layer *name* answers to"."""

    def test_each_element_without_a_layer_is_an_error_at_its_place(self) -> None:
        assert said([{"op_names": ["fc1", "conv9", "xyz"], **HALF}]) == [
            (
                "error",
                "unmatched-name",
                (0, "op_names", 1),
                "no layer has the name 'conv9'",
                "the model's names begin with 'conv1', 'relu', 'layer1' and 'fc1'",
            ),
            (
                "error",
                "unmatched-name",
                (0, "op_names", 2),
                "no layer has the name 'xyz'",
                "the model's names begin with 'conv1', 'relu', 'layer1' and 'fc1'",
            ),
        ]

    def test_an_exclude_is_told_as_well(self) -> None:
        found = said(
            [{"op_names": ["conv1"], **HALF}, {"op_names": ["fc"], "exclude": True}], only=[Code.UNMATCHED_NAME]
        )
        assert found == [("error", "unmatched-name", (1, "op_names", 0), "no layer has the name 'fc'", "write 'fc1'")]

    def test_the_error_says_why_nothing_is_selected_so_nothing_else_does(self) -> None:
        found = said([{"op_names": ["xyz"], "op_types": ["Linear"], **HALF}])
        assert [code for _, code, *_ in found] == ["unmatched-name"]

    def test_a_name_of_thousands_of_letters_is_shortened(self) -> None:
        ((_, _, _, message, _),) = said([{"op_names": ["x" * 5000], **HALF}])
        assert message == f"no layer has the name '{'x' * 117}...'"

    def test_a_model_without_layers_is_said_to_have_none(self) -> None:
        assert said([{"op_names": ["fc1"], **HALF}], []) == [
            ("error", "unmatched-name", (0, "op_names", 0), "no layer has the name 'fc1'", "the model has no layers")
        ]

    def test_so_it_is_where_types_are_meant(self) -> None:
        assert [hint for *_, hint in said([{"op_types": ["Linear"], **HALF}], [])] == ["the model has no layers"]

    def test_names_that_all_answer_draw_nothing(self) -> None:
        assert said([{"op_names": ["fc1", "conv1"], **HALF}]) == []

    def test_it_stands_at_the_element_in_the_file(self) -> None:
        config_list = cc.loads("- op_names:\n  - fc1\n  - fc2\n  sparsity_per_layer: 0.5\n", name="prune.yaml")
        (finding,) = cc.check(config_list, SMALL)
        assert str(finding).startswith("error[unmatched-name] prune.yaml:3:5 at [0].op_names[1]: no layer has")

    def test_in_a_two_part_document_the_path_starts_at_the_part(self) -> None:
        document = {"pruning": [{"op_names": ["fc"], **HALF}], "quantization": [{"op_names": ["conv"], **EIGHT_BITS}]}
        assert [path for _, _, path, _, _ in said(document)] == [
            ("pruning", 0, "op_names", 0),
            ("quantization", 0, "op_names", 0),
        ]


class TestUnmatchedPartialName:
    """D14: "an `op_names` or `op_partial_names` element that no layer *name* answers to"."""

    def test_each_element_that_no_name_contains_is_an_error_at_its_place(self) -> None:
        assert said([{"op_partial_names": ["conv", "conf"], **HALF}], only=[Code.UNMATCHED_PARTIAL_NAME]) == [
            (
                "error",
                "unmatched-partial-name",
                (0, "op_partial_names", 1),
                "no layer has a name that contains 'conf'",
                "the model's names begin with 'conv1', 'relu', 'layer1' and 'fc1'",
            )
        ]

    def test_one_of_which_all_layers_have_other_types_is_a_mismatch(self) -> None:
        """D14: "a partial name all of whose layers `op_types` filters out reports like a name"."""
        found = said([{"op_types": ["Linear"], "op_partial_names": ["conv", "fc"], **HALF}])
        message = "the layers with 'conv' in their names have the type 'Conv2d', which 'op_types' does not list"
        hint = "add 'Conv2d' to 'op_types', or take it out of 'op_partial_names'"
        assert found == [("warning", "type-mismatch", (0, "op_partial_names", 0), message, hint)]

    def test_after_some_hundred_elements_there_are_no_remedies_but_still_findings(self) -> None:
        parts = [f"part_{number}." for number in range(HINTS + 50)]
        hints = [hint for _, _, _, _, hint in said([{"op_partial_names": parts, **HALF}])]
        assert len(hints) == len(parts)
        assert all(hint is not None for hint in hints[:HINTS])
        assert all(hint is None for hint in hints[HINTS:])


class TestUnmatchedType:
    """D14: "Warning: an absent type beside present ones"; an error where it is why nothing is selected."""

    def test_an_absent_type_beside_a_present_one_is_a_warning(self) -> None:
        assert said([{"op_types": ["Linear", "Foo"], **HALF}]) == [
            (
                "warning",
                "unmatched-type",
                (0, "op_types", 1),
                "no layer has the type 'Foo'",
                "the only other type of the model that can be compressed is 'Conv2d'",
            )
        ]

    def test_a_known_weighted_type_beside_a_present_one_is_a_note(self) -> None:
        """D14: "a note where another element of the same `op_types` matches and the name is a known weighted type"."""
        assert said([{"op_types": ["Linear", "Conv3d", "Bilinear"], **HALF}]) == [
            (
                "note",
                "unmatched-type",
                (0, "op_types", 1),
                "no layer has the type 'Conv3d'",
                "write 'Conv2d', or delete it, unless the list is for several models",
            ),
            (
                "note",
                "unmatched-type",
                (0, "op_types", 2),
                "no layer has the type 'Bilinear'",
                "delete it, unless the list is for several models",
            ),
        ]

    def test_when_none_of_the_types_is_there_each_is_an_error(self) -> None:
        found = said([{"op_types": ["linear", "Foo"], **HALF}])
        assert found == [
            ("error", "unmatched-type", (0, "op_types", 0), "no layer has the type 'linear'", "write 'Linear'"),
            (
                "error",
                "unmatched-type",
                (0, "op_types", 1),
                "no layer has the type 'Foo'",
                "the types of the model that can be compressed are 'Conv2d' and 'Linear'",
            ),
        ]

    def test_for_an_exclude_they_are_warnings_and_say_that_it_selects_nothing(self) -> None:
        found = said([{"op_types": ["Linear"], **HALF}, {"op_types": ["Foo", "Bar"], "exclude": True}])
        assert [(severity, code) for severity, code, *_ in found] == [("warning", "unmatched-type")] * 2

    def test_default_is_one_element(self) -> None:
        assert said([{"op_types": ["default"], **HALF}], [("act", "ReLU")]) == [
            (
                "error",
                "unmatched-type",
                (0, "op_types", 0),
                "no layer has one of the types that 'default' stands for",
                "the only type of the model is 'ReLU'",
            )
        ]

    def test_default_is_answered_to_by_any_of_its_types(self) -> None:
        assert said([{"op_types": ["default"], **HALF}]) == []

    @pytest.mark.parametrize(
        ("written", "hint"),
        [
            pytest.param("conv2d", "write 'Conv2d'", id="case"),
            pytest.param("Conv2D", "write 'Conv2d'", id="case-of-one-letter"),
            pytest.param("Lineer", "write 'Linear'", id="typo"),
            pytest.param("torch.nn.Linear", "write 'Linear'", id="qualified"),
            pytest.param("<class 'torch.nn.modules.conv.Conv2d'>", "write 'Conv2d'", id="printed-class"),
            pytest.param(" Linear", "write 'Linear'", id="white-space"),
            pytest.param("Conv*", "write 'Conv2d'", id="glob"),
            pytest.param("Conv", "write 'Conv2d'", id="beginning"),
            pytest.param("QuantLinear", "write 'Linear'", id="wrapped-class"),
            pytest.param("fc1", '\'fc1\' is a name: write "op_names": ["fc1"]', id="a-name"),
            pytest.param(
                "layer1.", '\'layer1.\' is a part of names: write "op_partial_names": ["layer1."]', id="a-part"
            ),
        ],
    )
    def test_the_remedy_is_the_type_or_the_key_that_was_meant(self, written: str, hint: str) -> None:
        ((_, _, _, _, found),) = said([{"op_types": [written], **HALF}])
        assert found == hint

    def test_beside_names_only_types_of_these_layers_are_offered(self) -> None:
        found = said([{"op_types": ["Conv1d"], "op_names": ["fc1"], **HALF}], only=[Code.UNMATCHED_TYPE])
        assert found[0][-1] == "the only type of the layers that it names is 'Linear'"


class TestSelectsNothing:
    """D14: "Error: ... a *compressing* sub-config that selects no layer"."""

    def test_types_and_names_that_are_there_may_have_no_layer_in_common(self) -> None:
        assert said([{"op_types": ["Linear"], "op_names": ["conv1"], **HALF}]) == [
            (
                "error",
                "selects-nothing",
                (0,),
                "no layer that this sub-config names has one of the types that 'op_types' lists",
                'write "op_types": ["Conv2d"]',
            ),
            (
                "warning",
                "type-mismatch",
                (0, "op_names", 0),
                "layer 'conv1' has the type 'Conv2d', which 'op_types' does not list",
                "add 'Conv2d' to 'op_types', or name layers of the types that it lists",
            ),
        ]

    def test_neither_may_types_and_partial_names(self) -> None:
        assert said([{"op_types": ["Linear"], "op_partial_names": ["layer1."], **HALF}]) == [
            (
                "error",
                "selects-nothing",
                (0,),
                "no layer that this sub-config names has one of the types that 'op_types' lists",
                'write "op_types": ["Conv2d"]',
            )
        ]

    def test_of_a_container_the_layers_below_are_offered(self) -> None:
        found = said([{"op_types": ["Conv2d"], "op_names": ["layer1"], **HALF}], only=[Code.SELECTS_NOTHING])
        assert found[0][-1] == 'write "op_partial_names": ["layer1."] for the layers in it'
        found = said([{"op_types": ["Linear"], "op_names": ["layer1"], **HALF}], only=[Code.SELECTS_NOTHING])
        assert found[0][-1] == 'write "op_partial_names": ["layer1."] and "op_types": ["Conv2d"] for the layers in it'

    def test_an_exclude_whose_layers_are_all_of_other_types_is_an_error(self) -> None:
        """D14: they are compressed against what the list says."""
        found = said(
            [{"op_types": ["Linear"], **HALF}, {"op_types": ["Linear"], "op_partial_names": ["conv"], "exclude": True}]
        )
        assert [(severity, code, path) for severity, code, path, _, _ in found] == [("error", "selects-nothing", (1,))]

    def test_an_exclude_with_mismatches_is_told_by_these(self) -> None:
        found = said(
            [{"op_types": ["Linear"], **HALF}, {"op_types": ["Linear"], "op_names": ["conv1"], "exclude": True}]
        )
        assert [code for _, code, *_ in found] == ["type-mismatch"]

    def test_after_some_hundred_there_are_no_remedies_but_still_findings(self) -> None:
        config_list = [{"op_types": ["Linear"], "op_partial_names": ["conv"], **HALF}] * (HINTS + 10)
        found = said(config_list, only=[Code.SELECTS_NOTHING])
        assert [hint is None for *_, hint in found] == [False] * HINTS + [True] * 10

    @pytest.mark.parametrize(
        ("selector", "message"),
        [
            ({"op_types": ["Foo"]}, "no layer has one of the types that this sub-config lists"),
            ({"op_names": ["xyz"]}, "no layer has one of the names that this sub-config lists"),
            ({"op_partial_names": ["xyz"]}, "no layer has one of the names that this sub-config lists"),
        ],
    )
    def test_who_silences_the_elements_is_still_told_of_the_sub_config(
        self, selector: dict[str, Any], message: str
    ) -> None:
        silent = dict.fromkeys(("unmatched-type", "unmatched-name", "unmatched-partial-name"), "ignore")
        found = said([{**selector, **HALF}], severity=silent)
        assert found == [("error", "selects-nothing", (0,), message, None)]


class TestTypeMismatch:
    """D14: "a named layer that exists but is filtered out by `op_types` (`type-mismatch`, with its real type)"."""

    def test_a_named_layer_of_another_type_is_a_warning_at_the_element(self) -> None:
        assert said([{"op_types": ["Linear"], "op_names": ["fc1", "relu"], **HALF}]) == [
            (
                "warning",
                "type-mismatch",
                (0, "op_names", 1),
                "layer 'relu' has the type 'ReLU', which 'op_types' does not list",
                "add 'ReLU' to 'op_types', or take the name out of 'op_names'",
            )
        ]

    def test_for_a_container_the_layers_in_it_are_offered(self) -> None:
        found = said([{"op_types": ["Conv2d"], "op_names": ["conv1", "layer1"], **HALF}])
        assert [hint for *_, hint in found] == ['write "op_partial_names": ["layer1."] for the layers in it']

    def test_partial_names_are_expected_to_hold_for_other_types_too(self) -> None:
        assert said([{"op_types": ["Conv2d"], "op_partial_names": ["layer1"], **HALF}]) == []


class TestOnlyRoot:
    """Design, front door: "A model whose only module is the root gets the finding 'the root is no layer: wrap it'"."""

    @pytest.mark.parametrize("model", [FakeModel(), [("", "Linear")]], ids=["model", "pairs"])
    def test_it_is_said_once_and_nothing_else_about_selectors(self, model: Any) -> None:
        config_list = [{"op_types": ["Linear"], **HALF}, {"op_names": ["fc1"], **HALF}]
        assert said(config_list, model) == [
            (
                "error",
                "only-root",
                (),
                "the only module of the model is the root, which is not a layer",
                "wrap it: in torch.nn.Sequential(model) it is the layer '0'",
            )
        ]
        with pytest.raises(cc.UnmatchedSelector):
            cc.resolve(config_list, model)

    def test_a_list_that_selects_nothing_needs_no_layer(self) -> None:
        assert said([], FakeModel(), only=[Code.ONLY_ROOT]) == []

    def test_a_model_with_layers_does_not_draw_it(self) -> None:
        assert said([{"op_types": ["Linear"], **HALF}]) == []


class TestSelectedByAlias:
    """D17: "`op_names` and partial names that hold for it select the layer, with the note `selected-by-alias`"."""

    MODEL = (cc.Layer(name="encoder.embed", type="Embedding", aliases=("decoder.embed",)),)

    def test_a_name_that_is_an_alias_selects_with_a_note(self) -> None:
        assert said([{"op_names": ["decoder.embed"], **HALF}], self.MODEL) == [
            (
                "note",
                "selected-by-alias",
                (0, "op_names", 0),
                "'decoder.embed' is another name of layer 'encoder.embed', which it selects",
                "write 'encoder.embed'",
            )
        ]

    def test_a_partial_name_that_only_an_alias_contains_does_too(self) -> None:
        assert said([{"op_partial_names": ["decoder"], **HALF}], self.MODEL) == [
            (
                "note",
                "selected-by-alias",
                (0, "op_partial_names", 0),
                "'decoder' takes layer 'encoder.embed' by 'decoder.embed', another name of it",
                'write "op_names": ["encoder.embed"]',
            )
        ]

    def test_the_layers_own_name_draws_nothing(self) -> None:
        assert said([{"op_names": ["encoder.embed"], "op_partial_names": ["embed"], **HALF}], self.MODEL) == []


def test_findings_come_in_the_order_of_the_file() -> None:
    config_list = cc.loads("""
        - op_partial_names: [nope]
          op_names: [nope, relu]
          op_types: [Linear, Foo]
          sparsity_per_layer: 0.5
        - {op_types: [Linear], op_names: [conv1], sparsity_per_layer: 0.5}
        - {op_names: [nope], exclude: true}
    """)
    assert [path for _, _, path, _, _ in said(config_list)] == [
        (0, "op_partial_names", 0),
        (0, "op_names", 0),
        (0, "op_names", 1),
        (0, "op_types", 1),
        (1,),
        (1, "op_names", 0),
        (2, "op_names", 0),
    ]


class TestUnmatchedOption:
    """D14: "`resolve(..., unmatched="error" | "warn" | "ignore")` sets what the errors become"."""

    CONFIG = ({"op_names": ["fc1", "nope"], "op_types": ["Linear", "Foo"], "sparsity_per_layer": 0.5},)

    def test_by_default_the_errors_raise(self) -> None:
        with pytest.raises(cc.UnmatchedSelector) as caught:
            cc.resolve(self.CONFIG, SMALL)
        assert [finding.code for finding in caught.value.findings] == [Code.UNMATCHED_TYPE, Code.UNMATCHED_NAME]

    def test_warn_lowers_them_and_warns_once(self) -> None:
        with pytest.warns(cc.UnmatchedSelectorWarning, match="nope") as caught:
            resolution = cc.resolve(self.CONFIG, SMALL, unmatched="warn")
        assert len(caught) == 1
        assert {finding.severity.value for finding in resolution.findings} == {"warning"}

    def test_ignore_drops_them_and_keeps_the_warnings(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            resolution = cc.resolve(self.CONFIG, SMALL, unmatched="ignore")
        assert [finding.code for finding in resolution.findings] == [Code.UNMATCHED_TYPE]


class TestSeveritiesAndWhatRaises:
    """`strict` and `severity` change severities; what raises is what D14 itself calls an error (D10)."""

    UNMATCHED: ClassVar[Any] = [{"op_types": ["Linear"], "sparsity": 0.5}, {"op_names": ["nope"], "exclude": True}]
    MISMATCHED: ClassVar[Any] = [{"op_types": ["Linear"], "op_names": ["fc1", "norm"], "sparsity_per_layer": 0.5}]
    MODEL: ClassVar[Any] = [("fc1", "Linear"), ("norm", "LayerNorm")]

    def levels(self, config_list: Any, **options: Any) -> dict[str, str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            findings = cc.resolve(config_list, self.MODEL, **options).findings
        return {finding.code.value: finding.severity.value for finding in findings}

    def test_the_error_carries_all_findings_in_document_order(self) -> None:
        with pytest.raises(cc.UnmatchedSelector) as caught:
            cc.resolve(self.UNMATCHED, self.MODEL)
        assert caught.value.findings == cc.check(self.UNMATCHED, self.MODEL)
        assert [finding.code.value for finding in caught.value.findings] == ["legacy-key", "unmatched-name"]

    @pytest.mark.parametrize("unmatched", ["error", "warn", "ignore"])
    @pytest.mark.parametrize("options", [{"strict": True}, {"severity": {"type-mismatch": "error"}}])
    def test_a_warning_that_was_raised_stays_an_error_and_does_not_raise(self, unmatched: Any, options: Any) -> None:
        assert self.levels(self.MISMATCHED, unmatched=unmatched, **options) == {"type-mismatch": "error"}

    @pytest.mark.parametrize(
        ("options", "level"),
        [
            ({"unmatched": "warn"}, "warning"),
            ({"unmatched": "warn", "strict": True}, "warning"),
            ({"unmatched": "warn", "severity": {"unmatched-name": "note"}}, "note"),
            ({"unmatched": "ignore"}, None),
            ({"unmatched": "ignore", "strict": True}, None),
            ({"unmatched": "ignore", "severity": {"unmatched-name": "error"}}, "error"),
            ({"unmatched": "ignore", "severity": {"unmatched-name": "warning"}}, "warning"),
            ({"severity": {"unmatched-name": "warning"}}, "warning"),
            ({"severity": {"unmatched-name": "ignore"}}, None),
        ],
    )
    def test_a_level_that_is_set_for_a_code_comes_before_unmatched(self, options: Any, level: str | None) -> None:
        assert self.levels(self.UNMATCHED, **options).get("unmatched-name") == level

    def test_what_raises_does_not_depend_on_strict(self) -> None:
        """Strictness does not hide that a sub-config selects nothing among what it makes of a warning."""
        nothing = [{"op_types": ["Conv2d"], "op_names": ["fc1"], "sparsity_per_layer": 0.5}]
        for strict in (False, True):
            with pytest.raises(cc.UnmatchedSelector):
                cc.resolve(nothing, self.MODEL, strict=strict)

    def test_a_matching_selector_never_raises_whatever_its_severity(self) -> None:
        model = cc.Inventory.from_layers([cc.Layer(name="fc1", type="Linear", aliases=("same",))])
        config_list = [{"op_names": ["same"], "sparsity_per_layer": 0.5}]
        resolution = cc.resolve(config_list, model, severity={"selected-by-alias": "error"})
        assert [finding.severity.value for finding in resolution.findings] == ["error"]

    @pytest.mark.parametrize(("unmatched", "level"), [("error", "error"), ("warn", "warning"), ("ignore", None)])
    def test_check_takes_unmatched_too(self, unmatched: Any, level: str | None) -> None:
        found = {f.code.value: f.severity.value for f in cc.check(self.UNMATCHED, self.MODEL, unmatched=unmatched)}
        assert found == {"legacy-key": "note"} | ({"unmatched-name": level} if level else {})
        with pytest.raises(cc.UsageError, match="'unmatched' is 'error', 'warn' or 'ignore', not 'no'"):
            cc.check(self.UNMATCHED, unmatched="no")  # type: ignore[arg-type]

    def test_validate_raises_for_what_strict_makes_an_error(self) -> None:
        empty: list[Any] = [[], {"pruning": [], "quantization": []}]
        for data in empty:
            with pytest.raises(cc.InvalidConfig, match="nothing-configured"):
                cc.validate(data, strict=True)


def test_a_type_in_another_case_beside_the_right_one_is_to_be_deleted() -> None:
    assert said([{"op_types": ["linear", "Linear"], **HALF}]) == [
        (
            "warning",
            "unmatched-type",
            (0, "op_types", 0),
            "no layer has the type 'linear'",
            "delete it: 'Linear' is listed",
        )
    ]


def test_an_exclude_of_named_layers_under_types_that_are_not_there_is_an_error() -> None:
    """D14: "an exclude whose named layers exist, all of them under types that it does not list"."""
    everything = {"op_types": ["Linear"], **HALF}
    (finding,) = said([everything, {"op_types": ["Conv3d"], "op_partial_names": ["fc"], "exclude": True}])
    assert finding[:3] == ("error", "unmatched-type", (1, "op_types", 0))
    by_type, by_name = said([everything, {"op_types": ["Conv3d"], "op_names": ["fc1"], "exclude": True}])
    assert (by_type[:2], by_name[:2]) == (("warning", "unmatched-type"), ("error", "type-mismatch"))
    (finding,) = said([everything, {"op_types": ["Conv3d"], "exclude": True}])
    assert finding[:3] == ("warning", "unmatched-type", (1, "op_types", 0))


def test_the_only_name_is_not_to_be_taken_out() -> None:
    model = [*SMALL, ("norm", "LayerNorm")]
    ((*_, hint),) = said([{"op_types": ["Linear"], "op_names": ["norm"], **HALF}], model, only=[Code.TYPE_MISMATCH])
    assert hint == "name layers of the types that 'op_types' lists"
    ((*_, hint),) = said([{"op_types": ["Linear"], "op_names": ["norm", "fc1"], **HALF}], model)
    assert hint == "take the name out of 'op_names'"
