"""The training script under examples/ runs, and reports every count as it is configured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "examples" / "prune_and_report.py"


def test_the_training_script_prunes_as_configured_and_says_so() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    before, after, trained, _, header, *rows = done.stdout.splitlines()
    assert [line.split(" ")[0] for line in (before, after, trained)] == ["accuracy"] * 3
    assert header.split() == ["configured", "achieved", "elements", "to", "mask", "masked"]
    assert [row.split() for row in rows if not row.startswith("body.")] == [
        ["mix", "0.5", "0.5000", "576", "288", "288"],
        ["head", "0.29", "0.2891", "128", "37", "37"],
        ["group", "[1]", "0.8", "0.8000", "10240", "8192", "8192"],
        ["stem", "excluded", "0.0000", "72", "0", "0"],
    ]
    members = [row.split() for row in rows if row.startswith("body.")]
    assert [row[:3] for row in members] == [["body.fc1", "in", "[1]"], ["body.fc2", "in", "[1]"]]
    assert sum(int(row[-1]) for row in members) == 8192
    assert all(float(row[3]) <= 0.9 for row in members)
