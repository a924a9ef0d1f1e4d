"""The answer as data: for each layer the sub-config that decides, and what that makes of the layer.

Spec: "If multiple sub-configs are configured for the same layer, the later ones will overwrite the previous ones."
The last sub-config that selects a layer decides with all that it says, `exclude` included (D3). This is a total
function: an empty list and an empty model have an answer too. Everything above reads this data; nothing changes it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from compression_config.configs.config_list import ConfigList
from compression_config.configs.sub_config import SubConfig
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath, format_path
from compression_config.resolving.selection import UNDECIDED, Selection
from compression_config.resolving.settings import AnySettings, settings_of
from compression_config.text import SHOWN, joined

__all__ = ["Resolved", "Status"]


class Status(StrEnum):
    """What becomes of a layer."""

    COMPRESSED = "compressed"
    """The deciding sub-config compresses it."""
    EXCLUDED = "excluded"
    """The deciding sub-config says `exclude`."""
    UNTOUCHED = "untouched"
    """No sub-config selects it."""


class Resolved:
    """A config list resolved against an inventory. Layers are known by position, sub-configs by index."""

    def __init__(self, config_list: ConfigList[Any], inventory: Inventory) -> None:
        self.config_list = config_list
        self.inventory = inventory
        self.selection = Selection(config_list, inventory)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle list and inventory; what decides is found again."""
        return type(self), (self.config_list, self.inventory)

    @property
    def decided_by(self) -> list[int]:
        """For each layer the index of the sub-config that decides; `UNDECIDED` where none does. Not to be changed."""
        return self.selection.decided_by

    @functools.cached_property
    def decided(self) -> tuple[list[int], ...]:
        """For each sub-config the positions of the layers that it decides, in the model's order."""
        decided: tuple[list[int], ...] = tuple([] for _ in self.config_list)
        for position, index in enumerate(self.decided_by):
            if index != UNDECIDED:
                decided[index].append(position)
        return decided

    @functools.cached_property
    def groups(self) -> tuple[int, ...]:
        """The indices of the sub-configs whose layers share a budget: those with `total_sparsity` that decide any."""
        configs = self.config_list
        return tuple(
            index
            for index, decided in enumerate(self.decided)
            if decided and getattr(configs[index], "total_sparsity", None) is not None
        )

    def compressed_without_excludes(self, position: int) -> bool:
        """Return whether a layer would be compressed if there were no excludes."""
        return self._without_excludes[position] != UNDECIDED

    @functools.cached_property
    def _without_excludes(self) -> list[int]:
        return Selection([config for config in self.config_list if not config.exclude], self.inventory).decided_by

    def label(self, index: int) -> str:
        """Return how a sub-config is referred to: `[2]`, or `pruning[2]` in a two-part document."""
        prefix: ConfigPath = self.config_list.provenance.place(()).path
        return format_path((*prefix, index))

    def labels(self, indices: Iterable[int]) -> str:
        """Return sub-configs as a sentence lists them, the first few by index: "[1], [2], [3] and others"."""
        chosen = list(indices)
        words = [self.label(index) for index in chosen[:SHOWN]]
        return joined([*words, "others"] if len(chosen) > SHOWN else words)

    def shadowed(self, index: int) -> bool:
        """Return whether a sub-config selects layers and decides about none."""
        return not self.decided[index] and self.selection.selects(index)

    def config(self, position: int) -> SubConfig | None:
        """Return the sub-config that decides about a layer; None when none selects it."""
        index = self.decided_by[position]
        return None if index == UNDECIDED else self.config_list[index]

    def status(self, position: int) -> Status:
        """Return what becomes of a layer."""
        config = self.config(position)
        if config is None:
            return Status.UNTOUCHED
        return Status.EXCLUDED if config.exclude else Status.COMPRESSED

    def settings(self, position: int) -> AnySettings | None:
        """Return what a layer gets; None unless it is compressed. Layers that one sub-config decides share it."""
        index = self.decided_by[position]
        return None if index == UNDECIDED else self.settings_of(index)

    def settings_of(self, index: int) -> AnySettings | None:
        """Return what a sub-config means for the layers that it decides; None for `exclude`."""
        if index not in self._settings:
            self._settings[index] = settings_of(self.config_list[index], index)
        return self._settings[index]

    @functools.cached_property
    def _settings(self) -> dict[int, AnySettings | None]:
        return {}
