"""The command line: what goes to standard output, what to standard error, and which code it ends with."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import yaml
from recording import ROOT

import compression_config as cc
from compression_config.cli import main
from compression_config.cli.main import KINDS as CLI_KINDS
from compression_config.cli.main import UNMATCHED, Exit, parser
from compression_config.configs.validation import KINDS
from compression_config.resolution import Unmatched

PRUNING = "- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"
QUANTIZATION = "- op_types: [Linear]\n  quant_types: [weight, input]\n  quant_bits: 8\n"
TWO_PARTS = "pruning:\n" + PRUNING + "quantization:\n" + QUANTIZATION
EXCLUDE = "- op_names: [fc1]\n  exclude: true\n"

pytestmark = pytest.mark.usefixtures("here")

FACTORIES = """
from __future__ import annotations

PAIRS = [("fc1", "Linear"), ("fc2", "Linear")]


def pairs():
    print("building")
    return PAIRS


class Model:
    def named_modules(self):
        return [("", self), *PAIRS]


class Family:
    small = Model


ready = Model()
number = 7


def broken():
    raise ValueError("no such size")


def computing():
    raise RuntimeError("Tensor.item() cannot be called on meta tensors")


def leaving():
    raise SystemExit("bye")


def nothing():
    return None
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working directory one with a config list of each sort, a model and a module with factories."""
    monkeypatch.chdir(tmp_path)
    written = {
        "pruning.yaml": PRUNING,
        "quantization.yaml": QUANTIZATION,
        "two-parts.yaml": TWO_PARTS,
        "exclude.yaml": EXCLUDE,
        "typo.yaml": "- op_typs: [Linear]\n  sparsity: 80\n",
        "warned.yaml": "- op_types: [Linear]\n  quant_types: [weight]\n  quant_bits: 8\n",
        "noted.yaml": "- op_types: [Linear]\n  sparsity: 0.5\n",
        "unmatched.yaml": "- op_names: [fc3]\n  sparsity_per_layer: 0.5\n",
        f"factories_{tmp_path.name}.py": FACTORIES,
        "broken_module.py": "def made(:\n",
    }
    for name, text in written.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    layers = [cc.Layer(name=name, type="Linear", weight_shape=(10, 10), dtype="float32") for name in ("fc1", "fc2")]
    cc.Inventory.from_layers(layers, model="Net").save(tmp_path / "net.json")
    return tmp_path


def run(*argv: str) -> int:
    return main(argv)


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--version"], Exit.OK),
        (["--help"], Exit.OK),
        (["resolve", "--help"], Exit.OK),
        ([], Exit.USAGE),
        (["diff"], Exit.USAGE),
        (["validate"], Exit.USAGE),
        (["validate", "pruning.yaml"], Exit.OK),
        (["validate", "noted.yaml"], Exit.OK),
        (["validate", "warned.yaml"], Exit.OK),
        (["validate", "warned.yaml", "--strict"], Exit.FINDINGS),
        (["validate", "noted.yaml", "--strict"], Exit.OK),
        (["validate", "noted.yaml", "--severity", "legacy-key=error"], Exit.FINDINGS),
        (["validate", "noted.yaml", "--severity", "legacy-keys=error"], Exit.USAGE),
        (["validate", "noted.yaml", "--severity", "legacy-key=fatal"], Exit.USAGE),
        (["validate", "typo.yaml"], Exit.FINDINGS),
        (["validate", "typo.yaml", "--severity", "unknown-key=note"], Exit.USAGE),
        (["validate", "pruning.yaml", "--kind", "quantization"], Exit.FINDINGS),
        (["validate", "pruning.yaml", "--kind", "other"], Exit.USAGE),
        (["validate", "missing.yaml"], Exit.FINDINGS),
        (["validate", "missing-*.yaml"], Exit.USAGE),
        (["validate", "unmatched.yaml"], Exit.OK),
        (["validate", "unmatched.yaml", "--model", "net.json"], Exit.FINDINGS),
        (["validate", "pruning.yaml", "--model", "missing.json"], Exit.USAGE),
        (["resolve", "pruning.yaml"], Exit.USAGE),
        (["resolve", "pruning.yaml", "--model", "net.json"], Exit.OK),
        (["resolve", "typo.yaml", "--model", "net.json"], Exit.FINDINGS),
        (["resolve", "unmatched.yaml", "--model", "net.json"], Exit.FINDINGS),
        (["resolve", "unmatched.yaml", "--model", "net.json", "--unmatched", "warn"], Exit.OK),
        (["resolve", "unmatched.yaml", "--model", "net.json", "--unmatched", "ignore"], Exit.OK),
        (["resolve", "pruning.yaml", "--model", "net.json", "-o", "no/such/place.json"], Exit.USAGE),
        (["resolve", "pruning.yaml", "quantization.yaml", "--model", "net.json"], Exit.FINDINGS),
        (["explain", "pruning.yaml", "fc1", "--model", "net.json"], Exit.OK),
        (["explain", "unmatched.yaml", "fc1", "--model", "net.json"], Exit.OK),
        (["explain", "pruning.yaml", "fc9", "--model", "net.json"], Exit.USAGE),
        (["explain", "typo.yaml", "fc1", "--model", "net.json"], Exit.FINDINGS),
        (["inventory", "net.json", "-o", "again.yaml.gz"], Exit.OK),
        (["inventory", "net.json", "-o", "again.txt"], Exit.USAGE),
        (["inventory", "net.json", "-o", "no/such/place.json"], Exit.USAGE),
        (["inventory", "net.json"], Exit.USAGE),
        (["schema"], Exit.OK),
        (["schema", "--kind", "pruning"], Exit.OK),
        (["verify", "pruning.yaml", "missing.safetensors", "--model", "net.json"], Exit.USAGE),
    ],
)
def test_exit_codes(argv: list[str], code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*argv) == code
    written = capsys.readouterr()
    assert "Traceback" not in written.out + written.err
    if code is Exit.USAGE:
        assert not written.out
        assert written.err


class TestProgram:
    def test_the_version_is_that_of_the_package(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("--version") == 0
        assert capsys.readouterr().out == f"compression-config {cc.__version__}\n"

    def test_the_choices_are_those_of_the_library(self) -> None:
        assert CLI_KINDS == KINDS
        assert get_args(Unmatched) == UNMATCHED

    def test_an_interruption_ends_tidily(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(*_: object) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr("compression_config.cli.commands.validate", interrupted)
        assert run("validate", "pruning.yaml") == Exit.INTERRUPTED == 130
        assert capsys.readouterr() == ("", "compression-config: interrupted\n")


class TestValidate:
    def test_a_sound_file_is_one_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "pruning.yaml") == 0
        assert capsys.readouterr() == ("checked 1 file: no findings\n", "")

    def test_every_file_is_checked_and_all_findings_counted(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "typo.yaml", "pruning.yaml", "warned.yaml", "noted.yaml", "missing.yaml") == 1
        said = capsys.readouterr().out
        assert said.splitlines()[-1] == "checked 5 files: 3 errors, 1 warning, 1 note"
        places = [" --> typo.yaml:1:3 at [0].op_typs", " --> typo.yaml:2:13 at [0].sparsity"]
        places += [
            " --> warned.yaml:2:16 at [0].quant_types",
            " --> noted.yaml:2:3 at [0].sparsity",
            " --> missing.yaml",
        ]
        assert [line for line in said.splitlines() if line.startswith(" -->")] == places

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
        said = capsys.readouterr().out
        assert said.splitlines()[-1].startswith("checked 1 file against Net: ")
        assert "error[unmatched-name]: " in said

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
        argv = ["--severity", "legacy-key=ignore", "--severity", "unpaired-quant-types=note"]
        assert run("validate", "noted.yaml", "warned.yaml", *argv) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "checked 2 files: 1 note"


class TestResolve:
    def test_the_table_and_its_findings_are_the_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "noted.yaml", "--model", "net.json") == 0
        out, err = capsys.readouterr()
        assert out == (
            "1 sub-config for pruning, Net with 2 layers\n"
            "\n"
            "[0] sparsity 0.5: Linear\n"
            "    wins both layers it selects\n"
            "    masks 100 of 200 weight elements\n"
            "      fc{1,2}  2  Linear 10x10\n"
            "\n"
            "untouched  no layer\n"
            "masked     100 of 200 compressed elements (0.500), 200 in all (0.500)\n"
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

    def test_a_list_that_breaks_a_rule_has_no_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "typo.yaml", "--model", "net.json", "--format", "json") == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines()[-1] == "2 errors"

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
        said = capsys.readouterr().out
        assert said.index("1 sub-config for pruning") < said.index("pruning[0] sparsity 0.5: Linear")
        assert said.index("1 sub-config for quantization") < said.index("quantization[0] weight+input 8 bits: Linear")

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

    @pytest.mark.parametrize("name", ["a.json.gz", "a.html", "a.jsn"])
    def test_an_ending_that_stands_for_no_form_is_refused(
        self, here: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A table in a file called `a.json.gz` is what nobody asked for."""
        arguments = ("resolve", "pruning.yaml", "--model", "net.json", "-o", name)
        assert run(*arguments) == 2
        ending = name[name.rindex(".") :]
        assert capsys.readouterr().err == (
            f"compression-config: error: the ending '{ending}' tells no format: "
            "write '.json', '.yaml', '.csv', '.md', '.yml' or '.txt', or --format\n"
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
            "  overrules   [0] sparsity 0.5 at pruning.yaml:1:3: op_types lists 'Linear'\n"
        )

    def test_both_parts_are_explained(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("explain", "two-parts.yaml", "fc1", "--model", "net.json") == 0
        titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fc1")]
        assert titles == ["fc1 is compressed by the pruning list", "fc1 is compressed by the quantization list"]

    def test_an_unknown_layer_names_the_nearest(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("explain", "pruning.yaml", "fc", "--model", "net.json") == 2
        assert capsys.readouterr().err.startswith(
            "compression-config: error: the model has no layer 'fc'; did you mean "
        )


class TestInventory:
    def test_it_is_the_model(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("inventory", "net.json", "-o", "again.yaml.gz") == 0
        assert cc.Inventory.load("again.yaml.gz") == cc.Inventory.load("net.json")
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "wrote again.yaml.gz: Net with 2 layers, 2 of them with a weight\n"

    def test_of_a_factory(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("inventory", f"factories_{here.name}:pairs", "-o", "made.json") == 0
        assert list(cc.Inventory.load("made.json").names) == ["fc1", "fc2"]
        assert capsys.readouterr().err == "building\nwrote made.json: a model with 2 layers\n"


class TestSchema:
    @pytest.mark.parametrize("kind", [None, *KINDS])
    def test_it_is_that_of_the_library(self, kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("schema", *(["--kind", kind] if kind else [])) == 0
        from_library = __import__("compression_config.configs.json_schema", fromlist=["json_schema"]).json_schema(kind)
        assert json.loads(capsys.readouterr().out) == from_library


class TestModels:
    @pytest.mark.parametrize("where", ["factories_{}", "factories_{}.py", "./factories_{}.py"])
    @pytest.mark.parametrize("factory", ["pairs", "PAIRS", "Model", "ready", "Family.small"])
    def test_a_factory_is_whatever_makes_or_is_a_model(
        self, here: Path, where: str, factory: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("validate", "pruning.yaml", "--model", f"{where.format(here.name)}:{factory}") == 0
        assert capsys.readouterr().out.startswith("checked 1 file against ")

    @pytest.mark.parametrize(
        ("model", "says"),
        [
            (
                "nonsense",
                "a model is an inventory file, path/to/file.py:factory, package.module:factory or hf:DIRECTORY, not",
            ),
            pytest.param("x" * 5000, "a model is an inventory file, ", id="longer-than-any-file-name"),
            pytest.param("hf:" + "x" * 5000, "there is no config.json in 'xxx", id="longer-than-any-directory-name"),
            ("\x1b[31m.json", "\\x1b[31m.json"),
            ("\ud800.json", "\\ud800.json"),
            ("missing.py:made", "there is no file 'missing.py'"),
            ("{factories}.py:missing", "'{factories}.py' has no 'missing'"),
            (".", "'.' is a directory: write hf:. if a transformers config is in it"),
            ("missing.json", "missing.json cannot be read: No such file or directory"),
            ("pruning.yaml", "pruning.yaml"),
            ("missing_module:made", "there is no module 'missing_module' here or among the installed ones"),
            ("os.missing:made", "there is no module 'os.missing' here or among the installed ones"),
            ("{factories}:missing", "'{factories}' has no 'missing'"),
            ("{factories}:Family.large", "'{factories}' has no 'Family.large'"),
            ("{factories}:broken", "the model '{factories}:broken' could not be made: ValueError: no such size"),
            ("{factories}:leaving", "the model '{factories}:leaving' could not be made: SystemExit: bye"),
            ("{factories}:nothing", "'{factories}:nothing' is not a model: "),
            ("{factories}:number", "'{factories}:number' is not a model: "),
            ("broken_module:made", "the model 'broken_module:made' could not be made: SyntaxError: "),
            ("hf:missing", "there is no config.json in 'missing': hf: takes a local directory"),
        ],
    )
    def test_what_is_no_model_is_said_in_one_line(
        self, here: Path, model: str, says: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        factories = f"factories_{here.name}"
        assert run("validate", "pruning.yaml", "--model", model.replace("{factories}", factories)) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"compression-config: error: {says.replace('{factories}', factories)}")
        assert err.count("\n") == 1

    def test_an_error_says_the_line_of_the_callers_code(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "pruning.yaml", "--model", f"factories_{here.name}:broken") == 2
        line = FACTORIES.splitlines().index('    raise ValueError("no such size")') + 1
        assert capsys.readouterr().err.rstrip().endswith(f"factories_{here.name}.py:{line})")

    def test_a_model_that_cannot_do_without_weights_gets_a_way_out(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("validate", "pruning.yaml", "--model", f"factories_{here.name}:computing") == 2
        assert (
            "models are made on torch's meta device, without weights (device 'cpu' makes them as their code does)"
            in capsys.readouterr().err
        )

    def test_the_working_directory_is_searched_no_longer_than_needed(self, here: Path) -> None:
        before = list(sys.path)
        run("validate", "pruning.yaml", "--model", f"factories_{here.name}:pairs")
        assert sys.path == before


class TestWhatIsWritten:
    """docs/cli.md and the hook of pre-commit say what there is."""

    PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

    def test_every_command_has_its_section_with_its_options(self) -> None:
        (commands,) = (action for action in parser()._actions if action.choices)  # noqa: SLF001
        assert isinstance(commands.choices, dict)
        for name, command in commands.choices.items():
            section = self.PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
            assert section, name
            for action in command._actions:  # noqa: SLF001
                spellings = action.option_strings or [action.metavar]
                assert "-h" in spellings or any(spelling in section for spelling in spellings), (name, spellings)

    def test_every_exit_code_is_listed(self) -> None:
        section = self.PAGE.partition("\n## Exit codes\n")[2].partition("\n## ")[0]
        assert [line.split()[1] for line in section.splitlines() if line.startswith("| ")][1:] == [
            str(int(code)) for code in Exit
        ]

    @pytest.mark.parametrize(
        ("argv", "heading"),
        [
            (["validate", "typo.yaml", "--format", "json"], "Findings"),
            (["resolve", "pruning.yaml", "-m", "net.json", "--format", "json"], "Resolutions"),
            (["verify", "pruning.yaml", "net.safetensors", "-m", "net.json", "--format", "json"], "Verifications"),
        ],
    )
    def test_every_key_of_json_is_listed(
        self, here: Path, argv: list[str], heading: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(50), "fc2.weight": with_zeros(50)})
        run(*argv)
        section = self.PAGE.partition(f"\n### {heading}\n")[2].partition("\n## ")[0]
        report = json.loads(capsys.readouterr().out)
        assert f"`{report['format']}`" in section
        keys = {*report, *(key for finding in report["findings"] for key in finding)} - {"format", "version"}
        assert {key for key in keys if f"`{key}`" not in section} == set()

    def test_the_hook_checks_the_files_that_it_is_given(self, capsys: pytest.CaptureFixture[str]) -> None:
        (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        program, *argv = hook["entry"].split()
        assert program == "compression-config"
        assert f"- id: {hook['id']}" in self.PAGE
        assert run(*argv, "--strict", "--model", "net.json", "pruning.yaml", "warned.yaml") == 1
        assert "checked 2 files against Net: 1 error" in capsys.readouterr().out
        names = ["pruning.yaml", "configs/bert-quantization.json", "compression.yml", "deploy.yaml", "pruning.py"]
        assert [bool(re.search(hook["files"], name)) for name in names] == [True, True, True, False, False]


def saved(path: Path, tensors: Mapping[str, Any]) -> None:
    """Write a safetensors file by hand: the length of a header, the header, the bytes."""
    header: dict[str, Any] = {}
    data = b""
    for name, array in tensors.items():
        taken = np.ascontiguousarray(array, dtype="<f4").tobytes()
        shape = list(np.shape(array))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(taken)]}
        data += taken
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def with_zeros(masked: int) -> Any:
    """Return the weight of a layer of `net.json` with so many zeros."""
    weight = np.ones(100)
    weight[:masked] = 0
    return weight.reshape(10, 10)


class TestVerify:
    def test_a_model_that_is_what_was_asked_for(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(50), "fc2.weight": with_zeros(50)})
        assert run("verify", "pruning.yaml", "net.safetensors", "--model", "net.json") == 0
        assert capsys.readouterr().out == (
            "2 layers looked at, 2 shown\n"
            "\n"
            "layers      by   elements  demanded  masked  verdict\n"
            "fc{1,2}  2  [0]       100        50      50  ok\n"
            "\n"
            "no findings\n"
        )

    def test_what_is_missed_is_a_finding(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(30), "fc2.weight": with_zeros(50)})
        assert run("verify", "pruning.yaml", "net.safetensors", "--model", "net.json") == 1
        said = capsys.readouterr().out
        assert "fc1     1  [0]       100        50      30  sparsity-missed\n" in said
        assert "error[sparsity-missed]: " in said
        assert run("verify", "pruning.yaml", "net.safetensors", "--model", "net.json", "--tolerance", "0.2") == 0

    def test_a_group_is_counted_together(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "total.yaml").write_text("- op_types: [Linear]\n  total_sparsity: 0.5\n  max_sparsity_per_layer: 0.9\n")
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(30), "fc2.weight": with_zeros(70)})
        assert run("verify", "total.yaml", "net.safetensors", "--model", "net.json") == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split() for line in lines[3:5]] == [
            ["fc{1,2}", "2", "[0]", "100", "ok"],
            ["together", "2", "[0]", "200", "100", "100", "ok"],
        ]

    def test_json_carries_a_version(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(30), "fc2.weight": with_zeros(50)})
        assert run("verify", "two-parts.yaml", "net.safetensors", "--model", "net.json", "--format", "json") == 1
        report = json.loads(capsys.readouterr().out)
        assert (report["format"], report["version"]) == ("compression-config-verification", 2)
        assert [row["masked"] for row in report["layers"]] == [30, 50]
        assert "sparsity-missed" in [finding["code"] for finding in report["findings"]]

    @pytest.mark.parametrize("tolerance", ["almost", "1.5"])
    def test_a_tolerance_is_one_of_a_few(self, here: Path, tolerance: str, capsys: pytest.CaptureFixture[str]) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(50)})
        assert run("verify", "pruning.yaml", "net.safetensors", "-m", "net.json", "--tolerance", tolerance) == 2
        assert "a tolerance is 'exact', 'element', 'channel' or a number" in capsys.readouterr().err


def process(
    argv: Sequence[str], environment: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run the program as people do, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "compression_config", *argv],
        env={**os.environ, **(environment or {})},
        check=False,
        timeout=60,
        **{"capture_output": True, **options},
    )


class TestProcess:
    def test_a_module_that_is_run_is_the_program(self) -> None:
        done = process(["validate", "typo.yaml"])
        assert (done.returncode, done.stderr) == (1, b"")
        assert done.stdout.endswith(b"checked 1 file: 2 errors\n")

    def test_a_reader_that_goes_away_is_no_error(self, here: Path) -> None:
        (here / "many.yaml").write_text("".join(f"- op_names: [layer.{i}]\n  sparsity: 0.5\n" for i in range(3000)))
        command = f"{sys.executable} -m compression_config validate many.yaml | head -n 1"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith(b"note[legacy-key]")

    def test_a_full_disk_is_said(self) -> None:
        with Path("/dev/full").open("wb") as full:
            done = process(["resolve", "pruning.yaml", "-m", "net.json"], stdout=full, capture_output=False, stderr=-1)
        assert done.returncode == 2
        assert done.stderr == b"compression-config: error: standard output cannot be written: No space left on device\n"

    def test_any_text_is_written_on_any_locale(self, here: Path) -> None:
        (here / "names.yaml").write_text('- op_names: [層, "\\U0001F600"]\n  sparsity: 0.5\n', encoding="utf-8")
        locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
        done = process(["validate", "names.yaml", "--model", "net.json"], locale)
        assert done.returncode == 1
        assert "'層'" in done.stdout.decode()
        assert "😀" in done.stdout.decode()

    def test_the_command_decides_nothing_about_a_closed_output(self) -> None:
        command = f"{sys.executable} -m compression_config validate pruning.yaml >&-"
        done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_transformers_and_torch_are_asked_for_a_model_on_the_meta_device(self, here: Path) -> None:
        """Stand-ins for both: what is asked of them, and in what order."""
        (here / "fakes").mkdir()
        (here / "fakes" / "torch.py").write_text(
            "import contextlib\n\n\n@contextlib.contextmanager\ndef device(name):\n"
            "    print('enter', name)\n    yield\n    print('leave', name)\n"
        )
        (here / "fakes" / "transformers.py").write_text(
            "class AutoConfig:\n"
            "    def from_pretrained(path, local_files_only):\n"
            "        print(path, local_files_only)\n"
            "        return type('Config', (), {'architectures': ['Net']})()\n\n\n"
            "class Net:\n"
            "    def __init__(self, config):\n        print('built')\n\n"
            "    def named_modules(self):\n        return [('', self), ('fc1', 'Linear')]\n"
        )
        (here / "model").mkdir()
        (here / "model" / "config.json").write_text("{}")
        done = process(["validate", "pruning.yaml", "-m", "hf:model"], {"PYTHONPATH": str(here / "fakes")})
        assert done.stderr.decode().split() == ["model", "True", "enter", "meta", "built", "leave", "meta"]
        assert done.stdout == b"checked 1 file against Net: no findings\n"
        assert done.returncode == 0

    def test_without_transformers_the_remedy_is_said(self, here: Path) -> None:
        (here / "model").mkdir()
        (here / "model" / "config.json").write_text("{}")
        (here / "fakes").mkdir()
        blocked = "import sys\nsys.modules['transformers'] = None\n"
        (here / "fakes" / "sitecustomize.py").write_text(
            "import importlib.util as u\nreal = u.find_spec\n"
            "u.find_spec = lambda name, *a: None if name == 'transformers' else real(name, *a)\n" + blocked
        )
        done = process(["validate", "pruning.yaml", "-m", "hf:model"], {"PYTHONPATH": str(here / "fakes")})
        assert done.returncode == 2
        assert b"hf: needs transformers and torch (pip install transformers torch)" in done.stderr


def on_terminal(argv: Sequence[str], columns: int, environment: Mapping[str, str]) -> str:
    """Return what the program writes to a terminal of so many columns."""
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    clean = {"TERM": "xterm-256color", "NO_COLOR": "", "COLUMNS": "", "LINES": "", **environment}
    done = process(argv, clean, stdout=terminal, stderr=terminal, stdin=terminal, capture_output=False)
    os.close(terminal)
    written = b""
    while True:
        try:
            written += os.read(controller, 65536)
        except OSError:
            break
        if not written:
            break
    os.close(controller)
    assert done.returncode in (0, 1)
    return written.decode().replace("\r\n", "\n")


class TestTerminal:
    """Skipped where there are no pseudo-terminals, on Windows."""

    def test_there_is_colour_on_a_terminal(self) -> None:
        assert "\x1b[1;31merror[unknown-key]" in on_terminal(["validate", "typo.yaml"], 100, {})

    def test_there_is_none_on_a_terminal_that_knows_none(self) -> None:
        assert "\x1b" not in on_terminal(["validate", "typo.yaml"], 100, {"TERM": "dumb"})

    @pytest.mark.parametrize("columns", [80, 120])
    def test_lines_fit_the_terminal_and_have_no_colour_where_none_is_wanted(self, columns: int) -> None:
        data = ROOT / "tests" / "data" / "reports" / "overwriting.yaml"
        model = ROOT / "examples" / "inventories" / "bert-base.json.gz"
        said = on_terminal(["resolve", str(data), "--model", str(model)], columns, {"NO_COLOR": "1"})
        assert "\x1b" not in said
        table = said.partition("\nnote[")[0].splitlines()
        assert columns - 12 < max(map(len, table)) <= columns
