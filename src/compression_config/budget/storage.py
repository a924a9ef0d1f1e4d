"""Storage: what the weights take in memory, before and after, and how many bits that is for one element.

What is counted: the elements of each layer's `weight`, each weight once. What is not: biases and other parameters,
buffers, the scales and zero points of quantization, file formats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compression_config.budget.counting import bytes_of, floor_bytes, masked_count, total
from compression_config.budget.groups import CountedWeights, GroupBudget
from compression_config.errors import UsageError
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import PruningSettings, QuantizationSettings
from compression_config.text import represented

__all__ = ["Storage", "bits_of_dtype", "storage_of"]

_NUMBERED = re.compile(r"(?:bfloat|float|complex|uint|int|qint|quint)(\d+)(?:_e\d+m\d+(?:fn|fnu|fnuz)?)?")
_BITS_OF_NAME = {"bool": 8, "half": 16, "float": 32, "double": 64}


@dataclass(frozen=True, slots=True)
class Storage:
    """What the weights take: bytes in all, bits for one element; None where the type of some weight is unknown."""

    before: int | None
    """In bytes, with the types that the weights have."""
    after: int | None
    """In bytes, once the config list is applied."""
    mean_weight_bits: float | None
    """Bits for one element once the config list is applied; masked elements count like any other."""


def bits_of_dtype(name: str) -> int | None:
    """Return how many bits an element of the type `name` takes, as in "bfloat16"; None for a type not known here.

    >>> bits_of_dtype("bfloat16"), bits_of_dtype("float8_e4m3fn"), bits_of_dtype("bool")
    (16, 8, 8)
    """
    numbered = _NUMBERED.fullmatch(name)
    return int(numbered[1]) if numbered else _BITS_OF_NAME.get(name)


@dataclass(frozen=True, slots=True)
class _Weights:
    """Weights of equal size and type that one sub-config decides about."""

    settings: PruningSettings | QuantizationSettings | None
    """None for those that are not compressed."""
    numel: int | None
    width: int | None
    """Bits for one element, as the type of the weight has it."""
    times: int
    """How many of them there are."""

    @property
    def bits(self) -> int | None:
        """Bits for one element once it is quantized, if it is; else as its type has it."""
        if isinstance(self.settings, QuantizationSettings):
            return self.settings.bits.get("weight", self.width)
        return self.width

    def bytes_at(self, bits: int | None) -> int | None:
        """Return what they take at `bits` for one element: each of them whole bytes."""
        if self.numel is None or (bits is None and self.numel):
            return None
        return bytes_of(self.numel, bits or 0) * self.times

    def sparse_bytes(self) -> int | None:
        """Return what they take as a bitmap of one bit for each element and the elements that are not masked.

        In a group it is not known which elements are masked: all count here, see `_saved_in`.
        """
        if not isinstance(self.settings, PruningSettings):
            return self.bytes_at(self.bits)
        if self.numel is None or (self.width is None and self.numel):
            return None
        ratio = self.settings.sparsity
        kept = self.numel if ratio is None else self.numel - masked_count(self.numel, ratio)
        return (bytes_of(self.numel, 1) + bytes_of(kept, self.width or 0)) * self.times


def storage_of(
    resolved: Resolved, weights: CountedWeights, groups: Sequence[GroupBudget], *, dtype: str | None, sparse: bool
) -> Storage:
    """Return what the weights take; `dtype` (a name, or torch's own) is taken for the type of all of them.

    Raises `UsageError` for a `dtype` of which the size is not known.
    """
    if dtype is None:
        widths = _widths(resolved, weights)
    else:
        width = bits_of_dtype(str(dtype).removeprefix("torch."))
        if width is None:
            raise UsageError(f"a dtype is named as in 'float32' or 'bfloat16', not {represented(dtype)}")
        widths = [width] * len(weights.numels)
    alike = list(_alike(resolved, weights, widths))
    after = total(weights.sparse_bytes() if sparse else weights.bytes_at(weights.bits) for weights in alike)
    if sparse and after is not None:
        saved = total(_saved_in(group, weights, widths) for group in groups)
        after = None if saved is None else after - saved
    numel = total(None if weights.numel is None else weights.numel * weights.times for weights in alike)
    bits = total(
        None if weights.numel is None or weights.bits is None else weights.numel * weights.bits * weights.times
        for weights in alike
        if weights.numel != 0
    )
    return Storage(
        before=total(weights.bytes_at(weights.width) for weights in alike),
        after=after,
        mean_weight_bits=bits / numel if bits is not None and numel else None,
    )


def _widths(resolved: Resolved, weights: CountedWeights) -> list[int | None]:
    """Return for each layer the bits of one element of its weight; None when unknown or without elements."""
    bits: dict[str | None, int | None] = {None: None}
    widths: list[int | None] = [None] * len(weights.numels)
    dtypes = resolved.inventory.dtypes
    for position, numel in enumerate(weights.numels):
        if numel:
            dtype = dtypes[position]
            if dtype not in bits:
                bits[dtype] = bits_of_dtype(dtype or "")
            widths[position] = bits[dtype]
    return widths


def _alike(resolved: Resolved, weights: CountedWeights, widths: Sequence[int | None]) -> Iterator[_Weights]:
    """Yield the weights that count, those that are stored alike together."""
    rows = zip(weights.counted, resolved.decided_by, weights.numels, widths, strict=True)
    times = Counter((index, numel, width) for counted, index, numel, width in rows if counted)
    for (index, numel, width), count in times.items():
        settings = None if index == UNDECIDED else resolved.settings_of(index)
        yield _Weights(settings, numel, width, count)


def _saved_in(group: GroupBudget, weights: CountedWeights, widths: Sequence[int | None]) -> int | None:
    """Return how many bytes of values a group's masked elements are; None when its weights differ in type."""
    if not group.granted:
        return group.granted
    met = {widths[position] for position in weights.decided[group.index] if weights.numels[position]}
    width = met.pop()
    return None if met or width is None else floor_bytes(group.granted, width)
