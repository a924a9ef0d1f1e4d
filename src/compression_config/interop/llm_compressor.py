"""llm-compressor: a recipe that prunes, quantizes, or both, in one stage.

Its modifiers read targets as compressed-tensors does. SparseGPT and Wanda take one list of ratios for all their
targets, in the order in which the *model* has the layers, whatever the order of the targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from compression_config.findings import Code
from compression_config.interop.base import Engine, Pruned, QuantizationOptions, Request, is_a, numbered
from compression_config.interop.compressed_tensors import config_groups, matcher, read_groups, targets
from compression_config.interop.importing import Import, Reading
from compression_config.inventory import Inventory

__all__ = ["ENGINE", "RecipeOptions"]

PRUNED = ("Linear", "Conv1d", "Conv2d", "Conv3d")
"""The types that SparseGPT and Wanda prune; magnitude pruning takes any layer with a weight."""

ONE_SHOT = {"sparsegpt": "SparseGPTModifier", "wanda": "WandaPruningModifier"}
MAGNITUDE = "MagnitudePruningModifier"
QUANTIZING = ("QuantizationModifier", "GPTQModifier")


class RecipeOptions(QuantizationOptions):
    """What a list leaves open to a recipe."""

    modifier: Literal["sparsegpt", "wanda", "magnitude"] = Field(
        default="sparsegpt",
        title="'sparsegpt', 'wanda' or 'magnitude'",
        description="How the elements to mask are found.",
    )


def _export(request: Request, options: RecipeOptions) -> dict[str, Any]:
    """Return the recipe for a resolution."""
    stage: dict[str, Any] = {}
    pruned = list(request.pruned())
    if options.modifier == "magnitude":
        stage.update(_magnitude(request, pruned))
    elif pruned:
        stage.update(_one_shot(request, pruned, options.modifier))
    groups = config_groups(request, options)
    if groups:
        stage["quantization_modifiers"] = {"QuantizationModifier": {"config_groups": groups, "ignore": []}}
    return {"default_stage": stage}


def _one_shot(request: Request, pruned: list[Pruned], modifier: str) -> dict[str, Any]:
    """Return one modifier for all pruned layers, with one ratio or a list of them in the model's order."""
    ratios: dict[int, float] = {}
    what, hint = f"{ONE_SHOT[modifier]} prunes", "export with modifier='magnitude', or narrow 'op_types'"
    for part in pruned:
        positions = request.applied(part.decision, part.positions, PRUNED, what, hint)
        ratios.update(dict.fromkeys(positions, part.sparsity))
    if not ratios:
        return {}
    named = targets(request, dict.fromkeys(ratios, 0))[0]
    in_order = [ratios[position] for position in sorted(ratios)]
    sparsity: float | list[float] = in_order[0] if len(set(in_order)) == 1 else in_order
    return {"pruning_modifiers": {ONE_SHOT[modifier]: {"targets": named, "sparsity": sparsity}}}


def _magnitude(request: Request, pruned: list[Pruned]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a modifier for each ratio: each in a group of its own, as a mapping has a name only once."""
    ratios, outcomes = numbered((part.sparsity, part.positions) for part in pruned if part.positions)
    named = targets(request, outcomes)
    for number, ratio in enumerate(ratios):
        arguments = {"targets": named[number], "init_sparsity": 0.0, "final_sparsity": ratio}
        yield f"pruning_{number}_modifiers", {MAGNITUDE: {**arguments, "start": 0.0, "end": 1.0, "update": 1.0}}


# Import.


def _read(document: Any, inventory: Inventory | None) -> Import:  # noqa: ANN401 - foreign data
    """Return the config list for a recipe."""
    reading = Reading("llm-compressor", inventory)
    for stage, group, name, arguments in _modifiers(document):
        path = (stage, group, name)
        if name in QUANTIZING:
            _read_quantization(reading, reading.mapping(arguments, path), path)
        elif name == MAGNITUDE or name in ONE_SHOT.values():
            _read_pruning(reading, name, reading.mapping(arguments, path), path)
        else:
            reading.lose(Code.LOSSY_SETTING, f"a config list cannot express '{name}'", path)
    return reading.done()


def _recognizes(document: Any) -> bool:  # noqa: ANN401
    """Return whether a document has a stage with modifiers."""
    return any(_modifiers(document))


def _modifiers(document: Any) -> Iterator[tuple[str, str, str, Any]]:  # noqa: ANN401
    """Yield stage, group, name and arguments of each modifier, as `Recipe.from_dict` finds them."""
    for stage, groups in document.items() if isinstance(document, Mapping) else ():
        if str(stage).endswith("_stage") and isinstance(groups, Mapping):
            for group, modifiers in groups.items():
                if str(group).endswith("_modifiers") and isinstance(modifiers, Mapping):
                    yield from ((stage, group, name, arguments) for name, arguments in modifiers.items())


def _read_quantization(reading: Reading, arguments: Mapping[str, Any], path: tuple[str, ...]) -> None:
    """Enter what a quantization modifier gives each layer."""
    config = dict(arguments)
    scheme = config.get("scheme")
    if isinstance(scheme, str):
        chosen = reading.names(config.get("targets", "Linear"), (*path, "targets"))
        config["config_groups"] = {scheme: list(chosen)}
    elif isinstance(scheme, Mapping):
        config["config_groups"] = {name: list(reading.names(chosen, path)) for name, chosen in scheme.items()}
    read_groups(reading, config)


def _read_pruning(reading: Reading, name: str, arguments: Mapping[str, Any], path: tuple[str, ...]) -> None:
    """Enter the ratio of each layer that a pruning modifier targets, or that lies in a module it targets."""
    chosen = matcher(reading, reading.names(arguments.get("targets", "Linear"), (*path, "targets")))
    names = reading.inventory.names
    matched = [position for position in range(len(names)) if chosen(position) is not None]
    key = "final_sparsity" if name == MAGNITUDE else "sparsity"
    sparsity = arguments.get(key)
    ratios = sparsity if isinstance(sparsity, list) else [sparsity] * len(matched)
    if len(ratios) != len(matched):
        message = f"there are {len(ratios)} ratios for the {len(matched)} layers of the model that are targeted"
        reading.lose(Code.LOSSY_SETTING, message, (*path, key))
        return
    if str(arguments.get("mask_structure", "0:0")) not in ("0:0", "unstructured"):
        reading.lose(Code.LOSSY_SETTING, "a config list cannot express a mask structure", (*path, "mask_structure"))
    ratio_of: dict[str, float] = {}
    for position, ratio in zip(matched, ratios, strict=True):
        if isinstance(ratio, int | float) and not isinstance(ratio, bool) and 0 <= ratio < 1:
            ratio_of[names[position]] = ratio
        else:
            message = f"a config list has ratios from 0 to below 1, not {ratio!r}"
            reading.lose(Code.LOSSY_SETTING, message, (*path, key))
    if name == MAGNITUDE:
        for position in matched:
            if names[position] in ratio_of:
                reading.enter("pruning", position, {"sparsity_per_layer": ratio_of[names[position]]})
        return
    for position, layer in enumerate(names):
        parts = layer.split(".")
        owners = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
        owner = next((owner for owner in owners if owner in ratio_of), None)
        if owner is not None and is_a(reading.inventory, position, *PRUNED):
            reading.enter("pruning", position, {"sparsity_per_layer": ratio_of[owner]})


ENGINE = Engine(
    name="llm-compressor",
    reads="a recipe of modifiers, in YAML",
    version="llmcompressor 0.14.0.1",
    kinds=("pruning", "quantization"),
    serves=("vllm",),
    options=RecipeOptions,
    export=_export,
    read=_read,
    recognizes=_recognizes,
)
