"""Fits how the time of each operation grows with the layers and with the selector elements; exits 1 above the limit.

So it does for input that was made to do harm, and there for the peak of memory too, over two decades.

Time is that of the processor, taken to be `c * size ** exponent`: 1 is linear, 2 quadratic. The exponent is the slope
of a straight line through the logarithms, over sizes that double. Noise only ever adds time, so each point is the
least of several runs, and an exponent above the limit is measured again, with the runs before still counting, before
it is believed.

    python tests/benchmarks/growth.py
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from measuring import peak_bytes, seconds
from operations import OPERATIONS, Call, Case
from tables import Table
from workloads import experts, in_every_layer, misspelt, mixed, one_long_selector, stacked

__all__ = ["growth_table"]

LIMIT = 1.15
LAYERS = (12_500, 25_000, 50_000, 100_000)
ELEMENTS = (5_000, 10_000, 20_000, 40_000)
EVERYWHERE = (250, 500, 1_000, 2_000)
"""So many partial names, each of which is in each of ten times as many layers."""
RUNS, ROUNDS = 3, 4

MISSPELT_IN = 100
"""Of so many layers one is misspelt, where layers and misspelt names grow together."""

NEEDS_NO_LAYERS = {"load", "validate", "refuse", "list findings"}
NEEDS_NO_ELEMENTS = {"inventory"}
LEFT_OUT = {
    "layers": NEEDS_NO_LAYERS,
    "sub-configs": NEEDS_NO_ELEMENTS,
    "elements of one selector": NEEDS_NO_ELEMENTS,
    "both, all partial names in all layers": set(),
    # Nothing is selected there: what takes time is the search for the nearest names.
    "layers and misspelt names": set(OPERATIONS) - {"findings"},
}
"""What grows -> the operations that it says nothing about."""

MEMORY_LIMIT = 1.25
HOSTILE = (500, 1_000, 2_000, 4_000)
FLOOR = 0.005
"""In seconds: below it the noise of a busy machine is larger than what is measured."""
DECADES = 100
"""The peak of memory at the last of these sizes is compared with that at so many times less."""


def cases() -> Mapping[str, Mapping[int, Case]]:
    """Return the cases by what grows in them and by size."""
    layers = experts(20_000)
    return {
        "layers": {size: Case(experts(size), mixed(experts(size), 1000)) for size in LAYERS},
        "sub-configs": {size: Case(layers, mixed(layers, size)) for size in ELEMENTS},
        "elements of one selector": {size: Case(layers, one_long_selector(layers, size)) for size in ELEMENTS},
        # A search through all names for each misspelt one would be linear in either alone, and is quadratic here.
        "layers and misspelt names": {
            size: Case(experts(size), misspelt(experts(size), size // MISSPELT_IN)) for size in LAYERS
        },
        "both, all partial names in all layers": {
            size: Case(stacked(10 * size), in_every_layer(stacked(10 * size), size)) for size in EVERYWHERE
        },
    }


def _prefixes(size: int) -> Case:
    """Return partial names that are in every layer, some of them in the list several times."""
    layers = [("x" * 50 + str(number), "Linear") for number in range(size)]
    return Case(layers, [{"op_partial_names": ["x" * (1 + i % 50)], "sparsity_per_layer": 0.5} for i in range(size)])


def _groups(size: int) -> Case:
    case = _prefixes(size)
    data = [{"op_partial_names": config["op_partial_names"], "total_sparsity": 0.5} for config in case.data]
    return Case(case.layers, data)


def _one_prefix(size: int) -> Case:
    """Return layers and full names that differ after a hundred characters only."""
    names = [f"{'block.0.' * 12}{number}" for number in range(size)]
    selectors = [[name.replace("0", "O", 1)] if number % 10 else [name] for number, name in enumerate(names)]
    data = [{"op_names": selector, "sparsity_per_layer": 0.5} for selector in selectors]
    return Case([(name, "Linear") for name in names], data)


def _aliases(size: int) -> Case:
    """Return one layer with as many aliases as there are sub-configs, each of which has another."""
    aliases = tuple(f"alias.{number}" for number in range(size))
    return Case([("a", "Linear")], [{"op_names": [a], "sparsity_per_layer": 0.5} for a in aliases], aliases)


def _digits(size: int) -> Case:
    """Return names that are numbers of `size` digits, and the half of one as a partial name."""
    layers = [(f"l.{digit * size}.{end}", "Linear") for digit in "019" for end in range(10)]
    parts = ["l.1", "1" * (size // 2), "0" * size]
    return Case([*layers, ("l.1", "Linear")], [{"op_partial_names": parts, "sparsity_per_layer": 0.5}])


def _types(size: int) -> Case:
    """Return as many unknown types as there are types, each in a sub-config of its own."""
    layers = [(f"l{number}", f"Type{number}") for number in range(size)]
    return Case(layers, [{"op_types": [f"Xtype{number}q"], "sparsity_per_layer": 0.5} for number in range(size)])


def _one_line(size: int) -> Case:
    case = _types(size)
    return Case(case.layers, case.data, one_line=True)


FAMILIES: Mapping[str, Callable[[int], Case]] = {
    "every name has every prefix": _prefixes,
    "groups that overwrite each other": _groups,
    "one prefix of all names": _one_prefix,
    "aliases and sub-configs": _aliases,
    "digits of a name": _digits,
    "unknown types": _types,
    "one line": _one_line,
}
"""What is made to do harm, by size; the input grows linearly with it."""


def hostile() -> Iterator[tuple[str, str, float, float]]:
    """Yield each operation, the family, and the exponents of time and of memory."""
    for family, make in FAMILIES.items():
        by_size = {size: make(size) for size in HOSTILE}
        small = make(HOSTILE[-1] // DECADES)
        for name, operation in OPERATIONS.items():
            if (family == "one line") == (name in NEEDS_NO_LAYERS) or family == "aliases and sub-configs":
                if name == "inventory" and by_size[HOSTILE[0]].aliases:
                    continue  # live models of the benchmarks have none
                ratio = peak_bytes(operation(by_size[HOSTILE[-1]])) / peak_bytes(operation(small))
                yield name, family, exponent(operation, by_size, FLOOR), math.log(ratio, DECADES)


def exponents() -> Iterator[tuple[str, str, float]]:
    """Yield each operation, what grows, and the exponent."""
    for grows, by_size in cases().items():
        for name, operation in OPERATIONS.items():
            if name not in LEFT_OUT[grows]:
                yield name, grows, exponent(operation, by_size)


def exponent(operation: Callable[[Case], Call], by_size: Mapping[int, Case], floor: float = 0) -> float:
    """Return the exponent with which the time of `operation` grows; `floor` seconds stand for every shorter time."""
    least = dict.fromkeys(by_size, math.inf)
    slope = math.inf
    for _ in range(ROUNDS):
        for size, case in by_size.items():
            least[size] = min(least[size], *(seconds(operation(case), time.process_time) for _ in range(RUNS)))
        slope = statistics.linear_regression(
            [math.log(size) for size in least], [math.log(max(taken, floor)) for taken in least.values()]
        ).slope
        if slope <= LIMIT:
            break
    return slope


def growth_table() -> Table:
    """Return the exponents of all operations."""
    found: dict[str, dict[str, float]] = {name: {} for name in OPERATIONS}
    for name, grows, slope in exponents():
        found[name][grows] = slope
    columns = list(cases())
    rows = [[name, *(f"{by[grows]:.2f}" if grows in by else "" for grows in columns)] for name, by in found.items()]
    return Table(
        "Growth",
        ["operation", *(f"with {grows}" for grows in columns)],
        rows,
        f"The exponent with which time grows: 1 is linear, {LIMIT} the limit. From {LAYERS[0]:,} to {LAYERS[-1]:,} "
        f"layers, from {ELEMENTS[0]:,} to {ELEMENTS[-1]:,} elements, one misspelt name to {MISSPELT_IN} layers, and "
        f"from {EVERYWHERE[0]:,} to {EVERYWHERE[-1]:,} partial names that are all in ten times as many layers.",
    )


def main() -> int:
    """Print the exponents and return the exit code."""
    bad = 0
    for name, grows, slope in exponents():
        too_steep = slope > LIMIT
        bad += too_steep
        print(f"{name:14} with {grows:37} {slope:5.2f}{'  above the limit' if too_steep else ''}", flush=True)
    for name, family, slope, memory in hostile():
        too_steep = slope > LIMIT or memory > MEMORY_LIMIT
        bad += too_steep
        verdict = "  above the limit" if too_steep else ""
        print(f"{name:14} with {family:37} {slope:5.2f} {memory:5.2f} of memory{verdict}", flush=True)
    limits = f"{LIMIT} in time, {MEMORY_LIMIT} in memory"
    print(f"{bad} of the exponents are above {limits}" if bad else f"no exponent is above {limits}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
