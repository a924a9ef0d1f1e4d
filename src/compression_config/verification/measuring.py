"""Measuring: the facts about one weight or mask, after which it need not be kept."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from compression_config.errors import CompressionConfigError
from compression_config.inventory.layer import Shape
from compression_config.text import counted
from compression_config.verification.bits import Quantized, few_values, shown
from compression_config.verification.sources import Found
from compression_config.verification.tensors import NotReadable, Values, code_bits, values_of

__all__ = ["Cause", "Evidence", "Measured", "Wanted", "measured"]

Evidence: TypeAlias = Literal["mask", "weight"]
"""What zeros are counted in: a mask, or the weight itself."""

Cause: TypeAlias = Literal["unseen", "missing", "smaller"]
"""Why something could not be verified.

"unseen": it is there, and cannot be read or decided. "missing": it is not there, or cannot be the layer's, as it has
another size or shape. "smaller": channels were removed from it.
"""


class Wanted(NamedTuple):
    """What is to be measured."""

    quantized: Quantized | None = None
    """How the weight is to be quantized; None when it is not."""
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
    """How many distinct values the weight has; None when they were not counted."""
    fits: bool | None = None
    """Whether the weight has no more values than its bits tell apart; None when that could not be told."""
    looks_quantized: bool = False
    """Whether the weight was quantized: it has few distinct values, or is packed. False when that was not wanted."""
    dtype: str | None = None
    """Of the weight, as in "float32"."""
    reason: str | None = None
    """Why it could not be measured, as the end of a sentence about it; None when it could."""
    cause: Cause = "unseen"
    """Which kind of reason that is."""


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
    if found.instead is not None:
        looks_quantized = wanted.unquantized and found.packed
        return Measured(reason=f"has '{found.instead}' there instead of a weight", looks_quantized=looks_quantized)
    mask = None if found.mask is None else values_of(found.mask)
    weight = None if found.weight is None else values_of(found.weight, found.dtype)
    seen = mask or values_of(found.weight, found.dtype)
    for values in (mask, weight):
        wrong = None if values is None else _misfit(values, seen.numel if numel is None else numel, shape or seen.shape)
        if wrong is not None:
            return wrong
    zeros = seen.count(0)
    bits = None if wanted.quantized is None or weight is None else shown(weight, wanted.quantized)
    # In quantization-aware training the weight is quantized each time that it is used.
    fits = None if bits is None or (found.trained and not bits.fits) else bits.fits
    return Measured(
        numel=seen.numel,
        axes=len(seen.shape),
        zeros=zeros,
        evidence="weight" if mask is None else "mask",
        channel=_channel(seen, zeros),
        zero_row=_first_slice(seen) if zeros and seen.shape and seen.zero_slices(0) else 0,
        has_weight=weight is not None,
        levels=None if bits is None else bits.levels,
        fits=fits,
        # Of a weight that is pruned to few values these may be any.
        looks_quantized=wanted.unquantized and weight is not None and 2 * zeros <= seen.numel and few_values(weight),
        dtype=None if weight is None else weight.dtype,
    )


def _misfit(values: Values, numel: int, shape: Shape) -> Measured | None:
    """Return why numbers cannot be those of a layer with this size and shape; None when they can."""
    there, wrong = _words(shape), _words(values.shape)
    if values.numel != numel:
        if values.numel < numel and code_bits(values.dtype) is not None and values.shape != shape:
            return Measured(reason=f"is stored packed, as {values.numel:,} numbers of type '{values.dtype}'")
        if len(values.shape) == len(shape) and all(map(operator.le, values.shape, shape)):
            return Measured(reason=f"{wrong} instead of {there}", cause="smaller")
        reason = f"has {counted(values.numel, 'weight element')} there instead of {numel:,}"
        return Measured(reason=reason, cause="missing")
    # As many elements in another shape are another layer's, or in an order that is not known.
    if values.shape != shape:
        return Measured(reason=f"has the shape {wrong} there instead of {there}", cause="missing")
    return None


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
