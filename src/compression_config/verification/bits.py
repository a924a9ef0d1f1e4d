"""Bits: whether a weight has no more values than so many bits tell apart, as far as its numbers can show that.

A weight is quantized as a whole, by channel, or by runs of one length along its inputs. In each of these, two things
tell quantized numbers from others. *Counting*: they have few distinct values although there are many of them. *Even
spacing*: they are integer multiples of one step, which other numbers are by chance alone. Neither is taken for shown
where the format in which the numbers are stored has so few values itself that other numbers would do as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from compression_config.verification.tensors import Values, code_bits, numpy

__all__ = ["Quantized", "Shown", "few_values", "shown"]

Array: TypeAlias = Any
"""An array of numpy, or a tensor that becomes one block by block."""

_MOST_BITS: Final = 16
"""Of weights quantized to more bits nothing is shown: floats hardly have more values."""
_MOST_BITS_EVEN: Final = 8
"""Of more bits the steps are too many to try, and too small beside the rounding of floats to tell much."""

_BLOCK: Final = 1 << 16
"""About how many numbers are sorted at a time."""

_RUNS: Final = (256, 128, 64, 32)
"""How many inputs in a row share a scale, mostly; otherwise a divisor of their number, not below the last of these."""

_STRONG: Final = 64
"""Even spacing shows bits where the odds that other numbers are so by chance are below 1 in 2 to this power."""

_COARSE: Final = 7
_PRECISIONS: Final = (_COARSE, 10, 23)
"""Bits of the fraction in brain floats, half and single precision. Weights are often kept in wider types."""
_EXACT: Final = 40
"""Of integers and double precision, as far as what is computed here does not round more."""
_SOME: Final = 4096
"""How many numbers of a weight tell the precision of all."""

_FEW: Final = 256
"""A weight with no more distinct values, in all or in each channel, was quantized to 8 bits or fewer ..."""
_MANY: Final = 2048
"""... if it, or a channel, has so many elements."""

_COUNTING: Final = "counting distinct values"
"""What needs numpy."""


class Quantized(NamedTuple):
    """How a weight is to be quantized."""

    bits: int
    masked: bool = False
    """Whether it is pruned too: what is masked is zero, which need not be one of the values that bits tell apart."""
    axis: int = 0
    """The axis of its channels, those of its outputs."""
    scheme: Literal["tensor", "channel"] | None = None
    """What shares a scale, where the config list says so."""


class Shown(NamedTuple):
    """What the numbers of a weight show."""

    levels: int | None
    """How many distinct values there are in the unit that has the most: in all, in a channel, or in a run.

    Where there are more than the bits tell apart, one more than that; None when they were not counted.
    """
    fits: bool | None
    """Whether they are no more than the bits tell apart; None when that cannot be told from numbers of any kind."""


class _Units(NamedTuple):
    """A weight cut into the parts that share a scale."""

    parts: Sequence[Array]
    """Arrays of two axes; a unit is a row of one of them."""
    length: int
    """How many numbers a unit has, before those that are repeated are left out."""
    enough: int
    """How many times as many numbers as values a unit must have so that counting shows something."""


def shown(values: Values, wanted: Quantized) -> Shown:
    """Return whether the numbers of `values` fit the bits that they are to be quantized to. O(n log n)."""
    if not values.numel:
        return Shown(0, fits=True)
    stored = code_bits(values.dtype)
    settled = stored is not None and stored <= wanted.bits
    if wanted.bits > _MOST_BITS:
        return Shown(None, fits=settled or None)
    precision = _precision(values)
    most = (1 << wanted.bits) + wanted.masked
    ways = _ways(values, wanted, most)
    reported: int | None = None
    possible: list[bool] = []
    for units in islice(ways, 2) if settled else ways:
        counted = _counted(units, most, wanted.bits, precision)
        possible.append(counted.levels <= most)
        if not settled and possible[-1] and (counted.decides or _evenly_spaced(units, wanted.bits, precision)):
            return Shown(counted.levels, fits=True)
        reported = counted.levels if len(possible) <= 2 else reported  # noqa: PLR2004 - in all, then by channel
    # A list cannot ask for scales by runs: where it asks for scales by channel, runs need to be shown, and are unless
    # the floats are too coarse.
    considered = possible[:2] if wanted.scheme == "channel" and precision > _COARSE else possible
    return Shown(reported, fits=settled or (None if any(considered) else False))


def few_values(values: Values) -> bool:
    """Return whether a weight of floats has no more values than 8 bits tell apart, in all or in each channel.

    Only where it has so many elements, or so many in a channel, that an unquantized weight would show more.
    """
    if len(values.shape) < 2 or code_bits(values.dtype) is not None or values.numel < _MANY:  # noqa: PLR2004
        return False  # a scale; integers are known by their dtype
    precision = _precision(values)
    for units in islice(_ways(values, Quantized(8), _FEW), 2):
        counted = _counted(units, _FEW, 8, precision)
        # Of no more than two it may be a constant, perhaps with zeros.
        few = units.length >= _MANY and 2 < counted.levels <= _FEW  # noqa: PLR2004
        if few and (counted.decides or _evenly_spaced(units, 8, precision)):
            return True
    return False


def _ways(values: Values, wanted: Quantized, most: int) -> Iterator[_Units]:
    """Yield the weight in all, by channel, and by runs of each length that may be, as far as its scheme allows."""
    yield _Units([_distinct(values.flat, most)], values.numel, 2)
    if wanted.scheme == "tensor" or len(values.shape) < 2:  # noqa: PLR2004 - elements are not channels
        return
    rows = values.rows(wanted.axis)
    length = int(rows.shape[1])
    yield _Units([rows], length, 2)
    divisors = (size for size in range(length // 2, _RUNS[-1], -1) if length % size == 0 and size not in _RUNS)
    for size in (*_RUNS, *divisors):
        if size < length:
            whole = length - length % size
            parts = [rows[:, :whole].reshape(-1, size), *([rows[:, whole:]] if whole < length else [])]
            # Numbers of a finer grid have few values in a short run too.
            yield _Units(parts, size, 4)


# Counting.


class _Counted(NamedTuple):
    levels: int
    """How many distinct values the unit with the most has, as far as they were counted."""
    decides: bool
    """Whether numbers that are not quantized would have had more."""


def _counted(units: _Units, most: int, bits: int, precision: int) -> _Counted:
    """Count distinct values until there are more than `most` in a unit; then `most + 1` stands for them.

    Counting decides where each unit has `enough` numbers for each value, and the format has four times as many values
    as the bits in every power of two, and in the range of some unit.
    """
    if units.length <= 1 << bits and units.enough > 2:  # noqa: PLR2004 - in a run nothing depends on their number
        return _Counted(units.length, decides=False)
    levels, wide = 0, False
    for block in _sorted_blocks(units.parts):
        levels = max(levels, int((block[:, 1:] != block[:, :-1]).sum(1).max(initial=0)) + 1)
        if levels > most:
            return _Counted(most + 1, decides=False)
        low, high = block[:, 0].astype(float), block[:, -1].astype(float)
        largest = numpy(_COUNTING).maximum(abs(low), abs(high))
        wide = wide or bool((high - low > 2.0 ** (bits + 2 - precision) * largest).any())
    return _Counted(levels, wide and bits + 2 <= precision and units.length >= units.enough << bits)


def _sorted_blocks(parts: Sequence[Array]) -> Iterator[Array]:
    """Yield rows with their numbers in order, some at a time."""
    np = numpy(_COUNTING)
    for part in parts:
        step = max(1, _BLOCK // part.shape[1])
        # Where something else is to be found, it is mostly found in the first rows.
        for start, end in pairwise((0, min(2, len(part)), *range(2 + step, len(part), step), len(part))):
            if start < end:
                yield np.sort(_array(part[start:end]), 1)


def _distinct(flat: Array, most: int) -> Array:
    """Return the distinct numbers of `flat` in order as one row, the first `most + 1` that were met of more."""
    np = numpy(_COUNTING)
    seen: Array = np.empty(0)
    for start in range(0, flat.shape[0], _BLOCK):
        seen = np.union1d(seen, _array(flat[start : start + _BLOCK]))
        if len(seen) > most:
            break
    return seen[None, : most + 1]


def _array(block: Array) -> Array:
    np = numpy(_COUNTING)
    return block if isinstance(block, np.ndarray) else np.from_dlpack(block.cpu())


# Even spacing.


def _precision(values: Values) -> int:
    """Return how many bits of fraction the numbers have, to judge by some of them."""
    np = numpy(_COUNTING)
    dtype = values.dtype or ""
    if code_bits(dtype) is not None and not dtype.startswith("q"):  # which are read as what they stand for
        return 3 if dtype.startswith("float") else _EXACT
    # An odd number at a time does not stay in one column, which may be pruned.
    some = _array(values.flat[:: (values.numel // _SOME) | 1]).astype(float)
    fractions = np.frexp(some[np.isfinite(some)])[0]
    for precision in _PRECISIONS:
        scaled = np.ldexp(fractions, precision + 1)
        if (scaled == np.rint(scaled)).all():
            return precision
    return _EXACT


def _evenly_spaced(units: _Units, bits: int, precision: int) -> bool:
    """Return whether in each unit all numbers are multiples of one step, a range of `2**bits` of them at most.

    And whether that shows something: a number that is not quantized is as near to a multiple as rounding allows with
    a certain probability, and the product of these over all distinct numbers, times the number of steps tried, must be
    small.
    """
    if bits > _MOST_BITS_EVEN:
        return False
    odds = 0.0
    for block in _sorted_blocks(units.parts):
        found = _odds(block.astype(float), bits, precision)
        if found is None:
            return False
        odds += found
    return odds >= _STRONG


def _odds(rows: Array, bits: int, precision: int) -> float | None:
    """Return the odds in bits against rows, each in order, being evenly spaced by chance; None when they are not.

    The smallest number of a row is the first multiple of its step, or the second, and so on.
    """
    np = numpy(_COUNTING)
    rows = rows[(rows != 0).any(1)]
    rounding = 1.05 * 2.0 ** -(precision + 1)  # half a unit in the last place, and some that was rounded before
    odds, most = 0.0, (1 << bits) - 1
    with np.errstate(all="ignore"):
        for multiple in range(1, most + 1):
            if not len(rows):
                return odds
            sizes = abs(rows)
            steps = np.where(sizes > 0, sizes, np.inf).min(1)[:, None] / multiple
            if not (sizes.max(1)[:, None] < (most + 1) * (1 + 4 * rounding) * steps).all():
                return None
            steps = _refined(rows, steps, rounding)
            found = np.rint(rows / steps)
            # Each number says what the step is, unless it is so large that any step would do.
            told = (rows != 0) & (4 * rounding * abs(found) < 1)
            each_step = np.where(told, rows / found, steps)
            near = each_step.max(1) - each_step.min(1) <= 2 * rounding * steps[:, 0]
            fits = near & (found.max(1) - found.min(1) <= most)
            told[:, 1:] &= found[:, 1:] != found[:, :-1]
            each = np.where(told, -np.log2(4 * rounding * abs(found)), 0).sum(1)
            # Two numbers are used up to find the step.
            spent = bits + 2 * -np.log2(4 * rounding)
            odds += float(np.maximum(0, each - spent)[fits].sum())
            rows = rows[~fits]
    return None if len(rows) else odds


def _refined(rows: Array, steps: Array, rounding: float) -> Array:
    """Return the steps that fit best, by least squares over those numbers of which the multiple is certain."""
    np = numpy(_COUNTING)
    for _ in range(2):
        found = np.rint(rows / steps)
        found[abs(found) * rounding > 0.125] = 0  # noqa: PLR2004 - an eighth of a step
        squares = (found * found).sum(1, keepdims=True)
        steps = np.where(squares > 0, (rows * found).sum(1, keepdims=True) / squares, steps)
    return steps
