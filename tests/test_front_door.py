"""The front door: every name opens, and nothing is loaded before it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import compression_config


@pytest.mark.parametrize("name", compression_config.__all__)
def test_every_public_name_can_be_asked_for(name: str) -> None:
    assert getattr(compression_config, name) is getattr(compression_config, name)
    assert name in dir(compression_config)


def test_a_name_that_is_not_there_is_missing_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'compression_config' has no attribute 'resolv'"):
        _ = compression_config.resolv  # type: ignore[attr-defined]


def test_importing_the_package_loads_neither_pydantic_nor_yaml() -> None:
    """What is not used is not loaded; pydantic takes longer to load than most config lists."""
    asked = "import sys, compression_config; print({'pydantic', 'yaml', 'torch'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "set()"


def test_a_star_import_brings_exactly_the_public_names() -> None:
    brought: dict[str, object] = {}
    exec("from compression_config import *", brought)  # noqa: S102 - the statement is what is tested
    assert set(brought) - {"__builtins__"} == set(compression_config.__all__)
