"""Which of many substrings occur in each of many dotted names, in time linear in both.

The substrings become one automaton (Aho and Corasick, 1975): a trie whose states also know the longest
proper suffix that is a state again, so a text is read once, character by character, for all substrings.
The names of a model are the paths of a tree: `a.b.c` and `a.b.d` share the walk over `a.b.`, and the same
component (`gate_proj`) follows the same state thousands of times. So a component is walked once for each
state that it starts from and remembered; most names then cost one look-up.

What a name contains is what the prefix up to its last dot contains and what its last component adds. These
*hit sets* are kept as links to the prefix's, never copied. A substring is listed where it ends; one that
ends again further down is listed again.

Cost: O(total length of the substrings) to build, O(names + characters of distinct components per state)
to walk. A few substrings are searched one by one, which C does faster than Python walks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["HitSets", "Run", "Substrings", "add_run"]


_ROOT = 0
_FEW = 8
"""Up to this many substrings a plain search of every name is faster than the automaton (measured)."""

Run: TypeAlias = tuple[int, int]
"""The place of the first name and the place after the last."""


@dataclass
class HitSets:
    """What is contained in names: one hit set for each distinct answer.

    `of_name[i]` is the number of the hit set of name `i`. Hit set 0 is empty. Hit set `s` holds the
    substrings `added[s]` and those of hit set `parent[s]`.
    """

    of_name: list[int] = field(default_factory=list)
    parent: list[int] = field(default_factory=lambda: [0])
    added: list[tuple[int, ...]] = field(default_factory=lambda: [()])

    def members(self, hit_set: int, seen: set[int] | None = None) -> Iterator[int]:
        """Yield the numbers of the substrings in a hit set; one may come more than once.

        With `seen`, hit sets that are in it are left out, and those that are looked at are added.
        """
        for one in self.chain(hit_set):
            if seen is not None:
                if one in seen:
                    break
                seen.add(one)
            yield from self.added[one]

    def chain(self, hit_set: int) -> Iterator[int]:
        """Yield a hit set and those that it extends; the empty one is left out."""
        while hit_set:
            yield hit_set
            hit_set = self.parent[hit_set]

    def arranged(self) -> tuple[list[int], Mapping[int, list[Run]]]:
        """Return the names in an order in which those with a substring lie together, and for each substring where.

        In the tree of hit sets, walked from the root, a hit set and all that extend it are one run of names.
        Neighbouring runs are joined: what all names contain has a single one. The runs of a substring are disjoint
        and ascending; one that no name contains has no entry. O(names + hit sets + what they add).
        """
        own = [0] * len(self.parent)
        for hit_set in self.of_name:
            own[hit_set] += 1
        # A parent has a smaller number than the hit sets that extend it: no recursion is needed either way.
        size, start = own.copy(), [0] * len(own)
        for hit_set in range(len(own) - 1, 0, -1):
            size[self.parent[hit_set]] += size[hit_set]
        free = own.copy()
        """For each hit set where its next extension begins."""
        for hit_set in range(1, len(own)):
            start[hit_set] = free[self.parent[hit_set]]
            free[self.parent[hit_set]] += size[hit_set]
            free[hit_set] += start[hit_set]
        order, place = [0] * len(self.of_name), start.copy()
        for name, hit_set in enumerate(self.of_name):
            order[place[hit_set]] = name
            place[hit_set] += 1
        runs: dict[int, list[Run]] = {}
        for hit_set in sorted(range(len(own)), key=start.__getitem__):
            run = start[hit_set], start[hit_set] + size[hit_set]
            for substring in self.added[hit_set]:
                add_run(runs.setdefault(substring, []), run)
        return order, runs

    def extended(self, hit_set: int, added: tuple[int, ...]) -> int:
        """Return the number of a new hit set: `added` on top of `hit_set`."""
        self.parent.append(hit_set)
        self.added.append(added)
        return len(self.parent) - 1


def add_run(runs: list[Run], run: Run) -> None:
    """Add a run that begins no earlier than the last of `runs`; the two are joined where they touch or overlap."""
    if runs and run[0] <= runs[-1][1]:
        runs[-1] = runs[-1][0], max(runs[-1][1], run[1])
    else:
        runs.append(run)


class Substrings:
    """Distinct, non-empty substrings to look for; they are known by their position in the sequence."""

    def __init__(self, substrings: Sequence[str]) -> None:
        self._substrings = substrings

    def search(self, names: Sequence[str]) -> HitSets:
        """Return what each of `names` contains."""
        if len(self._substrings) <= _FEW:
            return _searched_one_by_one(self._substrings, names)
        return _Automaton(self._substrings).walk(names)


def _searched_one_by_one(substrings: Sequence[str], names: Sequence[str]) -> HitSets:
    masks = [0] * len(names)
    for number, substring in enumerate(substrings):
        bit = 1 << number
        for place in [place for place, name in enumerate(names) if substring in name]:
            masks[place] |= bit
    found = HitSets()
    numbers = {0: 0}
    for mask in set(masks) - {0}:
        members = tuple(number for number in range(len(substrings)) if mask >> number & 1)
        numbers[mask] = found.extended(0, members)
    found.of_name = [numbers[mask] for mask in masks]
    return found


class _Automaton:
    """The trie, one dict for all its edges; suffix links and outputs are made when a state is first entered."""

    def __init__(self, substrings: Sequence[str]) -> None:
        self._edges: dict[tuple[int, str], int] = {}
        self._parent = [_ROOT]
        self._character = [""]
        self._goes_on = bytearray(b"\1")
        self._ends_here: dict[int, int] = {}
        for number, substring in enumerate(substrings):
            self._ends_here[self._inserted(substring)] = number
        self._suffix: dict[int, int] = {_ROOT: _ROOT}
        self._outputs: dict[int, tuple[int, ...]] = {_ROOT: ()}
        self._walked: dict[tuple[int, str], tuple[int, tuple[int, ...]]] = {}

    def _inserted(self, substring: str) -> int:
        state = _ROOT
        edges = self._edges
        for character in substring:
            following = edges.get((state, character))
            if following is None:
                following = edges[state, character] = len(self._parent)
                self._parent.append(state)
                self._character.append(character)
                self._goes_on.append(0)
                self._goes_on[state] = 1
            state = following
        return state

    def walk(self, names: Sequence[str]) -> HitSets:
        """Return what each of `names` contains."""
        found = HitSets()
        walked = self._walked
        reached: dict[str, tuple[int, int]] = {"": (_ROOT, 0)}
        """The state and the hit set after each prefix, its dot included."""
        for name in names:
            prefix = name[: name.rfind(".") + 1]
            state, hit_set = reached.get(prefix) or self._reach(prefix, reached, found)
            step = state, name[len(prefix) :]
            added = (walked.get(step) or self._walk_component(*step))[1]
            found.of_name.append(found.extended(hit_set, added) if added else hit_set)
        return found

    def _reach(self, prefix: str, reached: dict[str, tuple[int, int]], found: HitSets) -> tuple[int, int]:
        """Walk a prefix from the longest part of it that was walked before."""
        missing = []
        while prefix not in reached:
            missing.append(prefix)
            prefix = prefix[: prefix.rfind(".", 0, -1) + 1]
        for longer in reversed(missing):
            state, hit_set = reached[prefix]
            step = state, longer[len(prefix) :]
            state, added = self._walked.get(step) or self._walk_component(*step)
            reached[longer] = (state, found.extended(hit_set, added) if added else hit_set)
            prefix = longer
        return reached[prefix]

    def _walk_component(self, state: int, component: str) -> tuple[int, tuple[int, ...]]:
        """Return the state after `component` and the substrings that end in it; remembered."""
        start = state
        hits: list[int] = []
        for place, character in enumerate(component, 1):
            state = self._next(state, character)
            if not state and start:  # what follows is the same from wherever the walk came to the root
                rest = _ROOT, component[place:]
                state, following = self._walked.get(rest) or self._walk_component(*rest)
                hits += following
                break
            hits += self._outputs[state]
        # Where the trie ends, only the suffix can go on: the fewer states remain, the more walks are shared.
        while not self._goes_on[state]:
            state = self._suffix[state]
        step = self._walked[start, component] = (state, tuple(dict.fromkeys(hits)))
        return step

    def _next(self, state: int, character: str) -> int:
        edges = self._edges
        while (following := edges.get((state, character))) is None and state:
            state = self._suffix[state]
        if following is None:
            return _ROOT
        if following not in self._suffix:
            self._enter(following)
        return following

    def _enter(self, state: int) -> None:
        """Find the suffix link and the outputs of `state`, and of those that it links to and that have none yet.

        A state is entered from its parent, so the parent's own link is known; that makes one loop enough.
        """
        chain = []
        while state not in self._suffix:
            chain.append(state)
            parent, character = self._parent[state], self._character[state]
            link = _ROOT
            while parent:
                parent = self._suffix[parent]
                if (parent, character) in self._edges:
                    link = self._edges[parent, character]
                    break
            self._suffix[state] = link
            state = link
        for entered in reversed(chain):
            own = (self._ends_here[entered],) if entered in self._ends_here else ()
            self._outputs[entered] = own + self._outputs[self._suffix[entered]]
