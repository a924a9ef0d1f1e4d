"""What the benchmarks time: each operation of the front door, made ready on given layers and a given config list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

from workloads import ConfigData, NamesAndTypes, yaml_text

import compression_config as cc
from compression_config.reports.grid import grid_lines
from compression_config.reports.layout import plain_text
from compression_config.reports.resolution import resolution_lines
from compression_config.resolving.resolved import Resolved

__all__ = ["OPERATIONS", "Case", "FakeModel"]

Call = Callable[[], object]


class Linear:
    """A module with a weight, as little of one as an inventory looks at."""

    weight = SimpleNamespace(shape=(2048, 7168), dtype="torch.bfloat16")


class FakeModel:
    """A model that has its modules in a list; nothing of torch is needed for it."""

    def __init__(self, layers: NamesAndTypes) -> None:
        classes = {kind: type(kind, (Linear,) if kind == "Linear" else (), {}) for _, kind in layers}
        self._modules = [("", self), *((name, classes[kind]()) for name, kind in layers)]

    def named_modules(self) -> Iterator[tuple[str, object]]:
        """Return every module with its name, the root first."""
        return iter(self._modules)


@dataclass
class Case:
    """A config list and the layers of a model, in every shape in which an operation takes them."""

    layers: NamesAndTypes
    data: ConfigData
    aliases: tuple[str, ...] = ()
    """Further names of the first layer."""
    one_line: bool = False
    """Whether the text of the list is a single line."""

    @cached_property
    def text(self) -> str:
        return json.dumps(self.data) if self.one_line else yaml_text(self.data)

    @cached_property
    def config_list(self) -> cc.PruningConfigList:
        return cc.validate(self.data, kind="pruning")

    @cached_property
    def model(self) -> FakeModel:
        return FakeModel(self.layers)

    @cached_property
    def inventory(self) -> cc.Inventory:
        if not self.aliases:
            return cc.Inventory.from_model(self.model)
        first, *others = self.layers
        return cc.Inventory.from_layers([cc.Layer(name=first[0], type=first[1], aliases=self.aliases), *others])

    def resolution(self) -> cc.Resolution[cc.PruningSettings]:
        """Return a new resolution, in which nothing has been asked yet."""
        return cc.resolve(self.config_list, self.inventory, unmatched="ignore")


def load(case: Case) -> Call:
    """Read YAML text into a validated list that knows where everything stands."""
    text = case.text
    return lambda: cc.loads(text, kind="pruning")


def validate(case: Case) -> Call:
    """Make plain data a validated list."""
    data = case.data
    return lambda: cc.validate(data, kind="pruning")


def refuse(case: Case) -> Call:
    """Report a list in which every sub-config is wrong, each at its place in the text."""
    text = case.text.replace("sparsity_per_layer", "sparsity_per_layr").replace("exclude: true", "exclude: false")

    def refused() -> object:
        try:
            return cc.loads(text, kind="pruning")
        except cc.InvalidConfig as error:
            return str(error)

    return refused


def list_findings(case: Case) -> Call:
    """Ask what a list says of itself."""
    config_list = cc.validate(case.data, kind="pruning")
    return lambda: config_list.findings


def inventory(case: Case) -> Call:
    """Take the inventory of a live model."""
    model = case.model
    return lambda: cc.Inventory.from_model(model)


def resolve(case: Case) -> Call:
    """Resolve a validated list against an inventory."""
    config_list, inventory = case.config_list, case.inventory
    return lambda: cc.resolve(config_list, inventory, unmatched="ignore")


def findings(case: Case) -> Call:
    """Ask for everything worth knowing about an answer."""
    resolution = case.resolution()
    return lambda: resolution.findings


def compare(case: Case) -> Call:
    """Compare with an answer in which every ratio is another one; both have been asked for their budgets."""
    other = [
        {**config, "sparsity_per_layer": 0.6} if "sparsity_per_layer" in config else config for config in case.data
    ]
    old, new = case.resolution(), cc.resolve(other, case.inventory, kind="pruning", unmatched="ignore")
    assert old.budget is not new.budget
    return lambda: cc.compare(old, new)


def grid(case: Case) -> Call:
    """Draw the grid of a resolution."""
    resolution = case.resolution()
    return lambda: plain_text(grid_lines(resolution.resolved, resolution.budget, ()))


def html(case: Case) -> Call:
    """Write the page of a resolution, with the findings and the budget that it shows."""
    resolution = case.resolution()
    return resolution.to_html


def explain(case: Case) -> Call:
    """Explain one layer."""
    resolution, name = case.resolution(), case.layers[len(case.layers) // 2][0]
    return lambda: resolution.explain(name)


def budget(case: Case) -> Call:
    """Count all layers and groups."""
    resolution = case.resolution()
    return lambda: (resolution.budget.layers, resolution.budget.groups, resolution.budget.model)


def fingerprint(case: Case) -> Call:
    """Ask for the digest of an answer."""
    resolution = case.resolution()
    return lambda: resolution.fingerprint


def to_list(case: Case) -> Call:
    """Write the canonical config list."""
    resolution = case.resolution()
    return resolution.to_list


def to_dict(case: Case) -> Call:
    """Write the answer as plain data."""
    resolution = case.resolution()
    return resolution.to_dict


def sub_configs(case: Case) -> Call:
    """Ask what became of each sub-config: how many layers it decides, and whether it is shadowed."""
    resolution = case.resolution()
    return lambda: [(sub_config.shadowed, len(sub_config.decided)) for sub_config in resolution.sub_configs]


def table(case: Case) -> Call:
    """Write the text table, with the findings and the budget that it shows."""
    resolved = Resolved(case.config_list, case.inventory)
    resolution = cc.Resolution[cc.PruningSettings](resolved, "ignore")
    return lambda: plain_text(resolution_lines(resolved, resolution.budget, resolution.findings))


OPERATIONS: Mapping[str, Callable[[Case], Call]] = {
    "load": load,
    "validate": validate,
    "refuse": refuse,
    "list findings": list_findings,
    "inventory": inventory,
    "resolve": resolve,
    "findings": findings,
    "explain": explain,
    "budget": budget,
    "fingerprint": fingerprint,
    "to_list": to_list,
    "to_dict": to_dict,
    "sub-configs": sub_configs,
    "text table": table,
    "compare": compare,
    "grid": grid,
    "html": html,
}
