"""The repository of lists under examples/ is checked by its script, as its page says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from command_line import command
from recording import ROOT, assert_recorded

import compression_config as cc

REPOSITORY = ROOT / "examples" / "repository"
SESSION = re.compile(r"^```text\n(\$ .*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the repository."""
    return Path(shutil.copytree(REPOSITORY, tmp_path / "repository"))


def shell(script: str, folder: Path, *, github: bool = False) -> str:
    """Return what a terminal shows of commands that are run in a folder, with the program that is tested."""
    programs = folder.parent / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "compression-config"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m compression_config "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("GITHUB_ACTIONS", None)
    if github:
        environment["GITHUB_ACTIONS"] = "true"
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    return done.stdout


def test_the_page_shows_what_the_check_says(copy: Path) -> None:
    def run_again(fence: re.Match[str]) -> str:
        script = ""
        for line in re.findall(r"^\$ (.*)$", fence[1], re.MULTILINE):
            # Shown before it is run, without losing the exit code of the one before it: `$?` may be asked for.
            script += f"code=$?; printf '$ %s\\n' {shlex.quote(line)}; (exit $code)\n{line}\n"
        return f"```text\n{shell(script, copy)}```"

    page = REPOSITORY / "README.md"
    assert_recorded(SESSION.sub(run_again, page.read_text(encoding="utf-8")), page)


def test_a_list_without_a_lock_file_is_checked_too(copy: Path) -> None:
    (copy / "configs" / "more.yaml").write_text("- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n")
    shown = shell("sh check.sh; echo $?", copy, github=True)
    assert "::error file=./configs/more.yaml,line=1,col=14,endColumn=20,title=unmatched-type" in shown
    assert shown.endswith("\n1\n")


def test_the_lock_files_are_those_that_the_script_writes(copy: Path) -> None:
    before = {path.name: path.read_bytes() for path in (copy / "locks").iterdir()}
    shell("sh check.sh lock", copy)
    assert {path.name: path.read_bytes() for path in (copy / "locks").iterdir()} == before
    assert sorted(before) == ["finetune.lock.json", "pruning.lock.json", "quantization.lock.json"]


def test_the_hooks_are_those_of_this_package_and_find_the_lists(copy: Path) -> None:
    (repository,) = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    offered = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    assert repository["rev"] == f"v{cc.__version__}"
    files = [path.relative_to(REPOSITORY).as_posix() for path in sorted(REPOSITORY.rglob("*")) if path.is_file()]
    found = []
    for hook in repository["hooks"]:
        ending = "py" if hook["id"].endswith("scripts") else "yaml|json"
        pattern = hook.get("files", rf"\.({ending})$")
        taken = [name for name in files if re.search(pattern, name) and re.search(rf"\.({ending})$", name)]
        entry = offered[hook["id"]]["entry"]
        shown = shell(f"{entry} {' '.join([*hook['args'], *taken])}; echo $?", copy)
        found.append((taken, shown.splitlines()[-1]))
    assert found == [
        (["configs/pruning.yaml", "configs/quantization.json"], "0"),
        (["finetune.py", "tagger.py"], "0"),
    ]


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("configs/pruning.yaml", "torch"),
        ("configs/quantization.json", "compressed-tensors"),
        ("finetune.py::pruned_tagger.config_list", "llm-compressor"),
    ],
)
def test_each_list_can_be_exported(name: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    done = command("export", name, "--model", "models/tagger.json", "--to", engine, "--allocate")
    assert done.code == 0
    assert done.answer
