"""`validate`: whether anything is wrong with files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples import PRUNING, run


class TestValidate:
    def test_a_sound_file_is_one_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "pruning.yaml") == 0
        assert capsys.readouterr() == ("checked 1 file: no findings\n", "")

    def test_every_file_is_checked_and_all_findings_counted(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "typo.yaml", "pruning.yaml", "warned.yaml", "noted.yaml", "missing.yaml") == 1
        shown = capsys.readouterr().out
        assert shown.splitlines()[-1] == "checked 5 files: 3 errors, 1 warning, 1 note"
        places = [" --> typo.yaml:1:3 at [0].op_typs", " --> typo.yaml:2:13 at [0].sparsity"]
        places += [
            " --> warned.yaml:3:37 at [0].quant_bits.output",
            " --> noted.yaml:2:3 at [0].sparsity",
            " --> missing.yaml",
        ]
        assert [line for line in shown.splitlines() if line.startswith(" -->")] == places

    def test_patterns_are_expanded_and_no_file_is_checked_twice(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (here / "deep" / "er").mkdir(parents=True)
        (here / "deep" / "er" / "a[1].yaml").write_text(PRUNING)
        assert run("validate", "**/*.yaml", "pruning.yaml", "deep/er/a[1].yaml", "--format", "json") == 1
        files = json.loads(capsys.readouterr().out)["files"]
        assert files == sorted(files, key=lambda name: Path(name).as_posix())
        assert len(files) == len(set(files)) == 9
        assert str(Path("deep/er/a[1].yaml")) in files

    def test_a_model_is_named_in_the_count(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "unmatched.yaml", "-m", "net.json") == 1
        shown = capsys.readouterr().out
        assert shown.splitlines()[-1].startswith("checked 1 file against Net: ")
        assert "error[unmatched-name]: " in shown

    def test_json_is_the_whole_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "typo.yaml", "noted.yaml", "--format", "json") == 1
        out, err = capsys.readouterr()
        report = json.loads(out)
        assert (report["format"], report["version"]) == ("compression-config-findings", 2)
        assert (report["files"], report["model"]) == (["typo.yaml", "noted.yaml"], None)
        assert report["counts"] == {"error": 2, "warning": 0, "note": 1}
        assert [finding["source"] for finding in report["findings"]] == ["typo.yaml", "typo.yaml", "noted.yaml"]
        assert err == ""

    def test_github_gets_annotations_and_people_the_count(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "noted.yaml", "--format", "github") == 0
        out, err = capsys.readouterr()
        assert out.startswith("::notice file=noted.yaml,line=2,col=3,endColumn=11,title=legacy-key at [0].sparsity::")
        assert err == "checked 1 file: 1 note\n"

    def test_severities_can_be_set_more_than_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        argv = ["--severity", "legacy-key=ignore", "--severity", "unused-quant-type=note"]
        assert run("validate", "noted.yaml", "warned.yaml", *argv) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "checked 2 files: 1 note"


class TestJoin:
    """With `--join` the files are one list, in their order."""

    def test_findings_have_the_files_of_their_parts(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "over.yaml").write_text(PRUNING + "- op_names: [fc9]\n  exclude: true\n")
        assert run("validate", "--join", "noted.yaml", "over.yaml", "--model", "net.json") == 1
        shown = capsys.readouterr().out.splitlines()
        assert [line for line in shown if line.startswith((" -->", "error", "warning", "note"))] == [
            "warning[shadowed]: this sub-config has no effect: [1] overwrites it for every layer that it selects",
            " --> noted.yaml:1:3 at [0]",
            "note[legacy-key]: 'sparsity' is the old name of 'sparsity_per_layer'",
            " --> noted.yaml:2:3 at [0].sparsity",
            "error[unmatched-name]: no layer has the name 'fc9'",
            " --> over.yaml:3:14 at [2].op_names[0]",
        ]
        assert shown[-1] == "checked 2 files as one list against Net: 1 error, 1 warning, 1 note"

    def test_a_file_of_excludes_is_checked_as_a_part(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "quantization.yaml", "exclude.yaml") == 0
        assert "note[kind-not-stated]" in capsys.readouterr().out
        argv = ["--join", "--severity", "kind-not-stated=error", "--strict"]
        assert run("validate", *argv, "quantization.yaml", "exclude.yaml") == 0
        assert capsys.readouterr() == ("checked 2 files as one list: no findings\n", "")

    def test_severities_are_those_of_the_whole_list(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "empty.yaml").write_text("[]\n")
        assert run("validate", "--join", "--strict", "empty.yaml", "pruning.yaml") == 0
        assert run("validate", "--join", "--strict", "empty.yaml", "empty.yaml") == 1
        assert run("validate", "--join", "--severity", "kind-not-stated=error", "exclude.yaml", "exclude.yaml") == 1
        assert capsys.readouterr().out.count("error[kind-not-stated]") == 1

    def test_what_is_wrong_with_each_part_is_said_at_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "--join", "noted.yaml", "typo.yaml", "exclude.yaml", "--model", "net.json") == 1
        shown = capsys.readouterr().out.splitlines()
        assert shown[-1] == "checked 3 files as one list against Net: 2 errors, 1 note"

    def test_kinds_that_do_not_go_together_are_a_finding(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "--join", "pruning.yaml", "quantization.yaml") == 1
        assert (
            "of 'quantization.yaml' cannot be joined to the pruning list of 'pruning.yaml'" in capsys.readouterr().out
        )

    def test_the_parts_of_a_two_part_document_are_joined(self, capsys: pytest.CaptureFixture[str]) -> None:
        argv = ["validate", "--join", "two-parts.yaml", "exclude.yaml", "-m", "net.json", "--format", "json"]
        assert run(*argv) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["files"], report["joined"]) == (["two-parts.yaml", "exclude.yaml"], True)
        assert report["counts"]["error"] == 0

    def test_a_file_may_be_given_twice(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "--join", "pruning.yaml", "pruning.yaml", "-m", "net.json") == 0
        shown = capsys.readouterr().out
        assert "warning[duplicate-sub-config]" in shown
        assert shown.splitlines()[-1].startswith("checked 2 files as one list against Net: ")

    def test_it_does_not_go_with_discover(self) -> None:
        assert run("validate", "--join", "--discover", "pruning.yaml") == 2

    def test_a_directory_without_a_list_is_refused(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "empty").mkdir()
        assert run("resolve", "empty", "-m", "net.json") == run("validate", "--join", "empty") == 2
        assert "there is no config list in these directories" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("prune.ipynb", b'{"cells": []}', "convert it with 'jupyter nbconvert --to script', and name the script"),
        ("prune.yaml.gz", b"\x1f\x8b\x08\x00", "unpack it: it is compressed with gzip"),
    ],
)
def test_files_that_hold_a_list_in_another_form_are_told_what_to_do(
    name: str, content: bytes, hint: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / name).write_bytes(content)
    assert run("validate", name) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("error[unreadable-file]: ")
    assert f"  = help: {hint}\n" in shown
