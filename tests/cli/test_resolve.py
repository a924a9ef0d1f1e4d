"""`resolve` and `explain`: what layers get, and why."""

from __future__ import annotations

import csv
import errno
import io
import json
from pathlib import Path

import pytest
import yaml
from samples import run


class TestResolve:
    def test_the_table_and_its_findings_are_the_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "noted.yaml", "--model", "net.json") == 0
        out, err = capsys.readouterr()
        assert out == (
            "1 sub-config for pruning, Net with 2 layers\n"
            "\n"
            "[0] sparsity 0.5: Linear\n"
            "    decides both layers it selects\n"
            "    masks 100 of 200 weight elements (50.0 %)\n"
            "      fc{1,2}  2  Linear 10x10\n"
            "\n"
            "untouched  no layer\n"
            "masked     100 of 200 compressed elements (50.0 %), of 200 parameters in all (50.0 %)\n"
            "\n"
            "note[legacy-key]: 'sparsity' is the old name of 'sparsity_per_layer'\n"
            " --> noted.yaml:2:3 at [0].sparsity\n"
            "  |\n"
            "2 |   sparsity: 0.5\n"
            "  |   ^^^^^^^^\n"
            "  = help: write 'sparsity_per_layer'\n"
            "\n"
            "1 note\n"
        )
        assert err == ""

    @pytest.mark.parametrize("form", ["table", "csv", "markdown", "html"])
    def test_a_list_that_breaks_a_rule_has_no_answer(self, form: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "typo.yaml", "--model", "net.json", "--format", form) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines()[-1] == "2 errors"

    @pytest.mark.parametrize("form", ["json", "yaml"])
    def test_programs_get_its_findings_in_place_of_the_answer(
        self, here: Path, form: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("resolve", "typo.yaml", "pruning.yaml", "--model", "net.json", "--format", form) == 1
        out, err = capsys.readouterr()
        report = yaml.safe_load(out)
        assert (report["format"], report["files"]) == ("compression-config-findings", ["typo.yaml", "pruning.yaml"])
        assert [finding["code"] for finding in report["findings"]] == ["unknown-key", "out-of-range"]
        assert err.splitlines()[-1] == "2 errors"
        assert run("resolve", "typo.yaml", "--model", "net.json", "--format", form, "-o", "lock.json") == 1
        assert capsys.readouterr().out == ""
        assert not (here / "lock.json").exists()

    def test_what_selects_nothing_is_said_beside_the_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "unmatched.yaml", "--model", "net.json", "--format", "json") == 1
        out, err = capsys.readouterr()
        assert json.loads(out)["findings"][0]["severity"] == "error"
        assert err.startswith("error[")
        assert run("resolve", "unmatched.yaml", "--model", "net.json", "--unmatched", "warn") == 0
        assert "warning[unmatched-name]" in capsys.readouterr().out

    def test_several_files_are_one_list(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "pruning.yaml", "exclude.yaml", "--model", "net.json", "--format", "json") == 0
        answer = json.loads(capsys.readouterr().out)
        assert [(layer["name"], layer["status"], layer["index"]) for layer in answer["layers"]] == [
            ("fc1", "excluded", 1),
            ("fc2", "compressed", 0),
        ]

    @pytest.mark.parametrize("files", [["quantization.yaml", "exclude.yaml"], ["exclude.yaml", "quantization.yaml"]])
    def test_a_file_of_excludes_has_the_kind_of_the_others(
        self, files: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("resolve", *files, "--model", "net.json", "--format", "json") == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["kind"] == "quantization"
        assert "kind-not-stated" not in [finding["code"] for finding in answer["findings"]]

    def test_a_two_part_document_is_shown_part_by_part(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "two-parts.yaml", "--model", "net.json") == 0
        shown = capsys.readouterr().out
        assert shown.index("1 sub-config for pruning") < shown.index("pruning[0] sparsity 0.5: Linear")
        assert shown.index("1 sub-config for quantization") < shown.index("quantization[0] weight+input 8 bits: Linear")

    def test_a_list_overwrites_its_part_of_a_two_part_document(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (here / "over.yaml").write_text("- op_names: [fc1]\n  quant_types: [weight, input]\n  quant_bits: 4\n")
        assert run("resolve", "two-parts.yaml", "over.yaml", "--model", "net.json", "--format", "json") == 0
        answer = json.loads(capsys.readouterr().out)
        assert [layer["settings"]["bits"]["weight"] for layer in answer["quantization"]["layers"]] == [4, 8]
        assert [layer["index"] for layer in answer["pruning"]["layers"]] == [0, 0]

    def test_two_two_part_documents_are_joined_part_by_part(self, capsys: pytest.CaptureFixture[str]) -> None:
        argv = ["two-parts.yaml", "two-parts.yaml", "--model", "net.json", "--format", "json"]
        assert run("resolve", *argv) == 0
        answer = json.loads(capsys.readouterr().out)
        assert {part: len(answer[part]["sub_configs"]) for part in answer} == {"pruning": 2, "quantization": 2}

    def test_errors_of_all_files_are_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "typo.yaml", "missing.yaml", "--model", "net.json") == 1
        assert capsys.readouterr().err.splitlines()[-1] == "3 errors"

    def test_forms_for_programs_read_back(self, capsys: pytest.CaptureFixture[str]) -> None:
        written = {}
        for form in ("json", "yaml", "csv", "markdown"):
            assert run("resolve", "two-parts.yaml", "--model", "net.json", "--format", form) == 0
            written[form] = capsys.readouterr().out
        assert json.loads(written["json"]) == yaml.safe_load(written["yaml"])
        rows = list(csv.DictReader(io.StringIO(written["csv"])))
        assert [(row["kind"], row["name"]) for row in rows] == [
            (kind, name) for kind in ("pruning", "quantization") for name in ("fc1", "fc2")
        ]
        assert written["markdown"].startswith("## Pruning of Net\n")
        assert "\n## Quantization of Net\n" in written["markdown"]

    @pytest.mark.parametrize(
        ("name", "start"),
        [
            ("a.json", "{"),
            ("a.yaml", "format: "),
            ("a.yml", "format: "),
            ("a.csv", "kind,"),
            ("a.md", "## "),
            ("a", "1 "),
            ("a.txt", "1 "),
        ],
    )
    def test_the_ending_of_a_file_says_its_form(
        self, here: Path, name: str, start: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("resolve", "noted.yaml", "--model", "net.json", "-o", name) == 0
        assert (here / name).read_text(encoding="utf-8").startswith(start)
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("note[legacy-key]")
        assert err.endswith(f"1 note\nwrote {name}\n")

    @pytest.mark.parametrize("name", ["a.json.gz", "a.htm", "a.jsn"])
    def test_an_ending_that_stands_for_no_format_is_refused(
        self, here: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A table in a file called `a.json.gz` was not asked for."""
        arguments = ("resolve", "pruning.yaml", "--model", "net.json", "-o", name)
        assert run(*arguments) == 2
        ending = name[name.rindex(".") :]
        assert capsys.readouterr().err == (
            f"compression-config: error: the ending '{ending}' tells no format: "
            "write '.txt', '.json', '.yaml', '.yml', '.csv', '.md' or '.html', or --format\n"
        )
        assert not (here / name).exists()
        assert run(*arguments, "--format", "csv") == 0
        assert (here / name).read_text(encoding="utf-8").startswith("kind,")


class TestExplain:
    def test_one_layer_is_explained(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("explain", "pruning.yaml", "exclude.yaml", "fc1", "--model", "net.json") == 0
        assert capsys.readouterr().out == (
            "fc1 is excluded by the pruning list\n"
            "  layer       Linear, weight 10x10, 100 elements\n"
            "  gets        nothing: it is left out of compression\n"
            "  decided by  [1] exclude at exclude.yaml:1:3: op_names lists it\n"
            "  overwrites  [0] sparsity 0.5 at pruning.yaml:1:3: op_types lists 'Linear'\n"
        )

    def test_both_parts_are_explained(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("explain", "two-parts.yaml", "fc1", "--model", "net.json") == 0
        titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fc1")]
        assert titles == ["fc1 is compressed by the pruning list", "fc1 is compressed by the quantization list"]

    def test_an_unknown_layer_names_the_nearest(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("explain", "pruning.yaml", "fd1", "--model", "net.json") == 2
        assert capsys.readouterr().err == (
            "compression-config: error: the model has no layer 'fd1'; did you mean 'fc1'?\n"
        )


class TestOutput:
    """`-o` never overwrites an input, writes whole files or none, and says what it wrote."""

    @pytest.mark.parametrize("output", ["pruning.yaml", "./exclude.yaml", "link.yaml", "net.json"])
    def test_a_file_that_is_read_is_not_written(
        self, here: Path, output: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (here / "link.yaml").symlink_to(here / "pruning.yaml")
        before = {path.name: path.read_bytes() for path in here.iterdir()}
        assert run("resolve", "pruning.yaml", "exclude.yaml", "--model", "net.json", "-o", output) == 2
        assert capsys.readouterr() == (
            "",
            f"compression-config: error: '{output}' is read by this command: write the answer to another file\n",
        )
        assert {path.name: path.read_bytes() for path in here.iterdir()} == before

    def test_nor_by_a_pattern(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "p*.yaml", "--model", "net.json", "-o", "pruning.yaml") == 2
        assert "is read by this command" in capsys.readouterr().err

    def test_nor_a_script_of_which_one_list_is_read(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "train.py").write_text("lists = [{'op_types': ['Linear'], 'sparsity_per_layer': 0.5}]")
        assert run("resolve", "train.py::lists", "--model", "net.json", "-o", "train.py", "--format", "json") == 2
        assert "'train.py' is read by this command" in capsys.readouterr().err

    def test_an_inventory_does_not_overwrite_itself(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = (here / "net.json").read_bytes()
        assert run("inventory", "net.json", "-o", "net.json") == 2
        assert "'net.json' is read by this command" in capsys.readouterr().err
        assert (here / "net.json").read_bytes() == before

    @pytest.mark.parametrize(
        "argv", [["resolve", "pruning.yaml", "--model", "net.json", "--format", "json"], ["inventory", "net.json"]]
    )
    def test_a_dash_is_not_the_name_of_a_file_to_write(
        self, argv: list[str], here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(*argv, "-o", "-") == 2
        expected = "compression-config: error: the answer goes to standard output without '--output': leave it out\n"
        assert capsys.readouterr() == ("", expected)
        assert not (here / "-").exists()

    def test_what_fails_leaves_the_file_that_was_there(
        self, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        (here / "a.json").write_text("old")
        names = sorted(path.name for path in here.iterdir())
        monkeypatch.setattr(Path, "replace", full)
        assert run("resolve", "pruning.yaml", "--model", "net.json", "-o", "a.json") == 2
        assert capsys.readouterr().err == (
            "compression-config: error: 'a.json' cannot be written: No space left on device\n"
        )
        assert (here / "a.json").read_text() == "old"
        assert sorted(path.name for path in here.iterdir()) == names

    def test_a_link_stays_a_link_and_a_file_keeps_its_permissions(self, here: Path) -> None:
        (here / "real.json").write_text("old")
        (here / "real.json").chmod(0o640)
        (here / "a.json").symlink_to("real.json")
        assert run("resolve", "pruning.yaml", "--model", "net.json", "-o", "a.json") == 0
        assert (here / "a.json").is_symlink()
        assert json.loads((here / "real.json").read_text())["kind"] == "pruning"
        assert (here / "real.json").stat().st_mode & 0o777 == 0o640

    def test_a_device_is_written_to(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "pruning.yaml", "--model", "net.json", "-o", "/dev/null") == 0
        assert capsys.readouterr().err == "wrote /dev/null\n"
        assert Path("/dev/null").is_char_device()

    def test_a_name_with_control_characters_is_said_escaped(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "pruning.yaml", "--model", "net.json", "-o", "a\n\x1b[31m") == 0
        assert capsys.readouterr().err == "wrote a\\n\\x1b[31m\n"
