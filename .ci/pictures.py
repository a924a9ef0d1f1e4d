"""Make the pictures of README and gallery: what a terminal and a browser show.

    python .ci/pictures.py

From the root of the repository, in an environment with the package and rich, on a machine with Debian's chromium. The
commands run in a terminal of their own, so that the colours are those that a user sees.
"""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGES = Path("docs/images")
LIST = "examples/bert-base/pruning.yaml"
MODEL = ["--model", "examples/inventories/bert-base.json.gz"]
COLUMNS = 100


def main() -> None:
    """Make all pictures anew."""
    with tempfile.TemporaryDirectory() as directory:
        terminal(["validate", "examples/mistakes.yaml", *MODEL], IMAGES / "terminal.png", Path(directory))
        terminal(["resolve", LIST, *MODEL, "--grid"], IMAGES / "grid.png", Path(directory), lines=25)
        page = Path(directory, "page.html")
        subprocess.run([*PROGRAM, "resolve", LIST, *MODEL, "-o", str(page)], check=True, stderr=subprocess.DEVNULL)
        photograph(page, IMAGES / "page.png", 1000, 610)


PROGRAM = [sys.executable, "-m", "compression_config"]


def terminal(arguments: list[str], picture: Path, directory: Path, lines: int | None = None) -> None:
    """Run a command in a terminal and make a picture of what it shows, or of its first lines."""
    shown = "\n".join(run_in_terminal([*PROGRAM, *arguments]).splitlines()[:lines])
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(f"\x1b[1m$ compression-config {' '.join(arguments)}\x1b[0m\n{shown}"))
    svg = console.export_svg(title="", theme=MONOKAI)
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")
    width, height = (round(float(size)) for size in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    page = directory / "terminal.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><body style="margin:0">{svg}', encoding="utf-8")
    photograph(page, picture, width, height)


def run_in_terminal(command: list[str]) -> str:
    """Return what a command writes on a terminal, with its escape sequences."""
    terminal, end = pty.openpty()
    wanted = {"COLUMNS": str(COLUMNS), "LINES": "60", "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=os.environ | wanted)
    os.close(end)
    written = bytearray()
    with contextlib.suppress(OSError):  # that is how a terminal ends
        while data := os.read(terminal, 65536):
            written += data
    process.wait()
    return written.decode().replace("\r\n", "\n")


def photograph(page: Path, picture: Path, width: int, height: int) -> None:
    """Make a picture of a page as a browser shows it."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"]
    command = ["chromium", *options, f"--screenshot={picture.resolve()}", page.resolve().as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
