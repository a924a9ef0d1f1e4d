"""`--findings` and `--quiet`: how findings are written beside an answer, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checkpoint_files import saved, with_zeros
from samples import run

GROUPED = "- op_types: [Linear]\n  total_sparsity: 0.5\n"
NOTED = ["noted.yaml", "--model", "net.json"]
NOTICE = "::notice file=noted.yaml,line=2,col=3,endColumn=11,title=legacy-key at [0].sparsity::"


@pytest.fixture(autouse=True)
def checkpoint(here: Path) -> None:
    saved(here / "net.safetensors", {"fc1.weight": with_zeros(30), "fc2.weight": with_zeros(50)})
    (here / "grouped.yaml").write_text(GROUPED)


ANSWERS = [
    pytest.param(["resolve", "unmatched.yaml", "--model", "net.json"], "unmatched-name", id="resolve"),
    pytest.param(
        ["resolve", "unmatched.yaml", "--model", "net.json", "--format", "csv"], "unmatched-name", id="resolve-csv"
    ),
    pytest.param(["resolve", "unmatched.yaml", "--model", "net.json", "--grid"], "unmatched-name", id="resolve-grid"),
    pytest.param(["resolve", "typo.yaml", "--model", "net.json"], "unknown-key", id="resolve-broken"),
    pytest.param(["explain", "typo.yaml", "fc1", "--model", "net.json"], "unknown-key", id="explain"),
    pytest.param(["diff", "pruning.yaml", "unmatched.yaml", "--model", "net.json"], "unmatched-name", id="diff"),
    pytest.param(["verify", "pruning.yaml", "net.safetensors", "--model", "net.json"], "sparsity-missed", id="verify"),
    pytest.param(["export", "unmatched.yaml", "--model", "net.json", "--to", "torchao"], "unmatched-name", id="export"),
    pytest.param(
        ["export", "grouped.yaml", "--model", "net.json", "--to", "torch"], "lossy-setting", id="export-refused"
    ),
]


@pytest.mark.parametrize(("argv", "code"), ANSWERS)
class TestWhereverFindingsAreShown:
    def test_json_is_a_document_of_its_own(
        self, argv: list[str], code: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(*argv, "--findings", "json") == 1
        out, err = capsys.readouterr()
        report = json.loads(err)
        assert (report["format"], report["version"]) == ("compression-config-findings", 2)
        assert code in [finding["code"] for finding in report["findings"]]
        assert report["counts"]["error"] > 0
        assert set(report["files"]) < set(argv)
        assert f"[{code}]" not in out

    def test_github_gets_annotations_and_people_the_count(
        self, argv: list[str], code: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(*argv, "--findings", "github") == 1
        out, err = capsys.readouterr()
        *annotations, count = err.splitlines()
        assert annotations
        assert all(line.startswith("::") for line in annotations)
        assert any(line.startswith("::error file=") and f"title={code}" in line for line in annotations)
        assert "error" in count
        assert f"[{code}]" not in out

    def test_a_quiet_command_has_nothing_beside_the_findings(
        self, argv: list[str], code: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(*argv, "--findings", "github", "-q") == 1
        err = capsys.readouterr().err
        assert f"title={code}" in err
        assert all(line.startswith("::") for line in err.splitlines())


class TestFindings:
    def test_the_answer_is_the_same_without_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", *NOTED) == 0
        table = capsys.readouterr().out.partition("\nnote[")[0]
        assert run("resolve", *NOTED, "--findings", "github") == 0
        out, err = capsys.readouterr()
        assert out == table
        assert err.startswith(NOTICE)
        assert err.endswith("\n1 note\n")

    def test_a_document_is_written_where_there_are_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "pruning.yaml", "-m", "net.json", "--findings", "json", "-o", "a.csv") == 0
        report = json.loads(capsys.readouterr().err)
        assert (report["model"], report["findings"]) == ("Net", [])
        assert run("resolve", "pruning.yaml", "-m", "net.json", "--findings", "github") == 0
        assert capsys.readouterr().err == ""

    def test_the_files_of_a_comparison_and_of_an_import_are_named(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("diff", "pruning.yaml", "exclude.yaml", "-m", "net.json", "--findings", "json") == 0
        assert json.loads(capsys.readouterr().err)["files"] == ["pruning.yaml", "exclude.yaml"]
        (here / "recipe.yaml").write_text(
            "config_groups: {group_0: {targets: [Linear], weights: {num_bits: 4, strategy: channel}}}\nignore: []\n"
        )
        assert run("import", "recipe.yaml", "-m", "net.json", "--findings", "json") == 0
        assert json.loads(capsys.readouterr().err)["files"] == ["recipe.yaml"]

    def test_a_table_in_a_file_keeps_them(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", *NOTED, "-o", "a.txt", "--findings", "github") == 0
        assert "note[legacy-key]" in (here / "a.txt").read_text()
        assert capsys.readouterr().err.startswith(NOTICE)

    def test_a_wrong_command_is_said_in_words(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "pruning.yaml", "-m", "missing.json", "--findings", "json", "-q") == 2
        assert capsys.readouterr().err.startswith("compression-config: error: ")


class TestQuiet:
    def test_a_sound_file_is_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "pruning.yaml", "--quiet") == 0
        assert capsys.readouterr() == ("", "")

    def test_findings_are_shown_without_their_number(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "noted.yaml", "-q") == 0
        assert capsys.readouterr().out.endswith("\n  = help: write 'sparsity_per_layer'\n\n")
        assert run("validate", "noted.yaml", "-q", "--format", "github") == 0
        assert capsys.readouterr().err == ""
        assert run("resolve", *NOTED, "--format", "json", "-q") == 0
        assert capsys.readouterr().err.endswith("\n  = help: write 'sparsity_per_layer'\n\n")

    def test_what_was_written_is_not_said(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "pruning.yaml", "-m", "net.json", "-o", "a.csv", "-q") == 0
        assert run("inventory", "net.json", "-o", "b.json", "-q") == 0
        assert run("export", "pruning.yaml", "-m", "net.json", "--to", "llm-compressor", "-o", "c.yaml", "-q") == 0
        assert capsys.readouterr() == ("", "")
        assert all((here / name).exists() for name in ("a.csv", "b.json", "c.yaml"))
