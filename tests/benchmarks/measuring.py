"""How the benchmarks measure: seconds and bytes, in turns, so that a busy machine slows all sides alike."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping

__all__ = ["medians", "peak_bytes", "seconds"]

Call = Callable[[], object]


def seconds(call: Call, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how long `call` takes, begun on a heap without garbage; its result is dropped after the clock stops."""
    gc.collect()
    start = clock()
    result = call()
    elapsed = clock() - start
    del result
    return elapsed


def medians(calls: Mapping[str, Call], rounds: int = 5) -> dict[str, float]:
    """Return the median seconds of each call over `rounds`; in a round each is called once, one after the other."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            taken[name].append(seconds(call))
    return {name: statistics.median(times) for name, times in taken.items()}


def peak_bytes(call: Call) -> int:
    """Return how many bytes at most are allocated while `call` runs, above what was before (tracemalloc)."""
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
