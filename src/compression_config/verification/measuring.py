"""Measuring: the facts about one weight or mask, after which it need not be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from compression_config.errors import CompressionConfigError
from compression_config.inventory.layer import Shape
from compression_config.verification.sources import Found
from compression_config.verification.tensors import NotReadable, Values, code_bits, values_of

__all__ = ["Evidence", "Measured", "Wanted", "measured"]

Evidence: TypeAlias = Literal["mask", "weight"]
"""What zeros are counted in: a mask, or the weight itself."""


_FEW_LEVELS = 256
"""A weight with no more distinct values, in all or in each channel, was quantized to 8 bits or fewer ..."""
_MANY, _LONG = 4096, 2048
"""... if it has so many elements, or so many in a channel: even a 16-bit float then shows more values."""


class Wanted(NamedTuple):
    """What is to be measured."""

    levels: int | None = None
    """Up to how many distinct values are counted; None when they are not needed."""
    axis: int | None = None
    """The axis of the weight along which each slice is counted by itself; None for all of it together."""
    unquantized: bool = False
    """Whether to look if the weight was quantized although it was not to be."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found of one layer."""

    numel: int | None = None
    axes: int = 0
    """How many axes the weight has."""
    zeros: int | None = None
    """None when there is nothing to count."""
    evidence: Evidence | None = None
    """What they were counted in."""
    channel: int = 0
    """The elements of one channel: along the first axis, or the second where the zeros are whole slices of that."""
    zero_row: int = 0
    """The elements of one slice along the first axis if one of them is zero throughout; 0 otherwise."""
    has_weight: bool = False
    """Whether there is the weight itself, not only a mask of it."""
    levels: int | None = None
    """How many distinct values the weight has; None when that was not wanted."""
    looks_quantized: bool = False
    """Whether the weight has so few distinct values that it was quantized; False when that was not wanted."""
    dtype: str | None = None
    """Of the weight, as in "float32"."""
    reason: str | None = None
    """Why it could not be measured, as the end of a sentence about it; None when it could."""
    mismatch: bool = False
    """Whether there is something under this name that cannot be the layer's: of another size or shape."""


def measured(found: Found, numel: int | None, shape: Shape | None, wanted: Wanted) -> Measured:
    """Return what `found` shows of a layer with `numel` weight elements in `shape`; None for what is not known."""
    try:
        return _measured(found, numel, shape, wanted)
    except NotReadable as error:
        return Measured(reason=str(error))
    except CompressionConfigError as error:
        return Measured(reason=f"cannot be read: {error}")
    # The tensors are foreign: whatever they raise means that they cannot be looked at.
    except Exception as error:  # noqa: BLE001
        return Measured(reason=f"cannot be counted: {error!r}")


def _measured(found: Found, numel: int | None, shape: Shape | None, wanted: Wanted) -> Measured:
    mask = None if found.mask is None else values_of(found.mask)
    weight = None if found.weight is None else values_of(found.weight)
    seen = values_of(found.weight) if mask is None else mask
    for values in (mask, weight):
        if values is not None and values.numel != (seen.numel if numel is None else numel):
            return Measured(
                reason=f"has {values.numel:,} weight elements there instead of {numel or seen.numel:,}", mismatch=True
            )
        # As many elements in another shape are another layer's, or in an order that is not known.
        if values is not None and values.shape != (seen.shape if shape is None else shape):
            there, wrong = _words(shape or seen.shape), _words(values.shape)
            return Measured(reason=f"has the shape {wrong} there instead of {there}", mismatch=True)
    zeros = seen.count(0)
    return Measured(
        numel=seen.numel,
        axes=len(seen.shape),
        zeros=zeros,
        evidence="weight" if mask is None else "mask",
        channel=_channel(seen, zeros),
        zero_row=_first_slice(seen) if zeros and seen.shape and seen.zero_slices(0) else 0,
        has_weight=weight is not None,
        levels=None if wanted.levels is None or weight is None else weight.levels(wanted.levels, wanted.axis),
        looks_quantized=wanted.unquantized and weight is not None and _looks_quantized(weight, zeros),
        dtype=None if weight is None else weight.dtype,
    )


def _words(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "()"


def _first_slice(values: Values) -> int:
    """Return how many elements one slice along the first axis has; all of them when there is no axis or no element."""
    return values.numel // values.shape[0] if values.numel and values.shape else values.numel


def _channel(values: Values, zeros: int) -> int:
    """Return how many elements one channel has, along the axis along which whole channels are zero."""
    first = _first_slice(values)
    if not zeros or len(values.shape) < 2 or values.zero_slices(0) * first == zeros:  # noqa: PLR2004
        return first
    second = values.numel // values.shape[1]
    return second if values.zero_slices(1) * second == zeros else first


def _looks_quantized(weight: Values, zeros: int) -> bool:
    """Return whether a weight of floats has no more values than 8 bits tell apart, in all or in each channel."""
    if len(weight.shape) < 2 or 2 * zeros > weight.numel or code_bits(weight.dtype) is not None:  # noqa: PLR2004
        return False  # a scale, or pruned to so few values that they may be any; integers are known by their dtype
    if weight.numel >= _MANY and weight.levels(_FEW_LEVELS, None) <= _FEW_LEVELS:
        return weight.levels(2, None) > 2  # noqa: PLR2004 - else a constant, perhaps with zeros
    return weight.numel // weight.shape[0] >= _LONG and weight.levels(_FEW_LEVELS, 0) <= _FEW_LEVELS
