"""Counting in whole numbers: a ratio as it was written, and what it masks (D8).

All rounding of counts is in this module: elements that are masked, bytes, and the shares of a budget.
"""

from __future__ import annotations

import bisect
import functools
import math
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from numbers import Real

from compression_config.errors import UsageError, is_a
from compression_config.text import represented

__all__ = [
    "apportion",
    "bytes_of",
    "exact_ratio",
    "floor_bytes",
    "masked_count",
    "masked_total",
    "ratio_for",
    "real_number",
    "smallest_cap",
    "total",
    "whole_number",
]

_DIGITS = 17
"""No more significant decimals than these tell one float from the next."""


@functools.lru_cache(maxsize=4096)
def exact_ratio(ratio: float) -> Fraction:
    """Return the number that `ratio` is when it is written down: its shortest decimal text (D8).

    >>> exact_ratio(0.29)
    Fraction(29, 100)
    """
    return Fraction(repr(float(ratio)))


def masked_count(numel: int, ratio: float) -> int:
    """Return how many of `numel` elements a `ratio` from 0 to 1 masks, rounding down.

    The ratio is taken as it was written: 0.29 of 100 elements is 29, although the nearest binary float
    falls short of it. Exact for any `numel`. Raises `UsageError` for anything but a count and a ratio.

    Spec: sparsity_per_layer, max_sparsity_per_layer. D8.

    >>> masked_count(500, 0.8), masked_count(1000, 0.8), masked_count(100, 0.29)
    (400, 800, 29)
    """
    count = whole_number(numel, "a number of elements")
    share = real_number(ratio)
    if share is None or not 0 <= share <= 1:
        raise UsageError(f"a ratio is a number from 0 to 1, not {represented(ratio)}")
    return _floor_share(count, exact_ratio(share))


def _floor_share(count: int, share: Fraction) -> int:
    return share.numerator * count // share.denominator


def masked_total(numels: Iterable[int], ratio: float) -> int:
    """Return how many elements `ratio` masks in layers of `numels` elements, rounding down in each of them.

    >>> masked_total([3, 5], 0.5), masked_count(8, 0.5)
    (3, 4)
    """
    return sum(masked_count(numel, ratio) * times for numel, times in Counter(numels).items())


def ratio_for(masked: int, numel: int) -> float:
    """Return the ratio with the fewest decimals that masks exactly `masked` of `numel` elements.

    It turns a count into something to write after `sparsity_per_layer` or `total_sparsity`; only for
    `masked == numel` is it 1, which no sub-config may say. Where floats are too coarse to hit the count
    (from about 10**16 elements) it masks the next smaller count that they can hit. Raises `UsageError`
    unless `masked` is from 0 to `numel`.

    >>> ratio_for(400, 500), ratio_for(1, 3)
    (0.8, 0.4)
    """
    total = whole_number(numel, "a number of elements")
    if whole_number(masked, "a number of masked elements") > total:
        raise UsageError(f"{masked!r} of {numel!r} elements cannot be masked")
    if not masked:
        return 0.0
    for digits in range(_DIGITS + len(str(total))):
        scale: int = 10**digits
        ratio = -(-masked * scale // total) / scale
        if masked_count(total, ratio) == masked:
            return ratio
    ratio = masked / total
    while masked_count(total, ratio) > masked:
        ratio = math.nextafter(ratio, 0)
    return ratio


def smallest_cap(numels: Iterable[int], demanded: int) -> float:
    """Return the smallest cap per layer under which layers of `numels` elements hold `demanded` masked ones.

    Of the caps that allow just as many it has the fewest decimals. The layers must have as many elements.

    >>> smallest_cap([500, 1000], 1200), smallest_cap([3, 3], 4)
    (0.8, 0.7)
    """
    known = Counter(numels)

    def held(cap: Fraction) -> int:
        return sum(_floor_share(numel, cap) * times for numel, times in known.items())

    def first(scale: int) -> int:
        return bisect.bisect_left(range(scale + 1), demanded, lo=1, key=lambda n: held(Fraction(n, scale)))

    finest = 10**_DIGITS
    least = Fraction(first(finest), finest)
    for digits in range(_DIGITS):
        cap = first(10**digits) / 10.0**digits
        if demanded <= held(exact_ratio(cap)) <= held(least):
            return cap
    cap = float(least)
    while held(exact_ratio(cap)) < demanded:
        cap = math.nextafter(cap, 1)
    return cap


def apportion(total: int, caps: Sequence[int], shares: Sequence[int]) -> list[int]:
    """Return whole numbers that sum up to `total`, none above its cap, in proportion to `shares`.

    Largest-remainder apportionment with caps (water-filling): every place gets in proportion to its share until its
    cap is full; what the full ones cannot take goes to the others in the same proportion. What rounding down leaves
    goes one each to the largest remainders, the earlier place first where they are equal. `total` must not exceed the
    caps of the places with a share above 0; the others get nothing.

    >>> apportion(1200, [450, 900], [500, 1000]), apportion(10, [2, 10, 10], [1, 1, 2])
    ([400, 800], [2, 3, 5])
    """
    given = [0] * len(caps)
    rest, weight = total, sum(shares)

    def fuller(i: int, j: int) -> int:
        return caps[i] * shares[j] - caps[j] * shares[i]

    unfilled = sorted((i for i, share in enumerate(shares) if share), key=functools.cmp_to_key(fuller))
    for place, i in enumerate(unfilled):
        # At rest / weight for each share, this place and all later ones stay below their caps.
        if caps[i] * weight > shares[i] * rest:
            unfilled = unfilled[place:]
            break
        given[i] = caps[i]
        rest -= caps[i]
        weight -= shares[i]
    else:
        unfilled = []
    remainders = []
    for i in unfilled:
        given[i], remainder = divmod(shares[i] * rest, weight)
        remainders.append((-remainder, i))
    left = rest - sum(given[i] for i in unfilled)
    for _, i in sorted(remainders)[:left]:
        given[i] += 1
    return given


def bytes_of(numel: int, bits: int) -> int:
    """Return how many bytes `numel` elements of `bits` bits each take, rounding up.

    >>> bytes_of(3, 4), bytes_of(3, 8)
    (2, 3)
    """
    return -(-numel * bits // 8)


def floor_bytes(numel: int, bits: int) -> int:
    """Return how many whole bytes `numel` elements of `bits` bits each fill, rounding down."""
    return numel * bits // 8


def total(numbers: Iterable[int | None]) -> int | None:
    """Return the sum of `numbers`; None when one of them is: what is unknown is never guessed.

    >>> total([1, 2]), total([1, None])
    (3, None)
    """
    known = 0
    for number in numbers:
        if number is None:
            return None
        known += number
    return known


def whole_number(value: object, what: str) -> int:
    """Return `value` as an int from 0 (numpy's integers are fine); raise `UsageError` naming `what` otherwise."""
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0:
        raise UsageError(f"{what} is a whole number from 0, not {represented(value)}")
    return number


def real_number(value: object) -> float | None:
    """Return `value` as a float (numpy's numbers are fine); None when it is not a finite number."""
    if is_a(value, bool) or not is_a(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
