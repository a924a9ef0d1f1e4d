"""Settings that are lost because overwriting is whole (D3): the later sub-config says nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compression_config.configs.base import SubConfig
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.findings import Code, Finding
from compression_config.linting.phrases import indices_words, names_words
from compression_config.naming.spelling import listed
from compression_config.resolving import Resolved
from compression_config.selection import NOBODY

__all__ = ["dropping_findings"]


def dropping_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the sub-configs that take layers and drop quant types or a cap which they had, in list order."""
    for index in _suspects(resolved):
        later = resolved.config_list[index]
        overruled: dict[int, list[int]] = {}
        for position in resolved.won[index]:
            overruled.setdefault(resolved.selection.runner_up(position), []).append(position)
        losers = {
            earlier: positions
            for earlier, positions in overruled.items()
            if earlier != NOBODY and _dropped(resolved.config_list[earlier], later)
        }
        if losers:
            yield _finding(resolved, index, losers)


def _suspects(resolved: Resolved) -> Iterator[int]:
    """Yield the sub-configs that have won layers and lack something that an earlier one has."""
    earlier: dict[tuple[str, ...], Any] = {}
    for index, config in enumerate(resolved.config_list):
        if config.exclude:
            continue
        if resolved.won[index] and any(_dropped(other, config) for other in earlier.values()):
            yield index
        earlier.setdefault(_droppable(config), config)


def _droppable(config: SubConfig) -> tuple[str, ...]:
    """Return what a sub-config sets that a later one can drop: quant types, or the cap of a budget."""
    if isinstance(config, PruningConfig):
        capped = config.total_sparsity is not None and config.max_sparsity_per_layer is not None
        return ("max_sparsity_per_layer",) if capped else ()
    return tuple(getattr(config, "quant_types", None) or ())


def _dropped(earlier: SubConfig, later: SubConfig) -> list[str]:
    """Return what `earlier` sets and `later`, which compresses, does not."""
    if isinstance(later, PruningConfig) and later.total_sparsity is None:
        return []  # a ratio per layer needs no cap
    kept = _droppable(later)
    return [word for word in _droppable(earlier) if word not in kept]


def _finding(resolved: Resolved, index: int, losers: dict[int, list[int]]) -> Finding:
    configs = resolved.config_list
    later = configs[index]
    dropped = list(dict.fromkeys(word for loser in losers for word in _dropped(configs[loser], later)))
    positions = sorted(position for positions in losers.values() for position in positions)
    layers = names_words([resolved.inventory.names[position] for position in positions])
    there = indices_words(resolved, sorted(losers))
    sets = "quantizes" if isinstance(later, QuantizationConfig) else "sets"
    sets = sets if len(losers) == 1 else sets[:-1]
    message = f"this sub-config takes {layers} from {there} and drops {listed(dropped)}, which {there} {sets}"
    if isinstance(later, QuantizationConfig):
        types = [*(later.quant_types or ()), *dropped]
        hint = f"list them together, with bits for each: quant_types: [{', '.join(types)}]"
        return Finding.at(configs.provenance.place((index, "quant_types")), Code.SETTINGS_DROPPED, message, hint)
    cap = min(configs[loser].max_sparsity_per_layer for loser in losers)
    place = configs.provenance.place((index, "total_sparsity"), key=True)
    hint = f"list them together: write max_sparsity_per_layer: {cap} beside 'total_sparsity'"
    return Finding.at(place, Code.SETTINGS_DROPPED, message, hint)
