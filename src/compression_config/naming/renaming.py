"""Renaming: a beginning that the names of a list have and those of the model have not, or the reverse.

Wrappers put `module.` or `_orig_mod.` before every name, and a model that became part of another gets `model.`
before its own. The names of a list are then all wrong in the same manner, which is worth saying once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Renaming", "common_renaming"]


class Renaming(NamedTuple):
    """What many names of a list have before them, and what the names of the model have there instead."""

    before: str
    """It ends with a dot, or is empty."""
    after: str
    names: int
    """How many names of the list it would put right."""

    def applied(self, name: str) -> str | None:
        """Return `name` under the model's beginning; None when it does not have this one."""
        return self.after + name.removeprefix(self.before) if name.startswith(self.before) else None

    @property
    def words(self) -> str:
        """Where this is said once: for one of the names, and about the others."""
        others = self.names - 1
        rest = f", here and in {others:,} more {'names' if others > 1 else 'name'} of the list"
        if not self.after:
            return f"the model's names have no '{self.before}' before them{rest}"
        if not self.before:
            return f"the model's names have '{self.after}' before them{rest}"
        return f"the model's names begin with '{self.after}', not with '{self.before}'{rest}"


def common_renaming(meant: Mapping[str, str], words: Sequence[str], is_name: Callable[[str], bool]) -> Renaming | None:
    """Return what puts most of `words` right; None when nothing does so for two of them and for half of all.

    `meant` are some of the words with the name that each is likely to mean.
    """
    changes = Counter(filter(None, (_change_of_way(word, name) for word, name in meant.items())))
    for (before, after), _ in changes.most_common(1):
        renaming = Renaming(before, after, 0)
        right = sum(name is not None and is_name(name) for name in map(renaming.applied, words))
        if right > 1 and right * 2 >= len(words):
            return renaming._replace(names=right)
    return None


def _change_of_way(word: str, name: str) -> tuple[str, str] | None:
    """Return what stands before the common end of two names, with dots behind; None when it holds numbers."""
    one, other = word.split("."), name.split(".")
    while one and other and one[-1] == other[-1]:
        one.pop()
        other.pop()
    if any(component.isdecimal() for component in one + other) or len(one) == word.count(".") + 1:
        return None
    return "".join(f"{component}." for component in one), "".join(f"{component}." for component in other)
