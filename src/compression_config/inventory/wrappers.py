"""Wrappers: modules that hold a model or a part of it and add a component to every name below them (D19).

A wrapper is not a layer. What it holds takes its place, under the name that it has without wrappers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

__all__ = ["WRAPPERS", "bare_name", "bare_names", "component_of", "joined_name", "wrappers_in"]

WRAPPERS: Final[Mapping[str, str]] = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "FullyShardedDataParallel": "_fsdp_wrapped_module",
    "OptimizedModule": "_orig_mod",
    "CheckpointWrapper": "_checkpoint_wrapped_module",
}
"""Name of a class -> the attribute in which its instances, and those of its subclasses, keep what they hold."""

_ANYWHERE: Final = frozenset(WRAPPERS.values()) - {"module"}
_EVERYWHERE: Final = "module"
"""A component that is a wrapper's only where all names begin with it: models have parts of that name too."""


def component_of(cls: type) -> str | None:
    """Return the component that modules of a class add to the names of what they hold; None for other classes."""
    return next((WRAPPERS[base.__name__] for base in cls.__mro__ if base.__name__ in WRAPPERS), None)


def wrappers_in(names: Sequence[str]) -> dict[str, str]:
    """Return the wrappers that names without modules show: the name of each, "" for the root -> its component."""
    found: dict[str, str] = {}
    # Hardly any model has a wrapper: one search through all names is faster than one in each.
    if any(map("\n".join(names).__contains__, _ANYWHERE)):
        for name in names:
            way = ""
            for component in name.split("."):
                if component in _ANYWHERE:
                    found[way] = component
                way = joined_name(way, component)
    way = ""  # to what the wrappers of the root hold
    while way in found:
        way = joined_name(way, found[way])
    first = joined_name(way, _EVERYWHERE)
    below = f"{first}."
    if all(name.startswith(below) or below.startswith(f"{name}.") for name in names) and any(
        name.startswith(below) for name in names
    ):
        found[way] = _EVERYWHERE
    return found


def joined_name(name: str, component: str) -> str:
    """Return the name of what a module keeps under `component`."""
    return f"{name}.{component}" if name else component


def bare_name(name: str, wrappers: Mapping[str, str]) -> str:
    """Return `name` without the components of `wrappers`.

    >>> bare_name("module.encoder._orig_mod.fc", {"": "module", "module.encoder": "_orig_mod"})
    'encoder.fc'
    """
    kept: list[str] = []
    way = ""
    for component in name.split("."):
        if wrappers.get(way) != component:
            kept.append(component)
        way = joined_name(way, component)
    return ".".join(kept)


def bare_names(names: Sequence[str], wrappers: Mapping[str, str], aliases: Iterable[str] = ()) -> list[str | None]:
    """Return each name without the components of `wrappers`; None for wrappers, "" for the root that one holds.

    A layer whose bare name is that of another keeps its own. What a wrapper holds is one of `names` or `aliases`;
    where it is not, as in a list of a few layers, the wrapper stays.
    """
    present = {*names, *aliases}
    dropped = {name for name, component in wrappers.items() if joined_name(name, component) in present}
    bare = [None if name in dropped else bare_name(name, wrappers) for name in names]
    taken = {name for name, found in zip(names, bare, strict=True) if name == found}
    for place, (name, found) in enumerate(zip(names, bare, strict=True)):
        if found and found != name:
            if found in taken:
                bare[place] = name
            taken.add(found)
    return bare
