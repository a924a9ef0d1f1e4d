"""Comparisons as people read them: whole reports, recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import command
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.reports.writers import COMPARISON_WRITERS
from compression_config.text import display_width

DATA = ROOT / "tests" / "data" / "reports"
BERT = ROOT / "examples" / "inventories" / "bert-base.json.gz"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("overwriting.yaml", "overwriting-new.yaml", "quantization.yaml"):
        Path(name).write_bytes((DATA / name).read_bytes())


@pytest.mark.parametrize("columns", [None, 80])
def test_the_report_of_a_changed_list(columns: int | None) -> None:
    report = command("diff", "overwriting.yaml", "overwriting-new.yaml", "-m", BERT, columns=columns).answer
    assert_recorded(report, DATA / f"diff-{columns or 'file'}.txt")
    assert max(map(display_width, report.splitlines())) <= (columns or 100)


@pytest.mark.parametrize(("name", "ending"), [("markdown", "md"), ("html", "html"), ("json", "json")])
def test_the_other_formats(name: str, ending: str) -> None:
    report = command("diff", "overwriting.yaml", "overwriting-new.yaml", "-m", BERT, "--format", name).answer
    assert_recorded(report, DATA / f"diff.{ending}")


def test_the_library_writes_what_the_command_writes() -> None:
    model = cc.Inventory.load(BERT)
    old, new = (cc.resolve(cc.load(name), model) for name in ("overwriting.yaml", "overwriting-new.yaml"))
    comparison = cc.compare(old, new)
    shown = {
        name: command("diff", "overwriting.yaml", "overwriting-new.yaml", "-m", BERT, "--format", name).answer
        for name in COMPARISON_WRITERS
    }
    assert f"{comparison}\n" == shown["text"]
    assert comparison.to_dict() == json.loads(shown["json"])
    assert comparison.to_markdown() == shown["markdown"]
    assert comparison.to_html() == shown["html"]


def test_a_lock_file_holds_a_list_to_its_answer() -> None:
    assert command("resolve", "overwriting.yaml", "-m", BERT, "-o", "lock.json").code == 0
    same = command("diff", "lock.json", "overwriting.yaml", "-m", BERT, "--exit-code")
    assert (same.code, same.answer) == (0, "pruning of BertForMaskedLM: no change for any of 232 layers\n")
    changed = command("diff", "lock.json", "overwriting-new.yaml", "-m", BERT, "--exit-code")
    assert changed.code == 3
    from_list = command("diff", "overwriting.yaml", "overwriting-new.yaml", "-m", BERT, "--format", "json").answer
    from_lock = command("diff", "lock.json", "overwriting-new.yaml", "-m", BERT, "--format", "json").answer
    places = {"source": None, "line": None}
    old, new = (json.loads(text)["pruning"]["changes"] for text in (from_list, from_lock))
    assert [change | {"before": change["before"] | places} for change in old] == new


def test_two_lock_files_need_no_model() -> None:
    command("resolve", "overwriting.yaml", "-m", BERT, "-o", "a.json")
    command("resolve", "overwriting-new.yaml", "-m", BERT, "-o", "b.json")
    shown = command("diff", "a.json", "b.json")
    assert shown.code == 0
    assert shown.answer.startswith("pruning of BertForMaskedLM: ")
    assert "masked elements " in shown.answer


def test_a_lock_file_of_version_1_is_refused() -> None:
    Path("old.json").write_text(json.dumps({"format": "compression-config-resolution", "version": 1}))
    shown = command("diff", "old.json", "overwriting.yaml", "-m", BERT)
    assert (shown.code, shown.answer) == (2, "")
    assert shown.talk == (
        "compression-config: error: 'old.json' has version 1 of the format, and this release reads version 2: "
        "write it again with 'resolve --format json'\n"
    )


def test_the_model_may_change() -> None:
    for name, number in (("old.json", 3), ("new.json", 4)):
        pairs = [(f"layer.{block}.fc", "Linear") for block in range(number)]
        cc.Inventory.from_layers(pairs, model=f"Net{number}").save(name)
    Path("all.yaml").write_text("- {op_types: [Linear], sparsity_per_layer: 0.5}")
    shown = command("diff", "all.yaml", "all.yaml", "--model-old", "old.json", "--model-new", "new.json")
    assert shown.answer.splitlines()[:5] == [
        "pruning of Net3 and Net4: 1 layer only in the new model",
        "",
        "sparsity 0.5 (only in the new model)",
        "    1 layer",
        "      layer.3.fc  1  [0] line 1",
    ]


def test_a_list_that_does_not_say_its_kind_has_that_of_the_other() -> None:
    Path("exclude.yaml").write_text("- {op_names: [lm_head], exclude: true}")
    llama = ROOT / "examples" / "inventories" / "llama-3-8b.json.gz"
    shown = command("diff", "exclude.yaml", "quantization.yaml", "-m", llama)
    assert shown.code == 0
    assert shown.answer.startswith("quantization of LlamaForCausalLM: ")
