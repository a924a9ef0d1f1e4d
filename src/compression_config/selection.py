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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from compression_config.configs.base import DEFAULT_TYPES, SubConfig
from compression_config.inventory import Inventory
from compression_config.spans import ConfigPath
from compression_config.substrings import HitSets, Substrings

__all__ = ["NOBODY", "AliasUse", "Mismatch", "Selection", "Unmatched"]

NOBODY = -1
"""Stands for a winner where there is none; any index is larger."""


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
        self._by_substring: dict[str, list[int]] = {}
        self._selects = bytearray(len(configs))
        self.unmatched: list[Unmatched] = []
        """Elements that no layer answers to, in list order; of types, names and partial names."""
        self.mismatches: list[Mismatch] = []
        self.alias_uses: list[AliasUse] = []
        for index, config in enumerate(configs):
            self._enter(index, config)
        self._best: dict[tuple[int, str], int] = {}
        """The last sub-config for a hit set and a type, as far as asked for."""
        self._admitting: dict[tuple[int, str], int] = {}
        """The same for one partial name and a type."""
        self._hits = self._searched()
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
        return tuple(sorted(found.union(self._hitting(self._hit_sets(position), kind))))

    def runner_up(self, position: int) -> int:
        """Return the index of the sub-config that a layer's winner overrules: the last claim but one; -1 for none."""
        kind, winner = self._inventory.types[position], self.winners[position]
        last = max(_before(winner, self._by_type.get(kind)), _before(winner, self._by_name.get(position)))
        for hit_set in self._hit_sets(position):
            for substring in self._hits.members(hit_set):
                last = max(last, _before(winner, self._admitted(substring, kind)))
        return last

    def partial_names_in(self, position: int) -> Iterator[str]:
        """Yield the partial names, of any sub-config, that a layer's name or an alias contains; one may come twice."""
        for hit_set in self._hit_sets(position):
            yield from (self._substrings[substring] for substring in self._hits.members(hit_set))

    def selected(self, index: int) -> list[int]:
        """Return the positions of the layers that a sub-config selects, in the model's order.

        O(their number), after an O(layers + hit sets) for the first that is asked about.
        """
        config = self._configs[index]
        admitted = config.types
        if not config.names_layers:
            return sorted(position for kind in admitted or () for position in self._of_type.get(kind, ()))
        find, types, size = self._inventory.position, self._inventory.types, len(self._inventory)
        found = {position for name in config.op_names or () if (position := find(name)) is not None}
        for substring in config.op_partial_names or ():
            names = self._hits.names_with(self._numbers[substring])
            found.update(name if name < size else self._aliased[name - size] for name in names)
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
        alike = Counter((self._hit_sets(position), kind) for position, kind in enumerate(types))
        hitting = {like: frozenset(self._hitting(*like)) for like in alike}
        for like, layers in alike.items():
            for index in hitting[like]:
                counts[index] += layers
        for position, indices in self._by_name.items():
            for index in set(indices) - hitting[self._hit_sets(position), types[position]]:
                counts[index] += 1
        return counts

    def _hitting(self, hit_sets: Iterable[int], kind: str) -> Iterator[int]:
        """Yield the sub-configs that select layers of a type with these hit sets by a partial name."""
        for hit_set in hit_sets:
            for substring in self._hits.members(hit_set):
                yield from (i for i in self._by_substring[self._substrings[substring]] if self._admits(i, kind))

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
            for substring in config.op_partial_names:
                self._by_substring.setdefault(substring, []).append(index)
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
    def _substrings(self) -> list[str]:
        return list(self._by_substring)

    @functools.cached_property
    def _numbers(self) -> dict[str, int]:
        return {substring: number for number, substring in enumerate(self._substrings)}

    @functools.cached_property
    def _aliased(self) -> list[int]:
        """The positions of the layers behind the aliases, in the order in which these are searched."""
        return list(self._inventory.aliases.values())

    @functools.cached_property
    def _of_type(self) -> dict[str, list[int]]:
        positions: dict[str, list[int]] = {}
        for position, kind in enumerate(self._inventory.types):
            positions.setdefault(kind, []).append(position)
        return positions

    def _searched(self) -> HitSets:
        """Search the partial names in all names of layers, and behind them in all aliases."""
        if not self._by_substring:
            return HitSets()
        return Substrings(self._substrings).search([*self._inventory.names, *self._inventory.aliases])

    def _hit_sets(self, position: int) -> tuple[int, ...]:
        """Return the hit sets of a layer's name and of its aliases."""
        if not self._hits.of_name:
            return ()
        return (self._hits.of_name[position], *self._aliased_hits.get(position, ()))

    @functools.cached_property
    def _aliased_hits(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        behind_names = self._hits.of_name[len(self._inventory) :]
        for position, hit_set in zip(self._aliased, behind_names, strict=True):
            found.setdefault(position, []).append(hit_set)
        return found

    def _admits(self, index: int, kind: str) -> bool:
        admitted = self._configs[index].types
        return admitted is None or kind in admitted

    def _last_claims(self) -> list[int]:
        last_of_type = {kind: indices[-1] for kind, indices in self._by_type.items()}
        winners = [last_of_type.get(kind, NOBODY) for kind in self._inventory.types]
        for position, indices in self._by_name.items():
            winners[position] = max(winners[position], indices[-1])
        if self._hits.of_name:
            self._take_hits(winners)
        return winners

    def _take_hits(self, winners: list[int]) -> None:
        """Let the partial names win the layers that contain them; see the cost at the top."""
        best, types = self._best, self._inventory.types
        for position, (hit_set, kind) in enumerate(zip(self._hits.of_name, types, strict=False)):
            if hit_set:
                index = best.get((hit_set, kind))
                if index is None:
                    index = self._best_of(hit_set, kind)
                if index > winners[position]:  # noqa: PLR1730 - max() doubles the time of this loop
                    winners[position] = index
        for position, hit_sets in self._aliased_hits.items():
            kind = types[position]
            winners[position] = max(winners[position], *(self._best_of(hit_set, kind) for hit_set in hit_sets))

    def _best_of(self, hit_set: int, kind: str) -> int:
        """Return the last sub-config with a partial name in `hit_set` that admits the type; note who selects."""
        best, hits = self._best, self._hits
        chain = []
        while hit_set and (hit_set, kind) not in best:
            chain.append(hit_set)
            hit_set = hits.parent[hit_set]
        last = best.get((hit_set, kind), NOBODY)
        for longer in reversed(chain):
            for substring in hits.added[longer]:
                last = max(last, self._last_admitting(substring, kind))
            best[longer, kind] = last
        return last

    def _last_admitting(self, substring: int, kind: str) -> int:
        """Return the last sub-config that lists a partial name and admits the type; note all that do."""
        last = self._admitting.get((substring, kind))
        if last is None:
            admitting = self._admitted(substring, kind)
            for index in admitting:
                self._selects[index] = 1
            last = self._admitting[substring, kind] = admitting[-1] if admitting else NOBODY
        return last

    def _admitted(self, substring: int, kind: str) -> list[int]:
        """Return the sub-configs that list a partial name and admit the type, in list order; remembered."""
        found = self._admitted_by.get((substring, kind))
        if found is None:
            listing = self._by_substring[self._substrings[substring]]
            found = self._admitted_by[substring, kind] = [index for index in listing if self._admits(index, kind)]
        return found

    @functools.cached_property
    def _admitted_by(self) -> dict[tuple[int, str], list[int]]:
        return {}

    def _note_unmatched_substrings(self) -> None:
        """Note the partial names that no name contains, and those that take a layer by an alias alone."""
        if not self._by_substring:
            return
        present = self._contained(self._hits.of_name)
        absent = {substring for number, substring in enumerate(self._substrings) if number not in present}
        by_alias = self._taken_by_alias()
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

    def _taken_by_alias(self) -> dict[tuple[int, str], str]:
        """Return sub-config and partial name -> the first alias by which it takes a layer whose own name lacks it."""
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

    def _contained(self, hit_sets: Sequence[int]) -> set[int]:
        """Return the substrings in any of `hit_sets`, each link followed once."""
        seen: set[int] = {0}
        found: set[int] = set()
        for hit_set in set(hit_sets):
            while hit_set not in seen:
                seen.add(hit_set)
                found.update(self._hits.added[hit_set])
                hit_set = self._hits.parent[hit_set]  # noqa: PLW2901 - up the links
        return found


def _before(winner: int, indices: list[int] | None) -> int:
    """Return the last of ascending `indices` that is smaller than `winner`; -1 when none is."""
    if not indices or indices[0] >= winner:
        return NOBODY
    return indices[bisect.bisect_left(indices, winner) - 1]
