"""The partial names of all selectors against the names of all layers.

They are searched together (`substrings`); what layers contain comes back as hit sets, of which there are far
fewer than layers. For each hit set and each type that occurs with it the last sub-config is found once.
"""

from __future__ import annotations

import bisect
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from compression_config.configs.sub_config import DEFAULT_TYPES, SubConfig
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath
from compression_config.resolving.substrings import HitSets, Substrings

__all__ = ["NOBODY", "AliasUse", "Mismatch", "PartialClaims", "Selection", "Unmatched"]


NOBODY: Final = -1
"""Stands for a winner where there is none; any index is larger."""


class PartialClaims:
    """Who selects what by partial names. Enter all of them, then `search`, then ask."""

    def __init__(self, inventory: Inventory, admits: Callable[[int, str], bool]) -> None:
        self._inventory = inventory
        self._admits = admits
        """Whether a sub-config, by its index, admits layers of a type."""
        self._listing: dict[str, list[int]] = {}
        """For each partial name the sub-configs that list it, in list order."""
        self._hits = HitSets()
        self._best: dict[tuple[int, str], int] = {}
        """The last sub-config for a hit set and a type, as far as asked for."""
        self._admitting: dict[tuple[int, str], list[int]] = {}
        """All sub-configs that list a partial name and admit a type, likewise."""
        self.selecting: set[int] = set()
        """The sub-configs that select a layer by a partial name, once `take` is through."""

    def enter(self, index: int, substrings: Iterable[str]) -> None:
        """Note that the sub-config `index` lists `substrings`."""
        for substring in substrings:
            self._listing.setdefault(substring, []).append(index)

    def search(self) -> None:
        """Search the partial names in all names of layers, and behind them in all aliases."""
        if self._listing:
            names = [*self._inventory.names, *self._inventory.aliases]
            self._hits = Substrings(self._substrings).search(names)

    def take(self, decided_by: list[int]) -> None:
        """Let the last of the partial names win the layers that contain them, where nobody later does."""
        if not self._hits.of_name:
            return
        best, types = self._best, self._inventory.types
        for position, (hit_set, kind) in enumerate(zip(self._hits.of_name, types, strict=False)):
            if hit_set:
                index = best.get((hit_set, kind))
                if index is None:
                    index = self._best_of(hit_set, kind)
                if index > decided_by[position]:  # noqa: PLR1730 - max() doubles the time of this loop
                    decided_by[position] = index
        for position, hit_sets in self._aliased_hits.items():
            kind = types[position]
            decided_by[position] = max(decided_by[position], *(self._best_of(hit_set, kind) for hit_set in hit_sets))

    def hit_sets(self, position: int) -> tuple[int, ...]:
        """Return the hit sets of a layer's name and of its aliases; layers of equal ones cannot be told apart."""
        if not self._hits.of_name:
            return ()
        return (self._hits.of_name[position], *self._aliased_hits.get(position, ()))

    def hitting(self, hit_sets: Iterable[int], kind: str) -> Iterator[int]:
        """Yield the sub-configs that select layers of a type with these hit sets; one may come twice."""
        for hit_set in hit_sets:
            for substring in self._hits.members(hit_set):
                yield from self._admitted(substring, kind)

    def lists_hitting(self, position: int) -> Iterator[list[int]]:
        """Yield for each partial name in a layer the sub-configs that select the layer by it, in list order."""
        for hit_set in self.hit_sets(position):
            for substring in self._hits.members(hit_set):
                yield self._admitted(substring, self._inventory.types[position])

    def contained_in(self, position: int) -> Iterator[str]:
        """Yield the partial names that a layer's name or an alias contains; one may come twice."""
        for hit_set in self.hit_sets(position):
            yield from (self._substrings[substring] for substring in self._hits.members(hit_set))

    def layers_with(self, substring: str) -> Iterator[int]:
        """Yield the positions of the layers whose name or alias contains a partial name; one may come twice."""
        size = len(self._inventory)
        for name in self._hits.names_with(self._numbers[substring]):
            yield name if name < size else self._aliased[name - size]

    def absent(self) -> set[str]:
        """Return the partial names that no name and no alias contains."""
        seen: set[int] = {0}
        found: set[int] = set()
        for hit_set in set(self._hits.of_name):
            while hit_set not in seen:
                seen.add(hit_set)
                found.update(self._hits.added[hit_set])
                hit_set = self._hits.parent[hit_set]  # noqa: PLW2901 - up the links
        return {substring for number, substring in enumerate(self._substrings) if number not in found}

    def taken_by_alias(self) -> dict[tuple[int, str], str]:
        """Return sub-config and partial name -> the first alias by which it takes a layer whose own name lacks it."""
        if not self._hits.of_name:
            return {}
        first: dict[tuple[int, str], str] = {}
        own_hits, behind_names = self._hits.of_name, self._hits.of_name[len(self._inventory) :]
        for (alias, position), hit_set in zip(self._inventory.aliases.items(), behind_names, strict=True):
            for substring in set(self._hits.members(hit_set)).difference(self._hits.members(own_hits[position])):
                first.setdefault((substring, self._inventory.types[position]), alias)
        taken: dict[tuple[int, str], str] = {}
        for (substring, kind), alias in first.items():
            for index in self._admitted(substring, kind):
                taken.setdefault((index, self._substrings[substring]), alias)
        return taken

    def _best_of(self, hit_set: int, kind: str) -> int:
        """Return the last sub-config with a partial name in `hit_set` that admits the type; note all that select."""
        best, hits = self._best, self._hits
        chain = []
        while hit_set and (hit_set, kind) not in best:
            chain.append(hit_set)
            hit_set = hits.parent[hit_set]
        last = best.get((hit_set, kind), NOBODY)
        for longer in reversed(chain):
            for substring in hits.added[longer]:
                admitted = self._admitted(substring, kind)
                self.selecting.update(admitted)
                last = max(last, admitted[-1] if admitted else NOBODY)
            best[longer, kind] = last
        return last

    def _admitted(self, substring: int, kind: str) -> list[int]:
        """Return the sub-configs that list a partial name and admit the type, in list order; remembered."""
        found = self._admitting.get((substring, kind))
        if found is None:
            listing = self._listing[self._substrings[substring]]
            found = self._admitting[substring, kind] = [index for index in listing if self._admits(index, kind)]
        return found

    @functools.cached_property
    def _substrings(self) -> list[str]:
        return list(self._listing)

    @functools.cached_property
    def _numbers(self) -> dict[str, int]:
        return {substring: number for number, substring in enumerate(self._substrings)}

    @functools.cached_property
    def _aliased(self) -> list[int]:
        """The positions of the layers behind the aliases, in the order in which these are searched."""
        return list(self._inventory.aliases.values())

    @functools.cached_property
    def _aliased_hits(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        behind_names = self._hits.of_name[len(self._inventory) :]
        for position, hit_set in zip(self._aliased, behind_names, strict=True):
            found.setdefault(position, []).append(hit_set)
        return found


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
        self.decided_by: list[int] = self._last_claims()
        """For each layer the index of the last sub-config that selects it; -1 when none does."""
        self._note_unmatched_substrings()

    @property
    def idle(self) -> Iterator[int]:
        """The indices of the sub-configs that select no layer, in list order."""
        return (index for index, selects in enumerate(self._selects) if not selects)

    def selects(self, index: int) -> bool:
        """Return whether a sub-config selects any layer."""
        return bool(self._selects[index])

    def selected_by(self, position: int) -> tuple[int, ...]:
        """Return the indices of all sub-configs that select a layer, in list order. O(n log n) in their number."""
        kind = self._inventory.types[position]
        found = {*self._by_type.get(kind, ()), *self._by_name.get(position, ())}
        return tuple(sorted(found.union(self._by_part.hitting(self._by_part.hit_sets(position), kind))))

    def runner_up(self, position: int) -> int:
        """Return the index of the sub-config that a layer's winner overrules: the last claim but one; -1 for none."""
        kind, winner = self._inventory.types[position], self.decided_by[position]
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
        decided_by = [last_of_type.get(kind, NOBODY) for kind in self._inventory.types]
        for position, indices in self._by_name.items():
            decided_by[position] = max(decided_by[position], indices[-1])
        self._by_part.take(decided_by)
        for index in self._by_part.selecting:
            self._selects[index] = 1
        return decided_by

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
