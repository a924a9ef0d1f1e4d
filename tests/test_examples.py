"""The config lists under examples/: each resolves against its model without a warning and shows what it is to show."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from builders import codes_of
from command_line import command

import compression_config as cc

EXAMPLES = Path(__file__).parents[1] / "examples"
MODELS = ["bert-base", "deepseek-v3", "deepseek-v3-unfused", "llama-3-8b", "mixtral-8x7b", "resnet-50"]
LISTS = [path for model in MODELS for path in sorted((EXAMPLES / model).iterdir())]
SERVED = [EXAMPLES / name / "quantization.yaml" for name in ("mixtral-8x7b", "deepseek-v3", "deepseek-v3-unfused")]
"""The lists that are written for vLLM."""
ROW = re.compile(r"^\| `(.+\.yaml)` \| [^|]+ \| `(.+)` \| (.+) \|$", re.MULTILINE)
EXPORTED = ROW.findall((EXAMPLES / "README.md").read_text(encoding="utf-8"))
"""For each list: its name, the options of an export, and what that loses."""

every_list = pytest.mark.parametrize("path", [pytest.param(p, id=f"{p.parent.name}-{p.stem}") for p in LISTS])


@cache
def inventory(model: str) -> cc.Inventory:
    return cc.Inventory.load(EXAMPLES / "inventories" / f"{model}.json.gz")


@cache
def resolution(path: Path) -> cc.Resolution[Any]:
    found = cc.resolve(cc.load(path), inventory(path.parent.name), strict=True)
    assert isinstance(found, cc.Resolution)
    return found


def test_every_model_has_a_list_of_each_kind() -> None:
    assert [(path.parent.name, path.stem) for path in LISTS] == [
        (model, kind) for model in MODELS for kind in ("pruning", "quantization")
    ]
    assert all(resolution(path).kind == path.stem for path in LISTS)


@every_list
def test_nothing_is_wrong_with_it(path: Path) -> None:
    """An example of overwriting has a group of which later sub-configs overwrite layers; nothing else is found.

    But for fused experts, which no list reaches, and for weights of 4 bits beside inputs that vLLM wants unquantized.
    """
    fused = path.parent.name in ("mixtral-8x7b", "deepseek-v3")
    expected = {"shrunk-group", *(["low-coverage"] * fused)}
    if path in SERVED:
        expected |= {"unpaired-quant-types", "settings-dropped"}
    assert set(codes_of(resolution(path).findings)) <= expected
    assert {finding.severity for finding in resolution(path).findings} <= {"note"}


@every_list
def test_it_shows_overwriting_exclude_and_taking_back(path: Path) -> None:
    configs = [sub_config.config for sub_config in resolution(path).sub_configs]
    layers = list(resolution(path).values())
    overwritten = [layer for layer in layers if len(layer.selected_by) > 1 and layer.status == "compressed"]
    taken_back = [layer for layer in overwritten if any(configs[index].exclude for index in layer.selected_by)]
    assert overwritten
    assert taken_back
    assert resolution(path).excluded
    assert all(sub_config.decided for sub_config in resolution(path).sub_configs)


@every_list
def test_its_pruning_has_a_group_with_a_cap_that_can_be_met(path: Path) -> None:
    capped = [
        group
        for group in resolution(path).budget.groups
        if group.max_sparsity is not None and group.granted is not None
    ]
    assert bool(capped) == (path.stem == "pruning")
    for group in capped:
        assert group.granted == group.demanded
        assert group.slack is not None
        assert group.slack > 0


@every_list
def test_it_starts_with_the_command_that_resolves_it(path: Path) -> None:
    command = f"compression-config resolve {path.relative_to(EXAMPLES.parent).as_posix()} --model "
    command += f"examples/inventories/{path.parent.name}.json.gz"
    assert f"#   {command}\n" in path.read_text(encoding="utf-8")


@every_list
def test_its_canonical_list_is_the_same_answer(path: Path) -> None:
    kind: Any = path.stem
    canonical = resolution(path).to_list()
    assert (
        cc.resolve(canonical[::-1], inventory(path.parent.name), kind=kind).fingerprint == resolution(path).fingerprint
    )


def test_the_two_part_document_shows_both_kinds() -> None:
    both = cc.resolve(cc.load(EXAMPLES / "two-part.yaml"), inventory("bert-base"), strict=True)
    assert isinstance(both, cc.CompressionResolution)
    assert both.findings == ()
    for part in (both.pruning, both.quantization):
        assert all(sub_config.decided for sub_config in part.sub_configs)
    statuses = {(layer.pruning.status.value, layer.quantization.status.value) for layer in both.values()}
    assert statuses == {("compressed", "compressed"), ("excluded", "compressed"), ("untouched", "untouched")}


# Exports.


ELSEWHERE = {
    "mistakes.yaml",  # has no answer
    "override.yaml",  # goes with another list
    "digits/pruning.yaml",  # applied by their scripts, in tests/interop
    "digits/sparser.yaml",
    "tiny-transformer/quantization.yaml",
    "repository/configs/pruning.yaml",  # exported in test_example_repository.py
}


def test_each_list_has_a_row_that_exports_it() -> None:
    names = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("[!.]*.yaml")}
    assert names >= ELSEWHERE
    assert [name for name, _, _ in EXPORTED] == sorted(names - ELSEWHERE)


@pytest.mark.parametrize(("name", "options", "lost"), EXPORTED, ids=[name for name, _, _ in EXPORTED])
def test_a_list_is_exported_as_its_row_says(name: str, options: str, lost: str) -> None:
    """Without an error."""
    model = EXAMPLES / "inventories" / f"{name.rpartition('/')[0] or 'bert-base'}.json.gz"
    done = command("export", EXAMPLES / name, "--model", model, *options.split())
    last = done.talk.splitlines()[-1] if done.talk else "nothing"
    assert (done.code, last) == (0, lost)
    assert done.answer


@pytest.mark.parametrize("path", SERVED, ids=[path.parent.name for path in SERVED])
def test_lists_for_vllm_begin_with_the_command_that_exports_them(path: Path) -> None:
    model = f"examples/inventories/{path.parent.name}.json.gz"
    command = f"compression-config export {path.relative_to(EXAMPLES.parent).as_posix()} --model {model}"
    assert f"#   {command} \\\n#     --to compressed-tensors --serve vllm\n" in path.read_text(encoding="utf-8")
