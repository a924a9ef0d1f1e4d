"""Sub-configs that overwrite one another: those of which nothing is left, or that drop what earlier ones set (D3).

Also excludes that leave layers compressed which they seem to spare, and layers that share one weight (D17).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from compression_config.configs.pruning import PruningConfig
from compression_config.configs.sub_config import SubConfig
from compression_config.findings import Code, Edit, Finding, Severity
from compression_config.linting.hints import Hints, Offer, Spot
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import PruningSettings, QuantizationSettings, written_settings
from compression_config.suggestions import block_form, paths_of
from compression_config.text import joined, layers_words, listed, names_words, written

__all__ = ["dropping_findings", "exclude_findings", "overwriting_findings", "tie_findings"]


_OPTIONAL = ("quant_start_step", "quant_dtype", "quant_scheme")
_ENOUGH = 4
"""So many sub-configs that overwrite another are looked for; a message names fewer."""


def overwriting_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield one finding for each sub-config that could go without a change, in list order.

    One whose settings the later sub-config drops is not among them: "delete it" would be the wrong advice, and
    `settings-dropped` reports it.
    """
    again = _written_again(resolved)
    configs = resolved.config_list
    dropped = {
        earlier
        for index, overwritten in _droppings(resolved)
        for earlier in overwritten
        if _is_lost(_dropped(configs[earlier], configs[index]))
    }
    lost = [i for i in range(len(configs)) if i not in again and resolved.shadowed(i) and i not in dropped]
    others = _overwriting(resolved, lost)
    for index in sorted({*again, *lost}):
        if index in again:
            yield _duplicate(resolved, index, again[index])
        else:
            yield _shadowed(resolved, index, others[index])


def _written_again(resolved: Resolved) -> dict[int, int]:
    """Return the index of each sub-config that an equal one follows -> that of the last equal one."""
    last = {config: index for index, config in enumerate(resolved.config_list)}
    if len(last) == len(resolved.config_list):
        return {}
    return {index: last[config] for index, config in enumerate(resolved.config_list) if last[config] != index}


def _duplicate(resolved: Resolved, index: int, other: int) -> Finding:
    there = resolved.label(other)
    message = f"this sub-config is the same as {there}, which overwrites it"
    place = resolved.config_list.provenance.place((index,))
    return Finding.at(place, Code.DUPLICATE_SUB_CONFIG, message, f"delete it: {there} says the same")


def _shadowed(resolved: Resolved, index: int, others: list[int]) -> Finding:
    after = "them" if len(others) == _ENOUGH else resolved.label(others[-1])
    hint = f"delete it, or move it after {after} so that it takes effect"
    why = f"{_do(resolved, others, 'overwrite')} it for every layer that it selects"
    if not resolved.config_list[index].exclude:
        message = f"this sub-config has no effect: {why}"
        return Finding.at(resolved.config_list.provenance.place((index,)), Code.SHADOWED, message, hint)
    message = f"this exclude has no effect: {why}"
    # Where later ones exclude the layers as well, nothing is compressed against the intent.
    severity = Severity.NOTE if all(resolved.config_list[other].exclude for other in others) else None
    place = resolved.config_list.provenance.place((index, "exclude"), key=True)
    return Finding.at(place, Code.EXCLUDE_WITHOUT_EFFECT, message, hint, severity=severity)


def _overwriting(resolved: Resolved, lost: list[int]) -> dict[int, list[int]]:
    """Return for sub-configs that decided nothing which ones did instead: ascending, at most `_ENOUGH` each.

    Each type and each partial name is looked at once, for all the sub-configs that list it.
    """
    configs: list[SubConfig] = [resolved.config_list[index] for index in lost]
    by_type = _deciders_by_type(resolved) if any(not config.names_layers for config in configs) else {}
    by_part = resolved.selection.deciders(
        {part for config in configs for part in config.op_partial_names or ()}, most=_ENOUGH
    )
    return {
        index: sorted(set(_deciders_instead(resolved, config, by_type, by_part)))[:_ENOUGH]
        for index, config in zip(lost, configs, strict=True)
    }


def _deciders_instead(
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
            yield resolved.decided_by[position]
    for part in config.op_partial_names or ():
        for kind, decided_by in by_part.get(part, {}).items():
            if admitted is None or kind in admitted:
                yield from decided_by


def _deciders_by_type(resolved: Resolved) -> dict[str, list[int]]:
    """Return for each type the first few sub-configs that decided layers of it."""
    found: dict[str, list[int]] = {}
    for index, kind in sorted(set(zip(resolved.decided_by, resolved.inventory.types, strict=True))):
        decided_by = found.setdefault(kind, [])
        if index != UNDECIDED and len(decided_by) < _ENOUGH:
            decided_by.append(index)
    return found


# What a later sub-config drops.


def dropping_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the sub-configs that overwrite others and drop what these set for their layers, in list order."""
    configs = resolved.config_list
    for index, found in _droppings(resolved):
        overwritten = {
            earlier: positions
            for earlier, positions in found.items()
            if _is_lost(_dropped(configs[earlier], configs[index])) or not resolved.shadowed(earlier)
        }
        if overwritten:
            yield _finding(resolved, index, overwritten)


def _droppings(resolved: Resolved) -> Iterator[tuple[int, dict[int, list[int]]]]:
    """Yield the sub-configs that drop settings, with those that had them and the layers concerned."""
    for index in _suspects(resolved):
        later = resolved.config_list[index]
        before: dict[int, list[int]] = {}
        for position in resolved.decided[index]:
            before.setdefault(resolved.selection.runner_up(position), []).append(position)
        overwritten = {
            earlier: positions
            for earlier, positions in before.items()
            if earlier != UNDECIDED and _dropped(resolved.config_list[earlier], later)
        }
        if overwritten:
            yield index, overwritten


def _suspects(resolved: Resolved) -> Iterator[int]:
    """Yield the sub-configs that decide about layers and lack something that an earlier one has."""
    earlier: dict[tuple[str, ...], Any] = {}
    for index, config in enumerate(resolved.config_list):
        if config.exclude:
            continue
        if resolved.decided[index] and any(_dropped(other, config) for other in earlier.values()):
            yield index
        earlier.setdefault(_droppable(config), config)


def _droppable(config: SubConfig) -> tuple[str, ...]:
    """Return what a sub-config sets that a later one can drop: quant types, the cap of a budget, optional keys."""
    if isinstance(config, PruningConfig):
        capped = config.total_sparsity is not None and config.max_sparsity_per_layer is not None
        return ("max_sparsity_per_layer",) if capped else ()
    keys = (key for key in _OPTIONAL if getattr(config, key, None) is not None)
    return (*(getattr(config, "quant_types", None) or ()), *keys)


def _dropped(earlier: SubConfig, later: SubConfig) -> list[str]:
    """Return what `earlier` sets and `later`, which compresses, does not."""
    if isinstance(later, PruningConfig) and later.total_sparsity is None:
        return []  # a ratio per layer needs no cap
    kept = _droppable(later)
    return [
        word
        for word in _droppable(earlier)
        if word not in kept and (word not in _OPTIONAL or _value(earlier, word, later))
    ]


def _value(earlier: SubConfig, key: str, later: SubConfig) -> object:
    """Return what `earlier` sets under an optional key for the quant types of `later`; nothing true without any."""
    value = getattr(earlier, key)
    if not isinstance(value, Mapping):
        return value
    return {kind: one for kind, one in value.items() if kind in (getattr(later, "quant_types", None) or ())}


def _is_lost(dropped: Sequence[str]) -> bool:
    """Return whether layers are no longer compressed, or no longer limited, without what is dropped."""
    return "weight" in dropped or "max_sparsity_per_layer" in dropped


def _finding(resolved: Resolved, index: int, overwritten: dict[int, list[int]]) -> Finding:
    configs = resolved.config_list
    later = configs[index]
    dropped = list(dict.fromkeys(word for earlier in overwritten for word in _dropped(configs[earlier], later)))
    positions = sorted(position for positions in overwritten.values() for position in positions)
    layers = names_words([resolved.inventory.names[position] for position in positions])
    there = resolved.labels(sorted(overwritten))
    sets = _do(resolved, sorted(overwritten), "set")
    message = f"this sub-config takes {layers} from {there} and drops {listed(dropped)}, which {sets}"
    notation = configs.provenance.notation((index,))
    if isinstance(later, PruningConfig):
        cap = min(configs[earlier].max_sparsity_per_layer for earlier in overwritten)
        place = configs.provenance.place((index, "total_sparsity"), key=True)
        line = written("max_sparsity_per_layer", cap, notation)
        fix = (Edit("insert", (*place.path[:-1], "max_sparsity_per_layer"), cap),)
        return Finding.at(place, Code.SETTINGS_DROPPED, message, f"write {line} in it too", fix=fix, safe=True)
    types = [word for word in dropped if word not in _OPTIONAL]
    lines = [
        written(key, value, notation)
        for key in _OPTIONAL
        if key in dropped
        and (value := next(filter(None, (_value(configs[earlier], key, later) for earlier in overwritten))))
    ]
    hints = [f"write {joined(lines)} in it too"] if lines else []
    if types:
        line = written("quant_types", [*(later.quant_types or ()), *types], notation)
        hints.insert(0, f"write {line} with bits for each")
    severity = None if _is_lost(dropped) else Severity.NOTE  # to leave out anything else may be a choice
    place = configs.provenance.place((index, "quant_types"))
    return Finding.at(place, Code.SETTINGS_DROPPED, message, ", and ".join(hints), severity=severity)


def _do(resolved: Resolved, indices: Sequence[int], verb: str) -> str:
    """Return what sub-configs do: "[0] compresses", "[0] and [1] compress"."""
    ending = "" if len(indices) > 1 else "es" if verb.endswith("ss") else "s"
    return f"{resolved.labels(indices)} {verb}{ending}"


# Excludes.


def exclude_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the excludes of containers, and those that change nothing, in list order.

    An exclude that decides about no layer at all is reported where sub-configs are overwritten. One that states which
    blocks of a sequence are left alone, while the others are compressed, changes nothing either, and is fine.
    """
    excludes = [
        index for index, config in enumerate(resolved.config_list) if config.exclude and resolved.decided[index]
    ]
    if not excludes:
        return
    containers = _Containers(resolved)
    compressed_forms: frozenset[str] | None = None
    for index in excludes:
        found = list(containers.findings(index))
        yield from found
        if found or any(resolved.compressed_without_excludes(position) for position in resolved.decided[index]):
            continue
        if later := _compressed_later(resolved, index):
            yield _too_early(resolved, index, later)
            continue
        if compressed_forms is None:
            compressed_forms = frozenset(_forms(resolved, _compressed(resolved)))
        if compressed_forms.isdisjoint(_forms(resolved, resolved.decided[index])):
            message = "this exclude has no effect: no earlier sub-config compresses a layer that it excludes"
            hint = "delete it, unless it is a safeguard"
            place = resolved.config_list.provenance.place((index, "exclude"), key=True)
            yield Finding.at(place, Code.EXCLUDE_WITHOUT_EFFECT, message, hint, severity=Severity.NOTE)


def _compressed(resolved: Resolved) -> Iterator[int]:
    return (p for p in range(len(resolved.inventory)) if resolved.status(p) is Status.COMPRESSED)


def _forms(resolved: Resolved, positions: Iterator[int] | Sequence[int]) -> Iterator[str]:
    return (block_form(resolved.inventory.names[position]) for position in positions)


def _compressed_later(resolved: Resolved, index: int) -> list[int]:
    """Return the layers that an exclude selects and a later sub-config compresses."""
    selected = resolved.selection.selected(index)
    return [p for p in selected if resolved.decided_by[p] > index and resolved.status(p) is Status.COMPRESSED]


def _too_early(resolved: Resolved, index: int, later: Sequence[int]) -> Finding:
    deciders = sorted({resolved.decided_by[position] for position in later})
    names = names_words(resolved.inventory.names[position] for position in later)
    message = f"this exclude has no effect: {_do(resolved, deciders, 'compress')} {names}, which it selects"
    hint = f"delete it, or move it after {resolved.label(deciders[-1])} so that it takes effect"
    place = resolved.config_list.provenance.place((index, "exclude"), key=True)
    return Finding.at(place, Code.EXCLUDE_WITHOUT_EFFECT, message, hint)


class _Containers:
    """Excluded containers that have compressed layers in them."""

    def __init__(self, resolved: Resolved) -> None:
        self._resolved = resolved
        self._hints = Hints(resolved.inventory)
        self._inside: Mapping[str, list[int]] | None = None

    def findings(self, index: int) -> Iterator[Finding]:
        """Yield the names and types of an exclude that mean containers whose layers earlier sub-configs compress."""
        inventory, config = self._resolved.inventory, self._resolved.config_list[index]
        for element, name in enumerate(config.op_names or ()):
            position = inventory.position(name)
            if position is not None and self._resolved.decided_by[position] == index:
                yield from self._finding(index, "op_names", element, [inventory.names[position]])
        if config.names_layers:
            return
        decided = self._resolved.decided[index]
        for element, kind in enumerate(config.op_types or ()):
            names = [inventory.names[position] for position in decided if inventory.types[position] == kind]
            yield from self._finding(index, "op_types", element, names)

    def _finding(self, index: int, key: str, element: int, names: Sequence[str]) -> Iterator[Finding]:
        if not names or not all(map(self._hints.only_holds_layers, names)):
            return
        inside = dict.fromkeys(p for name in names for p in self._compressed_inside.get(name, ()))
        compressed = [p for p in inside if self._resolved.decided_by[p] < index]
        if not compressed:
            return
        deciders = sorted({self._resolved.decided_by[position] for position in compressed})
        layers = names_words(self._resolved.inventory.names[position] for position in compressed)
        place = self._resolved.config_list.provenance.place((index, key, element))
        spot = Spot.at(self._resolved, (index, key, element))
        offer = self._hints.for_containers(spot, names) or Offer("name the layers in it")
        still = _do(self._resolved, deciders, "still compress")
        message = f"'{spot.word}' only holds other layers, and {still} {layers}"
        fix = spot.edits(offer.key, offer.words) if offer.words else None
        yield Finding.at(place, Code.EXCLUDED_CONTAINER, message, offer.hint, fix=fix)

    @property
    def _compressed_inside(self) -> Mapping[str, list[int]]:
        """The path to a container -> the compressed layers in it."""
        if self._inside is None:
            inside: dict[str, list[int]] = {}
            for position in _compressed(self._resolved):
                for path in paths_of(self._resolved.inventory.names[position]):
                    inside.setdefault(path[:-1], []).append(position)
            self._inside = inside
        return self._inside


# Shared weights.


def tie_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield where one weight is compressed and left alone, or compressed in different ways; in the model's order.

    Ties that the same sub-configs decide are reported once, at the first of them. Members of one group share its budget
    and do not conflict; neither does what concerns the input or output alone.
    """
    conflicts: dict[tuple[int, ...], list[Sequence[int]]] = {}
    for tied in resolved.inventory.ties:
        decided_by = tuple(sorted({resolved.decided_by[position] for position in tied}))
        if len({_for_weight(resolved, index) for index in decided_by}) > 1:
            conflicts.setdefault(decided_by, []).append(tied)
    for decided_by, ties in conflicts.items():
        yield _ties_finding(resolved, decided_by, ties)


def _for_weight(resolved: Resolved, index: int) -> object:
    """Return what a sub-config does to a weight, comparable; None when it leaves the weight alone."""
    settings = None if index == UNDECIDED else resolved.settings_of(index)
    if not isinstance(settings, QuantizationSettings):
        return settings
    if "weight" not in settings.bits:
        return None
    return tuple(
        (key, value["weight"] if isinstance(value, Mapping) else value)
        for key, value in written_settings(settings)
        if not isinstance(value, Mapping) or "weight" in value
    )


def _ties_finding(resolved: Resolved, decided_by: Sequence[int], ties: Sequence[Sequence[int]]) -> Finding:
    compressing = [index for index in decided_by if _for_weight(resolved, index) is not None]
    first = ties[0]
    by_outcome: dict[object, int] = {}
    for position in first:
        by_outcome.setdefault(_for_weight(resolved, resolved.decided_by[position]), position)
    names = [f"'{resolved.inventory.names[position]}'" for position in by_outcome.values()]
    message = f"{' and '.join(names[:2])} share one weight, but "
    if None in by_outcome:
        left = resolved.inventory.names[by_outcome[None]]
        position = next(position for outcome, position in by_outcome.items() if outcome is not None)
        done = resolved.inventory.names[position]
        verb = "pruned" if isinstance(resolved.settings(position), PruningSettings) else "quantized"
        message += f"only '{done}' is {verb}"
        hint = f"exclude '{done}', or give '{left}' the same settings"
    else:
        message += f"get different settings from {resolved.labels(compressing)}"
        hint = "name both in one sub-config"
    if len(ties) > 1:
        message += f" (the same applies to {layers_words(sum(map(len, ties[1:])))} more)"
    place = resolved.config_list.provenance.place((compressing[-1],))
    return Finding.at(place, Code.TIED_CONFLICT, message, hint)
