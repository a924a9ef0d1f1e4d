"""Tolerances: by how many elements a count may miss what the config asks for, and still be what was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from compression_config.budget.counting import masked_count, real_number
from compression_config.errors import UsageError

__all__ = ["Tolerance", "checked_tolerance", "spare_elements", "spare_in_group"]

Tolerance: TypeAlias = Literal["exact", "element", "channel"] | float
"""How far a count may be off.

"exact": not at all. "element": by one element in a layer and in a group, which is what engines differ by that round to
nearest. "channel": by less than one channel in a layer, and in a group by less than one in each of its layers; for
algorithms that prune whole channels. A number from 0 to below 1: by that share of the elements.
"""

_NAMES = ("exact", "element", "channel")


def checked_tolerance(tolerance: object) -> Tolerance:
    """Return `tolerance` as one. Raises `UsageError` when it is none."""
    for name in _NAMES:
        if tolerance == name:
            return name  # type: ignore[return-value]
    share = real_number(tolerance)
    if share is None or not 0 <= share < 1:
        raise UsageError(
            f"a tolerance is 'exact', 'element', 'channel' or a number from 0 to below 1, not {tolerance!r}"
        )
    return share


def spare_elements(tolerance: Tolerance, numel: int, channel: int) -> int:
    """Return by how many elements a layer of `numel` may be off, `channel` of which are one channel."""
    if tolerance == "exact":
        return 0
    if tolerance == "element":
        return 1
    if tolerance == "channel":
        return max(1, channel - 1)
    return masked_count(numel, tolerance)


def spare_in_group(tolerance: Tolerance, numel: int, of_layers: Iterable[int]) -> int:
    """Return by how many elements a group of `numel` may be off, given what each of its layers may."""
    return sum(of_layers) if tolerance == "channel" else spare_elements(tolerance, numel, 0)
