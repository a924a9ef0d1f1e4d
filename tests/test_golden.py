"""Documents that are wrong or doubtful, and the whole report about each, word for word.

Each file of `tests/data/invalid` is named after a code that its report holds. A YAML document may begin with the
command that reports about it, given in that directory; the others are simply validated. What was said stands beside
it in a file `.out`. `RECORD=1` writes these anew: then read them, for somebody who has never seen the tool has to be
able to mend the document from its report alone.
"""

from __future__ import annotations

import argparse
import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.cli import main
from compression_config.reports.findings import as_text

INVALID = ROOT / "tests" / "data" / "invalid"
DOCUMENTS = sorted(path for path in INVALID.iterdir() if path.suffix in (".yaml", ".json"))
EVERY_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
COMMAND = re.compile(rb"# \$ compression-config (.*)")

ALLOCATED = sorted((INVALID / "allocated").glob("*.yaml"))
"""Sound lists whose budget cannot be allocated by the scores that they begin with; no command does that."""
HEADER = re.compile(r"# model: (.*)\n# scores: (.*)\n")

EXPORTED = sorted((INVALID / "exported").glob("*.yaml"))
"""Sound lists that an engine cannot be told, or a runtime cannot serve: they begin with what is asked of `export`."""
EXPORT = re.compile(r"# model: (.*)\n# export: (.*)\n")

WITHOUT_REMEDY = {
    cc.Code.ROUNDED_DEMAND,
    cc.Code.SHRUNK_GROUP,
    cc.Code.SPARSITY_MISSED,
    cc.Code.CAP_EXCEEDED,
    cc.Code.TOUCHED_LAYER,
    cc.Code.NOT_VERIFIED,
}
"""Good to know, or nothing that could be mended in the document: it is the checkpoint that differs."""


class Said(NamedTuple):
    exit_code: int
    answer: str
    talk: str


@pytest.fixture(autouse=True)
def _among_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(INVALID)


def command_of(document: Path) -> list[str]:
    """Return the command that reports about a document, without the name of the program."""
    found = COMMAND.match(document.read_bytes())
    return shlex.split(found[1].decode()) if found else ["validate", document.name]


def reported(document: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    exit_code = main(command_of(document))
    return Said(exit_code, *capsys.readouterr())


@functools.cache
def findings_of(document: Path) -> tuple[cc.Finding, ...]:
    """Return what the library says of a document, asked as the command asks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("document")
    parser.add_argument("checkpoint", nargs="?")
    parser.add_argument("--model")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--severity", action="append", default=[])
    asked = parser.parse_args(command_of(document))
    model = asked.model and cc.Inventory.load(asked.model)
    if asked.command == "verify":
        verification = cc.verify(cc.resolve(cc.load(asked.document), model), asked.checkpoint)
        return tuple(verification.findings)
    severity = dict(setting.split("=") for setting in asked.severity)
    return cc.check(asked.document, model, strict=asked.strict, severity=severity)


@EVERY_DOCUMENT
def test_the_command_line_says_the_recorded_thing(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = reported(document, capsys)
    assert_recorded(said.answer, document.with_suffix(document.suffix + ".out"))
    assert said.talk == ""
    assert said.exit_code == ("error[" in said.answer)


@EVERY_DOCUMENT
def test_the_library_says_the_same(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, _, _ = as_text(findings_of(document)).rpartition("\n\n")
    assert report in reported(document, capsys).answer


@EVERY_DOCUMENT
def test_a_document_is_named_after_what_is_said_of_it(document: Path) -> None:
    codes = {finding.code.value for finding in findings_of(document)}
    assert any(document.name.startswith(f"{code}-") for code in codes)


@EVERY_DOCUMENT
def test_each_finding_says_where_and_what_to_do(document: Path) -> None:
    for finding in findings_of(document):
        assert finding.source == document.name
        assert finding.span is not None or finding.code is cc.Code.UNREADABLE_FILE
        assert finding.hint or finding.code in WITHOUT_REMEDY


def allocation_findings(document: Path) -> tuple[cc.Finding, ...]:
    header = HEADER.match(document.read_text(encoding="utf-8"))
    assert header is not None
    resolution = cc.resolve(cc.load(document, kind="pruning"), cc.Inventory.load(INVALID / header[1]))
    with pytest.raises(cc.FindingsError) as raised:
        resolution.budget.allocate(yaml.safe_load(header[2]))
    return raised.value.findings


@pytest.mark.parametrize("document", ALLOCATED, ids=lambda path: path.name)
def test_an_allocation_says_the_recorded_thing(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(document.parent)
    findings = allocation_findings(Path(document.name))
    assert document.name.startswith(f"{findings[0].code}-")
    assert_recorded(as_text(findings), document.with_suffix(".yaml.out"))


def export_findings(document: Path) -> tuple[cc.Finding, ...]:
    header = EXPORT.match(document.read_text(encoding="utf-8"))
    assert header is not None
    resolution = cc.resolve(cc.load(document), cc.Inventory.load(INVALID / header[1]))
    try:
        return cc.export(resolution, **yaml.safe_load(header[2])).findings
    except cc.LossyExport as error:
        return error.findings


@pytest.mark.parametrize("document", EXPORTED, ids=lambda path: path.name)
def test_an_export_says_the_recorded_thing(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(document.parent)
    findings = export_findings(Path(document.name))
    assert any(document.name.startswith(f"{finding.code}-") for finding in findings)
    assert all(finding.span is not None for finding in findings)
    assert_recorded(as_text(findings), document.with_suffix(".yaml.out"))


def test_there_are_documents_for_every_code() -> None:
    said = {finding.code for document in DOCUMENTS for finding in findings_of(document)}
    said.update(finding.code for document in ALLOCATED for finding in allocation_findings(document))
    said.update(finding.code for document in EXPORTED for finding in export_findings(document))
    assert said == set(cc.Code)
    assert len(DOCUMENTS) >= 80


def test_there_is_no_report_without_a_document() -> None:
    assert {path.with_suffix("") for path in _reports()} == set(DOCUMENTS)


def _reports() -> Iterator[Path]:
    return INVALID.glob("*.out")
