"""pytest-benchmark cases: each operation at many sizes.

The small ones, and all of one operation up to 10**6 layers and 50,000 sub-configs:

    python -m pytest tests/benchmarks/test_speed.py --benchmark-enable
    python -m pytest tests/benchmarks/test_speed.py --benchmark-enable --all-sizes -k resolve
"""

from __future__ import annotations

from functools import cache

import pytest
from operations import OPERATIONS, Case
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import experts, mixed


@cache
def case(layers: int, sub_configs: int) -> Case:
    """Return one case for all operations; both of its halves take a while to make."""
    model = experts(layers)
    return Case(model, mixed(model, sub_configs))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_speed(benchmark: BenchmarkFixture, operation: str, layers: int, sub_configs: int) -> None:
    given = case(layers, sub_configs)
    # A resolution remembers what it was asked: each round asks a new one.
    benchmark.pedantic(
        lambda call: call(), setup=lambda: ((OPERATIONS[operation](given),), {}), rounds=5 if layers < 10**5 else 3
    )
