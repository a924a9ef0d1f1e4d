"""Allocation: a group's budget divided among its layers, and why it cannot be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from numbers import Integral

from compression_config.budget.counting import apportion, exact_ratio, ratio_for, real_number, smallest_cap
from compression_config.budget.groups import GroupBudget
from compression_config.errors import FindingsError, UnknownNumel, UsageError
from compression_config.findings import Code, Finding
from compression_config.inventory import Inventory
from compression_config.resolving.resolved import Resolved
from compression_config.text import represented, written

__all__ = ["allocate", "fitting", "infeasible"]


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
        yield _out_of_reach_of_scores(resolved, group, demanded, held)


def _checked(scores: object, groups: Sequence[GroupBudget], inventory: Inventory) -> dict[str, Fraction]:
    """Return layer -> score, exactly as it is written. Raises `UsageError` unless every layer has a usable one."""
    if not isinstance(scores, Mapping):
        raise UsageError(f"scores map the names of layers to numbers, and are not {type(scores).__name__!r}")
    exact: dict[str, Fraction] = {}
    for name, score in scores.items():
        position = inventory.position(name) if isinstance(name, str) else None
        if position is None:
            close = inventory.nearest(name)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise UsageError(f"there is a score for {represented(name)}, which is not a layer{meant}")
        exact[inventory.names[position]] = _score(name, score)
    missing = [name for group in groups for name in group.names if name not in exact]
    if missing:
        raise UsageError(f"{len(missing)} layers that share a budget have no score, {missing[0]!r} among them")
    return exact


def _score(name: str, score: object) -> Fraction:
    number = real_number(score)
    if number is None or number < 0:
        raise UsageError(f"the score of {name!r} is a finite number from 0, not {represented(score)}")
    return Fraction(int(score)) if isinstance(score, Integral) else exact_ratio(number)


def _as_integers(scores: Sequence[Fraction]) -> list[int]:
    """Return whole numbers in the same proportion as `scores`."""
    scale = math.lcm(*{score.denominator for score in scores})
    return [score.numerator * (scale // score.denominator) for score in scores]


def infeasible(resolved: Resolved, group: GroupBudget, demanded: int, reachable: int) -> Finding:
    """Return the finding that the caps of `group` hold `reachable` elements of the `demanded`."""
    numel = sum(_known(group.numels))
    message = (
        f"'total_sparsity' {group.total_sparsity} demands {demanded:,} of {numel:,} elements, "
        f"and 'max_sparsity_per_layer' {group.max_sparsity} lets {reachable:,} be masked"
    )
    place = resolved.config_list.provenance.place((group.index, "total_sparsity"))
    hint = f"write {fitting(resolved, group, demanded, reachable)}"
    return Finding.at(place, Code.INFEASIBLE_BUDGET, message, hint)


def fitting(resolved: Resolved, group: GroupBudget, demanded: int, reachable: int) -> str:
    """Return what to write so that the demand fits: the highest ratio under the caps, or the smallest cap for it."""
    known = _known(group.numels)
    notation = resolved.config_list.provenance.notation((group.index,))
    ratio = written("total_sparsity", ratio_for(reachable, sum(known)), notation)
    return f"{ratio}, or {written('max_sparsity_per_layer', smallest_cap(known, demanded), notation)}"


def _out_of_reach_of_scores(resolved: Resolved, group: GroupBudget, demanded: int, reachable: int) -> Finding:
    """Return the finding that the layers with a score above 0 hold `reachable` elements of those `demanded`."""
    numel = sum(_known(group.numels))
    message = (
        f"'total_sparsity' {group.total_sparsity} demands {demanded:,} of {numel:,} elements, "
        f"and the layers with a score above 0 hold {reachable:,}"
    )
    notation = resolved.config_list.provenance.notation((group.index,))
    line = written("total_sparsity", ratio_for(reachable, numel), notation)
    hint = f"give more of its layers a score above 0, or write {line}"
    place = resolved.config_list.provenance.place((group.index, "total_sparsity"))
    return Finding.at(place, Code.INFEASIBLE_BUDGET, message, hint)


def _known(numels: Iterable[int | None]) -> list[int]:
    return [numel for numel in numels if numel is not None]
