"""Nearest: which names of a model somebody may have meant who wrote one that it does not have.

Comparing the name with all of a hundred thousand takes seconds. A typo is mostly in one component of
a dotted name, or the way to the module was left out: both are found by looking at components.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from compression_config.spelling import nearest

__all__ = ["nearest_names"]


def nearest_names(name: str, names: Sequence[str], limit: int = 3) -> tuple[str, ...]:
    """Return up to `limit` of `names` that resemble `name`, the likeliest first; empty when none does.

    >>> nearest_names("encoder.0.quary", ["encoder", "encoder.0", "encoder.0.query", "decoder.0.query"])
    ('encoder.0.query', 'decoder.0.query')
    """
    found: dict[str, None] = {}
    for candidate in chain(_on_the_way(name, names, limit), _with_the_end(name, names)):
        found.setdefault(candidate)
        if len(found) == limit:
            break
    return tuple(found)


def _on_the_way(name: str, names: Sequence[str], limit: int) -> Iterator[str]:
    """Yield the names that differ from `name` in the first component that leads nowhere."""
    components = name.split(".")
    for depth in range(len(components) - 1, -1, -1):
        prefix = "".join(f"{component}." for component in components[:depth])
        below = [other for other in names if other.startswith(prefix)]
        if not below:
            continue
        known = set(below)
        children = dict.fromkeys(other[len(prefix) :].partition(".")[0] for other in below)
        rest = "".join(f".{component}" for component in components[depth + 1 :])
        for child in nearest(components[depth], children, limit=limit):
            if prefix + child + rest in known:
                yield prefix + child + rest
        return


def _with_the_end(name: str, names: Sequence[str]) -> Iterator[str]:
    """Yield the names that end in `name`; then those whose last component is its own, or resembles it most."""
    yield from (other for other in names if other.endswith(f".{name}"))
    ends = dict.fromkeys(other.rpartition(".")[2] for other in names)
    for end in nearest(name.rpartition(".")[2], ends):
        yield from (other for other in names if other == end or other.endswith(f".{end}"))
