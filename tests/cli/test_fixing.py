"""`validate --fix`: what it changes in a file, and what it leaves."""

from __future__ import annotations

import codecs
import shutil
from pathlib import Path

import pytest
from command_line import command
from recording import ROOT

import compression_config as cc

INVALID = ROOT / "tests" / "data" / "invalid"
HEAD = "- op_types: [Linear]\n"


def fixed(name: str, text: str, *options: str) -> str:
    """Return the text of a file after `validate --fix`."""
    Path(name).write_bytes(text.encode())
    command("validate", name, "--fix", *options)
    return Path(name).read_bytes().decode()


def model_of(document: Path) -> Path | None:
    first = document.read_bytes().split(b"\n", 1)[0].decode(errors="replace")
    return INVALID / first.split("--model ")[1].split()[0] if "--model " in first else None


DOCUMENTS = sorted(path for path in INVALID.iterdir() if path.suffix in (".yaml", ".json"))


def fixable(path: Path, model: Path | None) -> list[cc.Finding]:
    inventory = None if model is None else cc.Inventory.load(model)
    return [finding for finding in cc.check(path, inventory) if finding.fix]


FIXABLE = [path for path in DOCUMENTS if b"$ compression-config verify" not in path.read_bytes() and fixable(path, model_of(path))]


@pytest.mark.parametrize("document", FIXABLE, ids=lambda path: path.name)
def test_every_document_with_a_fix_ends_without_the_finding(document: Path, here: Path) -> None:
    copy = here / document.name
    shutil.copy(document, copy)
    model = model_of(document)
    options = [] if model is None else ["--model", model]
    before = fixable(copy, model)
    command("validate", copy, "--fix", "--unsafe-fixes", *options)
    after = fixable(copy, model)
    assert after == [], copy.read_text()
    assert len(before) > len(after)
