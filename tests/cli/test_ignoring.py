"""The comment that silences a finding at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import command

import compression_config as cc

MODEL = ("--model", "net.json")
TYPES = "- op_types: [Linear]\n"


def found(name: str, text: str, *options: str) -> list[str]:
    """Return the codes that `validate` reports about a file."""
    Path(name).write_text(text)
    lines = command("validate", name, *options).answer.splitlines()
    return [line.split("[")[1].split("]")[0] for line in lines if line.startswith(("error[", "warning[", "note["))]


@pytest.mark.parametrize(
    ("comments", "silenced"),
    [
        ("  sparsity: 0.5  # compression-config: ignore[legacy-key]\n", True),
        ("  # compression-config: ignore[legacy-key]\n  sparsity: 0.5\n", True),
        ("  # compression-config: ignore[legacy-key]\n  # an old model\n  sparsity: 0.5\n", True),
        ("  sparsity: 0.5  # old model  # compression-config:ignore[wildcard, legacy-key]\n", True),
        ("  sparsity: 0.5  # compression-config: ignore[wildcard]\n", False),
        ("  # compression-config: ignore[legacy-key]\n\n  sparsity: 0.5\n", False),
        ("  sparsity: 0.5\n  # compression-config: ignore[legacy-key]\n", False),
        ("  sparsity: 0.5  # ignore[legacy-key]\n", False),
        ("  op_names: ['a # compression-config: ignore[legacy-key]']\n  sparsity: 0.5\n", False),
        ('  op_names: ["# \\" # compression-config: ignore[legacy-key]"]\n  sparsity: 0.5\n', False),
    ],
)
def test_a_comment_on_the_line_or_alone_above_it_silences(comments: str, silenced: bool) -> None:
    assert found("a.yaml", TYPES + comments, "--severity", "wildcard=ignore") == ([] if silenced else ["legacy-key"])


def test_a_comment_after_another_value_is_for_that_value_alone() -> None:
    text = "- op_types: [Linear]  # compression-config: ignore[legacy-key]\n  sparsity: 0.5\n"
    assert found("a.yaml", text) == ["legacy-key"]


def test_a_comment_after_the_dash_is_for_what_is_under_it() -> None:
    text = "- # compression-config: ignore[shadowed]\n  op_types: [Linear]\n  sparsity_per_layer: 0.5\n"
    rest = TYPES + "  sparsity_per_layer: 0.2\n"
    assert found("a.yaml", text.replace("shadowed", "wildcard") + rest, *MODEL) == ["shadowed"]
    assert found("a.yaml", text + rest, *MODEL) == []


def test_scripts_have_the_comment_too() -> None:
    text = "c = [{'op_types': ['A'],\n  # compression-config: ignore[legacy-key]\n  'sparsity': 0.5}]\n"
    assert found("a.py", text) == []
    assert found("a.py", text.replace("ignore", "keep")) == ["legacy-key"]


def test_a_string_of_a_script_is_not_a_comment() -> None:
    text = '"""\n# compression-config: ignore[legacy-key]\n"""\nc = [{"op_types": ["A"], "sparsity": 0.5}]\n'
    assert found("a.py", text.replace('"""\nc', '""";c')) == ["legacy-key"]
    text = 'c = [{"op_types": ["A"], "op_names": ["# compression-config: ignore[legacy-key]"], "sparsity": 0.5}]\n'
    assert found("a.py", text, "--severity", "wildcard=ignore") == ["legacy-key"]


def test_a_note_that_is_given_once_a_list_counts_the_places_without_a_comment() -> None:
    ignored = "- op_names: [fc1]\n  sparsity: 0.5  # compression-config: ignore[legacy-key]\n"
    Path("a.yaml").write_text(ignored + "- op_names: [fc2]\n  sparsity: 0.5\n" + ignored)
    (finding,) = cc.check("a.yaml")
    assert (finding.path, finding.message) == ((1, "sparsity"), "'sparsity' is the old name of 'sparsity_per_layer'")
    command("validate", "a.yaml", "--fix")
    assert Path("a.yaml").read_text() == ignored + "- op_names: [fc2]\n  sparsity_per_layer: 0.5\n" + ignored


def test_findings_about_a_model_are_silenced_where_a_list_is_resolved_too() -> None:
    text = "- op_names: [fc1, zzz]  # compression-config: ignore[unmatched-name]\n  sparsity_per_layer: 0.5\n"
    assert found("a.yaml", text, *MODEL) == []
    assert command("resolve", "a.yaml", *MODEL).code == 0
    resolution = cc.resolve(cc.load("a.yaml"), cc.Inventory.load("net.json"))
    assert resolution.findings == ()


def test_a_comment_comes_before_the_severities_of_the_command() -> None:
    text = TYPES + "  sparsity: 0.5  # compression-config: ignore[legacy-key]\n"
    assert found("a.yaml", text, "--severity", "legacy-key=error") == []


def test_what_a_comment_silences_is_not_fixed() -> None:
    text = TYPES + "  sparsity: 0.5  # compression-config: ignore[legacy-key]\n"
    Path("a.yaml").write_text(text)
    assert command("validate", "a.yaml", "--fix") == (0, "checked 1 file: no findings\n", "")
    assert Path("a.yaml").read_text() == text


def test_a_comment_that_silences_nothing_is_accepted() -> None:
    text = TYPES + "  sparsity_per_layer: 0.5  # compression-config: ignore[unmatched-type]\n"
    assert found("a.yaml", text) == []


def test_what_leaves_no_usable_list_cannot_be_ignored() -> None:
    text = "- op_type: [A]  # compression-config: ignore[unknown-key]\n  sparsity_per_layer: 0.5\n"
    assert found("a.yaml", text) == ["unknown-key", "ignore-comment"]


def test_wrong_comments_are_reported_once_in_two_parts_and_in_scripts() -> None:
    part = "- op_types: [A]\n  sparsity_per_layer: 0.5\n"
    text = f"pruning:\n{part}quantization: # compression-config: ignore[legacy-keys]\n"
    text += part.replace("sparsity_per_layer: 0.5", "quant_types: [weight, input]\n  quant_bits: 8")
    assert found("a.yaml", text) == ["ignore-comment"]
    text = "a = [{'op_types': ['A'], 'sparsity_per_layer': 0.5}]  # compression-config: ignore[nothing]\n"
    assert found("a.py", text + text.replace("a =", "b =").split("#")[0]) == ["ignore-comment"]


def test_json_has_no_comments() -> None:
    text = '[{"op_types": ["A"], "op_names": ["# compression-config: ignore[legacy-key]"], "sparsity": 0.5}]'
    assert found("a.json", text, "--severity", "wildcard=ignore") == ["legacy-key"]
