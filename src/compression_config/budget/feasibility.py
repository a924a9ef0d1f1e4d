"""Feasibility: the finding about a group that cannot mask what is demanded of it (D7)."""

from __future__ import annotations

from collections.abc import Iterable

from compression_config.budget.counting import ratio_for, smallest_cap
from compression_config.budget.groups import GroupBudget
from compression_config.findings import Code, Finding
from compression_config.resolving import Resolved

__all__ = ["infeasible", "out_of_reach_of_scores", "remedies"]


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
