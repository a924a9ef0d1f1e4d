"""The training scripts under examples/ run, and what they compress is as it is configured."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import compression_config as cc

EXAMPLES = Path(__file__).parents[2] / "examples"
ACCURACY = re.compile(r"^accuracy (.*?) *(\d+\.\d)%$", re.MULTILINE)


def run(script: str) -> tuple[str, str]:
    """Return what a script that ends well wrote to standard output and standard error."""
    done = subprocess.run([sys.executable, EXAMPLES / script], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def without_accuracies(text: str) -> str:
    """Return the output of a script without the figures that another processor may round to others."""
    return ACCURACY.sub(r"accuracy \1", text)


def shown(readme: str) -> str:
    """Return the output that a page shows."""
    (output,) = re.findall(r"^```text\n(.*?)^```$", (EXAMPLES / readme).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return str(output)


def test_the_training_script_prunes_as_configured_and_says_so() -> None:
    out, err = run("prune_and_report.py")
    assert err == ""
    before, after, trained, _, header, *rows = out.splitlines()
    assert [line.split(" ")[0] for line in (before, after, trained)] == ["accuracy"] * 3
    assert header.split() == ["configured", "achieved", "elements", "to", "mask", "masked"]
    assert [row.split() for row in rows if not row.startswith("body.")] == [
        ["mix", "0.5", "0.5000", "576", "288", "288"],
        ["head", "0.29", "0.2891", "128", "37", "37"],
        ["group", "[1]", "0.8", "0.8000", "10240", "8192", "8192"],
        ["stem", "excluded", "0.0000", "72", "0", "0"],
    ]
    members = [row.split() for row in rows if row.startswith("body.")]
    assert [row[:3] for row in members] == [["body.fc1", "in", "[1]"], ["body.fc2", "in", "[1]"]]
    assert sum(int(row[-1]) for row in members) == 8192
    assert all(float(row[3]) <= 0.9 for row in members)


def test_the_network_for_digits_is_pruned_exactly_and_recovers() -> None:
    out, err = run("digits/prune_digits.py")
    assert err == ""
    # Masked counts, verdicts and the comparison are the same everywhere.
    assert without_accuracies(out) == without_accuracies(shown("digits/README.md"))
    said = [(what, float(figure)) for what, figure in ACCURACY.findall(out)]
    assert [what for what, _ in said] == ["before pruning", *["after pruning", "trained on"] * 2]
    before, after, trained, after_more, trained_more = (figure for _, figure in said)
    assert before >= 95
    assert after >= 80
    assert trained >= 95
    assert after_more < 70
    assert trained_more >= 92


def test_the_transformer_is_quantized_in_torch_and_by_torchao() -> None:
    # On standard error torchao names the kernels that it lacks.
    out, _ = run("tiny-transformer/quantize_transformer.py")
    assert without_accuracies(out) == without_accuracies(shown("tiny-transformer/README.md"))
    figures = [float(figure) for _, figure in ACCURACY.findall(out)]
    assert len(figures) == 3
    assert figures[0] >= 99
    assert min(figures[1:]) >= 95


def test_the_repository_has_the_inventory_of_its_model_and_a_script_that_prunes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository = EXAMPLES / "repository"
    monkeypatch.syspath_prepend(repository)
    script = importlib.import_module("finetune")
    saved = cc.Inventory.load(repository / "models" / "tagger.json")
    assert list(cc.Inventory.from_model(script.Tagger())) == list(saved)
    torch.manual_seed(0)
    model = script.pruned_tagger()
    resolution = cc.resolve(cc.load(f"{repository}/finetune.py::pruned_tagger.config_list"), saved, kind="pruning")
    assert cc.verify(resolution, model, tolerance="exact").findings == ()
    masked = sum(int((module.weight_mask == 0).sum()) for module in model.modules() if hasattr(module, "weight_mask"))
    assert masked == 324_396
