"""Which sub-configs select which layers of a model, and which of them is the last (D1, D3).

Types and exact names are looked up. Partial names are searched together, in all names and aliases (`substrings`);
what a name contains is a hit set, of which there are fewer than layers and which are links to one another. Whatever
depends on partial names is found once for each hit set and type, along these links, and never for each pair of a
sub-config and a layer: time and memory stay linear in layers and selector elements, even where every partial name is
in every layer.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from compression_config.configs.sub_config import DEFAULT_TYPES, SubConfig
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath
from compression_config.resolving.substrings import Run, Substrings, add_run

__all__ = ["UNDECIDED", "AliasUse", "Mismatch", "Selection", "Unmatched"]


UNDECIDED: Final = -1
"""In the place of an index where no sub-config selects a layer; every index is larger."""

K = TypeVar("K")
Types: TypeAlias = frozenset[str] | None
"""The types that a selector admits; None where it admits all."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An element of a selector that no layer matches."""

    index: int
    """Of the sub-config."""
    key: str
    element: int
    """Its place in the list of that key."""

    @property
    def path(self) -> ConfigPath:
        """The config path of the element."""
        return (self.index, self.key, self.element)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A name or partial name whose layers exist, and which `op_types` of the same selector leaves out."""

    index: int
    key: str
    element: int
    position: int | None = None
    """Of the layer that `op_names` names, in the model's order; None for a partial name."""


@dataclass(frozen=True, slots=True)
class AliasUse:
    """An element that selects a layer only by another name of the same module (D17)."""

    index: int
    key: str
    element: int
    alias: str


class Selection:
    """Which sub-configs select which layers. Layers are known by position, sub-configs by index.

    The names that are searched, known by number, are those of the layers and then the aliases: the own name of a
    layer has the number of its position.
    """

    def __init__(self, configs: Sequence[SubConfig], inventory: Inventory) -> None:
        self._configs = configs
        self._inventory = inventory
        self._admitted: list[Types] = [config.types for config in configs]
        # The lists of indices in these tables are ascending, and each index is there once.
        self._by_type: dict[str, list[int]] = {}
        """For each type the sub-configs that select it and have no names."""
        self._by_name: dict[int, list[int]] = {}
        """For each layer the sub-configs that select it by its name or an alias in full."""
        self._listing: dict[str, list[int]] = {}
        """For each partial name the sub-configs that list it, whatever types they admit."""
        self._by_part: dict[tuple[int, str], list[int]] = {}
        """For a partial name, by number, and the type of a layer with it: those that select the layer by it."""
        self._last: dict[tuple[int, str], tuple[int, int]] = {}
        """For a hit set and a type: the last sub-config but one and the last that select such layers by it."""
        self._selects = bytearray(len(configs))
        self.unmatched: list[Unmatched] = []
        """Elements that no layer matches, in list order; of types, names and partial names."""
        self.mismatches: list[Mismatch] = []
        self.alias_uses: list[AliasUse] = []
        present = frozenset(inventory.types)
        for index, config in enumerate(configs):
            self._enter(index, config, present)
        self._parts = list(self._listing)
        self._names: Sequence[str] = [*inventory.names, *inventory.aliases] if self._parts else ()
        self._hits = Substrings(self._parts).search(self._names)
        self._absent = set(self._parts).difference(self._parts[part] for added in self._hits.added for part in added)
        self._by_key: dict[int, set[int]] = {}
        """For each sub-config the layers that it selects by a partial name that only their keys contain (D19)."""
        self._key_parts: list[str] = []
        """These partial names."""
        if self._absent and inventory.keys is not inventory.names:
            self._enter_keys()
        self.decided_by: list[int] = self._last_of_all()
        """For each layer the index of the last sub-config that selects it; `UNDECIDED` when none does."""
        self._note_parts()
        self._note_filtered_parts()

    @property
    def idle(self) -> Iterator[int]:
        """The indices of the sub-configs that select no layer, in list order."""
        return (index for index, selects in enumerate(self._selects) if not selects)

    def selects(self, index: int) -> bool:
        """Return whether a sub-config selects any layer."""
        return bool(self._selects[index])

    def selected_by(self, position: int) -> tuple[int, ...]:
        """Return the indices of all sub-configs that select a layer, in list order. O(n log n) in their number."""
        type_name = self._inventory.types[position]
        found = {*self._by_type.get(type_name, ()), *self._by_name.get(position, ())}
        return tuple(sorted(found.union(*(self._selecting(part, type_name) for part in self._contained(position)))))

    def runner_up(self, position: int) -> int:
        """Return the index of the last sub-config but one that selects a layer; `UNDECIDED` without one."""
        type_name = self._inventory.types[position]
        last = [*self._by_type.get(type_name, ())[-2:], *self._by_name.get(position, ())[-2:]]
        for name in self._names_of(position):
            last += self._last_two(self._hits.of_name[name], type_name)
        return max((index for index in last if index < self.decided_by[position]), default=UNDECIDED)

    def partial_names_in(self, position: int) -> Mapping[str, str]:
        """Return the partial names, of any sub-config, that a layer's name or an alias contains.

        With each of them the first of these names that contains it.
        """
        found = {self._parts[part]: self._names[name] for part, name in self._contained(position).items()}
        key = self._inventory.keys[position]
        return found | {part: key for part in self._key_parts if part in key}

    def few_partial_names_in(self, position: int, most: int) -> Collection[str] | None:
        """Return the partial names that a layer's name or an alias contains; None where they are more than `most`.

        O(most), where `partial_names_in` takes as long as all of them.
        """
        found: set[str] = set()
        for name in self._names_of(position):
            for part in self._hits.members(self._hits.of_name[name], set()):
                found.add(self._parts[part])
                if len(found) > most:
                    return None
        return found

    def deciders(self, parts: Iterable[str], most: int) -> dict[str, Mapping[str, Sequence[int]]]:
        """Return for each of `parts` and each type the first `most` sub-configs that decide layers with the part.

        They come in the order in which the model has their layers. Partial names in the same layers share one answer.
        """

        @functools.cache
        def within(runs: tuple[Run, ...]) -> Mapping[str, Sequence[int]]:
            found: dict[str, list[int]] = {}
            for position in sorted(self._within(runs, None)):
                indices = found.setdefault(self._inventory.types[position], [])
                if len(indices) < most and self.decided_by[position] not in indices:
                    indices.append(self.decided_by[position])
            return found

        return {part: within(self._runs_of((part,))) for part in parts}

    def selected(self, index: int) -> list[int]:
        """Return the positions of the layers that a sub-config selects, in the model's order.

        O(their number), after an O(layers + hit sets) for the first that is asked about.
        """
        config, admitted = self._configs[index], self._admitted[index]
        if not config.names_layers:
            return sorted(position for name in admitted or () for position in self._of_type.get(name, ()))
        return sorted(self._named(index) | self._within(self._runs_of(config.op_partial_names or ()), admitted))

    def selected_counts(self) -> list[int]:
        """Return for each sub-config how many layers it selects.

        Selectors of partial names that are in the same layers are counted once, so that it takes no longer where all
        of them are in all layers.
        """

        @functools.cache
        def within(runs: tuple[Run, ...], admitted: Types) -> int:
            if admitted is None and not self._inventory.aliases:
                return sum(end - start for start, end in runs)
            return len(self._within(runs, admitted))

        counts = []
        for index, (config, admitted) in enumerate(zip(self._configs, self._admitted, strict=True)):
            if not config.names_layers:
                counts.append(sum(len(self._of_type.get(name, ())) for name in admitted or ()))
                continue
            if index in self._by_key:
                counts.append(len(self.selected(index)))
                continue
            runs = self._runs_of(config.op_partial_names or ())
            count = within(runs, admitted)
            if config.op_names:
                count += sum(1 for position in self._named(index) if not self._is_within(position, runs))
            counts.append(count)
        return counts

    def _enter(self, index: int, config: SubConfig, present: frozenset[str]) -> None:
        """Put one selector into the tables, and note the types and names that no layer has."""
        admitted = self._admitted[index]
        if admitted is not None and not admitted <= present:
            for element, type_name in enumerate(config.op_types or ()):
                if present.isdisjoint(DEFAULT_TYPES if type_name == "default" else (type_name,)):
                    self.unmatched.append(Unmatched(index, "op_types", element))
        if config.op_names is not None:
            self._enter_names(index, config.op_names)
        for part in config.op_partial_names or ():
            _append(self._listing, part, index)
        if not config.names_layers:
            for type_name in present.intersection(admitted or ()):
                _append(self._by_type, type_name, index)
                self._selects[index] = 1

    def _enter_names(self, index: int, names: Sequence[str]) -> None:
        find, types, aliases = self._inventory.position, self._inventory.types, self._inventory.aliases
        admitted = self._admitted[index]
        for element, name in enumerate(names):
            position = find(name)
            if position is None:
                self.unmatched.append(Unmatched(index, "op_names", element))
            elif admitted is not None and types[position] not in admitted:
                self.mismatches.append(Mismatch(index, "op_names", element, position))
            else:
                self._selects[index] = 1
                _append(self._by_name, position, index)
                if name in aliases:
                    self.alias_uses.append(AliasUse(index, "op_names", element, name))

    def _enter_keys(self) -> None:
        """Search the partial names that no name contains in the names that wrappers make longer."""
        found = {
            part: [position for position, key in enumerate(self._inventory.keys) if part in key]
            for part in sorted(self._absent)
        }
        self._key_parts = [part for part, positions in found.items() if positions]
        self._absent -= set(self._key_parts)
        for part, positions in found.items():
            for index in self._listing[part]:
                admitted = self._admitted[index]
                chosen = {p for p in positions if admitted is None or self._inventory.types[p] in admitted}
                self._by_key.setdefault(index, set()).update(chosen)
        for index, chosen in sorted(self._by_key.items()):
            self._selects[index] |= bool(chosen)
            for position in chosen:
                self._by_name[position] = sorted({*self._by_name.get(position, ()), index})

    def _last_of_all(self) -> list[int]:
        """Return for each layer the last sub-config that selects it, and note which select any by partial names."""
        types = self._inventory.types
        last_of_type = {type_name: indices[-1] for type_name, indices in self._by_type.items()}
        decided_by = [last_of_type.get(type_name, UNDECIDED) for type_name in types]
        for position, indices in self._by_name.items():
            decided_by[position] = max(decided_by[position], indices[-1])
        for position, (hit_set, type_name) in enumerate(zip(self._hits.of_name, types, strict=False)):
            if hit_set:
                _, index = self._last.get((hit_set, type_name)) or self._last_two(hit_set, type_name)
                if index > decided_by[position]:  # noqa: PLR1730 - max() doubles the time of this loop
                    decided_by[position] = index
        for position, names in self._aliases.items() if self._parts else ():
            last = (self._last_two(self._hits.of_name[name], types[position])[1] for name in names)
            decided_by[position] = max(decided_by[position], *last)
        return decided_by

    def _last_two(self, hit_set: int, type_name: str) -> tuple[int, int]:
        """Return the last sub-config but one and the last that select layers of a type by a hit set.

        `UNDECIDED` stands for one that is not there. What is found for the hit sets that this one extends is kept.
        """
        chain = []
        while hit_set and (hit_set, type_name) not in self._last:
            chain.append(hit_set)
            hit_set = self._hits.parent[hit_set]
        before, last = self._last.get((hit_set, type_name), (UNDECIDED, UNDECIDED))
        for longer in reversed(chain):
            for part in self._hits.added[longer]:
                for index in self._selecting(part, type_name)[-2:]:
                    if index > last:
                        before, last = last, index
                    elif before < index < last:
                        before = index
            self._last[longer, type_name] = before, last
        return before, last

    def _selecting(self, part: int, type_name: str) -> list[int]:
        """Return the sub-configs that select layers of a type by a partial name; only for layers that there are."""
        found = self._by_part.get((part, type_name))
        if found is None:
            listing, admitted = self._listing[self._parts[part]], self._admitted
            found = [i for i in listing if (types := admitted[i]) is None or type_name in types]
            self._by_part[part, type_name] = found
            for index in found:
                self._selects[index] = 1
        return found

    def _note_parts(self) -> None:
        """Note the partial names that no name contains, and those that select a layer only by an alias."""
        absent, by_alias = self._absent, self._selecting_by_alias()
        if not absent and not by_alias:
            return
        for index, config in enumerate(self._configs):
            for element, part in enumerate(config.op_partial_names or ()):
                if part in absent:
                    self.unmatched.append(Unmatched(index, "op_partial_names", element))
                elif (index, part) in by_alias:
                    self.alias_uses.append(AliasUse(index, "op_partial_names", element, by_alias[index, part]))
        self.unmatched.sort(key=lambda unmatched: unmatched.index)

    def _note_filtered_parts(self) -> None:
        """Note the partial names that are only in names of layers whose types their sub-config does not admit.

        Not for a sub-config that selects no layer: that is one finding.
        """
        types_of: dict[str, set[str]] = {}
        for number, type_name in self._by_part:  # what is found of each hit set and type while layers are decided
            types_of.setdefault(self._parts[number], set()).add(type_name)
        for index, (config, admitted) in enumerate(zip(self._configs, self._admitted, strict=True)):
            if admitted is None or not self._selects[index]:
                continue
            for element, part in enumerate(config.op_partial_names or ()):
                if part in types_of and admitted.isdisjoint(types_of[part]):
                    self.mismatches.append(Mismatch(index, "op_partial_names", element))

    def _selecting_by_alias(self) -> dict[tuple[int, str], str]:
        """Return sub-config and partial name -> the first alias by which it selects a layer whose own name lacks it."""
        own_names, types, hits = self._inventory.names, self._inventory.types, self._hits
        first: dict[tuple[int, str], str] = {}
        seen: dict[tuple[int, str], set[int]] = {}
        """For the hit set of a layer's own name and its type the hit sets that need not be looked at again."""
        for (alias, position), hit_set in zip(
            self._inventory.aliases.items(), hits.of_name[len(self._inventory) :], strict=bool(self._parts)
        ):
            own = hits.of_name[position]
            if (own, types[position]) not in seen:
                seen[own, types[position]] = set(hits.chain(own))
            for part in hits.members(hit_set, seen[own, types[position]]):
                if self._parts[part] not in own_names[position]:
                    first.setdefault((part, types[position]), alias)
        found: dict[tuple[int, str], str] = {}
        for (part, type_name), alias in first.items():
            for index in self._selecting(part, type_name):
                found.setdefault((index, self._parts[part]), alias)
        return found

    def _contained(self, position: int) -> dict[int, int]:
        """Return the partial names in the names of a layer, each with the first of these names, all by number."""
        found: dict[int, int] = {}
        seen: set[int] = set()
        for name in self._names_of(position):
            for part in self._hits.members(self._hits.of_name[name], seen):
                found.setdefault(part, name)
        return found

    def _names_of(self, position: int) -> Sequence[int]:
        """Return the names of a layer, its own first; nothing where there are no partial names to search."""
        return (position, *self._aliases.get(position, ())) if self._parts else ()

    def _named(self, index: int) -> set[int]:
        """Return the layers that a sub-config selects by full names, or by the keys of a wrapped model."""
        admitted, types = self._admitted[index], self._inventory.types
        found = {self._inventory.position(name) for name in self._configs[index].op_names or ()}
        named = {p for p in found if p is not None and (admitted is None or types[p] in admitted)}
        return named | self._by_key.get(index, set())

    def _runs_of(self, parts: Sequence[str]) -> tuple[Run, ...]:
        """Return where in `_arranged` the layers are whose name or alias contains one of `parts`."""
        if len(parts) == 1:
            return self._runs.get(parts[0], ())
        runs: list[Run] = []
        for run in sorted(run for part in parts for run in self._runs.get(part, ())):
            add_run(runs, run)
        return tuple(runs)

    def _within(self, runs: Iterable[Run], admitted: Types) -> set[int]:
        """Return the layers of the types in `runs`; one that has aliases may be there several times."""
        types = self._inventory.types
        return {p for start, end in runs for p in self._arranged[start:end] if admitted is None or types[p] in admitted}

    def _is_within(self, position: int, runs: Sequence[Run]) -> bool:
        """Return whether one of the names of a layer is in `runs`, which are disjoint and ascending."""
        for place in self._places[position] if runs else ():
            number = bisect.bisect_right(runs, place, key=lambda run: run[0]) - 1
            if number >= 0 and place < runs[number][1]:
                return True
        return False

    @functools.cached_property
    def _places(self) -> dict[int, list[int]]:
        """For each layer where it is in `_arranged`."""
        return _grouped(self._arranged)

    @functools.cached_property
    def _of_type(self) -> dict[str, list[int]]:
        return _grouped(self._inventory.types)

    @functools.cached_property
    def _aliases(self) -> dict[int, list[int]]:
        """For each layer that has aliases their numbers."""
        size = len(self._inventory)
        numbers = _grouped(self._inventory.aliases.values())
        return {position: [size + alias for alias in of_one] for position, of_one in numbers.items()}

    @functools.cached_property
    def _arrangement(self) -> tuple[list[int], Mapping[int, list[Run]]]:
        return self._hits.arranged()

    @functools.cached_property
    def _arranged(self) -> list[int]:
        """The layers, once for each of their names, in an order in which a partial name is in few runs of them."""
        layers = [*range(len(self._inventory)), *self._inventory.aliases.values()]
        return [layers[name] for name in self._arrangement[0]]

    @functools.cached_property
    def _runs(self) -> dict[str, tuple[Run, ...]]:
        """For each partial name where in `_arranged` the layers with it are."""
        return {self._parts[part]: tuple(runs) for part, runs in self._arrangement[1].items()}


def _append(table: dict[K, list[int]], key: K, index: int) -> None:
    """Append an index to the ascending list of a key, once."""
    indices = table.setdefault(key, [])
    if not indices or indices[-1] != index:
        indices.append(index)


def _grouped(keys: Iterable[K]) -> dict[K, list[int]]:
    """Return for each key the places where it is, in ascending order."""
    places: dict[K, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return places
