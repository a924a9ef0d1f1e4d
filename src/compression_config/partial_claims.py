"""The partial names of all selectors against the names of all layers.

They are searched together (`substrings`); what layers contain comes back as hit sets, of which there are far
fewer than layers. For each hit set and each type that occurs with it the last sub-config is found once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from compression_config.inventory import Inventory
from compression_config.substrings import HitSets, Substrings

__all__ = ["NOBODY", "PartialClaims"]

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

    def take(self, winners: list[int]) -> None:
        """Let the last of the partial names win the layers that contain them, where nobody later does."""
        if not self._hits.of_name:
            return
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
