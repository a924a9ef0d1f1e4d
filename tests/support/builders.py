"""Builders of what many tests need: models without torch, and what to hold against the literal reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import literal
from literal import Answer, LiteralLayer

import compression_config as cc
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED

__all__ = ["FakeModel", "answer_of", "as_inventory", "assert_reads_literally", "codes_of", "resolved"]


@dataclass
class FakeModel:
    """A model as far as this package looks: it names its modules, the root among them."""

    modules: dict[str, object] = field(default_factory=dict)

    def named_modules(self) -> Iterable[tuple[str, object]]:
        return [("", self), *self.modules.items()]


def codes_of(findings: Iterable[cc.Finding]) -> list[str]:
    """Return the codes of findings as users write them, in their order."""
    return [finding.code.value for finding in findings]


def as_inventory(layers: Sequence[LiteralLayer]) -> cc.Inventory:
    """Return the inventory of layers of which name, type and aliases are known."""
    return cc.Inventory.from_layers(
        cc.Layer(name=layer.name, type=layer.type, aliases=layer.aliases) for layer in layers
    )


def resolved(configs: Any, model: Any, kind: Any = None) -> cc.Resolution[Any]:
    """Return the answer, whether or not every selector selects something."""
    resolution = cc.resolve(configs, model, kind=kind, unmatched="ignore")
    assert isinstance(resolution, cc.Resolution)
    return resolution


def answer_of(resolution: cc.Resolution[Any]) -> Answer:
    """Return the answer (D18) in the form in which the literal reading gives it."""
    gets = {
        name: _meaning(layer.settings) if layer.status == "compressed" else layer.status.value
        for name, layer in resolution.items()
    }
    groups = frozenset(
        (frozenset(sub_config.decided), gets[sub_config.decided[0]])
        for sub_config in resolution.sub_configs
        if sub_config.decided and getattr(sub_config.config, "total_sparsity", None) is not None
    )
    return gets, groups


def _meaning(settings: cc.PruningSettings | cc.QuantizationSettings | None) -> object:
    assert settings is not None
    if isinstance(settings, cc.QuantizationSettings):
        by_type = (frozenset((value or {}).items()) for value in (settings.bits, settings.dtype, settings.scheme))
        return ("quantized", *by_type, settings.start_step)
    if settings.group is not None:
        return ("total", settings.total_sparsity, settings.max_sparsity)
    return ("each", settings.sparsity)


def assert_reads_literally(
    configs: Sequence[Mapping[str, Any]], layers: Sequence[LiteralLayer], kind: Any = None
) -> cc.Resolution[Any]:
    """Hold decided_by, claims, selected layers, elements without a layer and the answer against the literal reading."""
    inventory = as_inventory(layers)
    data = Resolved(cc.validate(configs, kind=kind), inventory)
    resolution, selection = cc.Resolution[Any](data), data.selection
    decided_by = literal.resolve(configs, layers)
    chosen = [literal.selected(config, layers) for config in configs]
    claims = [literal.selected_by(configs, layer) for layer in layers]

    assert list(resolution) == [layer.name for layer in layers]
    assert selection.decided_by == [decided_by.get(layer.name, UNDECIDED) for layer in layers]
    assert [selection.selected_by(position) for position in range(len(layers))] == claims
    assert [sub_config.selected for sub_config in resolution.sub_configs] == chosen
    assert selection.selected_counts() == list(map(len, chosen))
    assert list(selection.idle) == literal.idle(configs, layers)
    assert sorted(element.path for element in selection.unmatched) == sorted(literal.unmatched(configs, layers))
    assert sorted((use.index, use.key, use.element) for use in selection.alias_uses) == sorted(
        literal.alias_uses(configs, layers)
    )
    assert sorted((found.index, found.key, found.element) for found in selection.mismatches) == sorted(
        literal.mismatches(configs, layers)
    )
    runners_up = [(UNDECIDED, UNDECIDED, *claimed)[-2] for claimed in claims]
    assert [selection.runner_up(position) for position in range(len(layers))] == runners_up
    for index, sub_config in enumerate(resolution.sub_configs):
        decided = tuple(name for name in resolution if decided_by.get(name) == index)
        assert sub_config.decided == decided
        assert sub_config.shadowed == (bool(chosen[index]) and not decided)
    assert answer_of(resolution) == literal.answer(configs, layers, decided_by)
    return resolution
