"""`validate --fix`: what it changes in a file, and what it leaves."""

from __future__ import annotations

import codecs
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
    assert copy.read_bytes() != document.read_bytes()
    assert fixable(copy, model) == []


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


def test_what_is_found_only_after_a_fix_is_fixed_too() -> None:
    assert fixed("a.yaml", "- op_type: Linear\n  sparsity_per_layer: '0.5'\n") == (
        "- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"
    )


def test_a_file_without_a_fix_is_not_written(here: Path) -> None:
    before = (here / "pruning.yaml").stat()
    command("validate", "pruning.yaml", "missing.yaml", "--fix")
    after = (here / "pruning.yaml").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_unsafe_fixes_alone_are_refused() -> None:
    output = command("validate", "pruning.yaml", "--unsafe-fixes")
    assert (output.code, output.talk) == (
        2,
        "compression-config: error: '--unsafe-fixes' goes with '--fix' or '--diff'\n",
    )
