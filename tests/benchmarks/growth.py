"""Fits how the time of each operation grows with the layers and with the selector elements; exits 1 above the limit.

Time is taken to be `c * size ** exponent`: 1 is linear, 2 quadratic. The exponent is the slope of a straight line
through the logarithms, over sizes that double. Noise only ever adds time, so each point is the least of several
runs, and an exponent above the limit is measured again, with the runs before still counting, before it is believed.

    python tests/benchmarks/growth.py
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping

from measuring import seconds
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


def exponents() -> Iterator[tuple[str, str, float]]:
    """Yield each operation, what grows, and the exponent."""
    for grows, by_size in cases().items():
        for name, operation in OPERATIONS.items():
            if name not in LEFT_OUT[grows]:
                yield name, grows, exponent(operation, by_size)


def exponent(operation: Callable[[Case], Call], by_size: Mapping[int, Case]) -> float:
    """Return the exponent with which the time of `operation` grows."""
    least = dict.fromkeys(by_size, math.inf)
    slope = math.inf
    for _ in range(ROUNDS):
        for size, case in by_size.items():
            least[size] = min(least[size], *(seconds(operation(case)) for _ in range(RUNS)))
        slope = statistics.linear_regression(
            [math.log(size) for size in least], [math.log(time) for time in least.values()]
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
    print(f"{bad} of the exponents are above {LIMIT}" if bad else f"no exponent is above {LIMIT}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
