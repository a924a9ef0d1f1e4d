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
