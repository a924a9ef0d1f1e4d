"""The Python of the pages that needs torch runs as it is written, block after block."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from recording import ROOT
from torch import nn

import compression_config as cc

PAGES = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
"""Those that are not about an engine, which has tests of its own."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LISTS = {
    "pruning.yaml": """
- {op_types: [Linear], total_sparsity: 0.8, max_sparsity_per_layer: 0.9}
- {op_names: [head], sparsity_per_layer: 0.5}
""",
    "quantization.yaml": """
- {op_types: [Linear], quant_types: [weight], quant_bits: 8}
""",
}


def needs_torch(page: Path) -> bool:
    return any(language == "python" and ">>>" not in text for language, text in FENCE.findall(page.read_text("utf-8")))


@pytest.fixture
def namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Yield what pages take as given, in a directory with the files that they name, in a process group of one."""
    for entry in ROOT.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    for name, text in LISTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    layers = OrderedDict(fc1=nn.Linear(128, 256), act=nn.ReLU(), fc2=nn.Linear(256, 256), head=nn.Linear(256, 10))
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    yield {"model": nn.Sequential(layers), "dataset": [], "oneshot": lambda **_: None}
    dist.destroy_process_group()


@pytest.mark.parametrize("page", [page for page in PAGES if needs_torch(page)], ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page: Path, namespace: dict[str, Any]) -> None:
    """What a block prints is what the block of text right after it shows."""
    blocks = FENCE.findall(page.read_text(encoding="utf-8"))
    for (language, text), (following, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language != "python":
            continue
        if ">>>" in text:
            parsed = doctest.DocTestParser().get_doctest(text, namespace, page.name, str(page), 0)
            parsed.globs = namespace
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            assert runner.run(parsed, clear_globs=False).failed == 0
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, str(page), "exec"), namespace)  # noqa: S102 - a page of this repository
        if following == "text":
            assert printed.getvalue() == shown


def test_the_tutorial_writes_down_the_model_that_it_makes(namespace: dict[str, Any]) -> None:
    test_the_python_of_a_page_runs(ROOT / "docs" / "tutorial.md", namespace)
    made, written = cc.Inventory.from_model(namespace["model"]), namespace["inventory"]
    assert [(layer.name, layer.type, layer.weight_shape) for layer in made] == [
        (layer.name, layer.type, layer.weight_shape) for layer in written
    ]
