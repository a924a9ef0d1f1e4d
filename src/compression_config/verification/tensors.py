"""Tensors of whatever library: how many of their numbers are zero, and how many are distinct.

Torch tensors, numpy arrays and what behaves like either are read by their own methods; numpy reads nested lists.
"""

from __future__ import annotations

import math
import re
from typing import Any, TypeAlias

from compression_config.errors import CompressionConfigError

__all__ = ["NotReadable", "Values", "code_bits", "is_mask", "numpy", "values_of"]

Foreign: TypeAlias = Any
"""A tensor, an array, nested lists: no type of a library can be named here."""

_BLOCK = 1 << 16
"""About how many numbers are sorted at a time."""

_CODES = re.compile(r"q?u?int(\d+)(?:x\d+)?|float(8)_\w+")


class NotReadable(Exception):
    """A tensor has no numbers to look at; the message says why, as the end of a sentence."""


def numpy(what: str) -> Foreign:
    """Return numpy. Raises `CompressionConfigError`, which says that `what` needs it, where it is not installed."""
    try:
        import numpy as np  # noqa: PLC0415 - an engine: most of this library does without
    except ImportError as error:
        raise CompressionConfigError(
            f"{what} needs numpy, which is not installed: pip install 'compression-config[numpy]'"
        ) from error
    return np


def values_of(tensor: Foreign) -> Values:
    """Return the numbers of `tensor`. Raises `NotReadable` when there are no numbers to read."""
    if isinstance(tensor, int | float | list | tuple):
        return Values(_array(tensor), None)
    if getattr(tensor, "is_meta", False):
        raise NotReadable("is on the meta device and has no numbers")
    try:
        tuple(int(length) for length in tensor.shape)
    # Foreign code runs here; whatever it raises means that there is no shape.
    except Exception as error:
        raise NotReadable(f"is not a tensor but {type(tensor).__name__!r}") from error
    return Values(tensor, _dtype(tensor))


def _array(numbers: Foreign) -> Foreign:
    """Return nested lists of numbers as an array."""
    try:
        array = numpy("a list of numbers").asarray(numbers)
    except ValueError as error:
        raise NotReadable("has rows of different length") from error
    if array.size and array.dtype.kind not in "biuf":
        raise NotReadable("is a list that holds more than numbers")
    return array


def is_mask(values: Values) -> bool:
    """Return whether there are numbers and each of them is 0 or 1."""
    return values.numel > 0 and values.count(0) + values.count(1) == values.numel


class Values:
    """The numbers of one weight or mask: of something with `shape`, `reshape` and comparison by element."""

    def __init__(self, tensor: Foreign, dtype: str | None) -> None:
        self.shape = tuple(int(length) for length in tensor.shape)
        self.numel = math.prod(self.shape)
        self.dtype = dtype
        """The name of their type, as in "float32"; None where they have none, as in lists."""
        self._numbers = _plain_numbers(tensor, dtype or "")

    def count(self, value: int) -> int:
        """Return how many of the numbers are equal to `value`."""
        equal = self._numbers == value
        # Torch has a method that is many times faster than its sum of booleans; numpy's sum is as fast as can be.
        return int(equal.count_nonzero() if hasattr(equal, "count_nonzero") else equal.sum())

    def zero_slices(self, axis: int) -> int:
        """Return how many slices along `axis` are zero throughout; there must be numbers."""
        zeros = (self._numbers == 0).swapaxes(0, axis).reshape(self.shape[axis], -1)
        return int(zeros.all(1).sum())

    def levels(self, limit: int, axis: int | None) -> int:
        """Return how many distinct values there are in all, or in the slice along `axis` that has the most.

        With fewer than two axes there is one slice. Where there are more than `limit`, `limit + 1` stands for them.
        """
        if not self.numel:
            return 0
        if axis is None or len(self.shape) < 2:  # noqa: PLR2004
            return _levels_in_all(self._numbers.reshape(-1), limit)
        rows = self._numbers.swapaxes(0, axis).reshape(self.shape[axis], -1)
        return min(limit + 1, _levels_in_a_row(rows, limit))


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
