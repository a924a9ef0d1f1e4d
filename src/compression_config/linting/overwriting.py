"""Sub-configs of which nothing is left: overwritten, written twice, or excluding what nobody compresses (D3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from compression_config.configs.base import SubConfig
from compression_config.configs.yaml_words import written
from compression_config.findings import Code, Finding
from compression_config.linting.phrases import indices_words, sub_config_words
from compression_config.resolving import Resolved
from compression_config.selection import NOBODY, Selection

__all__ = ["overwriting_findings"]

_ENOUGH = 4
"""So many sub-configs that overwrite another are looked for; a message names fewer."""


def overwriting_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield one finding for each sub-config that could go without a change, in list order."""
    again = _written_again(resolved)
    configs = resolved.config_list
    lost = [index for index in range(len(configs)) if index not in again and resolved.shadowed(index)]
    takers = _takers(resolved, lost)
    needless = _needless_excludes(resolved)
    for index in sorted({*again, *lost, *needless}):
        if index in again:
            yield _duplicate(resolved, index, again[index])
        elif index in takers:
            yield _shadowed(resolved, index, takers[index])
        else:
            yield _without_effect(resolved, index, needless[index])


def _written_again(resolved: Resolved) -> dict[int, int]:
    """Return the index of each sub-config that an equal one follows -> that of the last equal one."""
    last = {config: index for index, config in enumerate(resolved.config_list)}
    if len(last) == len(resolved.config_list):
        return {}
    return {index: last[config] for index, config in enumerate(resolved.config_list) if last[config] != index}


def _duplicate(resolved: Resolved, index: int, other: int) -> Finding:
    there = sub_config_words(resolved, other)
    message = f"this sub-config is the same as {there}, which overwrites it"
    place = resolved.config_list.provenance.place((index,))
    return Finding.at(place, Code.DUPLICATE_SUB_CONFIG, message, f"delete it: {there} says the same")


def _shadowed(resolved: Resolved, index: int, takers: list[int]) -> Finding:
    later = indices_words(resolved, takers)
    take = "takes" if len(takers) == 1 else "take"
    behind = f"delete it, or move it behind {sub_config_words(resolved, takers[-1])} if it is to decide"
    if len(takers) == _ENOUGH:
        behind = "delete it, or move it behind them if it is to decide"
    if resolved.config_list[index].exclude:
        message = f"this exclude has no effect: {later} {take} back every layer that it selects"
        place = resolved.config_list.provenance.place((index, "exclude"), key=True)
        return Finding.at(place, Code.EXCLUDE_WITHOUT_EFFECT, message, behind)
    message = f"this sub-config has no effect: {later} {take} every layer that it selects"
    return Finding.at(resolved.config_list.provenance.place((index,)), Code.SHADOWED, message, behind)


def _without_effect(resolved: Resolved, index: int, container: str | None) -> Finding:
    message = "this exclude has no effect: no earlier sub-config compresses a layer that it excludes"
    hint = "delete it, or correct the names and types that it or an earlier sub-config lists"
    if container is not None:
        hint = f"write {written('op_partial_names', [f'{container}.'])} to exclude the layers in '{container}'"
    place = resolved.config_list.provenance.place((index, "exclude"), key=True)
    return Finding.at(place, Code.EXCLUDE_WITHOUT_EFFECT, message, hint)


def _takers(resolved: Resolved, lost: list[int]) -> dict[int, list[int]]:
    """Return for sub-configs that won nothing who took their layers: ascending, at most `_ENOUGH` each.

    Each type and each partial name is looked at once, for all the sub-configs that list it.
    """
    configs: list[SubConfig] = [resolved.config_list[index] for index in lost]
    by_type = _winners_by_type(resolved) if any(not config.names_layers for config in configs) else {}
    by_part = _winners_by_part(resolved, {part for config in configs for part in config.op_partial_names or ()})
    return {
        index: sorted(set(_takers_of(resolved, config, by_type, by_part)))[:_ENOUGH]
        for index, config in zip(lost, configs, strict=True)
    }


def _takers_of(
    resolved: Resolved,
    config: SubConfig,
    by_type: Mapping[str, Iterable[int]],
    by_part: Mapping[str, Mapping[str, Iterable[int]]],
) -> Iterator[int]:
    admitted, inventory = config.types, resolved.inventory
    if not config.names_layers:
        for kind in admitted or ():
            yield from by_type.get(kind, ())
    for name in config.op_names or ():
        position = inventory.position(name)
        if position is not None and (admitted is None or inventory.types[position] in admitted):
            yield resolved.winners[position]
    for part in config.op_partial_names or ():
        for kind, winners in by_part.get(part, {}).items():
            if admitted is None or kind in admitted:
                yield from winners


def _winners_by_type(resolved: Resolved) -> dict[str, list[int]]:
    """Return for each type the first few sub-configs that won layers of it."""
    found: dict[str, list[int]] = {}
    for winner, kind in sorted(set(zip(resolved.winners, resolved.inventory.types, strict=True))):
        winners = found.setdefault(kind, [])
        if winner != NOBODY and len(winners) < _ENOUGH:
            winners.append(winner)
    return found


def _winners_by_part(resolved: Resolved, parts: set[str]) -> dict[str, dict[str, set[int]]]:
    """Return for each of `parts` and each type a few sub-configs that won such layers."""
    found: dict[str, dict[str, set[int]]] = {part: {} for part in parts}
    for position, kind in enumerate(resolved.inventory.types) if parts else ():
        for part in parts.intersection(resolved.selection.partial_names_in(position)):
            winners = found[part].setdefault(kind, set())
            if len(winners) < _ENOUGH:
                winners.add(resolved.winners[position])
    return found


def _needless_excludes(resolved: Resolved) -> dict[int, str | None]:
    """Return the excludes that win layers of which none would be compressed without them.

    With a container that they name and layers below it that are compressed, None when they name none.
    """
    configs = resolved.config_list
    excludes = [index for index, config in enumerate(configs) if config.exclude and resolved.won[index]]
    if not excludes:
        return {}
    otherwise = Selection([config for config in configs if not config.exclude], resolved.inventory).winners
    needless = [index for index in excludes if all(otherwise[position] == NOBODY for position in resolved.won[index])]
    containers = _compressed_containers(resolved) if needless else set()
    return {index: next((n for n in configs[index].op_names or () if n in containers), None) for index in needless}


def _compressed_containers(resolved: Resolved) -> set[str]:
    """Return what stands before the dots in the names of compressed layers."""
    found: set[str] = set()
    compresses = [not config.exclude for config in resolved.config_list]
    for name, winner in zip(resolved.inventory.names, resolved.winners, strict=True):
        if winner != NOBODY and compresses[winner]:
            way = name.rpartition(".")[0]
            while way and way not in found:
                found.add(way)
                way = way.rpartition(".")[0]
    return found
