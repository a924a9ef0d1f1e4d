"""How long it takes to begin: cold interpreters, one after the other in turns.

python tests/benchmarks/startup.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from tables import Table, times

__all__ = ["startup_table"]

FLOOR = "import pydantic, yaml"
FIRST_MODEL = "import yaml, pydantic\nclass Model(pydantic.BaseModel):\n    key: int | None = None\nModel(key=1)"
FIRST_ANSWER = (
    "import compression_config as cc\n"
    "cc.resolve([{'op_types': ['Linear'], 'sparsity_per_layer': 0.5}], [('fc1', 'Linear')])"
)
PROGRAMS = {
    "bare Python": ["-c", "pass"],
    FLOOR: ["-c", FLOOR],
    "import compression_config": ["-c", "import compression_config"],
    "compression-config --version": ["-m", "compression_config", "--version"],
    "the first pydantic model, defined and used": ["-c", FIRST_MODEL],
    "import compression_config, and the first resolve": ["-c", FIRST_ANSWER],
}
LIMITS = {"import compression_config": 1.6, "compression-config --version": 1.8}


def startup_table(rounds: int = 15) -> Table:
    """Return how long fresh interpreters take, as multiples of `import pydantic, yaml`."""
    with tempfile.TemporaryDirectory() as compiled:
        # Each imports compiled files, as after any installation, whatever this process was told about writing them.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        taken: dict[str, list[float]] = {name: [] for name in PROGRAMS}
        for turn in range(rounds + 1):
            for name, arguments in PROGRAMS.items():
                seconds = _run(arguments, environment)
                if turn:  # the first turn compiles
                    taken[name].append(seconds)
    floor = statistics.median(taken[FLOOR])
    rows = []
    for name, times_taken in taken.items():
        limit = f" ({LIMITS[name]})" if name in LIMITS else ""
        rows.append(
            [f"`{name}`" if name in (FLOOR, *LIMITS) else name, times(statistics.median(times_taken) / floor) + limit]
        )
    return Table(
        "Starting",
        ["what", f"times `{FLOOR}` (at most)"],
        rows,
        f"Fresh interpreters in turns, medians of {rounds}. pydantic loads most of itself when the first model is "
        "defined, and the package loads pydantic when it is first asked for something.",
    )


def _run(arguments: Sequence[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(startup_table().text())
