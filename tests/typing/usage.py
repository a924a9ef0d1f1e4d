"""The five programs that users write, as `mypy --strict` follows them; a test runs them too.

`Module` stands for `torch.nn.Module`, of which these programs use no more than is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, assert_type

import compression_config as cc

__all__ = ["base_and_overrides", "check_files", "lists_of_sub_configs", "one_layer", "prune", "two_parts"]


class Module:
    """A module as PyTorch shapes it: it names its modules and hands them out by name."""

    def __init__(self, **children: Module) -> None:
        self.children = children
        self.pruned: float | None = None

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Return this module and all below it, by dotted name."""
        yield prefix, self
        for name, child in self.children.items():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def get_submodule(self, target: str) -> Module:
        """Return the module of that name."""
        return dict(self.named_modules())[target]


class Weight:
    """A tensor, of which only the shape counts."""

    shape = (4, 4)


class Linear(Module):
    """A module that has a weight."""

    weight = Weight()


def prune(model: Module) -> list[str]:
    """Prune a model from a list of dicts; return the names of the pruned layers."""
    config_list: list[dict[str, Any]] = [
        {"op_types": ["Linear"], "sparsity_per_layer": 0.8},
        {"op_names": ["head"], "exclude": True},
    ]
    resolution = cc.resolve(config_list, model, kind="pruning")
    assert_type(resolution, cc.Resolution[cc.PruningSettings])
    resolution.raise_for_findings()
    for name, layer in resolution.prunable.items():
        assert_type(layer, cc.CompressedLayer[cc.PruningSettings])
        assert_type(layer.settings.sparsity, float | None)
        model.get_submodule(name).pruned = layer.settings.sparsity
    assert_type(resolution["head"].settings, cc.PruningSettings | None)
    assert_type(resolution["head"].index, int | None)
    assert_type(resolution["head"].selected_by, tuple[int, ...])
    assert_type(resolution.excluded, tuple[str, ...])
    return list(resolution.prunable)


def check_files(paths: Iterable[Path], model: cc.Inventory | None = None) -> dict[Path, list[str]]:
    """Check many files, as a job of continuous integration does; return the errors of each file that has some."""
    failed: dict[Path, list[str]] = {}
    for path in paths:
        findings = cc.check(path, model, strict=True, severity={"legacy-key": "warning"})
        assert_type(findings, tuple[cc.Finding, ...])
        errors = [str(finding) for finding in findings if finding.severity is cc.Severity.ERROR]
        if errors:
            failed[path] = errors
    return failed


def base_and_overrides(base: Path, model: Module) -> Mapping[str, float | None]:
    """Prune what a base list says, save for what an override says; return the ratio of each pruned layer."""
    config_list = cc.load(base, kind="pruning")
    assert_type(config_list, cc.PruningConfigList)
    longer = config_list + [{"op_names": ["head"], "sparsity_per_layer": 0.25}]  # noqa: RUF005 - a list of its own type
    assert_type(longer, cc.PruningConfigList)
    longer += [cc.PruningConfig(op_names=["body.fc1"], exclude=True)]
    assert_type(longer[0], cc.PruningConfig)
    resolution = cc.resolve(longer, model)
    assert_type(resolution, cc.Resolution[cc.PruningSettings])
    return {name: layer.settings.sparsity for name, layer in resolution.compressed.items()}


def one_layer(model: Module, name: str) -> tuple[int, int] | None:
    """Return the bits of weight and input of one layer, or None where it is not quantized."""
    config_list = [
        cc.QuantizationConfig(
            op_types=["Linear"], quant_types=["weight", "input"], quant_bits={"weight": 4, "input": 8}
        ),
        cc.QuantizationConfig(op_names=["head"], exclude=True),
    ]
    resolution = cc.resolve(cc.validate(config_list, kind="quantization"), model)
    assert_type(resolution, cc.Resolution[cc.QuantizationSettings])
    layer = resolution[name]
    assert_type(layer, cc.LayerResolution[cc.QuantizationSettings])
    if layer.settings is None:
        return None
    assert_type(layer.settings, cc.QuantizationSettings)
    assert_type(layer.settings.start_step, int)
    return layer.settings.bits["weight"], layer.settings.bits["input"]


def lists_of_sub_configs(model: Module, levels: dict[str, str]) -> tuple[list[str], list[str]]:
    """Resolve lists of sub-configs, of which the kind is known; return the layers that each compresses."""
    pruning = cc.resolve([cc.PruningConfig(op_types=["Linear"], sparsity_per_layer=0.5)], model, severity=levels)
    assert_type(pruning, cc.Resolution[cc.PruningSettings])
    quantized = [cc.QuantizationConfig(op_types=["Linear"], quant_types=["weight", "input"], quant_bits=8)]
    assert_type(cc.validate(quantized), cc.QuantizationConfigList)
    quantization = cc.resolve(quantized, model, severity={cc.Code.TIED_CONFLICT: cc.Severity.ERROR})
    assert_type(quantization, cc.Resolution[cc.QuantizationSettings])
    both = cc.validate({"pruning": [], "quantization": quantized})
    assert_type(both, cc.CompressionConfig)
    assert_type(both + pruning.config_list.to_list(), cc.CompressionConfig)
    assert_type(cc.validate(quantized) + both, cc.CompressionConfig)
    either = cc.validate([{"op_names": ["head"], "exclude": True}])
    assert_type(either, cc.PruningConfigList | cc.QuantizationConfigList)
    assert_type(cc.resolve(both, model), cc.CompressionResolution)
    return list(pruning.compressed), list(quantization.compressed)


def two_parts(path: Path, model: Module) -> dict[str, tuple[cc.Status, cc.Status]]:
    """Return for each layer what becomes of it in pruning and in quantization."""
    config = cc.load(path)
    if not isinstance(config, cc.CompressionConfig):
        raise TypeError("the file holds one list, not two")
    resolution = cc.resolve(config, model)
    assert_type(resolution, cc.CompressionResolution)
    assert_type(resolution.pruning, cc.Resolution[cc.PruningSettings])
    assert_type(resolution.quantization, cc.Resolution[cc.QuantizationSettings])
    assert_type(resolution["head"], cc.CompressionLayer)
    return {name: (layer.pruning.status, layer.quantization.status) for name, layer in resolution.items()}
