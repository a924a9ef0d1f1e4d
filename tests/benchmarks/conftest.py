"""The sizes of the benchmark cases: a few by default, all of them with `--all-sizes`."""

from __future__ import annotations

import itertools

import pytest

DEFAULT = ((100, 1), (100, 50), (10_000, 1_000))
LAYERS = (10**2, 10**3, 10**4, 10**5, 10**6)
SUB_CONFIGS = (1, 10, 100, 1_000, 10_000, 50_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that selects the full matrix."""
    parser.addoption(
        "--all-sizes", action="store_true", help="benchmarks from 10**2 to 10**6 layers, 1 to 50,000 sub-configs"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each case its sizes."""
    if {"layers", "sub_configs"} <= set(metafunc.fixturenames):
        everything = metafunc.config.getoption("--all-sizes")
        sizes = tuple(itertools.product(LAYERS, SUB_CONFIGS)) if everything else DEFAULT
        ids = [f"{layers} layers, {sub_configs} sub-configs" for layers, sub_configs in sizes]
        metafunc.parametrize(("layers", "sub_configs"), sizes, ids=ids)
