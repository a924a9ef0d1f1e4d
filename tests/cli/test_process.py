"""The program in a process of its own: streams, signals, locales and terminals."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from recording import ROOT


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

    @pytest.mark.parametrize("option", ["--help", "--version"])
    def test_a_full_disk_is_said_by_help_and_version_too(self, option: str) -> None:
        with Path("/dev/full").open("wb") as full:
            done = process([option], stdout=full, capture_output=False, stderr=-1)
        assert done.returncode == 2
        assert done.stderr == b"compression-config: error: standard output cannot be written: No space left on device\n"

    def test_a_pattern_that_is_too_long_to_be_a_file_is_said(self) -> None:
        done = process(["validate", "x" * 5000 + "*"])
        assert done.returncode == 2
        assert done.stderr.startswith(b"compression-config: error: no file is named like 'xxx")

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
            "class PreTrainedModel:\n    pass\n\n\nclass Net(PreTrainedModel):\n"
            "    def __init__(self, config):\n        print('built')\n\n"
            "    def named_modules(self):\n        return [('', self), ('fc1', 'Linear')]\n"
        )
        (here / "model").mkdir()
        (here / "model" / "config.json").write_text("{}")
        done = process(["validate", "pruning.yaml", "-m", "hf:model"], {"PYTHONPATH": str(here / "fakes")})
        assert done.stderr.decode().split() == ["model", "True", "enter", "meta", "built", "leave", "meta"]
        assert done.stdout == b"checked 1 file against Net: no findings\n"
        assert done.returncode == 0

    def test_without_transformers_what_to_install_is_said(self, here: Path) -> None:
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
        shown = on_terminal(["resolve", str(data), "--model", str(model)], columns, {"NO_COLOR": "1"})
        assert "\x1b" not in shown
        table = shown.partition("\nnote[")[0].splitlines()
        assert columns - 12 < max(map(len, table)) <= columns
