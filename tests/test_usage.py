"""The programs of tests/typing/usage.py, run; `mypy --strict` follows them in CI."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from usage import Linear, Module, base_and_overrides, check_files, lists_of_sub_configs, one_layer, prune, two_parts

import compression_config as cc


@pytest.fixture
def model() -> Module:
    return Module(body=Module(fc1=Linear(), fc2=Linear()), head=Linear())


def written(path: Path, data: object) -> Path:
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_pruning_a_model_from_a_list_of_dicts(model: Module) -> None:
    assert prune(model) == ["body.fc1", "body.fc2"]
    assert [module.pruned for _, module in model.named_modules()] == [None, None, 0.8, 0.8, None]


def test_checking_many_files(tmp_path: Path) -> None:
    good = written(tmp_path / "good.yaml", [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}])
    typo = written(tmp_path / "typo.yaml", [{"op_names": ["fc"], "sparsity_per_laye": 0.5}])
    empty = written(tmp_path / "empty.yaml", [])
    failed = check_files([good, typo, empty, tmp_path / "missing.yaml"])
    assert list(failed) == [typo, empty, tmp_path / "missing.yaml"]
    (error,) = failed[typo]
    assert error == (
        f"error[unknown-key] {typo}:3:3 at [0].sparsity_per_laye: there is no key 'sparsity_per_laye' "
        "(write 'sparsity_per_layer')"
    )
    assert check_files([good], cc.Inventory.from_layers([("conv", "Conv2d")])).keys() == {good}


def test_a_base_list_with_overrides(tmp_path: Path, model: Module) -> None:
    base = written(tmp_path / "base.yaml", [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}])
    assert base_and_overrides(base, model) == {"body.fc2": 0.5, "head": 0.25}


def test_the_settings_of_one_layer(model: Module) -> None:
    assert one_layer(model, "body.fc1") == (4, 8)
    assert one_layer(model, "head") is None


def test_lists_of_sub_configs(model: Module) -> None:
    layers = ["body.fc1", "body.fc2", "head"]
    assert lists_of_sub_configs(model, {"tied-conflict": "ignore"}) == (layers, layers)


def test_a_two_part_document(tmp_path: Path, model: Module) -> None:
    path = written(
        tmp_path / "both.yaml",
        {
            "pruning": [{"op_names": ["body.fc1"], "sparsity_per_layer": 0.5}],
            "quantization": [{"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8}],
        },
    )
    assert two_parts(path, model) == {
        "body": ("untouched", "untouched"),
        "body.fc1": ("compressed", "compressed"),
        "body.fc2": ("untouched", "compressed"),
        "head": ("untouched", "compressed"),
    }
