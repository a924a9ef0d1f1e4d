"""Every test of the command line runs in a directory of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import write_samples


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working directory one with config lists, a model and a module with factories."""
    monkeypatch.chdir(tmp_path)
    write_samples(tmp_path)
    return tmp_path
