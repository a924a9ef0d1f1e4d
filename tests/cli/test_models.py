"""`inventory`, `schema` and `--model`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from samples import FACTORIES, run

import compression_config as cc
from compression_config.configs.validation import KINDS


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

    def test_shares_of_a_model_whose_parameters_are_not_known_are_left_out(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("inventory", f"factories_{here.name}:pairs") == 0
        assert capsys.readouterr().out.splitlines()[1:4] == ["", "layers   number  type", "fc{1,2}       2  Linear"]


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
            (
                "{factories}:sized",
                "'sized' takes 'width' and 'heads': name a function without arguments that makes the model\n",
            ),
            (
                "{factories}.py",
                "'{factories}.py' is a script: write {factories}.py:NAME with what makes the model in it\n",
            ),
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
