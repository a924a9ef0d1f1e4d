"""Allocation: a group's budget divided among its layers, exactly and in whole numbers.

Filled like vessels of water: every layer gets in proportion to its share until its cap is full; what the full
ones leave over goes to the others in the same proportion. The rest that rounding down leaves goes one element
each to the largest remainders, the earlier layer of the model first where they are equal.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from numbers import Integral

from compression_config.budget.counting import exact_ratio, ratio_for, real_number, smallest_cap
from compression_config.budget.groups import GroupBudget
from compression_config.errors import FindingsError, UnknownNumel, UsageError
from compression_config.findings import Code, Finding
from compression_config.inventory import Inventory
from compression_config.resolving.resolved import Resolved

__all__ = ["allocate", "apportion", "infeasible", "out_of_reach_of_scores", "remedies"]


def apportion(total: int, caps: Sequence[int], shares: Sequence[int]) -> list[int]:
    """Return whole numbers that sum up to `total`, none above its cap, in proportion to `shares`.

    `total` must not exceed the caps of the places with a share above 0; the others get nothing.

    >>> apportion(1200, [450, 900], [500, 1000]), apportion(10, [2, 10, 10], [1, 1, 2])
    ([400, 800], [2, 3, 5])
    """
    given = [0] * len(caps)
    rest, weight = total, sum(shares)

    def fuller(i: int, j: int) -> int:
        return caps[i] * shares[j] - caps[j] * shares[i]

    unfilled = sorted((i for i, share in enumerate(shares) if share), key=functools.cmp_to_key(fuller))
    for place, i in enumerate(unfilled):
        # The level stands at rest / weight a share: this and all later vessels hold more than that.
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


def allocate(resolved: Resolved, groups: Sequence[GroupBudget], scores: Mapping[str, float] | None) -> dict[str, int]:
    """Return layer -> masked elements for all layers of `groups`; see `Budget.allocate`."""
    unknown = [name for group in groups for name in group.unknown]
    if unknown:
        raise UnknownNumel(unknown)
    by_name = None if scores is None else _checked(scores, groups, resolved.inventory)
    findings: list[Finding] = []
    counts: dict[str, int] = {}
    for group in groups:
        numels = [numel or 0 for numel in group.numels]
        shares = numels if by_name is None else _as_integers([by_name[name] for name in group.names])
        caps = [layer.cap or 0 for layer in group.layers]
        findings += _shortfall(resolved, group, caps, shares)
        if not findings:
            counts.update(zip(group.names, apportion(group.granted or 0, caps, shares), strict=True))
    if findings:
        raise FindingsError(findings)
    return counts


def _shortfall(resolved: Resolved, group: GroupBudget, caps: Sequence[int], shares: Sequence[int]) -> Iterator[Finding]:
    """Yield why the layers of `group` cannot take what it masks."""
    demanded, granted, reachable = group.demanded or 0, group.granted or 0, group.reachable or 0
    if granted < demanded and not group.rounded:
        yield infeasible(resolved, group, demanded, reachable)
        return
    held = sum(cap for cap, share in zip(caps, shares, strict=True) if share)
    # The layers may have no elements at all, so that nothing is demanded and no share is above 0.
    if held < granted:
        yield out_of_reach_of_scores(resolved, group, demanded, held)


def _checked(scores: object, groups: Sequence[GroupBudget], inventory: Inventory) -> dict[str, Fraction]:
    """Return layer -> score, exactly as it is written. Raises `UsageError` unless every layer has a usable one."""
    if not isinstance(scores, Mapping):
        raise UsageError(f"scores map the names of layers to numbers, and are not {type(scores).__name__!r}")
    exact: dict[str, Fraction] = {}
    for name, score in scores.items():
        position = inventory.position(name) if isinstance(name, str) else None
        if position is None:
            close = inventory.nearest(str(name))
            raise UsageError(
                f"there is a score for {name!r}, which is no layer" + (f"; did you mean {close[0]!r}?" if close else "")
            )
        exact[inventory.names[position]] = _score(name, score)
    missing = [name for group in groups for name in group.names if name not in exact]
    if missing:
        raise UsageError(f"{len(missing)} layers that share a budget have no score, {missing[0]!r} among them")
    return exact


def _score(name: str, score: object) -> Fraction:
    number = real_number(score)
    if number is None or number < 0:
        raise UsageError(f"the score of {name!r} is a finite number from 0, not {score!r}")
    return Fraction(int(score)) if isinstance(score, Integral) else exact_ratio(number)


def _as_integers(scores: Sequence[Fraction]) -> list[int]:
    """Return whole numbers in the same proportion as `scores`."""
    scale = math.lcm(*{score.denominator for score in scores})
    return [score.numerator * (scale // score.denominator) for score in scores]


def infeasible(resolved: Resolved, group: GroupBudget, demanded: int, reachable: int) -> Finding:
    """Return the finding that the caps of `group` hold `reachable` elements and `demanded` are asked for."""
    numel = sum(_known(group.numels))
    message = (
        f"'total_sparsity' {group.total_sparsity} demands {demanded:,} of {numel:,} elements, "
        f"and 'max_sparsity_per_layer' {group.max_sparsity} lets {reachable:,} be masked"
    )
    place = resolved.config_list.provenance.place((group.index, "total_sparsity"))
    return Finding.at(place, Code.INFEASIBLE_BUDGET, message, f"write {remedies(group, demanded, reachable)}")


def remedies(group: GroupBudget, demanded: int, reachable: int) -> str:
    """Return the highest ratio that fits under the caps of `group`, and the smallest cap that holds `demanded`."""
    known = _known(group.numels)
    ratio, cap = ratio_for(reachable, sum(known)), smallest_cap(known, demanded)
    return f"total_sparsity: {ratio}, or max_sparsity_per_layer: {cap}"


def out_of_reach_of_scores(resolved: Resolved, group: GroupBudget, demanded: int, reachable: int) -> Finding:
    """Return the finding that the layers with a score above 0 hold `reachable` elements of those `demanded`."""
    numel = sum(_known(group.numels))
    message = (
        f"'total_sparsity' {group.total_sparsity} demands {demanded:,} of {numel:,} elements, "
        f"and the layers with a score above 0 hold {reachable:,}"
    )
    hint = f"give more of its layers a score above 0, or write total_sparsity: {ratio_for(reachable, numel)}"
    place = resolved.config_list.provenance.place((group.index, "total_sparsity"))
    return Finding.at(place, Code.INFEASIBLE_BUDGET, message, hint)


def _known(numels: Iterable[int | None]) -> list[int]:
    return [numel for numel in numels if numel is not None]
