"""Compression of weights that are not there: layers without one, and containers among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import SubConfig
from compression_config.findings import Code, Edit, Finding, Severity
from compression_config.linting.hints import Hints, is_norm, is_weighted
from compression_config.resolving.resolved import Resolved
from compression_config.suggestions import paths_of
from compression_config.text import layers_words, listed, names_words, types_words, written

__all__ = ["weight_findings"]


def weight_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the sub-configs that compress weights of layers without one, or take containers, in list order."""
    containers = _Containers(resolved)
    norms_of_model = {kind for kind in set(resolved.inventory.types) if is_norm(kind)}
    for index, config in enumerate(resolved.config_list):
        if config.exclude:
            continue
        decided, has_weight = resolved.decided[index], resolved.inventory.has_weight
        bare = [position for position in decided if not has_weight(position)]
        swept_up: set[int] = set()
        if bare and config.op_partial_names is not None and config.op_types is None:
            named = {resolved.inventory.position(name) for name in config.op_names or ()}
            swept_up = {position for position in bare if position in containers and position not in named}
        weightless = [p for p in bare if p not in swept_up and has_weight(p) is False]
        if weightless and _compresses_weights(config):
            # One cause, one finding: the containers have no weight either, and its hint leaves normalizations out.
            yield _no_weight(resolved, index, sorted({*weightless, *swept_up}), containers)
        elif norms := _pruned_norms(resolved, index, norms_of_model):
            yield _normalization(resolved, index, norms)
        elif swept_up:
            yield _containers_claimed(resolved, index, sorted(swept_up))
        if isinstance(config, QuantizationConfig) and "input" in (config.quant_types or ()):
            yield from _integer_inputs(resolved, index)


def _pruned_norms(resolved: Resolved, index: int, norms: Collection[str]) -> list[int]:
    """Return the normalizations, of the types `norms`, that a sub-config prunes."""
    if resolved.config_list.kind != "pruning" or not norms:
        return []
    types, has_weight = resolved.inventory.types, resolved.inventory.has_weight
    return [p for p in resolved.decided[index] if types[p] in norms and has_weight(p) is not False]


def _normalization(resolved: Resolved, index: int, positions: Sequence[int]) -> Finding:
    config: Any = resolved.config_list[index]
    types = resolved.inventory.types
    counts = Counter(types[position] for position in positions).most_common()
    others = _types_with_weight(resolved, resolved.decided[index])
    named = [kind for kind, _ in counts if kind in (config.op_types or ())]
    place = resolved.config_list.provenance.place((index,))
    fix: tuple[Edit, ...] | None = None
    if config.op_types is None and others:
        line = written("op_types", others, resolved.config_list.provenance.notation((index,)))
        hint = f"write {line} to leave them out"
        fix = (Edit("insert", (*place.path, "op_types"), tuple(others)),)
    elif others and len(named) == len(counts):
        hint = f"take {listed(named)} out of 'op_types'"
        elements = (element for element, kind in enumerate(config.op_types) if kind in named)
        fix = tuple(Edit("delete", (*place.path, "op_types", element)) for element in elements)
    else:
        hint = "name other layers, or exclude these"
    # Pruning whole channels by the weights of BatchNorm is a method (network slimming), and names the type.
    meant = all(kind.startswith("BatchNorm") and kind in named for kind, _ in counts)
    message = (
        f"this sub-config prunes {types_words(counts)}: zeros in the weight of a normalization mask whole channels"
    )
    return Finding.at(
        place, Code.PRUNED_NORMALIZATION, message, hint, severity=Severity.NOTE if meant else None, fix=fix
    )


def _integer_inputs(resolved: Resolved, index: int) -> Iterator[Finding]:
    """Yield that the inputs of embeddings are to be quantized, which are indices."""
    types = resolved.inventory.types
    positions = [p for p in resolved.decided[index] if types[p] in ("Embedding", "EmbeddingBag")]
    if positions:
        names = names_words([resolved.inventory.names[position] for position in positions])
        message = f"the inputs of {names} are indices, which cannot be quantized"
        hint = "configure embeddings in a sub-config of their own, without 'input' in 'quant_types'"
        if len(positions) == len(resolved.decided[index]):
            hint = "remove 'input' from 'quant_types'"
            if _only(resolved.config_list[index], "input"):
                hint = "quantize the weights instead, or delete the sub-config"
        place = resolved.config_list.provenance.place((index, "quant_types"))
        yield Finding.at(place, Code.INTEGER_INPUT, message, hint)


class _Containers:
    """Which layers have others below them and nothing of their own; found out when first asked.

    Fused experts have layers below them too, and parameters: they are no containers.
    """

    def __init__(self, resolved: Resolved) -> None:
        self._inventory = resolved.inventory
        self._parents: set[str] | None = None
        self._bare: dict[str, bool] = {}

    def __contains__(self, position: int) -> bool:
        if self._parents is None:
            self._parents = {name.rpartition(".")[0] for name in self._inventory.names}
        if self._inventory.names[position] not in self._parents:
            return False
        kind = self._inventory.types[position]
        if kind not in self._bare:
            self._bare[kind] = not self._inventory.parameters(position)
        return self._bare[kind]


def _only(config: SubConfig, quant_type: str) -> bool:
    """Return whether a sub-config quantizes one quant type, which cannot be taken out then."""
    return getattr(config, "quant_types", None) == (quant_type,)


def _compresses_weights(config: SubConfig) -> bool:
    return not isinstance(config, QuantizationConfig) or "weight" in (config.quant_types or ())


def _containers_claimed(resolved: Resolved, index: int, positions: Sequence[int]) -> Finding:
    names = [resolved.inventory.names[position] for position in positions]
    holds = "holds" if len(names) == 1 else "hold"
    message = f"the partial names also take {layers_words(len(names))} that only {holds} others: {names_words(names)}"
    types = _types_with_weight(resolved, set(resolved.decided[index]).difference(positions))
    line = written("op_types", types, resolved.config_list.provenance.notation((index,)))
    hint = f"write {line} beside them to leave these out" if types else None
    place = resolved.config_list.provenance.place((index, "op_partial_names"), key=True)
    return Finding.at(place, Code.CONTAINERS_CLAIMED, message, hint)


def _no_weight(resolved: Resolved, index: int, positions: Sequence[int], containers: _Containers) -> Finding:
    config: Any = resolved.config_list[index]
    counts = Counter(resolved.inventory.types[position] for position in positions).most_common()
    does = f"that this sub-config {'prunes' if config.kind == 'pruning' else 'quantizes'}"
    of_all = layers_words(len(resolved.decided[index]))
    if len(positions) < len(resolved.decided[index]):
        message = f"{len(positions):,} of the {of_all} {does} {'has' if len(positions) == 1 else 'have'} no weight"
    elif len(positions) > 1:
        message = f"none of the {of_all} {does} has a weight"
    else:
        message = f"the only layer {does}, '{resolved.inventory.names[positions[0]]}', has no weight"
    message += f": {types_words(counts)}" if len(resolved.decided[index]) > 1 else ""
    message += _other_parameters(resolved, positions)
    hint = _hint(resolved, index, config, positions, containers)
    # A pruning sub-config of which no layer has a weight prunes nothing (D14).
    nothing = config.kind == "pruning" and len(positions) == len(resolved.decided[index])
    severity = Severity.ERROR if nothing else None
    return Finding.at(resolved.config_list.provenance.place((index,)), Code.NO_WEIGHT, message, hint, severity=severity)


def _other_parameters(resolved: Resolved, positions: Sequence[int]) -> str:
    """Return what the layers have in place of a weight: said of the first that has anything."""
    for position in dict(zip(map(resolved.inventory.types.__getitem__, positions), positions, strict=True)).values():
        parameters = [name for name in resolved.inventory.parameters(position) if name != "bias"]
        if parameters:
            return f" ({resolved.inventory.types[position]} has {names_words(parameters)})"
    return ""


def _hint(resolved: Resolved, index: int, config: SubConfig, positions: Sequence[int], containers: _Containers) -> str:
    types = resolved.inventory.types
    weightless = {types[position] for position in positions}
    weighted = _types_with_weight(resolved, (p for p in resolved.decided[index] if p not in containers))
    holding = [resolved.inventory.names[position] for position in positions if position in containers]
    if holding and weighted and not config.names_layers:  # names beside the types would take these layers alone
        return f"take {listed(kind for kind in config.op_types or () if kind in weightless)} out of 'op_types'"
    if holding and not config.op_partial_names:
        return _hint_inside(resolved, index, holding, weighted)
    if any(
        types[p] in weightless for p in resolved.decided[index] if resolved.inventory.has_weight(p)
    ):  # the type does not tell them apart
        names = [resolved.inventory.names[position] for position in positions]
        return f"exclude {names_words(names)} by name in a sub-config after it"
    if weighted:
        if config.op_types is not None:
            weighted = [kind for kind in config.op_types if kind not in weightless]
        notation = resolved.config_list.provenance.notation((index,))
        return f"write {written('op_types', weighted, notation)} to leave them out"
    if config.kind == "pruning":
        return "name layers that have a weight: nothing else is masked"
    instead = "name layers that have one"
    return instead if _only(config, "weight") else f"take 'weight' out of 'quant_types', or {instead}"


def _hint_inside(resolved: Resolved, index: int, containers: Sequence[str], others: Iterable[str]) -> str:
    """Return how to take the layers in containers, beside those of the types `others`."""
    starts = {f"{container}." for container in containers}
    below = (p for p, name in enumerate(resolved.inventory.names) if any(path in starts for path in paths_of(name)))
    inside = _types_with_weight(resolved, below)
    it = "it" if len(containers) == 1 else "them"
    if not inside:
        return f"name layers that have a weight: those in {names_words(containers)} have none either"
    parts = [f"{containers[0]}."] if len(containers) == 1 else Hints(resolved.inventory).parts_below(containers)
    if parts is None:
        return f"name the layers in {it} that have a weight"
    types = list(dict.fromkeys((*inside, *others)))
    notation = resolved.config_list.provenance.notation((index,))
    lines = (written(key, words, notation) for key, words in (("op_partial_names", parts), ("op_types", types)))
    return f"write {' and '.join(lines)} for the layers in {it}"


def _types_with_weight(resolved: Resolved, positions: Iterable[int]) -> list[str]:
    """Return the types of the layers that have a weight, or may have by their name, those of the most layers first.

    Without normalizations, which are seldom compressed on purpose.
    """
    types = resolved.inventory.types
    weighted = Counter(
        types[position]
        for position in positions
        if not is_norm(types[position]) and is_weighted(resolved.inventory, position)
    )
    return sorted(weighted, key=lambda kind: (-weighted[kind], kind))
