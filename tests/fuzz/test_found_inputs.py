"""Inputs that fuzzing has found, once more: those that failed before they were mended, and a few that open branches."""

from __future__ import annotations

from pathlib import Path

import pytest
from targets import TARGETS, time_limit

CORPUS = Path(__file__).parent / "corpus"
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_that_was_found(path: Path) -> None:
    with time_limit():
        TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_inputs() -> None:
    assert {path.parent.name for path in INPUTS} == TARGETS.keys()
