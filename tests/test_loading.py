"""From text and files to config lists: kinds, two-part documents, places of findings, joined lists."""

# ruff: noqa: RUF005 - joining lists with + is what is tested; unpacking would make plain lists of them

from __future__ import annotations

import errno
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import codes_of
from hypothesis import given
from hypothesis import strategies as st
from random_cases import random_case

import compression_config as cc

BASE = """\
# what everything gets
- op_types: [Linear, Conv2d]
  sparsity: 0.5
- op_names: [fc1]
  exclude: true
"""
OVERRIDE = """\
- op_names:
    - fc2
    - fc2
  sparsity_per_layer: 0.25
"""


def refused(text: str, **options: Any) -> tuple[cc.Finding, ...]:
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.loads(text, **options)
    return caught.value.findings


def where(findings: tuple[cc.Finding, ...]) -> list[tuple[str, tuple[str | int, ...], tuple[int, int]]]:
    """Return code, config path, and line and column of each finding."""
    places = []
    for finding in findings:
        assert finding.span is not None
        places.append((finding.code.value, finding.path, (finding.span.start.line, finding.span.start.column)))
    return places


# --- Formats and files


@given(st.integers(0, 2**32))
def test_yaml_and_json_give_what_plain_data_gives(seed: int) -> None:
    case = random_case(seed, partial_names=3)
    kind: Any = case.kind
    data = list(case.configs)
    expected = cc.validate(data, kind=kind)
    for text, form in ((yaml.safe_dump(data, allow_unicode=True), "yaml"), (json.dumps(data), "json")):
        loaded = cc.loads(text, kind=kind, format=form)  # type: ignore[call-overload]
        assert loaded == expected
        assert loaded.to_list() == expected.to_list()
        assert codes_of(loaded.findings) == codes_of(expected.findings)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.yaml", BASE, id="yaml"),
        pytest.param("a.yml", BASE, id="yml"),
        pytest.param("a.JSON", json.dumps(yaml.safe_load(BASE)), id="json"),
        pytest.param("noending", BASE, id="no-ending-is-yaml"),
        pytest.param("json.yaml", json.dumps(yaml.safe_load(BASE)), id="json-is-yaml"),
    ],
)
def test_the_ending_of_a_file_says_its_format(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    for spelling in (path, str(path), os.fsencode(path).decode()):
        config_list = cc.load(spelling, kind="pruning")
        assert config_list.to_list() == yaml.safe_load(BASE)
        assert {finding.source for finding in config_list.findings} == {str(path)}


@pytest.mark.parametrize("path", ["missing.yaml", ".", "nul\0.yaml"])
def test_a_file_that_cannot_be_read_is_a_finding(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.load(path)
    (finding,) = caught.value.findings
    assert (finding.code, finding.source) == ("unreadable-file", path)
    assert cc.check(path) == (finding,)


@pytest.mark.parametrize("name", ["README.md", "pyproject.toml", "setup.CFG"])
def test_a_file_of_another_format_gets_no_advice_about_yaml(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text("# Title\n\nSome: text\nand more\n[tool]\nx = 1\n", encoding="utf-8")
    (finding,) = cc.check(file)
    ending = name[name.rindex(".") :].lower()
    assert finding.code == "syntax"
    assert finding.hint == (
        f"it is read as YAML, which a file ending in '{ending}' is not: pass a config list in YAML or JSON"
    )


@pytest.mark.parametrize("path", [None, 7, ["a.yaml"], b"a.yaml"])
def test_what_is_no_path_is_a_usage_error(path: Any) -> None:
    with pytest.raises(cc.UsageError):
        cc.load(path)


@pytest.mark.parametrize(
    "options", [{"format": "toml"}, {"format": None}, {"kind": "prune"}, {"severity": {"x": "error"}}]
)
def test_a_wrong_option_is_a_usage_error(options: Any) -> None:
    with pytest.raises(cc.UsageError):
        cc.loads("[]", **options)


@pytest.mark.parametrize("text", [b"[]", None, ["[]"]])
def test_what_is_no_text_is_a_usage_error(text: Any) -> None:
    with pytest.raises(cc.UsageError):
        cc.loads(text)


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "null\n"])
def test_an_empty_document_is_no_list(text: str) -> None:
    (finding,) = refused(text)
    assert (finding.code, finding.path) == ("not-a-list", ())


# --- The kinds of D12: pruning, quantization


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("[{op_types: [A], sparsity_per_layer: 0}]", "pruning", id="ratio"),
        pytest.param("[{op_types: [A], exclude: true}, {op_types: [A], total_sparsity: 0}]", "pruning", id="later"),
        pytest.param("[{op_types: [A], quant_types: output, quant_bits: 8}]", "quantization", id="quant-types"),
        pytest.param("[{op_types: [A], exclude: true}]", "pruning", id="only-excludes"),
        pytest.param("[]", "pruning", id="empty"),
    ],
)
def test_the_keys_say_the_kind(text: str, kind: str) -> None:
    config_list = cc.loads(text)
    assert not isinstance(config_list, cc.CompressionConfig)
    assert config_list.kind == kind
    stated = "sparsity" in text or "quant" in text
    assert ("kind-not-stated" in codes_of(config_list.findings)) == (not stated)


@pytest.mark.parametrize("kind", ["pruning", "quantization"])
def test_a_stated_kind_needs_no_note(kind: Any) -> None:
    config_list = cc.loads("[{op_types: [A], exclude: true}]", kind=kind)
    assert (config_list.kind, config_list.findings) == (kind, ())


def test_a_list_of_the_other_kind_is_refused_at_its_keys() -> None:
    findings = refused("- op_types: [A]\n  quant_types: output\n  quant_bits: 8\n", kind="pruning")
    assert where(findings) == [
        ("mixed-kinds", (0, "quant_types"), (2, 3)),
        ("mixed-kinds", (0, "quant_bits"), (3, 3)),
    ]


def test_a_misspelt_key_still_says_the_kind() -> None:
    findings = refused("- op_types: [A]\n  quant_type: [output]\n  quant_bit: 8\n")
    assert where(findings) == [
        ("unknown-key", (0, "quant_type"), (2, 3)),
        ("unknown-key", (0, "quant_bit"), (3, 3)),
    ]
    assert [finding.hint for finding in findings] == ["write 'quant_types'", "write 'quant_bits'"]


# --- Two-part documents (D12)

BOTH = """\
quantization:
  - op_types: [Linear]
    quant_types: [weight]
    quant_bits: 8
pruning:
  - op_types: [Linear]
    sparsity: 0.5
"""


def test_a_document_may_hold_both_kinds() -> None:
    config = cc.loads(BOTH)
    assert isinstance(config, cc.CompressionConfig)
    assert config.to_dict() == yaml.safe_load(BOTH)
    assert (config.pruning.kind, config.quantization.kind) == ("pruning", "quantization")
    assert where(config.findings) == [
        ("legacy-key", ("pruning", 0, "sparsity"), (7, 5)),
        ("unpaired-quant-types", ("quantization", 0, "quant_types"), (3, 18)),
    ]
    assert cc.validate(config.to_dict()) == config
    assert hash(cc.validate(config.to_dict())) == hash(config)
    assert cc.validate(config) is config


def test_a_part_that_is_left_out_is_an_empty_list_of_which_nothing_is_said() -> None:
    config = cc.loads("pruning: [{op_types: [Linear], sparsity_per_layer: 0.5}]")
    assert isinstance(config, cc.CompressionConfig)
    assert (len(config.pruning), len(config.quantization)) == (1, 0)
    assert config.findings == ()
    assert config.to_dict() == {"pruning": [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]}
    assert cc.loads("pruning: [{op_types: [Linear], sparsity_per_layer: 0.5}]", strict=True) == config


def test_a_part_that_only_excludes_has_its_kind_from_its_key() -> None:
    config = cc.loads("quantization: [{op_types: [Linear], exclude: true}]")
    assert isinstance(config, cc.CompressionConfig)
    assert config.findings == ()


def test_stating_the_kind_takes_one_part() -> None:
    assert cc.loads(BOTH, kind="pruning").to_list() == yaml.safe_load(BOTH)["pruning"]
    assert cc.loads(BOTH, kind="quantization").to_list() == yaml.safe_load(BOTH)["quantization"]


def test_all_that_is_wrong_with_either_part_is_said_in_the_order_of_the_text() -> None:
    text = "quantization:\n- op_types: Linear\n  quant_bits: 99\nprunning: []\npruning:\n- sparsity: 80\n"
    assert where(refused(text)) == [
        ("wrong-type", ("quantization", 0, "op_types"), (2, 13)),
        ("missing-key", ("quantization", 0, "quant_bits"), (3, 3)),
        ("out-of-range", ("quantization", 0, "quant_bits"), (3, 15)),
        ("unknown-key", ("prunning",), (4, 1)),
        ("no-selector", ("pruning", 0), (6, 3)),
        ("out-of-range", ("pruning", 0, "sparsity"), (6, 13)),
    ]


def test_plain_data_reports_in_the_order_of_the_document_too() -> None:
    """D16."""
    data = {"quantization": [{"op_types": "a", "exclude": True}], "prunning": [], "pruning": [{"sparsity": 80}]}
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.validate(data)
    assert [finding.path for finding in caught.value.findings] == [
        ("quantization", 0, "op_types"),
        ("prunning",),
        ("pruning", 0),
        ("pruning", 0, "sparsity"),
    ]


# --- Places


def test_every_finding_stands_at_its_key_or_value() -> None:
    text = (
        "# a comment\n"
        "- op_types: Linear\n"
        "  sparsity_per_layer: 80   # per cent\n"
        "- op_names: [ok, 1.10, '']\n"
        "  exclude: false\n"
        "  colour: red\n"
        "- op_names:\n"
        "  quant_bits: 8\n"
        "- {}\n"
    )
    findings = refused(text)
    assert where(findings) == [
        ("wrong-type", (0, "op_types"), (2, 13)),
        ("out-of-range", (0, "sparsity_per_layer"), (3, 23)),
        ("unquoted-name", (1, "op_names", 1), (4, 18)),
        ("empty-selector", (1, "op_names", 2), (4, 24)),
        ("exclude-false", (1, "exclude"), (5, 12)),
        ("unknown-key", (1, "colour"), (6, 3)),
        ("empty-value", (2, "op_names"), (7, 3)),
        ("mixed-kinds", (2, "quant_bits"), (8, 3)),
        ("no-selector", (3,), (9, 3)),
        ("no-setting", (3,), (9, 3)),
    ]
    assert {finding.source for finding in findings} == {"<string>"}
    assert [finding.excerpt for finding in findings[:2]] == text.splitlines()[1:3]


def test_a_name_that_yaml_reads_as_a_number_is_shown_as_it_is_written() -> None:
    """D15."""
    (finding,) = refused("- op_names: [1.10]\n  exclude: true\n", name="prune.yaml")
    assert str(finding) == (
        "error[unquoted-name] prune.yaml:1:14 at [0].op_names[0]: "
        '1.10 is read as a number, not as a name (write "1.10")'
    )


def test_what_is_wrong_with_the_text_is_said_beside_what_is_wrong_with_the_list() -> None:
    """D16."""
    text = "- op_types: [A]\n  sparsity_per_layer: 0.5\n  sparsity_per_layer: 0.6\n- op_types: A\n  exclude: true\n"
    assert where(refused(text)) == [
        ("duplicate-key", (0, "sparsity_per_layer"), (3, 3)),
        ("wrong-type", (1, "op_types"), (4, 13)),
    ]


def test_a_text_that_cannot_be_read_to_its_end_says_only_that() -> None:
    assert codes_of(refused("- op_types: [Linear]\n  exclude: 'true\n- op_types: Linear\n")) == ["syntax"]


def test_warnings_and_notes_have_places_too() -> None:
    config_list = cc.loads(BASE + OVERRIDE, name="a.yaml")
    assert where(config_list.findings) == [
        ("legacy-key", (0, "sparsity"), (3, 3)),
        ("repeated-element", (2, "op_names", 1), (8, 7)),
    ]


# --- Joined lists


def test_a_joined_list_keeps_files_and_places(tmp_path: Path) -> None:
    base, override = tmp_path / "base.yaml", tmp_path / "override.yaml"
    base.write_text(BASE, encoding="utf-8")
    override.write_text(OVERRIDE, encoding="utf-8")
    first, second = cc.load(base, kind="pruning"), cc.load(override, kind="pruning")
    joined = first + second
    assert joined.to_list() == yaml.safe_load(BASE) + yaml.safe_load(OVERRIDE)
    assert where(joined.findings) == [
        ("legacy-key", (0, "sparsity"), (3, 3)),
        ("repeated-element", (2, "op_names", 1), (3, 7)),
    ]
    assert [finding.source for finding in joined.findings] == [str(base), str(override)]
    assert len(first) == 2
    three = joined + [{"op_names": ["fc1", "fc1"], "sparsity": 0.5}] + second
    assert [(f.code.value, f.path, f.source) for f in three.findings] == [
        ("legacy-key", (0, "sparsity"), str(base)),
        ("repeated-element", (2, "op_names", 1), str(override)),
        ("repeated-element", (3, "op_names", 1), None),
    ], "the file that is added twice speaks once of the same place in it"


def test_what_a_merge_repeats_is_said_once_at_its_first_path() -> None:
    text = "- &base\n  op_names: [fc1, fc1]\n  sparsity: 0.5\n- <<: *base\n- <<: *base\n  op_names: [fc2, fc2]\n"
    config_list = cc.loads(text, kind="pruning")
    assert where(config_list.findings) == [
        ("repeated-element", (0, "op_names", 1), (2, 19)),
        ("legacy-key", (0, "sparsity"), (3, 3)),
        ("repeated-element", (2, "op_names", 1), (6, 19)),
    ]
    with pytest.raises(cc.UnmatchedSelector) as caught:
        cc.resolve(config_list, [("fc3", "Linear")])
    assert [finding.path for finding in caught.value.findings if finding.severity == "error"] == [
        (0, "op_names", 0),
        (0, "op_names", 1),
        (2, "op_names", 0),
        (2, "op_names", 1),
    ]
    plain = config_list.to_list()
    assert len(cc.validate(plain).findings) == 4


def test_an_unmatched_name_of_a_joined_list_points_into_its_file(tmp_path: Path) -> None:
    override = tmp_path / "override.yaml"
    override.write_text(OVERRIDE, encoding="utf-8")
    joined = cc.loads(BASE, name="base.yaml", kind="pruning") + cc.load(override, kind="pruning")
    with pytest.raises(cc.UnmatchedSelector) as caught:
        cc.resolve(joined, [("fc1", "Linear"), ("conv", "Conv2d")])
    found = [(f.code.value, f.path, f.source, tuple(f.span.start)) for f in caught.value.findings if f.span]
    assert ("unmatched-name", (2, "op_names", 0), str(override), (2, 7)) in found


def test_joining_lists_overwrites_and_joins_to_the_right() -> None:
    base = cc.loads(BASE, kind="pruning")
    resolution = cc.resolve(
        base + cc.loads(OVERRIDE, kind="pruning"), [(name, "Linear") for name in ("fc1", "fc2", "fc3")]
    )
    assert {name: layer.index for name, layer in resolution.items()} == {"fc1": 1, "fc2": 2, "fc3": 0}
    empty = cc.validate([], kind="pruning")
    assert (empty + base, base + empty, base + []) == (base, base, base)
    (a, b) = base
    assert (cc.validate([a], kind="pruning") + [b]) == base


def test_a_config_list_continues_plain_data_too() -> None:
    base = cc.loads(BASE, kind="pruning", name="base.yaml")
    first: dict[str, Any] = {"op_types": ["Conv2d"], "exclude": True}
    joined = [first] + base
    assert joined.to_list() == [first, *base.to_list()]
    assert [finding.source for finding in joined.findings] == ["base.yaml"]
    assert [cc.PruningConfig(**first)] + base == (first,) + base == joined
    with pytest.raises(cc.InvalidConfig) as caught:
        [{"op_types": ["Conv2d"], "sparsity": 80}] + base
    assert codes_of(caught.value.findings) == ["out-of-range"]


def test_what_is_wrong_with_a_joined_part_is_said_with_its_index_in_the_whole() -> None:
    base = cc.loads(BASE, kind="pruning")
    with pytest.raises(cc.InvalidConfig) as caught:
        base + [{"op_types": ["Linear"], "exclude": True}, {"op_names": "fc", "exclude": True}]
    assert [(finding.code.value, finding.path) for finding in caught.value.findings] == [
        ("wrong-type", (3, "op_names"))
    ]


def test_lists_of_two_kinds_cannot_be_joined() -> None:
    base = cc.loads(BASE, kind="pruning")
    other: Any = cc.validate([{"op_types": ["Linear"], "quant_types": "output", "quant_bits": 8}])
    for tail in (other, other.to_list(), list(other)):
        with pytest.raises(cc.InvalidConfig) as caught:
            base + tail
        assert set(codes_of(caught.value.findings)) == {"mixed-kinds"}


def test_a_strict_list_stays_strict_when_it_grows() -> None:
    base = cc.validate(
        [], kind="quantization", severity={"nothing-configured": "ignore", "unpaired-quant-types": "error"}
    )
    with pytest.raises(cc.InvalidConfig) as caught:
        base + [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 8}]
    assert codes_of(caught.value.findings) == ["unpaired-quant-types"]


def test_the_hints_of_a_joined_list_keep_the_notation_of_their_files() -> None:
    sub_config = {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8}
    base = cc.loads(json.dumps([sub_config]), format="json", kind="quantization")
    with pytest.raises(cc.InvalidConfig) as caught:
        base + [{**sub_config, "quant_types": "weights"}]
    assert [finding.hint for finding in caught.value.findings] == ['write "weight"']


def test_excludes_before_a_list_of_excludes_do_not_state_its_kind() -> None:
    """D12."""
    excludes = [{"op_names": ["a"], "exclude": True}]
    longer: Any = excludes + cc.validate(excludes)
    assert "kind-not-stated" in codes_of(longer.findings)


def test_a_strict_list_may_follow_nothing() -> None:
    base = cc.validate([{"op_names": ["a"], "exclude": True}], kind="pruning", strict=True)
    assert [] + base == base


# --- Config lists as sequences


def test_a_config_list_is_a_read_only_sequence() -> None:
    config_list = cc.loads(BASE, kind="pruning")
    assert (len(config_list), next(reversed(config_list))) == (2, config_list[-1])
    assert list(config_list[:1]) == [config_list[0]]
    assert config_list[0] in config_list
    assert config_list == cc.validate(yaml.safe_load(BASE))
    assert hash(config_list) == hash(cc.validate(yaml.safe_load(BASE)))
    assert config_list != cc.validate(yaml.safe_load(BASE)[:1])
    with pytest.raises(TypeError):
        config_list[0] = config_list[1]  # type: ignore[index]
    assert repr(config_list).startswith("PruningConfigList([PruningConfig(op_types=")


def test_a_config_list_is_built_of_sub_configs_or_plain_data_and_of_nothing_else() -> None:
    plain = yaml.safe_load(BASE)
    built = cc.PruningConfigList(plain)
    assert built == cc.PruningConfigList(cc.PruningConfig(**item) for item in plain) == cc.validate(plain)
    assert cc.resolve(built, [("fc1", "Linear"), ("fc2", "Linear"), ("fc3", "Linear")])["fc1"].index == 1
    other = cc.QuantizationConfig(op_types=["Linear"], quant_types="output", quant_bits=8)
    wrong: Any
    for wrong, code in (
        ([{"op_types": ["Linear"], "sparsity": 80}], "out-of-range"),
        ([3], "not-a-mapping"),
        (5, "not-a-list"),
        ("Linear", "not-a-list"),
        (plain[0], "not-a-list"),
        ([other], "mixed-kinds"),
    ):
        with pytest.raises(cc.InvalidConfig) as caught:
            cc.PruningConfigList(wrong)
        assert codes_of(caught.value.findings) == [code]


def test_a_two_part_document_is_built_of_plain_data_and_says_all_that_is_wrong_with_it() -> None:
    pruning = yaml.safe_load(BASE)
    quantization = [{"op_types": ["Linear"], "quant_types": "output", "quant_bits": 8}]
    built = cc.CompressionConfig(pruning, quantization)
    assert built == cc.validate({"pruning": pruning, "quantization": quantization})
    assert cc.CompressionConfig(pruning=pruning).to_dict() == {"pruning": pruning}
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.CompressionConfig([{"op_types": ["Linear"], "sparsity": 80}], [{"op_types": "Linear", "exclude": True}])
    assert [(finding.code.value, finding.path) for finding in caught.value.findings] == [
        ("out-of-range", ("pruning", 0, "sparsity")),
        ("wrong-type", ("quantization", 0, "op_types")),
    ]


@pytest.mark.parametrize("path", ["prune.yaml", Path("prune.yaml")])
def test_a_path_for_a_config_list_is_told_how_a_file_is_read(path: Any) -> None:
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.resolve(path, [("fc1", "Linear")])
    (finding,) = caught.value.findings
    assert (finding.code, finding.hint) == (
        cc.Code.NOT_A_LIST,
        "write load(...) to read a file, loads(...) to read a text",
    )


def test_an_inventory_in_place_of_a_config_list_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    cc.Inventory.from_layers([("fc1", "Linear")]).save(path)
    (finding,) = cc.check(path)
    assert (finding.code, finding.message) == (cc.Code.NOT_A_LIST, "a config list is a list, not an inventory")
    assert finding.hint == "pass the inventory as the model, and a config list in its place"


def test_a_validated_list_is_not_validated_again_and_can_be_judged_anew() -> None:
    config_list = cc.loads(BASE, kind="pruning", name="base.yaml")
    assert cc.validate(config_list) is config_list
    silent = cc.validate(config_list, severity={"legacy-key": "ignore"})
    assert (silent, silent.findings) == (config_list, ())
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.validate(config_list, severity={"legacy-key": "error"})
    (finding,) = caught.value.findings
    assert (finding.source, finding.severity) == ("base.yaml", "error")


def test_a_part_of_a_list_is_a_list_whose_findings_keep_their_places() -> None:
    text = "- {op_names: [a], sparsity: 0.1}\n- {op_names: [b], sparsity: 0.2}\n- {op_names: [c], sparsity: 0.3}\n"
    whole = cc.loads(text, kind="pruning")
    part = whole[::-2] + [{"op_names": ["d"], "sparsity": 0.4}] + whole[1:]
    assert [config.sparsity for config in part] == [0.3, 0.1, 0.4, 0.2, 0.3]
    lines = [(finding.path, finding.span and finding.span.start.line) for finding in whole[::-2].findings]
    assert lines == [((0, "sparsity"), 3)]
    assert (
        part[1:].findings[0].message
        == "'sparsity' is the old name of 'sparsity_per_layer', here and in 3 more sub-configs"
    )
    assert whole[3:] == cc.PruningConfigList()


def test_a_list_that_goes_on_without_a_word_of_its_kind_still_has_not_said_it() -> None:
    excludes = [{"op_names": ["a"], "exclude": True}]
    longer = cc.validate(excludes) + excludes
    assert "kind-not-stated" in {finding.code.value for finding in longer.findings}


def test_a_missing_file_is_an_invalid_config_and_a_file_not_found_error(tmp_path: Path) -> None:
    for name in ("missing.yaml", "missing.json", "missing.py", "no-directory/missing.yaml"):
        path = tmp_path / name
        with pytest.raises(FileNotFoundError) as caught:
            cc.load(path)
        error = caught.value
        assert isinstance(error, cc.InvalidConfig)
        assert str(error).startswith(f"error[unreadable-file] {path}: there is no such file")
        assert (error.filename, error.errno) == (str(path), errno.ENOENT)
        copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
        assert copied == error
        assert (copied.filename, copied.errno) == (str(path), errno.ENOENT)
    with pytest.raises(cc.InvalidConfig) as unreadable:
        cc.load(tmp_path)
    assert not isinstance(unreadable.value, OSError)
