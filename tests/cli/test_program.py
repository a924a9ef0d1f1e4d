"""The program: exit codes, help, errors, and what the documentation promises of it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from checkpoint_files import saved, with_zeros
from recording import ROOT
from samples import run

import compression_config as cc
from compression_config.cli import commands
from compression_config.cli.console import Exit
from compression_config.cli.main import COMMANDS, command_parser


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--version"], Exit.OK),
        (["--help"], Exit.OK),
        (["resolve", "--help"], Exit.OK),
        ([], Exit.OK),
        (["--", "validate", "pruning.yaml"], Exit.USAGE),
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
        (["inventory", "net.json"], Exit.OK),
        (["diff", "pruning.yaml", "pruning.yaml", "-m", "net.json"], Exit.OK),
        (["diff", "pruning.yaml", "exclude.yaml", "-m", "net.json"], Exit.OK),
        (["diff", "pruning.yaml", "exclude.yaml", "-m", "net.json", "--exit-code"], Exit.DIFFERENT),
        (["diff", "pruning.yaml", "noted.yaml", "-m", "net.json", "--exit-code"], Exit.OK),
        (["diff", "unmatched.yaml", "pruning.yaml", "-m", "net.json"], Exit.OK),
        (["diff", "pruning.yaml", "unmatched.yaml", "-m", "net.json", "--exit-code"], Exit.FINDINGS),
        (["diff", "pruning.yaml", "typo.yaml", "-m", "net.json"], Exit.FINDINGS),
        (["diff", "pruning.yaml", "quantization.yaml", "-m", "net.json"], Exit.USAGE),
        (["diff", "pruning.yaml", "two-parts.yaml", "-m", "net.json"], Exit.USAGE),
        (["diff", "pruning.yaml", "pruning.yaml"], Exit.USAGE),
        (["diff", "pruning.yaml", "pruning.yaml", "--model-old", "net.json"], Exit.USAGE),
        (["resolve", "pruning.yaml", "-m", "net.json", "--grid"], Exit.OK),
        (["resolve", "pruning.yaml", "-m", "net.json", "--grid", "--format", "html"], Exit.OK),
        (["resolve", "pruning.yaml", "-m", "net.json", "--grid", "--format", "csv"], Exit.USAGE),
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

    def test_alone_it_prints_its_help(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run() == 0
        alone = capsys.readouterr()
        assert run("--help") == 0
        assert capsys.readouterr() == alone
        assert alone.err == ""
        assert all(f"\n    {name}" in alone.out for name in COMMANDS)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_the_help_of_a_command_shows_examples_that_it_takes(
        self, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        assert run(name, "--help") == 0
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= 80
        examples = shown.partition("\nexamples:\n")[2].splitlines()
        assert examples
        for example in examples:
            program, command, *arguments = shlex.split(example.partition(" > ")[0])
            assert (program, command) == ("compression-config", name)
            command_parser(name).parse_args(arguments)

    def test_help_and_version_do_without_pydantic(self) -> None:
        program = "import sys; from compression_config.cli import main; main(sys.argv[1:]); print(*sys.modules)"
        for option in ("--help", "--version"):
            done = subprocess.run([sys.executable, "-c", program, option], capture_output=True, text=True, check=True)
            assert "compression_config.cli.main" in done.stdout.split()
            assert {"pydantic", "yaml"}.isdisjoint(done.stdout.split())

    def test_a_wrong_argument_is_repeated_escaped(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("validate", "pruning.yaml", "--\x1b[31m\n::error::") == 2
        err = capsys.readouterr().err
        assert err.endswith("error: unrecognized arguments: --\\x1b[31m\\n::error::\n")

    def test_an_interruption_ends_tidily(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(*_: object) -> Exit:
            raise KeyboardInterrupt

        monkeypatch.setattr(commands, "VALIDATE", commands.VALIDATE._replace(run=interrupted))
        assert run("validate", "pruning.yaml") == int(Exit.INTERRUPTED) == 130
        assert capsys.readouterr() == ("", "compression-config: interrupted\n")

    def test_an_interruption_while_it_is_imported_ends_tidily(self) -> None:
        program = (
            "import sys\n"
            "class Interrupting:\n"
            "    def find_spec(self, name, *_):\n"
            "        if name == 'compression_config.cli':\n"
            "            raise KeyboardInterrupt\n"
            "sys.meta_path.insert(0, Interrupting())\n"
            "from compression_config.__main__ import run\n"
            "sys.exit(run())"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "compression-config: interrupted\n")


class TestWhatIsWritten:
    """docs/cli.md and the hook of pre-commit say what there is."""

    PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

    def test_every_command_has_its_section_with_its_options(self) -> None:
        for name in COMMANDS:
            section = self.PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
            assert section, name
            for action in command_parser(name)._actions:  # noqa: SLF001
                spellings = action.option_strings or [str(action.metavar)]
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
        hook, _ = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        program, *argv = hook["entry"].split()
        assert program == "compression-config"
        assert f"- id: {hook['id']}" in self.PAGE
        assert run(*argv, "--strict", "--model", "net.json", "pruning.yaml", "warned.yaml") == 1
        assert "checked 2 files against Net: 1 error" in capsys.readouterr().out
        names = ["pruning.yaml", "configs/bert-quantization.json", "compression.yml", "deploy.yaml", "pruning.py"]
        assert [bool(re.search(hook["files"], name)) for name in names] == [True, True, True, False, False]

    def test_the_hook_for_scripts_passes_over_those_without_a_config_list(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        _, hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        program, *argv = hook["entry"].split()
        assert (program, hook["types"]) == ("compression-config", ["python"])
        assert f"`{hook['id']}`" in self.PAGE
        (here / "train.py").write_text("lists = [{'op_types': ['Linear'], 'sparsity_per_layer': 80}]")
        (here / "old.py").write_text("print 'op_types', 'sparsity'")
        (here / "nni3.py").write_text("lists = [{'op_types': ['Linear'], 'sparse_ratio': 0.5}]")
        assert run(*argv, "train.py", "old.py", "nni3.py") == 1
        assert "checked 1 file: 1 error" in capsys.readouterr().out
