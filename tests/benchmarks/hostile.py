"""Hostile documents: each is read in a process of its own, so that its time and its peak of memory can be told.

python tests/benchmarks/hostile.py
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tables import Table

import compression_config as cc

__all__ = ["hostile_table"]

SECONDS = 20
"""No document may take longer than this."""
PEAK = 400
"""Nor more memory than this, in MiB, above the package itself."""


def alias_bomb(scale: float) -> str:
    """Return lists of ten aliases each, nested so that they stand for 10**9 elements."""
    levels = max(3, round(9 * min(scale, 1)))
    lines = ["- &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += (f"- &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels))
    return "\n".join(lines)


def merge_bomb(scale: float) -> str:
    """Return mappings that each merge the one before ten times."""
    lines = ["- &a0 {op_types: [Linear], sparsity: 0.5}"]
    lines += (
        f"- &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}], op_names: [b]}}"
        for level in range(1, round(30 * scale) + 3)
    )
    return "\n".join(lines)


def many_aliases(scale: float) -> str:
    """Return one long list and 10,000 aliases of it."""
    names = ", ".join(f"layer.{number}" for number in range(round(1_000 * scale)))
    lines = [f"- op_names: &names [{names}]\n  sparsity: 0.5"]
    lines += ("- op_names: *names\n  sparsity: 0.5" for _ in range(round(10_000 * scale)))
    return "\n".join(lines)


DOCUMENTS: Mapping[str, Callable[[float], str]] = {
    "alias bomb.yaml": alias_bomb,
    "merge bomb.yaml": merge_bomb,
    "10,000 aliases of a long list.yaml": many_aliases,
    "a list that holds itself.yaml": lambda scale: "&a [*a]" + " " * round(scale),
    "10^6 opening brackets.yaml": lambda scale: "[" * round(1_000_000 * scale),
    "nested 10^5 deep.yaml": lambda scale: "[" * round(100_000 * scale) + "]" * round(100_000 * scale),
    "10^6 keys.yaml": lambda scale: "".join(f"k{number}: 1\n" for number in range(round(1_000_000 * scale))),
    "10^6 equal keys.yaml": lambda scale: "- " + "  key: 1\n" * round(1_000_000 * scale),
    "10^5 wrong sub-configs.yaml": lambda scale: "- op_names: [a]\n  sparsty: 0.5\n" * round(100_000 * scale),
    "a scalar of 100 MB.yaml": lambda scale: "- op_names: [" + "a" * round(100_000_000 * scale) + "]",
    "a scalar of 15 MB.yaml": lambda scale: "- op_names: [" + "a" * round(15_000_000 * scale) + "]",
    "a number of 10^6 digits.yaml": lambda scale: "- op_names: [a]\n  sparsity: " + "9" * round(1_000_000 * scale),
    "10^6 control characters.yaml": lambda scale: "\x07" * round(1_000_000 * scale),
    "10^6 tags.yaml": lambda scale: "- !!python/object/apply:os.system [x]\n" * round(300_000 * scale),
    "10^6 opening brackets.json": lambda scale: "[" * round(1_000_000 * scale),
    "10^6 keys.json": lambda scale: json.dumps({f"k{number}": 1 for number in range(round(1_000_000 * scale))}),
    "10^6 equal keys.json": lambda scale: "{" + '"key": 1,' * round(1_000_000 * scale) + '"key": 1}',
    "10^5 wrong sub-configs.json": lambda scale: json.dumps(
        [{"op_names": ["a"], "sparsty": 0.5}] * round(100_000 * scale)
    ),
    "a scalar of 100 MB.json": lambda scale: json.dumps([{"op_names": ["a" * round(100_000_000 * scale)]}]),
    "a number of 10^6 digits.json": lambda scale: (
        '[{"op_names": ["a"], "sparsity": ' + "9" * round(1_000_000 * scale) + "}]"
    ),
}


def hostile_table(scale: float = 1.0) -> Table:
    """Return what becomes of each document: the first finding, seconds, and memory above the package itself."""
    rows = []
    with TemporaryDirectory() as directory:
        empty = Path(directory, "empty.yaml")
        empty.write_text("[]", encoding="utf-8")
        _, _, base = _read(empty)
        for name, make in DOCUMENTS.items():
            path = Path(directory, name)
            path.write_text(make(scale), encoding="utf-8")
            said, seconds, peak = _read(path)
            path.unlink()
            within = "" if seconds <= SECONDS and peak - base <= PEAK else ", too much"
            rows.append([name, said, f"{seconds:.1f}", f"{max(0, peak - base):.0f}{within}"])
    return Table(
        "Hostile documents",
        ["document", "findings", "seconds", "MiB"],
        rows,
        f"`check` on a file; the bounds are {SECONDS} seconds and {PEAK} MiB above the package itself (peak of the "
        "resident memory of a process of its own).",
    )


def _read(path: Path) -> tuple[str, float, float]:
    """Return what is found in the file, in how many seconds, and the peak of memory in MiB."""
    command = [sys.executable, __file__, "--read", str(path)]
    said, seconds, peak = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return said, seconds, peak


def _read_here(path: str) -> None:
    cc.check([])
    start = time.perf_counter()
    findings = cc.check(path)
    seconds = time.perf_counter() - start
    codes = dict.fromkeys(finding.code.value for finding in findings)
    print(json.dumps([f"{len(findings):,}: {', '.join(codes)}", seconds, _peak()]))


def _peak() -> float:
    """Return the peak of resident memory of this process in MiB; Linux tells it."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="ascii")) if status.exists() else None
    return int(found[1]) / 1024 if found else math.nan


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        _read_here(sys.argv[2])
    else:
        print(hostile_table().text())
