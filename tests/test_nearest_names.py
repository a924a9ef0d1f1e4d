"""The remedy for a name that the model does not have: what was meant, and never anything that selects nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import compression_config as cc
from compression_config.suggestions import LayerNames

HALF = {"sparsity_per_layer": 0.5}

BERT = [("bert", "BertModel"), ("bert.encoder", "BertEncoder"), ("bert.encoder.layer", "ModuleList")]
for block in range(12):
    BERT += [
        (f"bert.encoder.layer.{block}{name}", kind)
        for name, kind in [
            ("", "BertLayer"),
            (".attention", "BertAttention"),
            (".attention.self", "BertSelfAttention"),
            (".attention.self.query", "Linear"),
            (".attention.self.key", "Linear"),
            (".attention.output", "BertSelfOutput"),
            (".attention.output.dense", "Linear"),
            (".output", "BertOutput"),
            (".output.dense", "Linear"),
        ]
    ]
BERT += [("cls", "Head"), ("cls.decoder", "Linear")]
ALL_OUTPUTS = (
    "a partial name is a plain substring, without wildcards: write "
    + ", ".join(f"'.layer.{block}.output'" for block in range(11))
    + " and '.layer.11.output' for the 24 layers that it matches"
)
QUERY = "bert.encoder.layer.3.attention.self.query"


def hint_for(key: str, word: str, model: Any = BERT, **selector: Any) -> str | None:
    """Return the remedy for one element of a selector that nothing answers to."""
    findings = cc.check([{key: [word], **selector, **HALF}], model)
    (hint,) = [finding.hint for finding in findings if finding.path[1:] == (key, 0) and finding.code != "type-mismatch"]
    return hint


@pytest.mark.parametrize("selector", [{}, {"op_types": ["Linear"]}], ids=["names-alone", "beside-types"])
@pytest.mark.parametrize(
    "word",
    [
        pytest.param("Bert.Encoder.Layer.3.Attention.Self.Query", id="case"),
        pytest.param("bert.encoder.layer.3.atention.self.query", id="letter-missing"),
        pytest.param("bert.encoder.layer.3.attention.self.querry", id="letter-too-many"),
        pytest.param("bert.encoder.layer.3.attention.slef.query", id="letters-swapped"),
        pytest.param("bert.encodar.layer.3.attention.self.quary", id="two-components-misspelt"),
        pytest.param("module.bert.encoder.layer.3.attention.self.query", id="module-before"),
        pytest.param("_orig_mod.bert.encoder.layer.3.attention.self.query", id="orig-mod-before"),
        pytest.param("module.model.bert.encoder.layer.3.attention.self.query", id="two-components-before"),
        pytest.param("encoder.layer.3.attention.self.query", id="beginning-missing"),
        pytest.param("layer.3.attention.self.query", id="end-of-one-name"),
        pytest.param("roberta.encoder.layer.3.attention.self.query", id="other-beginning"),
        pytest.param("bert.encoder.layer.3.attention.query", id="component-left-out"),
        pytest.param("bert.encoder.layers.3.attention.self.query", id="plural"),
        pytest.param("bert.encoder.layer.3.layer.attention.self.query", id="component-too-many"),
        pytest.param("encoder.layer.3.attention.self.quary", id="beginning-missing-and-misspelt"),
        pytest.param("bert.encoder.layer[3].attention.self.query", id="brackets"),
        pytest.param("bert/encoder/layer/3/attention/self/query", id="slashes"),
        pytest.param(" bert.encoder.layer.3.attention.self.query\n", id="white-space-around"),
        pytest.param("bert.encoder. layer.3.attention.self.query", id="white-space-inside"),
        pytest.param("bert.encoder.layer.3.attention.self.query.", id="dot-behind"),
        pytest.param("bert.encoder.layer.3.attention.self.query.weight", id="parameter"),
        pytest.param("_orig_mod.bert.encoder.layer.3.attention.self.query.weight", id="orig-mod-and-parameter"),
    ],
)
def test_a_name_that_is_nearly_right_is_put_right(word: str, selector: dict[str, Any]) -> None:
    assert hint_for("op_names", word, **selector) == f"write '{QUERY}'"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        pytest.param("query", 'write "op_partial_names": [".query"] for the 12 layers whose names end so', id="end"),
        pytest.param(
            "self.query",
            'write "op_partial_names": [".self.query"] for the 12 layers whose names end so',
            id="longer-end",
        ),
        pytest.param("Linear", '\'Linear\' is a type: write "op_types": ["Linear"]', id="type"),
        pytest.param("linear", '\'Linear\' is a type: write "op_types": ["Linear"]', id="type-in-other-case"),
        pytest.param("default", '\'default\' is a type: write "op_types": ["default"]', id="default"),
        pytest.param(
            "bert.encoder.layer.12.output.dense",
            "the numbers after 'bert.encoder.layer.' go from 0 to 11",
            id="number",
        ),
        pytest.param("layer.12.output.dense", "the numbers after 'layer.' go from 0 to 11", id="number-in-an-end"),
        pytest.param(
            "bert.encoder.layers",
            'write "op_partial_names": ["bert.encoder.layer."] for the layers in it',
            id="misspelt-container",
        ),
        pytest.param(
            "attention.self",
            'write "op_partial_names": [".attention.self."] for the layers in these containers',
            id="end-of-containers",
        ),
        pytest.param("tion.sel", 'it is a part of names: write "op_partial_names": ["tion.sel"]', id="part"),
        pytest.param(
            "bert.encoder.layer.*.output.dense",
            "a name is written in full, without wildcards: write in full the names 'bert.encoder.layer.0.output.dense' "
            "to 'bert.encoder.layer.11.output.dense' for the 12 layers that it matches "
            "(fnmatch matches 12 more, such as 'bert.encoder.layer.0.attention.output.dense')",
            id="glob",
        ),
        pytest.param(
            r"bert\.encoder\.layer\.[0-1]\.output\.dense",
            "a name is written in full, without wildcards: "
            "write 'bert.encoder.layer.0.output.dense' and 'bert.encoder.layer.1.output.dense' "
            "for the 2 layers that it matches",
            id="regular-expression-that-can-be-written-out",
        ),
        pytest.param(
            "^cls.decoder$",
            "a name is written in full, without wildcards: write 'cls.decoder' for the 1 layer that it matches",
            id="anchors",
        ),
        pytest.param(
            ".*self.(query|key)",
            'a name is written in full, without wildcards: write "op_partial_names": ["query", "key"] '
            "for the 24 layers that it matches",
            id="choice",
        ),
        pytest.param("*xyz*", "a name is written in full, without wildcards", id="glob-that-fits-nothing"),
        pytest.param("xyz", "the model's names begin with 'bert' and 'cls'", id="nothing-like-it"),
    ],
)
def test_what_is_no_misspelt_name_is_told_apart(word: str, hint: str) -> None:
    assert hint_for("op_names", word) == hint


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        pytest.param("atention", "write 'attention'", id="letter-missing"),
        pytest.param("Attention", "write 'attention'", id="case"),
        pytest.param(".Layer.3.", "write '.layer.3.'", id="case-with-number"),
        pytest.param("layers.3.", "write 'layer.3.'", id="plural"),
        pytest.param(" attention", "write 'attention'", id="white-space"),
        pytest.param("module.bert.encoder.layer.1.", "write 'bert.encoder.layer.1.'", id="module-before"),
        pytest.param("layer.1.query", "write 'layer.1.attention.self.query'", id="components-left-out"),
        pytest.param("layer[1]", "write 'layer.1'", id="brackets"),
        pytest.param("self.query.weight", "write 'self.query'", id="parameter"),
        pytest.param("cls.decoder.", "write 'cls.decoder'", id="dot-behind-the-last-component"),
        pytest.param("Linear", '\'Linear\' is a type: write "op_types": ["Linear"]', id="type"),
        pytest.param("layer.12.", "the numbers after 'layer.' go from 0 to 11", id="number"),
        pytest.param(
            "layer.*",
            "a partial name is a plain substring, without wildcards: write 'layer.' "
            "for the 108 layers that it matches "
            "(as a regular expression it matches 1 more, such as 'bert.encoder.layer')",
            id="glob",
        ),
        pytest.param(
            "^bert",
            "a partial name is a plain substring, without wildcards: write 'bert' for the 111 layers that it matches",
            id="anchor",
        ),
        pytest.param(
            "query$",
            "a partial name is a plain substring, without wildcards: write 'query' for the 12 layers that it matches",
            id="end-anchor",
        ),
        pytest.param(
            r"layer\.\d+\.output",
            ALL_OUTPUTS,
            id="digits",
        ),
        pytest.param(
            "layer.[0-2].",
            "a partial name is a plain substring, without wildcards: write 'layer.0.', 'layer.1.' and 'layer.2.' "
            "for the 24 layers that it matches",
            id="few-digits",
        ),
        pytest.param(
            "layer.[0-9]+.output",
            ALL_OUTPUTS,
            id="any-number",
        ),
        pytest.param(
            "query|key",
            "a partial name is a plain substring, without wildcards: write 'query' and 'key' "
            "for the 24 layers that it matches",
            id="choice",
        ),
        pytest.param(
            "^cls.decoder$",
            'a partial name is a plain substring, without wildcards: write "op_names": ["cls.decoder"] '
            "for the 1 layer that it matches",
            id="whole-name",
        ),
        pytest.param("xyz", "the model's names begin with 'bert' and 'cls'", id="nothing-like-it"),
    ],
)
def test_a_partial_name_is_a_plain_substring_and_the_remedy_is_one(word: str, hint: str) -> None:
    assert hint_for("op_partial_names", word) == hint


def test_what_has_other_types_than_the_selector_is_not_offered() -> None:
    model = [("fc1", "Linear"), ("conv1", "Conv2d"), ("conv_10", "Linear")]
    assert hint_for("op_names", "conv_1", model) == "write 'conv1'"
    assert hint_for("op_names", "conf1", model, op_types=["Linear"]) == (
        "the model's names begin with 'fc1', 'conv1' and 'conv_10'"
    )


def test_a_container_that_is_no_layer_is_known_by_the_names_below_it() -> None:
    model = [("layer1.0.conv1", "Conv2d"), ("layer1.0.conv2", "Conv2d")]
    assert hint_for("op_names", "layer1", model) == 'write "op_partial_names": ["layer1."] for the layers in it'
    assert hint_for("op_names", "layer1.0", model) == 'write "op_partial_names": ["layer1.0."] for the layers in it'


def test_a_type_that_is_also_a_name_in_other_case_is_said_to_be_both() -> None:
    model = [("linear", "Linear")]
    assert hint_for("op_names", "Linear", model) == (
        "'Linear' is a type: write \"op_types\": [\"Linear\"]; the layer is 'linear'"
    )


def test_a_partial_name_that_would_take_more_than_the_ends_is_not_offered() -> None:
    model = [(f"{block}.query{more}", "Linear") for block in "abc" for more in ("", "_norm")]
    assert hint_for("op_names", "query", model) == (
        "write in full which of the 3 layers whose names end so is meant, such as 'a.query'"
    )


def test_another_number_is_no_misspelling() -> None:
    model = [("fc1", "Linear"), ("fc2", "Linear")]
    assert hint_for("op_names", "fc3", model) == "the model's names begin with 'fc1' and 'fc2'"


def test_types_without_parameters_are_not_offered_beside_others() -> None:
    """Fused experts: the weights are in the container, and all that is in it is an activation."""
    model = [
        cc.Layer(name="experts", type="Experts", has_weight=False, parameters={"gate_up_proj": (2, 4, 4)}),
        cc.Layer(name="experts.act", type="SiLU", has_weight=False, parameters={}),
        cc.Layer(name="head", type="Linear", weight_shape=(4, 4)),
    ]
    findings = cc.check([{"op_types": ["Linear"], "op_partial_names": ["experts"], **HALF}], model)
    assert [(finding.code, finding.hint) for finding in findings] == [
        ("selects-nothing", "'experts' holds 'gate_up_proj' itself, and no layer below it has a weight")
    ]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        pytest.param("h1.", "write 'h.1.'", id="the-dot-is-missing"),
        pytest.param("attn.h1", "the model's names begin with 'h' and 'head2'", id="elsewhere-too"),
        pytest.param("h7.", "the model's names begin with 'h' and 'head2'", id="no-such-number"),
        pytest.param("head1", "the model's names begin with 'h' and 'head2'", id="no-such-head"),
    ],
)
def test_no_number_is_lost_from_a_partial_name(word: str, hint: str) -> None:
    """`h.` in the place of `h7.` would take every layer of the model."""
    model = [("h.0.fc", "Linear"), ("h.1.fc", "Linear"), ("head2", "Linear")]
    assert hint_for("op_partial_names", word, model) == hint


def test_the_only_number_of_a_sequence_is_named() -> None:
    assert hint_for("op_names", "layer.7.fc", [("layer.0.fc", "Linear")]) == "the only number after 'layer.' is 0"


def test_a_number_that_is_right_is_not_what_is_wrong() -> None:
    model = [("layer.0.fc", "Linear"), ("layer.1.proj", "Linear")]
    assert hint_for("op_names", "layer.1.fc", model) == "below 'layer.1' there is only 'proj'"


def test_a_pattern_that_matches_nothing_gets_the_rule_alone() -> None:
    assert hint_for("op_partial_names", "layer.[0-9][0-9][0-9].output") == (
        "a partial name is a plain substring, without wildcards"
    )


def test_after_many_different_lists_of_types_the_beginnings_are_all_that_is_offered() -> None:
    kinds = [f"Linear{number}" for number in range(12)]
    model = [(f"fc_{kind}", kind) for kind in kinds]
    config_list = [
        {"op_types": [kind], key: [f"fd_{kind}"], **HALF} for kind in kinds for key in ("op_names", "op_partial_names")
    ]
    hints = [finding.hint or "" for finding in cc.check(config_list, model)]
    assert hints[:2] == ["write 'fc_Linear0'"] * 2
    assert all(hint.startswith("the model's names begin with 'fc_Linear0'") for hint in hints[-2:])


class TestRenaming:
    """A beginning that most names of a list have too many, too few or different is explained once."""

    NAMES = tuple(f"layer{number}.conv" for number in range(1, 6))

    def hints(self, words: list[str], model: list[tuple[str, str]]) -> list[str | None]:
        return [finding.hint for finding in cc.check([{"op_names": words, **HALF}], model)]

    @pytest.mark.parametrize(
        ("listed", "known", "words"),
        [
            pytest.param("module.", "", "the model's names have no 'module.' before them", id="too-many"),
            pytest.param("", "model.", "the model's names have 'model.' before them", id="too-few"),
            pytest.param("bert.", "roberta.", "the model's names begin with 'roberta.', not with 'bert.'", id="other"),
        ],
    )
    def test_the_first_name_says_it_for_all(self, listed: str, known: str, words: str) -> None:
        model = [(known + name, "Conv2d") for name in self.NAMES]
        first, *others = self.hints([listed + name for name in self.NAMES], model)
        assert first == f"write '{known}layer1.conv': {words}, here and in 4 more names of the list"
        assert others == [f"write '{known}{name}'" for name in self.NAMES[1:]]

    def test_names_in_many_sub_configs_are_one_list(self) -> None:
        config_list = [{"op_names": [f"module.{name}"], **HALF} for name in self.NAMES]
        first, *others = cc.check(config_list, [(name, "Conv2d") for name in self.NAMES])
        assert first.hint == (
            "write 'layer1.conv': the model's names have no 'module.' before them, here and in 4 more names of the list"
        )
        assert all("before" not in (finding.hint or "") for finding in others)

    def test_one_name_is_no_rule(self) -> None:
        assert self.hints(["module.layer1.conv", "xyz"], [("layer1.conv", "Conv2d")])[0] == "write 'layer1.conv'"


def test_unknown_layers_are_answered_by_the_same_likeness() -> None:
    names = LayerNames(name for name, _ in BERT)
    assert names.nearest("bert.encoder.layer.3.attention.query") == (QUERY,)
    assert names.nearest("query", 2) == tuple(f"bert.encoder.layer.{b}.attention.self.query" for b in range(2))
    assert names.nearest("x" * 10_000) == ()
    assert names.nearest_parts("x" * 10_000) == ()
    assert LayerNames([]).nearest("fc1") == ()


COMPONENTS = st.sampled_from(["layer", "layers", "attention", "self", "query", "fc1", "conv1", "0", "1", "10", "mlp"])
NAMES = st.lists(COMPONENTS, min_size=1, max_size=4).map(".".join)
TYPES = st.sampled_from(["Linear", "Conv2d", "ReLU", "Block"])
MODELS = st.dictionaries(NAMES, TYPES, min_size=1, max_size=12).map(lambda model: list(model.items()))
DAMAGES: list[Callable[[str, int], str]] = [
    lambda name, place: name[:place] + name[place + 1 :],
    lambda name, place: name[:place] + "x" + name[place:],
    lambda name, place: name[:place] + "*" + name[place:],
    lambda name, place: name[:place],
    lambda name, place: name[place:],
    lambda name, _: name.upper(),
    lambda name, _: f"module.{name}",
    lambda name, _: f" {name}.weight",
    lambda name, _: f"^{name}$",
    lambda name, _: name.partition(".")[2],
    lambda name, _: name.rpartition(".")[0],
    lambda name, _: name.replace(".0", "[0]"),
    lambda name, _: name.replace("0", "7"),
]


@st.composite
def misspelt(draw: st.DrawFn) -> tuple[list[tuple[str, str]], str, str, dict[str, Any]]:
    """Return a model, a key, a word that was a name or a type of the model, and the types beside it."""
    model = draw(MODELS)
    key = draw(st.sampled_from(["op_names", "op_partial_names", "op_types"]))
    right = draw(st.sampled_from([text for pair in model for text in pair]))
    word = draw(st.sampled_from(DAMAGES))(right, draw(st.integers(0, len(right) - 1)))
    types = {} if key == "op_types" or draw(st.booleans()) else {"op_types": [draw(TYPES)]}
    return model, key, word or "x", types


@settings(max_examples=300)
@given(misspelt())
def test_whatever_is_offered_selects_layers(case: tuple[list[tuple[str, str]], str, str, dict[str, Any]]) -> None:
    model, key, word, types = case
    for finding in cc.check([{key: [word], **types, **HALF}], model):
        if finding.path[1:] == (key, 0) and finding.code.value.startswith("unmatched-"):
            present = set(types.get("op_types", ())) & {kind for _, kind in model}
            for selector in offered(key, finding.hint or ""):
                beside = types if present and "op_types" not in selector else {}
                resolution = cc.resolve([{**beside, **selector, **HALF}], model, unmatched="ignore")
                assert resolution.compressed, (finding, selector)


def offered(key: str, hint: str) -> list[dict[str, Any]]:
    """Return the selectors that a remedy tells people to write."""
    line = re.search(r"(op_\w+): (\[.*?\])", hint)
    if line:
        return [{line[1]: [element]} for element in yaml.safe_load(line[2])]
    words = re.search(r"(?:write|is) ('[^:]*)", hint)
    return (
        [{key: [element]} for element in re.findall(r"'([^']+)'", words[1])]
        if words and "names begin" not in hint
        else []
    )


def test_the_first_hundred_of_a_thousand_misspelt_names_get_a_hint() -> None:
    """How fast, `tests/benchmarks/growth.py` shows."""
    names = [f"model.layers.{layer}.mlp.experts.{expert}.gate_proj" for layer in range(40) for expert in range(250)]
    words = [name.replace("experts", "expert").replace("gate", "gaet") for name in names[::10]]
    model = cc.Inventory.from_layers([(name, "Linear") for name in names])
    findings = cc.check([{"op_types": ["Linear"], "op_names": words, **HALF}], model)
    assert len(findings) == len(words) == 1000
    assert [finding.hint for finding in findings[:100]] == [f"write '{name}'" for name in names[:1000:10]]
    assert {finding.hint for finding in findings[100:]} == {None}
