"""`-`: a config list on standard input; and directories in place of files."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from samples import EXCLUDE, PRUNING, run

NOTED = "- op_types: [Linear]\n  sparsity: 0.5\n"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Return what is on standard input; write to it and rewind."""
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    return data


def put(stream: io.BytesIO, text: str | bytes) -> None:
    stream.write(text if isinstance(text, bytes) else text.encode())
    stream.seek(0)


class TestStandardInput:
    def test_it_is_checked_beside_files(self, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]) -> None:
        put(typed, "- op_typs: [Linear]\n  sparsity: 0.5\n")
        assert run("validate", "pruning.yaml", "-", "--model", "net.json") == 1
        shown = capsys.readouterr().out.splitlines()
        assert shown[1] == " --> <stdin>:1:3 at [0].op_typs"
        assert shown[-1] == "checked 2 files against Net: 1 error"

    @pytest.mark.parametrize(
        ("text", "argv", "hint"),
        [
            ('[{"op_types": "Linear", "exclude": true}]', [], 'write "op_types": ["Linear"]'),
            ("[{op_types: Linear, exclude: true}]", [], "write op_types: [Linear]"),
            (
                '[{"op_types": "Linear", "exclude": true}]',
                ["--stdin-name", "a.yaml"],
                "write op_types: [Linear]",
            ),
            ("[{op_types: [Linear], exclude: true}]", ["--stdin-name", "a.JSON"], 'write "op_types"'),
        ],
    )
    def test_what_is_json_is_read_as_json_unless_its_name_says_otherwise(
        self, text: str, argv: list[str], hint: str, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(typed, text)
        assert run("validate", "-", *argv, "--format", "json") == 1
        (finding,) = json.loads(capsys.readouterr().out)["findings"]
        assert finding["hint"] == hint
        assert finding["source"] == (argv[1] if argv else "<stdin>")

    def test_it_has_the_name_of_a_file_that_is_not_saved_yet(
        self, here: Path, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (here / "pyproject.toml").write_text("[tool.compression-config.models]\n'pru*.yaml' = 'net.json'\n")
        put(typed, "- op_names: [fc9]\n  sparsity_per_layer: 0.5\n")
        assert run("validate", "-", "--stdin-name", "pruning.yaml") == 1
        assert " --> pruning.yaml:1:14 at [0].op_names[0]\n" in capsys.readouterr().out

    def test_it_is_a_part_of_a_joined_list(self, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]) -> None:
        put(typed, EXCLUDE)
        assert run("explain", "pruning.yaml", "-", "fc1", "--model", "net.json") == 0
        assert "decided by  [1] exclude at <stdin>:1:3: op_names lists it\n" in capsys.readouterr().out
        put(typed, EXCLUDE)
        assert run("validate", "--join", "quantization.yaml", "-") == 0
        assert capsys.readouterr().out == "checked 2 files as one list: no findings\n"

    def test_it_is_compared(self, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]) -> None:
        put(typed, NOTED)
        assert run("diff", "-", "pruning.yaml", "-m", "net.json", "--exit-code") == 0
        put(typed, EXCLUDE)
        assert run("diff", "pruning.yaml", "-", "-m", "net.json", "--exit-code") == 3
        assert "sparsity 0.5 -> excluded" in capsys.readouterr().out

    def test_a_saved_resolution_is_compared_too(
        self, here: Path, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("resolve", "pruning.yaml", "-m", "net.json", "-o", "lock.json") == 0
        put(typed, (here / "lock.json").read_bytes())
        assert run("diff", "-", "pruning.yaml", "-m", "net.json", "--exit-code") == 0
        typed.seek(0)
        assert run("diff", "exclude.yaml", "-", "-m", "net.json", "--exit-code") == 3
        assert "excluded -> sparsity 0.5" in capsys.readouterr().out
        old = json.loads((here / "lock.json").read_text()) | {"version": 1}
        typed.seek(0)
        typed.truncate()
        put(typed, json.dumps(old))
        assert run("diff", "-", "pruning.yaml", "-m", "net.json") == 2
        assert "'<stdin>' has version 1 of the format" in capsys.readouterr().err

    def test_other_encodings_are_told_by_their_mark(
        self, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(typed, PRUNING.encode("utf-16"))
        assert run("validate", "-") == 0
        typed.seek(0)
        typed.truncate()
        put(typed, b"\xe4\xf6")
        assert run("validate", "-") == 1
        assert "the file is not valid UTF-8: unexpected byte 0xe4 at offset 0" in capsys.readouterr().out

    def test_a_text_without_end_is_not_read_to_it(self, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]) -> None:
        put(typed, b" " * (16 * 2**20 + 2))
        assert run("validate", "-") == 1
        assert "error[too-large]" in capsys.readouterr().out
        assert typed.tell() == 16 * 2**20 + 1

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["-", "-"], "'-' is one file, which is read once: name it once, and no other file '<stdin>'"),
            (
                ["-", "pruning.yaml", "--stdin-name", "pruning.yaml"],
                "'-' is one file, which is read once: name it once, and no other file 'pruning.yaml'",
            ),
            (["-", "--stdin-name", "train.py"], "'-' is read as YAML or JSON, not as a Python script"),
        ],
    )
    def test_what_it_cannot_be_is_a_wrong_command(
        self, argv: list[str], message: str, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(typed, PRUNING)
        assert run("validate", *argv) == 2
        assert capsys.readouterr().err == f"compression-config: error: {message}\n"

    def test_a_stream_of_characters_in_its_place_is_read_too(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"))
        assert run("validate", "-") == 0
        assert capsys.readouterr().out == "checked 1 file: no findings\n"

    def test_without_standard_input_there_is_nothing_to_read(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        assert run("validate", "-") == 2
        assert "there is no standard input to read" in capsys.readouterr().err
        closed = io.TextIOWrapper(io.BytesIO())
        closed.close()
        monkeypatch.setattr(sys, "stdin", closed)
        assert run("validate", "-") == 2
        assert "standard input cannot be read: " in capsys.readouterr().err


class TestDirectories:
    @pytest.fixture(autouse=True)
    def lists(self, here: Path) -> None:
        (here / "lists" / "deep").mkdir(parents=True)
        (here / "lists" / ".hidden").mkdir()
        for name, text in {
            "1-base.yaml": PRUNING,
            "2-over.json": '[{"op_names": ["fc1"], "exclude": true}]',
            "deploy.yaml": "services: {web: {image: nginx}}\n",
            "package.json": '{"name": "x"}',
            "broken.json": '{"name": ',
            "nni3.yml": "- op_types: [Linear]\n  sparse_ratio: 0.5\n",
            "deep/3-train.py": "lists = [{'op_names': ['fc2'], 'sparsity_per_layer': 0.9}]\n",
            ".hidden/4.yaml": PRUNING,
            "notes.txt": PRUNING,
        }.items():
            (here / "lists" / name).write_text(text)

    def test_a_directory_is_the_files_in_it_that_hold_a_list(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "lists", "--format", "json", "--quiet") == 0
        files = json.loads(capsys.readouterr().out)["files"]
        assert [Path(file).as_posix() for file in files] == [
            "lists/1-base.yaml",
            "lists/2-over.json",
            "lists/deep/3-train.py",
        ]

    def test_they_are_joined_in_their_order(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("resolve", "lists", "--model", "net.json", "--format", "json") == 0
        answer = json.loads(capsys.readouterr().out)
        assert [(layer["status"], layer["index"]) for layer in answer["layers"]] == [("excluded", 1), ("compressed", 2)]
        assert run("validate", "--join", "lists", "--model", "net.json") == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith("checked 3 files as one list against Net: ")
