"""`[tool.compression-config]` in pyproject.toml: options that a command does not set itself, and models of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples import PRUNING, run

import compression_config as cc


def configure(directory: Path, text: str) -> None:
    (directory / "pyproject.toml").write_text(text, encoding="utf-8")


def errors_of(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.removeprefix("compression-config: error: ").rstrip("\n")


class TestSeverities:
    def test_strict_holds_until_a_command_says_otherwise(self, here: Path) -> None:
        configure(here, "[tool.compression-config]\nstrict = true\n")
        assert run("validate", "warned.yaml") == 1
        assert run("validate", "warned.yaml", "--no-strict") == 0
        configure(here, "[tool.compression-config]\nstrict = false\n")
        assert run("validate", "warned.yaml") == 0
        assert run("validate", "warned.yaml", "--strict") == 1

    def test_severities_of_a_command_come_first_code_by_code(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        configure(here, "[tool.compression-config.severity]\nlegacy-key = 'error'\nunused-quant-type = 'ignore'\n")
        assert run("validate", "noted.yaml", "warned.yaml") == 1
        assert capsys.readouterr().out.splitlines()[-1] == "checked 2 files: 1 error"
        assert run("validate", "noted.yaml", "warned.yaml", "--severity", "legacy-key=warning") == 0
        assert capsys.readouterr().out.splitlines()[-1] == "checked 2 files: 1 warning"

    def test_an_isolated_command_reads_nothing(self, here: Path) -> None:
        configure(here, "[tool.compression-config]\nstrict = true\nno-such-key = 1\n")
        assert run("validate", "warned.yaml") == 2
        assert run("validate", "warned.yaml", "--isolated") == 0

    def test_python_does_not_read_it(self, here: Path) -> None:
        configure(here, "[tool.compression-config]\nstrict = true\n")
        assert [finding.severity for finding in cc.check("warned.yaml")] == ["warning"]


class TestWhereItIsFound:
    def test_the_nearest_one_with_a_table_counts(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        configure(here, "[tool.compression-config]\nstrict = true\n")
        inner = here / "a" / "b"
        inner.mkdir(parents=True)
        configure(here / "a", "[project]\nname = 'compression-config-lists'\n")
        monkeypatch.chdir(inner)
        assert run("validate", "../../warned.yaml") == 1
        configure(here / "a", "[tool.compression-config]\n")
        assert run("validate", "../../warned.yaml") == 0

    def test_it_is_that_of_the_working_directory_and_not_of_the_file(self, here: Path) -> None:
        (here / "lists").mkdir()
        (here / "lists" / "warned.yaml").write_text((here / "warned.yaml").read_text())
        configure(here / "lists", "[tool.compression-config]\nstrict = true\n")
        assert run("validate", "lists/warned.yaml") == 0

    def test_files_of_other_tools_need_not_even_be_toml(self, here: Path) -> None:
        configure(here, "[tool.black\n")
        assert run("validate", "pruning.yaml") == 0


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "[tool.compression-config]\nsevrity = {}\n",
                "pyproject.toml:2:1: [tool.compression-config] has no key 'sevrity': write 'severity'",
            ),
            (
                "[tool.black]\nx = [\n 1,\n]\n\n# ours\n[tool.compression-config.paths]\na = 1\n",
                "pyproject.toml:7:26: [tool.compression-config] has no key 'paths'; it has severity, strict, models",
            ),
            (
                "[tool.compression-config]\nstrict = 'yes'\n",
                "pyproject.toml:2:1: 'strict' is true or false",
            ),
            (
                "[tool]\ncompression-config = {strict = true, severity = {legacy-key = 'fatal'}}\n",
                "pyproject.toml:2:50: a severity is 'error', 'warning', 'note' or 'ignore', not 'fatal'",
            ),
            (
                "[tool.compression-config]\nseverity = {legacy-key = 1}\n",
                "pyproject.toml:2:13: 'severity' maps codes to error, warning, note or ignore",
            ),
            (
                "[tool.compression-config.severity]\nlegacy-key = 'note'\nlegacy-keys = 'note'\n",
                "pyproject.toml:3:1: there is no finding 'legacy-keys'; did you mean 'legacy-key'?",
            ),
            (
                "[tool.compression-config.severity]\nunknown-key = 'note'\n",
                "pyproject.toml:2:1: 'unknown-key' is always an error: it leaves no usable config list",
            ),
            (
                "[tool.compression-config]\nmodels = 'net.json'\n",
                "pyproject.toml:2:1: 'models' maps globs of files to models",
            ),
            (
                "[tool.compression-config.models]\n'[z-a].yaml' = 'net.json'\n",
                "pyproject.toml:2:2: '[z-a].yaml' is not a glob",
            ),
            ("[tool]\ncompression-config = 1\n", "pyproject.toml:2:1: 'tool.compression-config' is a table"),
        ],
    )
    def test_it_is_a_wrong_command_at_its_place(
        self, here: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        configure(here, text)
        assert run("validate", "pruning.yaml") == 2
        assert errors_of(capsys) == message

    def test_everything_is_said_at_once(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        configure(here, "[tool.compression-config]\nmodel = 'a'\nstrict = 1\n")
        assert run("validate", "pruning.yaml") == 2
        assert errors_of(capsys) == (
            "pyproject.toml:2:1: [tool.compression-config] has no key 'model': write 'models'; "
            "pyproject.toml:3:1: 'strict' is true or false"
        )

    def test_what_is_not_toml_is_refused_where_it_has_a_table(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        configure(here, "[tool.compression-config\n")
        assert run("validate", "pruning.yaml") == 2
        assert errors_of(capsys).startswith("'pyproject.toml' is not TOML: ")


MODELS = """
[tool.compression-config.models]
"**/*.yaml" = "net.json"
"configs/*.yaml" = "models/other.json"
"train_?.py" = "net.json"
"[!a-z]*.yaml" = "models/other.json"
"""


class TestModels:
    @pytest.fixture(autouse=True)
    def configured(self, here: Path) -> None:
        configure(here, MODELS)
        (here / "models").mkdir()
        (here / "configs" / "deep").mkdir(parents=True)
        layers = [cc.Layer(name="fc3", type="Linear", weight_shape=(10, 10))]
        cc.Inventory.from_layers(layers, model="Other").save(here / "models" / "other.json")
        (here / "configs" / "a.yaml").write_text("- op_names: [fc3]\n  sparsity_per_layer: 0.5\n")
        (here / "configs" / "deep" / "b.yaml").write_text(PRUNING)

    @pytest.mark.parametrize(
        ("path", "model"),
        [
            ("pruning.yaml", "Net"),
            ("./pruning.yaml", "Net"),
            ("configs/a.yaml", "Other"),
            ("configs/deep/b.yaml", "Net"),
            ("1.yaml", "Other"),
            ("train_1.py", "Net"),
            ("train_1.py::lists", "Net"),
            ("train_10.py", None),
            ("lists.json", None),
            ("../outside.yml", None),
        ],
    )
    def test_a_file_has_the_model_of_the_last_glob_that_matches(
        self, here: Path, path: str, model: str | None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = "lists = [{'op_types': ['Linear'], 'sparsity_per_layer': 0.5}]" if ".py" in path else "[]"
        target = here / path.partition("::")[0]
        if not target.exists():
            target.write_text(text)
        assert run("validate", path, "--format", "json") == 0
        assert json.loads(capsys.readouterr().out)["model"] == model

    def test_each_file_is_checked_against_its_own(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "unmatched.yaml", "configs/a.yaml") == 1
        shown = capsys.readouterr().out
        assert shown.count("error[unmatched-name]") == 1
        assert shown.splitlines()[-1] == "checked 2 files against 2 models: 1 error"

    def test_it_says_how_many_have_one(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "lists.json").write_text('[{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]')
        assert run("validate", "lists.json", "pruning.yaml") == 0
        assert capsys.readouterr().out == "checked 2 files, 1 of them against Net: no findings\n"

    def test_a_command_has_its_own(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "configs/a.yaml", "pruning.yaml", "--model", "net.json") == 1
        assert "against Net: 1 error" in capsys.readouterr().out

    def test_commands_that_need_one_take_it(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "pruning.yaml", "exclude.yaml") == 0
        assert "Net with 2 layers" in capsys.readouterr().out
        assert run("explain", "configs/a.yaml", "fc3") == 0
        assert run("diff", "pruning.yaml", "exclude.yaml") == 0
        assert run("resolve", "pruning.yaml", "-o", "net.json") == 2
        assert "'net.json' is read by this command" in capsys.readouterr().err
        (here / "lists.json").write_text("[]")
        assert run("resolve", "lists.json") == 2
        assert errors_of(capsys) == "a model is needed: write --model M, or set one for the file in pyproject.toml"

    def test_files_that_are_one_list_have_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        for argv in (["resolve"], ["validate", "--join"]):
            assert run(*argv, "pruning.yaml", "configs/a.yaml") == 2
            assert errors_of(capsys) == (
                "pyproject.toml sets the model 'net.json' for 'pruning.yaml' and 'models/other.json' for "
                "'configs/a.yaml': write --model M"
            )
        assert run("validate", "--join", "pruning.yaml", "exclude.yaml") == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith("checked 2 files as one list against Net: ")

    def test_paths_start_from_its_directory(
        self, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (here / "factory.py").write_text("def pairs():\n    return [('fc1', 'Linear'), ('fc9', 'Linear')]\n")
        configure(here, MODELS + "'exclude.yaml' = 'factory.py:pairs'\n'noted.yaml' = 'hf:model'\n")
        monkeypatch.chdir(here / "configs")
        assert run("validate", "a.yaml", "../pruning.yaml") == 0
        assert capsys.readouterr().out == "checked 2 files against 2 models: no findings\n"
        assert run("explain", "../exclude.yaml", "fc9") == 0
        assert run("resolve", "../noted.yaml") == 2
        assert errors_of(capsys).startswith("there is no config.json in '../model'")
