"""Storage: what a model takes in memory, before and after, and how many bits that is for one element.

What is counted: all parameters, each once (D20). What is not: buffers, the scales and zero points of quantization,
file formats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from compression_config.budget.counting import bytes_of, floor_bytes, masked_count, total
from compression_config.budget.groups import CountedWeights, GroupBudget, OtherParameter, OtherParameters
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
    """What all parameters take: bytes in all, bits for one element; None where the size or type of some is unknown."""

    before: int | None
    """In bytes, with the types that the parameters have."""
    after: int | None
    """In bytes, once the config list is applied."""
    mean_bits: float | None
    """Bits for one element once the config list is applied; masked elements count like any other."""


def bits_of_dtype(name: str) -> int | None:
    """Return how many bits an element of the type `name` takes, as in "bfloat16"; None for a type not known here.

    >>> bits_of_dtype("bfloat16"), bits_of_dtype("float8_e4m3fn"), bits_of_dtype("bool")
    (16, 8, 8)
    """
    numbered = _NUMBERED.fullmatch(name)
    return int(numbered[1]) if numbered else _BITS_OF_NAME.get(name)


@dataclass(frozen=True, slots=True)
class _Alike:
    """Parameters of equal size and type that one sub-config decides about."""

    settings: PruningSettings | QuantizationSettings | None
    """None for those that are not compressed."""
    numel: int | None
    width: int | None
    """Bits for one element, as its type has it."""
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
    resolved: Resolved,
    weights: CountedWeights,
    others: OtherParameters,
    groups: Sequence[GroupBudget],
    *,
    dtype: str | None,
    sparse: bool,
) -> Storage:
    """Return what all parameters take; `dtype` (a name, or torch's own) is taken for the type of all of them.

    Raises `UsageError` for a `dtype` of which the size is not known.
    """
    width = None if dtype is None else bits_of_dtype(str(dtype).removeprefix("torch."))
    if dtype is not None and width is None:
        raise UsageError(f"a dtype is named as in 'float32' or 'bfloat16', not {represented(dtype)}")
    if others.of_root is None:
        return Storage(None, None, None)
    widths = _widths(resolved, weights) if width is None else [width] * len(weights.numels)
    alike = [*_alike_weights(resolved, weights, widths), *_alike_others((*others.of_layers, others.of_root), width)]
    after = total(some.sparse_bytes() if sparse else some.bytes_at(some.bits) for some in alike)
    if sparse and after is not None:
        saved = total(_saved_in(group, weights, widths) for group in groups)
        after = None if saved is None else after - saved
    numel = total(None if some.numel is None else some.numel * some.times for some in alike)
    bits = total(
        None if some.numel is None or some.bits is None else some.numel * some.bits * some.times
        for some in alike
        if some.numel != 0
    )
    return Storage(
        before=total(some.bytes_at(some.width) for some in alike),
        after=after,
        mean_bits=bits / numel if bits is not None and numel else None,
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


def _alike_weights(resolved: Resolved, weights: CountedWeights, widths: Sequence[int | None]) -> Iterator[_Alike]:
    """Yield the weights that count, those that are stored alike together."""
    rows = zip(weights.counted, resolved.decided_by, weights.numels, widths, strict=True)
    times = Counter((index, numel, width) for counted, index, numel, width in rows if counted)
    for (index, numel, width), count in times.items():
        settings = None if index == UNDECIDED else resolved.settings_of(index)
        yield _Alike(settings, numel, width, count)


def _alike_others(owners: Iterable[Sequence[OtherParameter]], width: int | None) -> Iterator[_Alike]:
    """Yield the parameters that are not weights, those that are stored alike together; `width` is that of all."""
    # Layers of one kind have the same sequence.
    times = Counter(map(id, owners := list(owners)))
    for own in {id(own): own for own in owners}.values():
        for numel, dtype in own:
            yield _Alike(None, numel, bits_of_dtype(dtype or "") if width is None else width, times[id(own)])


def _saved_in(group: GroupBudget, weights: CountedWeights, widths: Sequence[int | None]) -> int | None:
    """Return how many bytes of values a group's masked elements are; None when its weights differ in type."""
    if not group.granted:
        return group.granted
    met = {widths[position] for position in weights.decided[group.index] if weights.numels[position]}
    width = met.pop()
    return None if met or width is None else floor_bytes(group.granted, width)
