"""Hints are true (D21): what they offer selects what was meant, and their edits do what they say."""

from __future__ import annotations

import functools
import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from edits import fixed

import compression_config as cc

HALF = {"sparsity_per_layer": 0.5}
INVENTORIES = Path(__file__).parents[1] / "examples" / "inventories"
WEIGHTED = {"gpt2": "Conv1D", "resnet-50": "Conv2d"}
"""The type that most weights of a model have where it is not Linear."""
MODELS = ("bert-base", "deepseek-v3", "gpt2", "llama-3-8b", "mixtral-8x7b", "resnet-50", "vit-base")
LARGE = "deepseek-v3-unfused"


@functools.cache
def inventory(name: str) -> cc.Inventory:
    return cc.Inventory.load(INVENTORIES / f"{name}.json.gz")


def weighted(name: str) -> str:
    return WEIGHTED.get(name, "Linear")


def finding_for(key: str, word: str, model: Any, **selector: Any) -> cc.Finding:
    """Return the finding about one element of a selector."""
    setting = {} if "exclude" in selector or "quant_types" in selector else HALF
    found = cc.check([{**selector, key: [*selector.get(key, ()), word], **setting}], model)
    at = len(selector.get(key, ()))
    (finding,) = [finding for finding in found if finding.path[1:] == (key, at) and "unmatched" in finding.code]
    return finding


def selected_after(key: str, word: str, model: Any, **selector: Any) -> set[str]:
    """Return which layers the list decides about after the edits of the finding about an element."""
    finding = finding_for(key, word, model, **selector)
    setting = {} if "exclude" in selector else HALF
    resolution = cc.resolve(fixed([{**selector, key: [word], **setting}], [finding]), model)
    return set(resolution.sub_configs[0].decided)


# Names in other notations.

FUSED = "'model.layers.0.mlp.experts' holds 'gate_up_proj' and 'down_proj' itself, and no layer below it has a weight"
QUERY = "bert.encoder.layer.3.attention.self.query"
LINEAR = {"op_types": ["Linear"]}


@pytest.mark.parametrize("selector", [{}, LINEAR], ids=["names-alone", "beside-types"])
@pytest.mark.parametrize(
    "word",
    [
        pytest.param(f"{QUERY}.module", id="wrapper-of-nni"),
        pytest.param(f"{QUERY}.module.weight", id="its-parameter"),
        pytest.param(f"_orig_mod.module.{QUERY}", id="two-wrappers"),
        pytest.param("bert_encoder_layer_3_attention_self_query", id="fx"),
        pytest.param("encoder_layer_3_attention_self_query", id="fx-without-beginning"),
        pytest.param("/bert/encoder/layer.3/attention/self/query/MatMul", id="onnx"),
        pytest.param("/encoder/layer.3/attention/self/query/MatMul", id="onnx-without-beginning"),
        pytest.param(
            "BertForMaskedLM/BertModel[bert]/BertEncoder[encoder]/ModuleList[layer]/BertLayer[3]/"
            "BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[query]/linear_0",
            id="nncf",
        ),
        pytest.param("self.bert.encoder.layer[3].attention.self.query", id="python"),
        pytest.param("bert.encoder.layer['3'].attention.self.query", id="python-key"),
        pytest.param("bert.encoder.layer3.attention.self.query", id="dot-missing"),
        pytest.param("bert.encoder.layer.03.attention.self.query", id="leading-zero"),
        pytest.param("bert.encoder.layer.-9.attention.self.query", id="counted-from-the-end"),
        pytest.param("BERT.ENCODER.LAYER.3.ATTENTION.SELF.QUERY", id="case"),
        pytest.param(f' "{QUERY}" ', id="quotes"),
        pytest.param("bert.encoder.layer.3.attention.attention.self.query", id="component-twice"),
    ],
)
def test_a_name_in_another_notation_is_put_right(word: str, selector: dict[str, Any]) -> None:
    finding = finding_for("op_names", word, inventory("bert-base"), **selector)
    assert finding.hint == f"write '{QUERY}'"
    assert finding.fix == (cc.Edit("replace", (0, "op_names", 0), QUERY),)


@pytest.mark.parametrize(
    ("model", "key", "word", "hint"),
    [
        pytest.param(
            "bert-base", "op_names", "bert.encoder.layer.3.attention.self.proj",
            "below 'bert.encoder.layer.3.attention.self' there are 'query', 'key', 'value' and 'dropout'",
            id="wrong-child",
        ),
        pytest.param(
            "resnet-50", "op_names", "resnet.encoder.stages.7.layers.0.shortcut.convolution",
            "the numbers after 'resnet.encoder.stages.' go from 0 to 3", id="number",
        ),
        pytest.param(
            "mixtral-8x7b", "op_names", "model.layers.0.mlp.experts.0.w1",
            FUSED,
            id="fused-experts",
        ),
        pytest.param(
            "mixtral-8x7b", "op_partial_names", "experts.0.",
            FUSED,
            id="part-of-fused-experts",
        ),
        pytest.param("llama-3-8b", "op_partial_names", "QPROJ", "write 'q_proj'", id="case-and-separators"),
        pytest.param(
            "llama-3-8b", "op_partial_names", "qkv_proj", "write 'q_proj', 'k_proj' and 'v_proj'", id="fused-name"
        ),
        pytest.param(
            "deepseek-v3", "op_names", "model.layers.3.self_attn.q_r_proj",
            "write 'model.layers.3.self_attn.q_a_proj' or 'model.layers.3.self_attn.q_b_proj'", id="equally-near-names",
        ),
        pytest.param("vit-base", "op_partial_names", "vit.encoder.layers.", "write 'vit.layers.'", id="one-too-many"),
        pytest.param(
            "bert-base", "op_names", "LayerNorm", "'LayerNorm' is a type, not a name", id="normalization-by-type"
        ),
        pytest.param(
            "bert-base", "op_names", "BertSelfOutput",
            "'BertSelfOutput' is a type, and its layers only hold others: "
            'write "op_partial_names": [".attention.output."] for the layers in those of this type',
            id="containers-by-type",
        ),
    ],
)  # fmt: skip
def test_what_a_word_may_have_meant(model: str, key: str, word: str, hint: str) -> None:
    assert finding_for(key, word, inventory(model), **LINEAR if model != "resnet-50" else {}).hint == hint


def test_names_in_one_text_are_separated() -> None:
    model = [("lm_head", "Linear"), ("classifier.0", "Linear"), ("fc", "Linear")]
    for word in ("lm_head, classifier.0", "lm_head\nclassifier.0", "['lm_head', 'classifier.0']"):
        finding = finding_for("op_names", word, model)
        assert finding.hint == "write 'lm_head' and 'classifier.0', each an element of its own"
        assert selected_after("op_names", word, model) == {"lm_head", "classifier.0"}


def test_a_fix_is_safe_where_only_the_notation_changes() -> None:
    model = [("fc1", "Linear"), ("fc2", "Linear")]
    assert finding_for("op_names", " fc1", model).safe
    assert finding_for("op_types", "torch.nn.Linear", model).safe
    assert not finding_for("op_names", "fc_1", model).safe


# Types.

ITS_TYPES = "the types of the model that can be compressed are 'Linear' and 'Conv2d'"


@pytest.mark.parametrize(
    ("model", "word", "hint"),
    [
        pytest.param("vit-base", "nn.Linear", "write 'Linear'", id="qualified"),
        pytest.param("vit-base", "Linear()", "write 'Linear'", id="called"),
        pytest.param("vit-base", "<class 'torch.nn.modules.linear.Linear'>", "write 'Linear'", id="printed"),
        pytest.param("vit-base", "Linear, Conv2d", "write 'Linear' and 'Conv2d', each an element of its own", id="two"),
        pytest.param("vit-base", "Default", "write 'default'", id="Default"),
        pytest.param("vit-base", "default ", "write 'default'", id="default-and-a-space"),
        pytest.param("vit-base", "*", "write 'default'", id="star"),
        pytest.param("gpt2", "all", "write 'default' and 'Conv1D'", id="all"),
        pytest.param("vit-base", "ResnetBlock2D", ITS_TYPES, id="no-guess"),
        pytest.param("vit-base", "LayerNom", ITS_TYPES, id="no-norms"),
        pytest.param(
            "vit-base", "ViTForImageClassification",
            "'ViTForImageClassification' is the class of the model itself, and the root is not a layer", id="root",
        ),
        pytest.param("resnet-50", "bias", "'bias' is a parameter: a selector names layers", id="parameter"),
    ],
)  # fmt: skip
def test_what_a_type_may_have_meant(model: str, word: str, hint: str) -> None:
    assert finding_for("op_types", word, inventory(model)).hint == hint


def test_a_type_that_is_listed_already_is_not_offered() -> None:
    model = [("conv", "Conv2d"), ("bn", "BatchNorm2d"), ("fc", "Linear")]
    finding = finding_for("op_types", "Conv1d", model, op_types=["Conv2d", "Linear"])
    assert (finding.severity, finding.hint) == ("note", "delete it, unless the list is for several models")


def test_an_exclude_may_mean_a_normalization() -> None:
    assert finding_for("op_types", "LayerNom", inventory("vit-base"), exclude=True).hint == "write 'LayerNorm'"


# Notation.


@pytest.mark.parametrize(
    ("text", "format_", "line"),
    [
        pytest.param("- op_names: [fc]\n  exclude: true\n", "yaml", "op_partial_names: ['fc.']", id="yaml"),
        pytest.param(
            '[{"op_names": ["fc"],\n "exclude": true}]', "json", '"op_partial_names": ["fc."]', id="json"
        ),
    ],
)  # fmt: skip
def test_a_hint_is_in_the_notation_of_the_list(text: str, format_: Any, line: str) -> None:
    model = [("block.fc.0", "Linear"), ("block.fc.1", "Linear"), ("fc.0", "Linear"), ("fc.1", "Linear")]
    (finding,) = [f for f in cc.check(cc.loads(text, format=format_), model[2:]) if f.code == "unmatched-name"]
    assert finding.hint == f"write {line} for the layers in it"
    plain = finding_for("op_names", "fc", model[2:], exclude=True)
    assert plain.hint == 'write "op_partial_names": ["fc."] for the layers in it'


def test_json_has_the_edits() -> None:
    config_list = [{"op_types": ["Linear"], **HALF}, {"op_names": ["fc_1"], "exclude": True}]
    with pytest.warns(cc.UnmatchedSelectorWarning):
        resolution = cc.resolve(config_list, [("fc1", "Linear")], unmatched="warn")
    (finding,) = [f for f in json.loads(json.dumps(resolution.to_dict()))["findings"] if f["code"] == "unmatched-name"]
    assert finding["fix"] == [{"action": "replace", "path": [1, "op_names", 0], "value": "fc1"}]
    assert finding["safe"] is False


@pytest.mark.parametrize(
    ("key", "word", "hint"),
    [
        pytest.param(
            "op_names", "L__self___model_layers_0_mlp_up_proj", "write 'model.layers.0.mlp.up_proj'", id="exported"
        ),
        pytest.param(
            "op_names", "model.layers.0.mlp.up_proj.base_layer", "write 'model.layers.0.mlp.up_proj'", id="peft"
        ),
        pytest.param(
            "op_names", "model.layers.0.mlp.up_proj.parametrizations.weight.original",
            "write 'model.layers.0.mlp.up_proj'", id="parametrization",
        ),
        pytest.param(
            "op_names", "model.layers.0.mlp.gate_up_proj",
            "write 'model.layers.0.mlp.gate_proj' and 'model.layers.0.mlp.up_proj'", id="fused",
        ),
        pytest.param("op_partial_names", ".mlp.gate_up_proj", "write '.mlp.gate_proj' and '.mlp.up_proj'", id="part"),
        pytest.param(
            "op_partial_names", "!lm_head",
            'a selector has no negation: write "op_partial_names": ["lm_head"] and "exclude": True '
            "in a sub-config after it", id="not",
        ),
        pytest.param(
            "op_names", "~ lm_head",
            'a selector has no negation: write "op_names": ["lm_head"] and "exclude": True in a sub-config after it',
            id="tilde",
        ),
        pytest.param(
            "op_partial_names", ".mlp.w",
            "below 'model.layers.0.mlp' there are 'gate_proj', 'up_proj', 'down_proj' and 'act_fn'",
            id="no-letter-alone",
        ),
        pytest.param(
            "op_names", "model.layers.{i}.mlp.up_proj",
            "write in full which of 32 layers is meant, such as 'model.layers.0.mlp.up_proj'", id="placeholder",
        ),
        pytest.param(
            "op_names", "model.layers.30-31.mlp.up_proj",
            "a name is written in full, without ranges: "
            "write 'model.layers.30.mlp.up_proj' and 'model.layers.31.mlp.up_proj' for the 2 layers that it matches",
            id="range",
        ),
        pytest.param(
            "op_partial_names", "layers.0..1.",
            "a partial name is a plain substring, without ranges: "
            "write 'layers.0.' and 'layers.1.' for the 24 layers that it matches", id="range-of-parts",
        ),
        pytest.param(
            "op_partial_names", "regex:.*q_proj",
            "a partial name is a plain substring, without wildcards: write 'q_proj' for the 32 layers that it matches",
            id="regex",
        ),
        pytest.param(
            "op_partial_names", "Attention", "the model's names begin with 'model' and 'lm_head'", id="norms-alone"
        ),
        pytest.param(
            "op_names", "model.layers.3.up_proj.mlp", "write 'model.layers.3.mlp.up_proj'", id="in-another-order"
        ),
        pytest.param("op_names", "model.3.layers.mlp.up_proj", "write 'model.layers.3.mlp.up_proj'", id="number-early"),
        pytest.param("op_partial_names", ".up_proj.mlp", "write '.mlp.up_proj'", id="part-in-other-order"),
        pytest.param("op_partial_names", "layers.08.mlp.", "write 'layers.8.mlp.'", id="leading-zero-in-a-part"),
        pytest.param(
            "op_partial_names", "self.model.layers.1.", "write 'model.layers.1.'", id="self-is-too-much"
        ),
        pytest.param("op_types", "[Linear]", "write 'Linear'", id="list-as-text"),
        pytest.param("op_types", "Linear4bit", "write 'Linear'", id="quantized-type"),
        pytest.param(
            "op_partial_names", "(?!.*lm_head)",
            "a partial name is a plain substring, without wildcards: "
            'write "op_types": ["Linear", "Embedding"] for the 225 layers of these types among the 421 that it '
            'matches, and exclude "op_names": ["lm_head"] in a sub-config after it', id="all-but-one",
        ),
        pytest.param(
            "op_partial_names", r"layers\.[0-3]",
            "a partial name is a plain substring, without wildcards: "
            "write '.layers.0', '.layers.1', '.layers.2' and '.layers.3' for the 338 layers that it matches, "
            "of which 286 go on with more digits, such as 'model.layers.10'", id="digits-go-on",
        ),
    ],
)  # fmt: skip
def test_what_other_tools_and_habits_write(key: str, word: str, hint: str) -> None:
    assert finding_for(key, word, inventory("llama-3-8b")).hint == hint


def test_a_word_that_is_denied_is_not_offered_to_an_exclude() -> None:
    finding = finding_for("op_names", "!lm_head", inventory("llama-3-8b"), exclude=True)
    assert finding.hint == "a selector has no negation: name what is to be excluded"


def test_an_offer_does_not_lose_a_number_in_what_comes_before() -> None:
    """Another library's 'layer4' is not the fourth of `resnet.encoder.stages.2.layers`."""
    finding = finding_for("op_names", "layer4", inventory("resnet-50"))
    assert finding.hint == "the model's names begin with 'resnet' and 'classifier'"


@pytest.mark.parametrize(
    ("word", "selector"),
    [("6", {"op_types": ["GELUActivation"]}), ("activation_fn", {"op_types": ["GELUActivation"]})],
)
def test_no_offer_leads_to_layers_without_a_weight(word: str, selector: dict[str, Any]) -> None:
    assert finding_for("op_names", word, inventory("vit-base"), **selector).fix is None
    assert finding_for("op_names", word, inventory("vit-base"), **selector, exclude=True).fix is not None


def test_fused_experts_are_not_offered_for_the_path_of_another_version() -> None:
    finding = finding_for("op_partial_names", "block_sparse_moe.experts", inventory("mixtral-8x7b"))
    assert finding.hint == FUSED


# Patterns.


@pytest.mark.parametrize(
    ("model", "key", "word", "hint"),
    [
        pytest.param(
            "bert-base", "op_partial_names", "layer.{0..2}.",
            "write 'layer.0.', 'layer.1.' and 'layer.2.' for the 18 layers that it matches", id="braces-of-tables",
        ),
        pytest.param(
            "bert-base", "op_names", "bert.encoder.layer.{0..10..5}.output.dense",
            "write 'bert.encoder.layer.0.output.dense', 'bert.encoder.layer.5.output.dense' and "
            "'bert.encoder.layer.10.output.dense' for the 3 layers that it matches", id="steps",
        ),
        pytest.param(
            "bert-base", "op_partial_names", "re:.*attention.*", "write 'attention' for the 48 layers that it matches",
            id="re",
        ),
        pytest.param(
            "bert-base", "op_partial_names", r"-:.*\.(?:[1-3])\..*",
            "write 'layer.1.', 'layer.2.' and 'layer.3.' for the 18 layers that it matches", id="gptqmodel",
        ),
        pytest.param(
            "llama-3-8b", "op_names", "*self_attn*",
            'write "op_partial_names": ["self_attn"] for the 128 layers that it matches', id="stars-around",
        ),
        pytest.param(
            "llama-3-8b", "op_names", "re:.*",
            "it matches all 225 layers of the types in 'op_types': leave 'op_names' out", id="everything",
        ),
        pytest.param(
            "llama-3-8b", "op_partial_names", "re:^(?!.*self_attn).*$",
            'leave \'op_partial_names\' out, and exclude "op_partial_names": [".self_attn."] in a sub-config after it',
            id="all-but",
        ),
    ],
)  # fmt: skip
def test_a_pattern_is_answered_with_a_selector(model: str, key: str, word: str, hint: str) -> None:
    rule = "a partial name is a plain substring" if key == "op_partial_names" else "a name is written in full"
    assert finding_for(key, word, inventory(model), **LINEAR).hint == f"{rule}, without wildcards: {hint}"


def test_an_exclude_of_all_but_some_is_told_what_to_compress() -> None:
    finding = finding_for("op_partial_names", "re:^(?!.*self_attn).*$", inventory("llama-3-8b"), exclude=True)
    assert finding.fix is None
    assert (finding.hint or "").endswith(
        'it matches all layers but those of "op_partial_names": [".self_attn"]: '
        "write that in the sub-config that compresses them"
    )


def test_what_fnmatch_would_select_beside_is_stated() -> None:
    finding = finding_for("op_names", "bert.encoder.layer.*.output.dense", inventory("bert-base"), **LINEAR)
    assert "for the 12 layers that it matches (fnmatch matches 12 more, such as" in (finding.hint or "")


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("{" + "a," * 1600, id="unclosed-brace"),
        pytest.param("(" + "a|" * 8000, id="unclosed-group"),
        pytest.param("[a" * 8000, id="unclosed-classes"),
        pytest.param("{a," * 160, id="nested-braces"),
        pytest.param("(a+)+" * 3 + "b", id="nested-quantifiers"),
        pytest.param("(fc|mlp)" + ".*" * 7 + "b", id="seven-quantifiers"),
        pytest.param(r"(fc)\1", id="back-reference"),
        pytest.param("{0..999999999}", id="too-many-numbers"),
        pytest.param(".*[a-z].*[a-z].*[a-z].*[a-z].*[a-z]_1", id="costly"),
    ],
)
def test_a_pattern_beyond_the_bounds_gets_the_rule_alone(word: str) -> None:
    for key in ("op_names", "op_partial_names"):
        finding = finding_for(key, word, inventory("llama-3-8b"))
        assert finding.fix is None
        assert (finding.hint or "").endswith(", without wildcards")


def pattern(rng: random.Random, names: list[str]) -> tuple[str, str, str]:
    """Return the style of a pattern, its key and the pattern, made of the name of a layer."""
    components = rng.choice(names).split(".")
    style, key = rng.choice(["glob", "brace", "class", "regex"]), rng.choice(["op_names", "op_partial_names"])
    if key == "op_partial_names" or rng.random() < 0.4:
        start = rng.randrange(len(components))
        components = components[start : rng.randrange(start, len(components)) + 1]
    parts = [_blurred(rng, style, component, names) for component in components]
    if style == "regex":
        before, after = rng.choice(["re:", "", "re:.*", ".*", "^", "-:"]), rng.choice(["", "$", ".*"])
        return style, key, before + r"\.".join(parts) + after
    text = ".".join(parts)
    return style, key, rng.choice([text, f"*{text}", f"{text}*"]) if style == "glob" else text


def _blurred(rng: random.Random, style: str, component: str, names: list[str]) -> str:
    if component.isdecimal():
        number = int(component)
        options = {
            "brace": [
                f"{{{max(0, number - 2)}..{number + 3}}}",
                f"{{0..{number + 6}..2}}",
                f"{{{number},{number + 2}}}",
            ],
            "class": ["[0-3]", "[01]", "[!0]", "1[0-9]"],
            "glob": ["*", "?"],
            "regex": [r"\d+", "[0-9]+", "[0-3]", "(0|1|2)", "(?:[1-9]|1[0-9])"],
        }
        return rng.choice([*options[style], component])
    if rng.random() > 0.35:
        return re.escape(component) if style == "regex" else component
    other = rng.choice(names).split(".")[-1]
    return rng.choice(
        {
            "brace": [f"{{{component},{other}}}"],
            "class": [f"{component[:-1]}[{component[-1]}x]"],
            "glob": ["*", f"{component[:2]}*", f"*{component[-3:]}", f"{component[:-1]}?"],
            "regex": [".*", f"({component}|mlp)", "[^.]+", r"\w+", f"{component[:3]}.*"],
        }[style]
    )


def as_regex(glob: str) -> str:
    """Return a glob as a regular expression, as D21 reads it, brace by brace and then token by token."""
    if brace := re.search(r"\{([^{}]*)\}", glob):
        options: list[str] = []
        for option in brace[1].split(","):
            run = re.fullmatch(r"(\d+)\.\.(\d+)(?:\.\.(\d+))?", option)
            options += map(str, range(int(run[1]), int(run[2]) + 1, int(run[3] or 1))) if run else [option]
        return "|".join(as_regex(glob[: brace.start()] + option + glob[brace.end() :]) for option in options)
    tokens = re.findall(r"\*+|\[[^\]]+\]|.", glob)
    meaning = {"?": "[^.]", "*": "[^.]*"}
    texts = [
        ".*" if set(token) == {"*"} and (place in (0, len(tokens) - 1) or len(token) > 1)
        else token.replace("[!", "[^") if len(token) > 1
        else meaning.get(token, re.escape(token))
        for place, token in enumerate(tokens)
    ]  # fmt: skip
    return f"(?:{''.join(texts)})"


def meant(style: str, key: str, word: str, hint: str, names: Iterable[str]) -> set[str]:
    """Return what a pattern matches, read as the hint says where there are several ways."""
    regex = re.compile(re.sub(r"^(re|-):", "", word) if style == "regex" else as_regex(word))
    ways: dict[str, Any] = {"in full": regex.fullmatch, "from the start": regex.match, "anywhere": regex.search}
    if style != "regex":
        ways = {"in full": regex.fullmatch, "at the end": re.compile(rf"(?:.*\.)?(?:{regex.pattern})").fullmatch}
    if key == "op_partial_names":
        ways = {"anywhere": regex.search}
    found = {way: {name for name in names if match(name)} for way, match in ways.items()}
    named = [way for way in ways if f"matches {way}" in hint]
    if word.startswith(("re:", "-:")):
        found.pop("in full", None)
    return found[named[0]] if named else next(filter(None, found.values()), set())


def check_patterns(count: int, seed: int, models: Iterable[str]) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same cases each time
    offered = 0
    for _ in range(count):
        model = rng.choice(list(models))
        types = [weighted(model)] if rng.random() < 0.6 else None
        names = [layer.name for layer in inventory(model) if types is None or layer.type in types]
        style, key, word = pattern(rng, names)
        if not re.search(r"[*?\[{]", word) if style != "regex" else not re.search(r"^(re|-):|[\\^$()|+]", word):
            continue  # no pattern, or one that is a glob
        config = {key: [word], **({"op_types": types} if types else {}), **HALF}
        found = [f for f in cc.check([config], inventory(model)) if f.path[1:] == (key, 0) and "unmatched" in f.code]
        for finding in found:
            if finding.fix is None:
                continue
            offered += 1
            resolution = cc.resolve(fixed([config], [finding]), inventory(model), unmatched="ignore")
            selected = set(resolution.sub_configs[0].decided)
            if "for the layers in" in (hint := finding.hint or ""):
                everything = inventory(model).names
                ways = meant(style, key, word, hint, everything)
                assert selected == {n for n in names if any(n.startswith(f"{path}.") for path in ways)}, (word, hint)
            else:
                assert selected == meant(style, key, word, hint, names), (model, key, word, hint)
    assert offered > count / 4


def test_what_is_offered_for_a_pattern_selects_what_it_matches() -> None:
    check_patterns(200, 1, MODELS)


@pytest.mark.slow
def test_what_is_offered_for_many_patterns_selects_what_they_match() -> None:
    check_patterns(4_000, 2, MODELS)
    check_patterns(50, 3, [LARGE])


# Mistakes.


def good_element(rng: random.Random) -> tuple[str, str, str, dict[str, Any]]:
    """Return a model, a key, an element of it and a sub-config, in which nothing is wrong."""
    model = rng.choice(MODELS)
    kind = weighted(model)
    components = rng.choice([layer.name for layer in inventory(model) if layer.type == kind]).split(".")
    key = rng.choice(["op_names", "op_partial_names", "op_types"])
    word = kind if key == "op_types" else ".".join(components)
    if key == "op_partial_names":
        start = rng.randrange(len(components))
        end = rng.randrange(start, min(len(components), start + 4)) + 1
        text = ".".join(components[start:end]) + ("." if end < len(components) else "")
        word = text if re.search("[a-z]", text) else word
    types = {"op_types": [kind]} if key != "op_types" and rng.random() < 0.6 else {}
    return model, key, word, {**types, key: [word], **HALF}


def with_mistake(rng: random.Random, key: str, word: str) -> str:
    """Return a word with one mistake: a letter, a prefix, a component or the case."""
    letters = [place for place, character in enumerate(word) if character.isalpha()]
    at, other = rng.choice(letters), rng.choice("abcdefghijklmnopqrstuvwxyz")
    letter = (
        word[:at] + word[at + 1 :],
        word[:at] + other + word[at + 1 :],
        word[:at] + other + word[at:],
        word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
    )
    prefixes = ("nn.", "torch.nn.") if key == "op_types" else ("module.", "model.", "_orig_mod.", "self.")
    components = word.split(".")
    place = rng.randrange(len(components))
    component = (
        components[:place] + components[place + 1 :],
        components[:place] + components[place : place + 1] + components[place:],
    )
    return rng.choice(
        [
            rng.choice(letter),
            rng.choice(prefixes) + word,
            ".".join(rng.choice(component)),
            rng.choice([word.upper(), word.title(), word.lower(), word.swapcase()]),
        ]
    )


def check_mistakes(count: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same cases each time
    drawn = offered = restored = 0
    while drawn < count:
        model, key, word, config = good_element(rng)
        wrong = with_mistake(rng, key, word)
        if not wrong or wrong == word:
            continue
        given = {**config, key: [wrong]}
        found = [f for f in cc.check([given], inventory(model)) if f.path[1:] == (key, 0) and "unmatched" in f.code]
        drawn += len(found)
        for finding in found:
            if finding.fix is not None:
                offered += 1
                after = cc.resolve(fixed([given], [finding]), inventory(model), unmatched="ignore")
                restored += (
                    after.sub_configs[0].selected == cc.resolve([config], inventory(model)).sub_configs[0].selected
                )
            elif " or '" in (finding.hint or ""):
                assert f"'{word}'" in (finding.hint or ""), (model, key, word, wrong, finding.hint)
    assert offered >= 0.85 * drawn
    assert restored >= 0.98 * offered


def test_following_the_hint_for_a_mistake_restores_the_answer() -> None:
    check_mistakes(200, 1)


@pytest.mark.slow
def test_following_the_hints_for_many_mistakes_restores_the_answers() -> None:
    check_mistakes(2_000, 2)


# One cause is one finding.


def test_settings_that_are_dropped_are_reported_once() -> None:
    model = [("fc1", "Linear"), ("fc2", "Linear")]
    config_list = [
        {"op_types": ["Linear"], "quant_types": ["input", "weight"], "quant_bits": 8},
        {"op_types": ["Linear"], "quant_types": ["output"], "quant_bits": 8},
    ]
    codes = [finding.code.value for finding in cc.check(config_list, model)]
    assert "settings-dropped" in codes
    assert "shadowed" not in codes


def test_explain_names_the_selector_that_may_have_meant_the_layer() -> None:
    config_list = [{"op_types": ["Linear"], **HALF}, {"op_names": ["fc_2"], "exclude": True}]
    resolution = cc.resolve(config_list, [("fc1", "Linear"), ("fc2", "Linear")], unmatched="ignore")
    assert resolution.explain("fc2").splitlines()[-1] == (
        "  may mean it  error[unmatched-name] at [1].op_names[0]: no layer has the name 'fc_2' (write 'fc2')"
    )
    assert "may mean it" not in resolution.explain("fc1")


# Situations from public reports and repositories, by the numbers that they have in the corpus.

RESNET = tuple(
    (f"layer{stage}{name}", kind)
    for stage in (1, 2)
    for name, kind in [
        ("", "Sequential"), (".0", "BasicBlock"), (".0.conv1", "Conv2d"), (".0.bn1", "BatchNorm2d"),
        (".0.downsample", "Sequential"), (".0.downsample.0", "Conv2d"),
    ]
)  # fmt: skip
YOLO = (("model", "Sequential"), ("model.0", "Conv"), ("model.0.conv", "Conv2d"), ("model.0.bn", "BatchNorm2d"))
MOE = tuple(
    (f"model.layers.{block}.mlp{name}", kind)
    for block in range(2)
    for name, kind in [("", "Moe"), (".gate", "Linear"), (".gate_proj", "Linear"), (".up_proj", "Linear")]
)


@pytest.mark.parametrize(
    ("model", "selector", "hint"),
    [
        pytest.param(
            RESNET, {"op_names": ["layer2.0.shortcut.0"], "op_types": ["Conv2d"]},
            "below 'layer2.0' there are 'downsample', 'conv1' and 'bn1'", id="U30",
        ),
        pytest.param(YOLO, {"op_names": ["model.0.conv.module"]}, "write 'model.0.conv'", id="R07"),
        pytest.param(YOLO, {"op_names": ["/model.0/conv/Conv"], "exclude": True}, "write 'model.0.conv'", id="R63"),
        pytest.param(
            RESNET, {"op_names": ["ResNet/Sequential[layer2]/BasicBlock[0]/Conv2d[conv1]"], "exclude": True},
            "write 'layer2.0.conv1'", id="R36",
        ),
        pytest.param([("fc", "Linear"), ("conv1", "Conv2d")], {"op_names": ["fc2"]}, "write 'fc'", id="U46"),
        pytest.param([("lm_head", "Linear")], {"op_names": ["lm-head"], "exclude": True}, "write 'lm_head'", id="R62"),
        pytest.param([("a", "FalconLinear")], {"op_types": ["Linear"]}, "write 'FalconLinear'", id="R41b"),
        pytest.param(
            MOE, {"op_names": ["*mlp.gate"], "exclude": True},
            "a name is written in full, without wildcards: "
            "write 'model.layers.0.mlp.gate' and 'model.layers.1.mlp.gate' for the 2 layers that it matches", id="R70",
        ),
        pytest.param(
            [("model.vision_tower.0", "Linear"), ("model.vision_tower.1", "Linear"), ("lm_head", "Linear")],
            {"op_partial_names": ["re:vision_tower.*"], "exclude": True},
            "a partial name is a plain substring, without wildcards: "
            "write 'vision_tower' for the 2 layers that it matches", id="R34",
        ),
        pytest.param(
            MOE, {"op_names": ["Moe"], "exclude": True},
            "'Moe' is a type, and its layers only hold others: "
            'write "op_partial_names": [".mlp."] for the layers in those of this type', id="R72",
        ),
    ],
)  # fmt: skip
def test_the_field_cases_about_selectors(model: Any, selector: dict[str, Any], hint: str) -> None:
    config = selector if "exclude" in selector else {**selector, **HALF}
    (finding,) = [
        f
        for f in cc.check([{"op_types": ["Conv2d", "Linear"], **HALF}, config], model)
        if f.path[:1] == (1,) and "unmatched" in f.code
    ]
    assert finding.hint == hint


def test_fused_experts_below_a_partial_name_are_not_offered() -> None:
    """R28b."""
    model = [("mlp", "Block"), ("mlp.experts", "Experts"), ("mlp.experts.act_fn", "SiLUActivation"), ("fc", "Linear")]
    (finding,) = cc.check([{"op_types": ["Linear"], "op_partial_names": ["mlp.experts."], **HALF}], model)
    assert finding.hint == "the layers that it names have the type 'SiLUActivation'"
    assert finding.fix is None


# Lists of any kind: what each finding offers puts it right.


def any_selector(rng: random.Random, names: list[str], types: list[str]) -> dict[str, Any]:
    def part() -> str:
        components = rng.choice(names).split(".")
        start = rng.randrange(len(components))
        word = ".".join(components[start : rng.randrange(start, len(components)) + 1])
        return rng.choice([word, word, f"{word}.", word[:-1] or word])

    selector: dict[str, Any] = {}
    if rng.random() < 0.7:
        selector["op_types"] = rng.sample([*types, "default", "Linear", "Conv2d", "linear"], rng.randint(1, 2))
    draw = rng.random()
    if draw < 0.4 or not selector:
        selector["op_partial_names"] = [part() for _ in range(rng.randint(1, 3))]
    elif draw < 0.6:
        selector["op_names"] = [rng.choice([rng.choice(names), part()]) for _ in range(rng.randint(1, 3))]
    return selector


SETTINGS: dict[str, list[dict[str, Any]]] = {
    "pruning": [HALF, {"total_sparsity": 0.5, "max_sparsity_per_layer": 0.8}, {"exclude": True}],
    "quantization": [
        {"quant_types": ["weight", "input"], "quant_bits": 8},
        {"quant_types": ["weight", "input", "output"], "quant_bits": 8, "quant_start_step": 3},
        {"exclude": True},
    ],
}


def check_fixes(count: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same cases each time
    followed = 0
    for _ in range(count):
        layers = inventory(rng.choice(MODELS))
        names, types = list(layers.names), sorted(set(layers.types))
        settings = SETTINGS[rng.choice(list(SETTINGS))]
        config_list = [{**any_selector(rng, names, types), **rng.choice(settings)} for _ in range(rng.randint(1, 4))]
        findings = cc.check(config_list, layers)
        assert len({(finding.code, finding.path, finding.message) for finding in findings}) == len(findings)
        for finding in findings:
            if finding.fix is not None:
                followed += 1
                after = cc.check(fixed(config_list, [finding]), layers)
                same = [(f.code, f.path, f.message) == (finding.code, finding.path, finding.message) for f in after]
                assert not any(same), (config_list, str(finding))
                # What the sub-config decides no longer, another may do wrong, and one mistake may hide another.
                alone = [f for f in findings if f.path[:1] == finding.path[:1]] == [finding]
                errors = [str(f) for f in after if f.severity == "error" and f.path[:1] == finding.path[:1]]
                assert not (alone and errors), (config_list, str(finding))
    assert followed > count / 2


def test_what_any_finding_offers_puts_it_right_and_breaks_nothing() -> None:
    check_fixes(150, 1)


@pytest.mark.slow
def test_what_many_findings_offer_puts_them_right_and_breaks_nothing() -> None:
    check_fixes(2_000, 2)
