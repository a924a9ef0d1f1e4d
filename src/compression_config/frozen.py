"""A mapping that never changes, for values that are kept and compared: one per quant type, one per parameter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

__all__ = ["FrozenMapping"]

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)


class FrozenMapping(Mapping[K, V_co]):
    """A mapping that hashes, in the order given; equal to any mapping like it.

    >>> FrozenMapping({"weight": 4, "input": 8})
    {'weight': 4, 'input': 8}
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[K, V_co] | Iterable[tuple[K, V_co]] = ()) -> None:
        self._values: dict[K, V_co] = dict(values)

    def __getitem__(self, key: K) -> V_co:
        return self._values[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return repr(self._values)
