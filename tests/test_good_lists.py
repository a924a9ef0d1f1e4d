"""Lists as experienced engineers write them draw no warning and no error, whatever notes there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from recording import ROOT

import compression_config as cc

INVENTORIES = ROOT / "examples" / "inventories"
FILES = sorted((ROOT / "tests" / "data" / "good").glob("*.yaml"))


def lists(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_good_list_draws_notes_at_most(path: Path) -> None:
    model = cc.Inventory.load(INVENTORIES / f"{path.stem}.json.gz")
    for what, config_list in lists(path).items():
        findings = cc.check(config_list, model)
        assert [str(finding) for finding in findings if finding.severity != "note"] == [], what


def test_there_are_a_hundred_of_them_over_all_inventories() -> None:
    assert {path.stem for path in FILES} == {path.name.removesuffix(".json.gz") for path in INVENTORIES.glob("*.gz")}
    assert sum(len(lists(path)) for path in FILES) >= 100
