"""Real config lists, found in NNI's documentation, examples, tests and bug reports: each gets its verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import compression_config as cc
from compression_config.configs.dialects import FOREIGN_KEYS

CORPUS = Path(__file__).parent / "data" / "corpus" / "nni_config_lists.jsonl"
ENTRIES: list[dict[str, Any]] = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def entries(*verdicts: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "entry",
        [
            pytest.param(entry, id=f"{number}-{entry['source'].split('/')[-1]}")
            for number, entry in enumerate(ENTRIES, 1)
            if entry["verdict"] in verdicts
        ],
    )


def refusal(entry: dict[str, Any], kind: Any = None) -> tuple[cc.Finding, ...]:
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.validate(entry["config_list"], kind=kind)
    return caught.value.findings


@entries("valid")
def test_a_valid_list_is_accepted_as_the_kind_it_is(entry: dict[str, Any]) -> None:
    config_list = cc.validate(entry["config_list"])
    assert not isinstance(config_list, cc.CompressionConfig)
    assert config_list.kind == entry["kind"]
    assert not any(finding.severity == "error" for finding in config_list.findings)
    assert cc.validate(entry["config_list"], kind=entry["kind"]) == config_list
    assert cc.validate(config_list.to_list(), kind=entry["kind"]) == config_list


@entries("invalid", "nni3")
def test_a_refused_list_is_refused_with_its_kind_stated_too(entry: dict[str, Any]) -> None:
    assert errors(refusal(entry, entry["kind"])) == errors(refusal(entry))


@entries("invalid")
def test_an_invalid_list_is_refused_at_every_place_the_corpus_names(entry: dict[str, Any]) -> None:
    findings = refusal(entry)
    said = {(finding.code.value, finding.path) for finding in errors(findings)}
    assert expected(entry["config_list"]) <= said
    for finding in errors(findings):
        assert finding.hint
        assert finding.path[0] in range(len(entry["config_list"]))


OFFER = "; or convert the whole list with 'compression-config import'"


@entries("nni3")
def test_a_list_of_nni_3_is_refused_as_such_with_the_way_to_write_it_here(entry: dict[str, Any]) -> None:
    findings = refusal(entry)
    foreign = {
        (index, key)
        for index, config in enumerate(entry["config_list"])
        for key in config
        if key in FOREIGN_KEYS and FOREIGN_KEYS[key].dialect == "NNI 3.0"
    }
    assert foreign
    named = {finding.path: finding for finding in findings if finding.code == "other-dialect"}
    assert set(named) == foreign
    for (index, key), finding in ((path, named[path]) for path in foreign):
        assert finding.message == f"'{key}' is a key of NNI 3.0"
        hint = FOREIGN_KEYS[key].hint
        said = hint if isinstance(hint, str) else hint.in_notation("python")
        assert str(finding.hint).removesuffix(OFFER) == said
        assert key in entry["config_list"][index]
    # The first finding offers to import the list, unless it is one for distillation.
    distilled = any("lambda" in config for config in entry["config_list"])
    assert [finding.path for finding in findings if str(finding.hint).endswith(OFFER)] == (
        [] if distilled else [next(iter(named))]
    )


@pytest.mark.parametrize("written", [yaml.safe_dump, json.dumps], ids=["yaml", "json"])
@entries("valid", "invalid", "nni3")
def test_written_as_text_a_list_gets_the_same_verdict(entry: dict[str, Any], written: Any) -> None:
    text = written(entry["config_list"])
    form: Any = "json" if written is json.dumps else "yaml"
    if entry["verdict"] == "valid":
        loaded = cc.loads(text, format=form)
        assert loaded == cc.validate(entry["config_list"])
        assert bare(loaded.findings) == bare(cc.validate(entry["config_list"]).findings)
    else:
        with pytest.raises(cc.InvalidConfig) as caught:
            cc.loads(text, format=form)
        assert sorted(bare(caught.value.findings)) == sorted(bare(refusal(entry)))
        assert all(finding.span is not None for finding in caught.value.findings)


def test_the_corpus_has_all_verdicts_and_both_dialects() -> None:
    assert {entry["verdict"] for entry in ENTRIES} == {"valid", "invalid", "nni3"}
    assert len(ENTRIES) == 104
    keys = {key for entry in ENTRIES for config in entry["config_list"] for key in config}
    assert {FOREIGN_KEYS[key].dialect for key in keys if key in FOREIGN_KEYS} >= {"NNI 1.x", "NNI 3.0"}


def errors(findings: tuple[cc.Finding, ...]) -> list[cc.Finding]:
    return [finding for finding in findings if finding.severity == "error"]


def bare(findings: tuple[cc.Finding, ...]) -> list[tuple[str, str, str]]:
    """Return what findings say and of which config path, wherever that stands in a text."""
    return [(str(finding.path), finding.code.value, finding.message) for finding in findings]


def expected(config_list: list[dict[str, Any]]) -> set[tuple[str, tuple[int | str, ...]]]:
    """Return what a reader of the specification finds wrong, key by key, in the lists of this corpus."""
    found: set[tuple[str, tuple[int | str, ...]]] = set()
    for index, config in enumerate(config_list):
        found |= {("other-dialect", (index, key)) for key in config if key in FOREIGN_KEYS}
        found |= {("wrong-type", (index, key)) for key in ("op_types", "op_names") if isinstance(config.get(key), str)}
        settings = set(config) - {"op_types", "op_names", "op_partial_names"}
        if not settings:
            found.add(("no-setting", (index,)))
        if settings == set(config) and not {"op_name", "op_type"} & set(config):
            found.add(("no-selector", (index,)))
        sparsity = config.get("sparsity", 0)
        if isinstance(sparsity, dict):
            found.add(("wrong-type", (index, "sparsity")))
        elif sparsity >= 1:
            found.add(("out-of-range", (index, "sparsity")))
        if "quant_bits" in config and "quant_types" not in config:
            found.add(("missing-key", (index, "quant_bits")))
    return found
