"""Selectors against an inventory: which layers each sub-config selects, and which of its elements select none.

The literal reading of D1 asks every selector about every layer. Here each selector speaks once:

- A selector of types alone is a hash look-up by type; of the sub-configs that list a type only the last counts
  for the winner.
- An exact name is one look-up in the inventory's table of names.
- The partial names of all selectors are searched together (`substrings`); what layers contain comes back as hit
  sets, of which there are far fewer than layers. For each hit set and each type that occurs with it the last
  sub-config is found once.

Cost: O(selector elements + layers + distinct pairs of hit set and type). The claims of one layer, or the
layers of one sub-config, are put together when somebody asks. The judge of all this is the literal
resolver in the tests.
"""

from __future__ import annotations

import bisect
import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compression_config.configs.base import DEFAULT_TYPES, SubConfig
from compression_config.inventory import Inventory
from compression_config.partial_claims import NOBODY, PartialClaims
from compression_config.spans import ConfigPath

__all__ = ["NOBODY", "AliasUse", "Mismatch", "Selection", "Unmatched"]


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An element of a selector that no layer answers to."""

    index: int
    """Of the sub-config."""
    key: str
    element: int
    """Its place in the list behind `key`."""

    @property
    def path(self) -> ConfigPath:
        """The config path of the element."""
        return (self.index, self.key, self.element)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A layer that `op_names` names and the `op_types` of the same selector leave out."""

    index: int
    element: int
    position: int
    """Of the layer, in the model's order."""


@dataclass(frozen=True, slots=True)
class AliasUse:
    """A layer that a selector takes under another name of the same module (D17)."""

    index: int
    key: str
    element: int
    alias: str


class Selection:
    """Who selects what. Layers are known by position in the model's order, sub-configs by index."""

    def __init__(self, configs: Sequence[SubConfig], inventory: Inventory) -> None:
        self._configs = configs
        self._inventory = inventory
        self._present = frozenset(inventory.types)
        self._by_type: dict[str, list[int]] = {}
        self._by_name: dict[int, list[int]] = {}
        self._by_part = PartialClaims(inventory, self._admits)
        self._selects = bytearray(len(configs))
        self.unmatched: list[Unmatched] = []
        """Elements that no layer answers to, in list order; of types, names and partial names."""
        self.mismatches: list[Mismatch] = []
        self.alias_uses: list[AliasUse] = []
        for index, config in enumerate(configs):
            self._enter(index, config)
        self._by_part.search()
        self.winners: list[int] = self._last_claims()
        """For each layer the index of the last sub-config that selects it; -1 when none does."""
        self._note_unmatched_substrings()

    @property
    def idle(self) -> Iterator[int]:
        """The indices of the sub-configs that select no layer, in list order."""
        return (index for index, selects in enumerate(self._selects) if not selects)

    def selects(self, index: int) -> bool:
        """Return whether a sub-config selects any layer."""
        return bool(self._selects[index])

    def claims(self, position: int) -> tuple[int, ...]:
        """Return the indices of all sub-configs that select a layer, in list order. O(claims log claims)."""
        kind = self._inventory.types[position]
        found = {*self._by_type.get(kind, ()), *self._by_name.get(position, ())}
        return tuple(sorted(found.union(self._by_part.hitting(self._by_part.hit_sets(position), kind))))

    def runner_up(self, position: int) -> int:
        """Return the index of the sub-config that a layer's winner overrules: the last claim but one; -1 for none."""
        kind, winner = self._inventory.types[position], self.winners[position]
        last = max(_before(winner, self._by_type.get(kind)), _before(winner, self._by_name.get(position)))
        return max(last, *(_before(winner, indices) for indices in self._by_part.lists_hitting(position)), NOBODY)

    def partial_names_in(self, position: int) -> Iterator[str]:
        """Return the partial names, of any sub-config, that a layer's name or an alias contains; one may come twice."""
        return self._by_part.contained_in(position)

    def selected(self, index: int) -> list[int]:
        """Return the positions of the layers that a sub-config selects, in the model's order.

        O(their number), after an O(layers + hit sets) for the first that is asked about.
        """
        config = self._configs[index]
        admitted = config.types
        if not config.names_layers:
            return sorted(position for kind in admitted or () for position in self._of_type.get(kind, ()))
        find, types = self._inventory.position, self._inventory.types
        found = {position for name in config.op_names or () if (position := find(name)) is not None}
        for substring in config.op_partial_names or ():
            found.update(self._by_part.layers_with(substring))
        return sorted(position for position in found if admitted is None or types[position] in admitted)

    def selected_counts(self) -> list[int]:
        """Return for each sub-config how many layers it selects.

        O(layers + elements + claims of the distinct pairs of hit sets and type): layers that cannot be told apart
        are counted together.
        """
        counts = [0] * len(self._configs)
        types = self._inventory.types
        layers_of_type = Counter(types)
        for kind, indices in self._by_type.items():
            for index in set(indices):
                counts[index] += layers_of_type[kind]
        hit_sets = self._by_part.hit_sets
        alike = Counter((hit_sets(position), kind) for position, kind in enumerate(types))
        hitting = {like: frozenset(self._by_part.hitting(*like)) for like in alike}
        for like, layers in alike.items():
            for index in hitting[like]:
                counts[index] += layers
        for position, indices in self._by_name.items():
            for index in set(indices) - hitting[hit_sets(position), types[position]]:
                counts[index] += 1
        return counts

    def _enter(self, index: int, config: SubConfig) -> None:
        """Put one selector into the tables, and note the elements that no layer answers to."""
        admitted = config.types
        if admitted is not None and not admitted <= self._present:
            for element, kind in enumerate(config.op_types or ()):
                if self._present.isdisjoint(DEFAULT_TYPES if kind == "default" else (kind,)):
                    self.unmatched.append(Unmatched(index, "op_types", element))
        if config.op_names is not None:
            self._enter_names(index, config.op_names, admitted)
        if config.op_partial_names is not None:
            self._by_part.enter(index, config.op_partial_names)
        elif config.op_names is None:
            for kind in admitted or ():
                self._by_type.setdefault(kind, []).append(index)
                if kind in self._present:
                    self._selects[index] = 1

    def _enter_names(self, index: int, names: Sequence[str], admitted: frozenset[str] | None) -> None:
        find, types, aliases = self._inventory.position, self._inventory.types, self._inventory.aliases
        for element, name in enumerate(names):
            position = find(name)
            if position is None:
                self.unmatched.append(Unmatched(index, "op_names", element))
            elif admitted is not None and types[position] not in admitted:
                self.mismatches.append(Mismatch(index, element, position))
            else:
                self._selects[index] = 1
                self._by_name.setdefault(position, []).append(index)
                if name in aliases:
                    self.alias_uses.append(AliasUse(index, "op_names", element, name))

    @functools.cached_property
    def _of_type(self) -> dict[str, list[int]]:
        positions: dict[str, list[int]] = {}
        for position, kind in enumerate(self._inventory.types):
            positions.setdefault(kind, []).append(position)
        return positions

    def _admits(self, index: int, kind: str) -> bool:
        admitted = self._configs[index].types
        return admitted is None or kind in admitted

    def _last_claims(self) -> list[int]:
        last_of_type = {kind: indices[-1] for kind, indices in self._by_type.items()}
        winners = [last_of_type.get(kind, NOBODY) for kind in self._inventory.types]
        for position, indices in self._by_name.items():
            winners[position] = max(winners[position], indices[-1])
        self._by_part.take(winners)
        for index in self._by_part.selecting:
            self._selects[index] = 1
        return winners

    def _note_unmatched_substrings(self) -> None:
        """Note the partial names that no name contains, and those that take a layer by an alias alone."""
        absent, by_alias = self._by_part.absent(), self._by_part.taken_by_alias()
        if not absent and not by_alias:
            return
        for index, config in enumerate(self._configs):
            for element, substring in enumerate(config.op_partial_names or ()):
                if substring in absent:
                    self.unmatched.append(Unmatched(index, "op_partial_names", element))
                elif (index, substring) in by_alias:
                    alias = by_alias[index, substring]
                    self.alias_uses.append(AliasUse(index, "op_partial_names", element, alias))
        self.unmatched.sort(key=lambda unmatched: unmatched.index)


def _before(winner: int, indices: list[int] | None) -> int:
    """Return the last of ascending `indices` that is smaller than `winner`; -1 when none is."""
    if not indices or indices[0] >= winner:
        return NOBODY
    return indices[bisect.bisect_left(indices, winner) - 1]
