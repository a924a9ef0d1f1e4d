"""`validate --fix`: what it changes in a file, and what it leaves."""

from __future__ import annotations

import codecs
import json
import os
import shutil
from pathlib import Path

import pytest
from command_line import command
from recording import ROOT, assert_recorded

import compression_config as cc

INVALID = ROOT / "tests" / "data" / "invalid"
HEAD = "- op_types: [Linear]\n"


def fixed(name: str, text: str, *options: str) -> str:
    """Return the text of a file after `validate --fix`."""
    Path(name).write_bytes(text.encode())
    command("validate", name, "--fix", *options)
    return Path(name).read_bytes().decode()


def model_of(document: Path) -> Path | None:
    first = document.read_bytes().split(b"\n", 1)[0].decode(errors="replace")
    return INVALID / first.split("--model ")[1].split()[0] if "--model " in first else None


DOCUMENTS = sorted(path for path in INVALID.iterdir() if path.suffix in (".yaml", ".json"))


def fixable(path: Path, model: Path | None) -> list[cc.Finding]:
    inventory = None if model is None else cc.Inventory.load(model)
    return [finding for finding in cc.check(path, inventory) if finding.fix]


FIXABLE = [
    path
    for path in DOCUMENTS
    if b"$ compression-config verify" not in path.read_bytes() and fixable(path, model_of(path))
]


@pytest.mark.parametrize("document", FIXABLE, ids=lambda path: path.name)
def test_every_document_with_a_fix_ends_without_the_finding(document: Path, here: Path) -> None:
    copy = here / document.name
    shutil.copy(document, copy)
    model = model_of(document)
    command("validate", copy, "--fix", "--unsafe-fixes", *([] if model is None else ["--model", model]))
    once = copy.read_bytes()
    assert once != document.read_bytes()
    assert fixable(copy, model) == []
    command("validate", copy, "--fix", "--unsafe-fixes", *([] if model is None else ["--model", model]))
    assert copy.read_bytes() == once


def test_only_what_a_fix_is_about_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(INVALID)
    shown = []
    for document in FIXABLE:
        model = model_of(document)
        options = [] if model is None else ["--model", model]
        shown.append(command("validate", document.name, "--diff", "--unsafe-fixes", *options).answer)
    assert_recorded("".join(shown), INVALID.parent / "fixes.diff")


YAML = [
    ("- op_types: [Linear, Conv2d, Linear] # all\n", "- op_types: [Linear, Conv2d] # all\n"),
    ("- op_types: [Linear,   Linear, Conv2d]\n", "- op_types: [Linear,   Conv2d]\n"),
    (
        "- op_types:\n  - Linear  # one\n  # more\n  - Linear  # two\n  - Conv2d\n",
        "- op_types:\n  - Linear  # one\n  # more\n  - Conv2d\n",
    ),
    ("- op_types: [\n    Linear,  # one\n    Linear  # two\n  ]\n", None),
    ("- op_types: [\n    Linear,  # one\n    Linear,  # two\n  ]\n", "- op_types: [\n    Linear,  # one\n  ]\n"),
    ("- op_types: [&a Linear, *a]\n", None),
    ("- \"op_type\": ['Linear']\n", "- \"op_types\": ['Linear']\n"),
    ("- op_types: 'Linear'\n", "- op_types: ['Linear']\n"),
    ("- op_types: >\n    Linear\n", None),
    (
        "- {op_types: Linear, exclude: true}\n- op_names: [a]\n",
        "- {op_types: [Linear], exclude: true}\n- op_names: [a]\n",
    ),
    (
        "- op_types: &t [Linear, Linear]\n  exclude: true\n- op_types: *t\n",
        "- op_types: &t [Linear]\n  exclude: true\n- op_types: *t\n",
    ),
    ("- op_typ: [Linear]\n  op_tpes: [Linear]\n", "- op_typ: [Linear]\n  op_tpes: [Linear]\n"),
]


@pytest.mark.parametrize(("before", "after"), YAML)
def test_yaml_keeps_its_layout(before: str, after: str | None) -> None:
    rest = "  sparsity_per_layer: 0.5"  # without a line break at its end
    assert fixed("a.yaml", before + rest) == (before if after is None else after) + rest


JSON = [
    ('[{"op_names": ["a", "b", "a"]}]', '[{"op_names": ["a", "b"]}]'),
    ('[{"op_names": [\n  "a",\n  "b",\n  "a"\n]}]\n', '[{"op_names": [\n  "a",\n  "b"\n]}]\n'),
    ('[{"op_names": [\r\n\t"a",\r\n\t"a",\r\n\t"b"\r\n]}]', '[{"op_names": [\r\n\t"a",\r\n\t"b"\r\n]}]'),
    ('[{"op_names": ["a", "a", "a"]}]', '[{"op_names": ["a"]}]'),
    ('[{"op_names" : "a"}]', '[{"op_names" : ["a"]}]'),
    ('[{"op_nmes": [3]}]', '[{"op_names": ["3"]}]'),
]


@pytest.mark.parametrize(("before", "after"), JSON)
def test_json_stays_json(before: str, after: str) -> None:
    setting = ', "sparsity_per_layer": 0.5}'
    assert fixed("a.json", before.replace("}", setting)) == after.replace("}", setting)


PYTHON = [
    ("c = [{'op_type': ['Linear'], 'sparsity': 0.5}]", "c = [{'op_types': ['Linear'], 'sparsity_per_layer': 0.5}]"),
    ("c = [dict(op_type=['Linear'], sparsity = 0.5)]", "c = [dict(op_types=['Linear'], sparsity_per_layer = 0.5)]"),
    (
        "RATIO = '0.5'\nc = [{'op_types': 'Linear', 'sparsity_per_layer': RATIO}]",
        "RATIO = 0.5\nc = [{'op_types': ['Linear'], 'sparsity_per_layer': RATIO}]",
    ),
    ("K = 'op_type'\nc = [{K: ['Linear'], 'sparsity_per_layer': 0.5}]", None),
    ("c = [{'op_types': ['Lin' + 'ear'] * 2, 'sparsity_per_layer': 0.5}]", None),
    ("c = [{'op_types': ['A'] + ['A'], 'sparsity_per_layer': 0.5}]", None),
    ("c = [{'op_types': ['A', ('A')], 'sparsity_per_layer': 0.5}]", None),
    (
        "c = [{'op_names': [f'l{i}', 'fc', 'fc'], 'sparsity_per_layer': .5} for i in range(3)]",
        "c = [{'op_names': [f'l{i}', 'fc'], 'sparsity_per_layer': .5} for i in range(3)]",
    ),
    (
        "# \u5c42\nc = [{'op_types': ['\u5c42', 'A', '\u5c42'], 'exclude': True}]",
        "# \u5c42\nc = [{'op_types': ['\u5c42', 'A'], 'exclude': True}]",
    ),
]


@pytest.mark.parametrize(("before", "after"), PYTHON)
def test_a_script_is_changed_where_the_literal_itself_is(before: str, after: str | None) -> None:
    assert fixed("a.py", before) == (before if after is None else after)


def test_encoding_mark_and_line_breaks_stay() -> None:
    text = "- op_type: [Linear]\r\n  sparsity_per_layer: 0.5\r\n"
    Path("a.yaml").write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    command("validate", "a.yaml", "--fix")
    assert Path("a.yaml").read_bytes() == codecs.BOM_UTF16_LE + text.replace("type", "types").encode("utf-16-le")
    script = "# coding: latin-1\nc = [{'op_type': ['\xe9'], 'sparsity_per_layer': 0.5}]\n"
    Path("a.py").write_bytes(script.encode("latin-1"))
    command("validate", "a.py", "--fix")
    assert Path("a.py").read_bytes() == script.replace("type", "types").encode("latin-1")


PERCENTAGE = HEAD + "  sparsity_per_layer: 80\n"


def test_a_guess_needs_unsafe_fixes() -> None:
    Path("a.yaml").write_text(PERCENTAGE)
    output = command("validate", "a.yaml", "--fix")
    assert Path("a.yaml").read_text() == PERCENTAGE
    assert (output.code, output.talk) == (1, "1 finding has a fix that is a guess: add '--unsafe-fixes'\n")
    output = command("validate", "a.yaml", "--fix", "--unsafe-fixes")
    assert Path("a.yaml").read_text() == HEAD + "  sparsity_per_layer: 0.8\n"
    assert output == (0, "checked 1 file: no findings\n", "fixed 1 finding in a.yaml\n")


def test_a_diff_writes_nothing() -> None:
    Path("a.yaml").write_text(PERCENTAGE.replace("types", "type"))
    output = command("validate", "a.yaml", "--diff")
    assert output.code == 1
    assert output.answer == (
        "--- a.yaml\n+++ a.yaml\n@@ -1,2 +1,2 @@\n"
        "-- op_type: [Linear]\n+- op_types: [Linear]\n   sparsity_per_layer: 80\n"
    )
    assert output.talk.endswith("checked 1 file: 2 errors\n")
    assert Path("a.yaml").read_text() == PERCENTAGE.replace("types", "type")


def test_an_exclude_that_is_all_that_a_sub_config_says_is_left() -> None:
    text = "- op_types: [Linear]\n  exclude: false\n"
    assert fixed("a.yaml", text, "--unsafe-fixes") == text


def test_what_is_found_only_after_a_fix_is_fixed_too() -> None:
    assert fixed("a.yaml", "- op_type: Linear\n  sparsity_per_layer: '0.5'\n") == (
        "- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"
    )


def test_a_file_without_a_fix_is_not_written(here: Path) -> None:
    before = (here / "pruning.yaml").stat()
    command("validate", "pruning.yaml", "missing.yaml", "--fix")
    after = (here / "pruning.yaml").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pruning.yaml", "--unsafe-fixes"], "'--unsafe-fixes' goes with '--fix' or '--diff'"),
        (["pruning.yaml", "-", "--fix"], "standard input cannot be fixed: name the file"),
        (
            ["pruning.yaml", "--diff", "--format", "json"],
            "'--diff' shows a diff in place of the findings: leave out '--format'",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], message: str) -> None:
    assert command("validate", *arguments) == (2, "", f"compression-config: error: {message}\n")


def test_the_findings_that_are_left_are_shown_in_any_format() -> None:
    Path("a.yaml").write_text(PERCENTAGE + "- op_names: [fc1]\n  sparsity: 0.5\n")
    output = command("validate", "a.yaml", "--fix", "--format", "json")
    assert [found["code"] for found in json.loads(output.answer)["findings"]] == ["out-of-range"]


def test_a_key_that_a_script_asks_for_elsewhere_is_renamed_only_as_a_guess() -> None:
    text = "c = [{'op_type': ['A'], 'sparsity': 0.5}]\nprint(c[0]['sparsity'], args.get('op_types'))\n"
    assert fixed("a.py", text) == text.replace("op_type'", "op_types'", 1)
    output = command("validate", "a.py", "--fix")
    assert output.talk == "1 finding has a fix that is a guess: add '--unsafe-fixes'\n"
    assert fixed("a.py", text, "--unsafe-fixes").startswith("c = [{'op_types': ['A'], 'sparsity_per_layer': 0.5}]\n")
    for use in ("for d in c: d['sparsity'] = x", "if 'sparsity' in c[0]: pass", "c[0].pop('sparsity')"):
        text = "c = [{'op_types': ['A'], 'sparsity': 0.5}]\n" + use
        assert fixed("a.py", text) == text


def test_where_the_fixes_would_break_a_sound_list_it_is_left() -> None:
    text = HEAD + "  sparsity_per_layer: 0.5\n- op_types: [linear]\n  exclude: true\n"
    options = ["--unsafe-fixes", "--model", "net.json"]
    assert fixed("a.yaml", text, *options) == text.replace("linear", "Linear")
    assert fixed("a.yaml", text, *options, "--severity", "shadowed=error") == text


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".py"])
def test_a_pattern_becomes_the_selector_of_the_same_layers(suffix: str) -> None:
    layers = [cc.Layer(name=f"block.{number}.{part}", type="Linear") for number in range(12) for part in ("up", "down")]
    cc.Inventory.from_layers(layers).save("blocks.json")
    pattern = {
        ".yaml": "- op_names: ['block.*.up']  # all\n  sparsity_per_layer: 0.5\n",
        ".json": '[{"op_names": ["block.*.up"], "sparsity_per_layer": 0.5}]',
        ".py": "configs = [dict(op_names=['block.*.up'], sparsity_per_layer=0.5)]\n",
    }[suffix]
    expected = pattern.replace("op_names", "op_partial_names").replace("block.*.up", ".up")
    assert fixed(f"a{suffix}", pattern, "--model", "blocks.json") == expected


def test_a_name_that_is_not_in_the_model_is_a_guess() -> None:
    text = "- op_names: [fc_1]\n  sparsity_per_layer: 0.5\n"
    assert fixed("a.yaml", text, "--model", "net.json") == text
    assert fixed("a.yaml", text, "--model", "net.json", "--unsafe-fixes") == text.replace("fc_1", "fc1")


def test_files_in_a_directory_are_fixed_and_what_cannot_be_read_is_reported(here: Path) -> None:
    (here / "lists").mkdir()
    (here / "lists" / "a.yaml").write_text(HEAD + "  sparsity: 0.5\n")
    (here / "lists" / "b.py").write_text("c = [{'op_types': ['A'], 'sparsity': 0.5}]\n")
    output = command("validate", "lists", "missing.yaml", "--fix")
    assert output.code == 1
    assert output.talk == f"fixed 1 finding in {Path('lists/a.yaml')}\nfixed 1 finding in {Path('lists/b.py')}\n"
    assert "there is no such file" in output.answer


def test_one_list_of_a_script_is_fixed_alone() -> None:
    text = "a = [{'op_types': ['A'], 'sparsity': 0.5}]\nb = [{'op_types': ['A'], 'sparsity': 0.5}]\n"
    Path("two.py").write_text(text)
    command("validate", "two.py::b", "--fix")
    assert Path("two.py").read_text() == text.replace(
        "b = [{'op_types': ['A'], 'sparsity'", "b = [{'op_types': ['A'], 'sparsity_per_layer'"
    )


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_file_that_cannot_be_replaced_is_left_as_it_was(here: Path) -> None:
    (here / "kept").mkdir()
    (here / "kept" / "a.yaml").write_text(PERCENTAGE)
    (here / "kept").chmod(0o500)
    output = command("validate", "kept/a.yaml", "--fix", "--unsafe-fixes")
    (here / "kept").chmod(0o700)
    assert output.code == 2
    assert [path.name for path in (here / "kept").iterdir()] == ["a.yaml"]
    assert (here / "kept" / "a.yaml").read_text() == PERCENTAGE


def test_a_character_that_the_encoding_lacks_leaves_the_file() -> None:
    model = [cc.Layer(name="h\u00f6he\u5c42", type="Linear"), cc.Layer(name="fc", type="Linear")]
    cc.Inventory.from_layers(model).save("wide.json")
    script = "# coding: latin-1\nc = [{'op_names': ['h\xf6hee'], 'sparsity_per_layer': 0.5}]\n".encode("latin-1")
    Path("a.py").write_bytes(script)
    output = command("validate", "a.py", "--fix", "--unsafe-fixes", "--model", "wide.json")
    assert Path("a.py").read_bytes() == script
    message = "compression-config: error: 'a.py' cannot be written: its encoding iso-8859-1 has no '\u5c42'\n"
    assert output == (2, "", message)
