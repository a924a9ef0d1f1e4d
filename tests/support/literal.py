"""The specification read word for word: slow, short, and the judge of everything that is fast.

Nothing of the package is used here. A config list is plain data, a layer is a name and a type, and each
function is a sentence of the specification or a decision (D1, D3, D17, D18) turned into a loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Answer", "LiteralLayer", "alias_uses", "answer", "element_answers", "idle", "mismatches", "selected_by"]
__all__ += ["resolve", "selected", "selects", "unmatched"]

SubConfig: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = tuple[dict[str, Any], frozenset[Any]]
"""What each layer gets, by name, and the groups: members, ratio, cap."""

DEFAULT = {
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Linear",
    "Bilinear",
    "PReLU",
    "Embedding",
    "EmbeddingBag",
}


@dataclass(frozen=True)
class LiteralLayer:
    name: str
    type: str
    aliases: tuple[str, ...] = ()

    @property
    def all_names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


def element_answers(key: str, element: str, layer: LiteralLayer) -> bool:
    """Return whether a layer answers to one element of a selector, whatever stands beside it."""
    if key == "op_types":
        return layer.type in DEFAULT if element == "default" else layer.type == element
    if key == "op_names":
        return element in layer.all_names
    return any(element in name for name in layer.all_names)


def selects(config: SubConfig, layer: LiteralLayer) -> bool:
    """D1: types absent or listed, and (no name key, or in op_names, or contains a partial name)."""

    def holds(key: str) -> bool:
        return any(element_answers(key, element, layer) for element in config.get(key, ()))

    type_holds = "op_types" not in config or holds("op_types")
    named = "op_names" in config or "op_partial_names" in config
    return type_holds and (not named or holds("op_names") or holds("op_partial_names"))


def resolve(configs: Sequence[SubConfig], layers: Sequence[LiteralLayer]) -> dict[str, int]:
    """Return layer -> index of the sub-config that decides: "the later ones will overwrite the previous ones"."""
    decided_by: dict[str, int] = {}
    for index, config in enumerate(configs):
        for layer in layers:
            if selects(config, layer):
                decided_by[layer.name] = index
    return decided_by


def selected_by(configs: Sequence[SubConfig], layer: LiteralLayer) -> tuple[int, ...]:
    """Return the indices of the sub-configs that select a layer."""
    return tuple(index for index, config in enumerate(configs) if selects(config, layer))


def selected(config: SubConfig, layers: Sequence[LiteralLayer]) -> tuple[str, ...]:
    """Return the names of the layers that a sub-config selects."""
    return tuple(layer.name for layer in layers if selects(config, layer))


def idle(configs: Sequence[SubConfig], layers: Sequence[LiteralLayer]) -> list[int]:
    """Return the indices of the sub-configs that select nothing."""
    return [index for index, config in enumerate(configs) if not selected(config, layers)]


def unmatched(configs: Sequence[SubConfig], layers: Sequence[LiteralLayer]) -> list[tuple[int, str, int]]:
    """Return the path of each selector element that no layer answers to (D14)."""
    return [
        (index, key, position)
        for index, config in enumerate(configs)
        for key in ("op_types", "op_names", "op_partial_names")
        for position, element in enumerate(config.get(key, ()))
        if not any(element_answers(key, element, layer) for layer in layers)
    ]


def mismatches(configs: Sequence[SubConfig], layers: Sequence[LiteralLayer]) -> list[tuple[int, str, int]]:
    """Return the path of each name and partial name whose layers `op_types` leaves out, all of them (D14).

    Partial names of a sub-config that selects nothing are not among them.
    """
    return [
        (index, key, element)
        for index, config in enumerate(configs)
        for key in ("op_names", "op_partial_names")
        if key == "op_names" or selected(config, layers)
        for element, name in enumerate(config.get(key, ()))
        if any(element_answers(key, name, layer) for layer in layers)
        and not any(
            selects({"op_types": config["op_types"], key: [name]} if "op_types" in config else {key: [name]}, layer)
            for layer in layers
        )
    ]


def alias_uses(configs: Sequence[SubConfig], layers: Sequence[LiteralLayer]) -> list[tuple[int, str, int]]:
    """Return the path of each element of names that takes a layer by another name of it alone (D17)."""
    return [
        (index, key, element)
        for index, config in enumerate(configs)
        for key in ("op_names", "op_partial_names")
        for element, name in enumerate(config.get(key, ()))
        if any(layer.aliases and _only_by_alias(config, key, name, layer) for layer in layers)
    ]


def _only_by_alias(config: SubConfig, key: str, name: str, layer: LiteralLayer) -> bool:
    alone = {kept: value for kept, value in config.items() if kept not in ("op_names", "op_partial_names")}
    alone[key] = [name]
    return selects(alone, layer) and not selects(alone, LiteralLayer(layer.name, layer.type))


def answer(configs: Sequence[SubConfig], layers: Sequence[LiteralLayer], decided_by: Mapping[str, int]) -> Answer:
    """Return what D18 compares: status and settings of each layer, and members, ratio and cap of each group."""
    gets: dict[str, Any] = {}
    members: dict[int, list[str]] = {}
    for layer in layers:
        index = decided_by.get(layer.name)
        gets[layer.name] = "untouched" if index is None else _meaning(configs[index])
        if index is not None and "total_sparsity" in configs[index]:
            members.setdefault(index, []).append(layer.name)
    groups = frozenset((frozenset(names), _meaning(configs[index])) for index, names in members.items())
    return gets, groups


def _meaning(config: SubConfig) -> object:
    if "exclude" in config:
        return "excluded"
    if "total_sparsity" in config:
        return ("total", config["total_sparsity"], config.get("max_sparsity_per_layer"))
    if "quant_types" not in config:
        return ("each", config.get("sparsity_per_layer", config.get("sparsity")))
    written = config["quant_types"]
    types = [written] if isinstance(written, str) else list(written)
    by_type = [_by_type(config.get(key), types) for key in ("quant_bits", "quant_dtype", "quant_scheme")]
    return ("quantized", *by_type, config.get("quant_start_step", 0))


def _by_type(value: Any, types: Sequence[str]) -> frozenset[tuple[str, object]]:
    """Return the value of each quant type; "when the type is int, all quantization types share same bits length"."""
    if value is None:
        return frozenset()
    if isinstance(value, Mapping):
        return frozenset((quant_type, value[quant_type]) for quant_type in types if quant_type in value)
    return frozenset((quant_type, value) for quant_type in types)
