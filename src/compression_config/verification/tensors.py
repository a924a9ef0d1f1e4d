"""Tensors of whatever library: how many of their numbers are zero, and how many are distinct.

Torch tensors, numpy arrays and what behaves like either are read by their own methods, nested lists number by
number. No library is imported for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

__all__ = ["NotReadable", "Values", "code_bits", "is_mask", "values_of"]

Foreign: TypeAlias = Any
"""A tensor, an array, nested lists: no type of a library can be named here."""

_BLOCK = 1 << 16
"""About how many numbers are sorted at a time."""

_CODES = re.compile(r"q?u?int(\d+)(?:x\d+)?|float(8)_\w+")


class NotReadable(Exception):
    """A tensor has no numbers to look at; the message says why, as the end of a sentence."""


class Values(Protocol):
    """The numbers of one weight or mask."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its axes."""

    @property
    def numel(self) -> int:
        """How many numbers there are."""

    @property
    def dtype(self) -> str | None:
        """The name of their type, as in "float32"; None where they have none."""

    def count(self, value: int) -> int:
        """Return how many of the numbers are equal to `value`."""

    def zero_slices(self, axis: int) -> int:
        """Return how many slices along `axis` are zero throughout; there must be numbers."""

    def levels(self, limit: int, axis: int | None) -> int:
        """Return how many distinct values there are in all, or in the slice along `axis` that has the most.

        With fewer than two axes there is one slice. Where there are more than `limit`, `limit + 1` stands for them.
        """


def values_of(tensor: Foreign) -> Values:
    """Return the numbers of `tensor`. Raises `NotReadable` when it has none to look at."""
    if isinstance(tensor, int | float):
        return _Numbers((), [tensor])
    if isinstance(tensor, list | tuple):
        shape = _nested_shape(tensor)
        return _Numbers(shape, list(_flat(tensor, len(shape))))
    if getattr(tensor, "is_meta", False):
        raise NotReadable("is on the meta device and has no numbers")
    try:
        shape = tuple(int(length) for length in tensor.shape)
    # Foreign code runs here; whatever it raises means that there is no shape.
    except Exception as error:
        raise NotReadable(f"is not a tensor but {type(tensor).__name__!r}") from error
    return _Array(tensor, shape)


def is_mask(values: Values) -> bool:
    """Return whether there are numbers and each of them is 0 or 1."""
    return values.numel > 0 and values.count(0) + values.count(1) == values.numel


class _Array:
    """The numbers of something with `shape`, `reshape` and comparison by element."""

    def __init__(self, tensor: Foreign, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.numel = math.prod(shape)
        self.dtype = _dtype(tensor)
        self._numbers = _plain_numbers(tensor, self.dtype or "")

    def count(self, value: int) -> int:
        equal = self._numbers == value
        # Torch has a method that is many times faster than its sum of booleans; numpy's sum is as fast as can be.
        return int(equal.count_nonzero() if hasattr(equal, "count_nonzero") else equal.sum())

    def zero_slices(self, axis: int) -> int:
        zeros = (self._numbers == 0).swapaxes(0, axis).reshape(self.shape[axis], -1)
        return int(zeros.all(1).sum())

    def levels(self, limit: int, axis: int | None) -> int:
        if not self.numel:
            return 0
        if axis is None or len(self.shape) < 2:  # noqa: PLR2004
            return _levels_in_all(self._numbers.reshape(-1), limit)
        rows = self._numbers.swapaxes(0, axis).reshape(self.shape[axis], -1)
        return min(limit + 1, _levels_in_a_row(rows, limit))


class _Numbers:
    """Numbers in a list, as nested lists hold them."""

    dtype = None

    def __init__(self, shape: tuple[int, ...], numbers: Sequence[float]) -> None:
        self.shape = shape
        self.numel = len(numbers)
        self._numbers = numbers

    def count(self, value: int) -> int:
        return sum(1 for number in self._numbers if number == value)

    def zero_slices(self, axis: int) -> int:
        return sum(not any(part) for part in self._slices(axis))

    def levels(self, limit: int, axis: int | None) -> int:
        parts = [self._numbers] if axis is None else self._slices(axis)
        return min(limit + 1, max((len(set(part)) for part in parts), default=0))

    def _slices(self, axis: int) -> Iterator[Sequence[float]]:
        """Yield the numbers of each slice along `axis`; with fewer than two axes they are all one slice."""
        if len(self.shape) < 2:  # noqa: PLR2004
            yield self._numbers
            return
        inner, length = math.prod(self.shape[axis + 1 :]), self.shape[axis]
        outer = range(0, self.numel, length * inner or 1)
        for place in range(length):
            yield [n for start in outer for n in self._numbers[start + place * inner : start + (place + 1) * inner]]


def code_bits(dtype: str | None) -> int | None:
    """Return the bits of a type that holds quantized values, integers and 8-bit floats; None for any other.

    >>> code_bits("int8"), code_bits("float8_e4m3fn"), code_bits("float32")
    (8, 8, None)
    """
    found = _CODES.fullmatch(dtype or "")
    return int(found[1] or found[2]) if found else None


def _dtype(tensor: Foreign) -> str | None:
    dtype = getattr(tensor, "dtype", None)
    return None if dtype is None else str(dtype).removeprefix("torch.")


def _plain_numbers(tensor: Foreign, dtype: str) -> Foreign:
    """Return `tensor` as one that can be compared and sorted, as fast as can be: numpy's array where it has one."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach()
    if getattr(tensor, "is_quantized", False):
        tensor = tensor.dequantize()
    if str(getattr(tensor, "layout", "torch.strided")) != "torch.strided":
        tensor = tensor.to_dense()
    # Torch does not compare 8-bit floats on every device, and numpy has neither them nor brain floats.
    if dtype.startswith(("float8", "bfloat")) and hasattr(tensor, "float"):
        tensor = tensor.float()
    try:
        return tensor.numpy()
    # There is no such method, the tensor is on another device, numpy is not installed: its own methods will do.
    except Exception:  # noqa: BLE001
        return tensor


def _levels_in_all(flat: Foreign, limit: int) -> int:
    """Return how many distinct values there are; `limit + 1` for more. Block by block, as far as that goes."""
    seen: set[float] = set()
    for start in range(0, flat.shape[0], _BLOCK):
        block = _sorted(flat[start : start + _BLOCK].reshape(1, -1))
        is_new = block[:, 1:] != block[:, :-1]
        if int(is_new.sum()) >= limit:
            return limit + 1
        seen.update(block[:, 0].tolist(), block[:, 1:][is_new].tolist())
        if len(seen) > limit:
            return limit + 1
    return len(seen)


def _levels_in_a_row(rows: Foreign, limit: int) -> int:
    """Return how many distinct values there are in the row that has the most; more than `limit` as soon as one has."""
    most = 0
    step = max(1, _BLOCK // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        block = _sorted(rows[start : start + step])
        most = max(most, int((block[:, 1:] != block[:, :-1]).sum(1).max()) + 1)
        if most > limit:
            break
    return most


def _sorted(rows: Foreign) -> Foreign:
    """Return `rows` with the numbers of each in order; torch returns them, numpy sorts in place."""
    if hasattr(rows, "clone"):
        return rows.sort(1).values
    ordered = rows.copy()
    ordered.sort(1)
    return ordered


def _nested_shape(numbers: object) -> tuple[int, ...]:
    """Return the lengths of nested lists. Raises `NotReadable` unless those of one depth are equally long."""
    if isinstance(numbers, int | float):
        return ()
    if not isinstance(numbers, list | tuple):
        raise NotReadable(f"holds {type(numbers).__name__!r} where numbers are expected")
    shapes = {_nested_shape(part) for part in numbers}
    if len(shapes) > 1:
        raise NotReadable("has rows of different length")
    return (len(numbers), *(shapes.pop() if shapes else ()))


def _flat(numbers: Foreign, depth: int) -> Iterator[float]:
    if depth == 0:
        yield numbers
        return
    for part in numbers:
        yield from _flat(part, depth - 1)
