"""Recorded texts: a test compares with what is on disk, and `RECORD=1` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["ROOT", "assert_recorded"]

ROOT = Path(__file__).parents[2]
"""The root of the repository."""


def assert_recorded(text: str, path: Path) -> None:
    """Assert that `text` is what `path` holds; with `RECORD=1` in the environment, make it so."""
    if os.environ.get("RECORD") == "1":
        path.write_text(text, encoding="utf-8", newline="\n")
    recorded = path.read_text(encoding="utf-8") if path.exists() else None
    assert recorded == text, f"{path.relative_to(ROOT)} is out of date: look at the difference, then set RECORD=1"
