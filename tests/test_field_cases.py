"""Situations from public bug reports and user repositories: what a user is told in each, and what not.

`tests/data/field/cases.jsonl` has one a line: `id`, `what` happened, `model` (a name in `models.jsonl`, or null), the
`config_list` or the `text` with its `format`, what the findings are (`says`), and substrings that they have
(`required`) and must not have (`forbidden`), taken together.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from recording import ROOT

import compression_config as cc
from compression_config.locations import format_path

FIELD = ROOT / "tests" / "data" / "field"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FIELD / name).read_text(encoding="utf-8").splitlines()]


CASES = lines("cases.jsonl")
MODELS = {model["name"]: model for model in lines("models.jsonl")}


def model_of(case: dict[str, Any]) -> Any:
    """Return the model of a case: pairs, layers with the shapes of their weights, or an inventory; None without one."""
    if case["model"] is None:
        return None
    model = MODELS[case["model"]]
    if "inventory" in model:
        return cc.Inventory.load(ROOT / model["inventory"])
    return [cc.Layer(**layer) if isinstance(layer, dict) else tuple(layer) for layer in model["layers"]]


def findings_of(case: dict[str, Any]) -> tuple[cc.Finding, ...]:
    """Return what there is to say about a case: of the list and the model together."""
    model = model_of(case)
    if "text" not in case:
        return cc.check(case["config_list"], model)
    try:
        config = cc.loads(case["text"], format=case["format"])
    except cc.InvalidConfig as error:
        return error.findings
    return config.findings if model is None else cc.check(config, model)


def said(finding: cc.Finding) -> str:
    place = format_path(finding.path)
    return f"{finding.severity}[{finding.code}]" + (f" at {place}" if place else "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case_from_the_field_is_answered_rightly(case: dict[str, Any]) -> None:
    findings = findings_of(case)
    assert [said(finding) for finding in findings] == case["says"]
    text = "\n".join(map(str, findings))
    assert [part for part in case["required"] if part not in text] == []
    assert [part for part in case["forbidden"] if part in text] == []


def test_every_case_has_its_own_id_and_every_model_is_used() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert {case["model"] for case in CASES} - {None} == set(MODELS)
