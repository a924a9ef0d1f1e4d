"""coreai-opt, Apple's tool for Core AI: a `quantization_config` and a `magnitude_pruning_config`, in YAML.

Both have a setting for all layers, which is switched off here, and settings by module name: regexes that match a name
in full, the last of which decides. A setting is also for the modules inside of a layer, as far as it concerns inputs
and outputs; a later setting for one of these overwrites it.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from compression_config.budget.counting import masked_count
from compression_config.configs.value_rules import QuantType
from compression_config.findings import Code
from compression_config.interop.base import (
    NARROW,
    Engine,
    GroupOptions,
    QuantizationOptions,
    Quantized,
    Request,
    Tensor,
    numbered,
)
from compression_config.interop.serving import check_group_sizes
from compression_config.interop.torch import add_tied
from compression_config.suggestions import paths_of

__all__ = ["ATTENTION_PROJECTION", "ENGINE", "engine_ratios", "lose_projection"]


class _Axes(NamedTuple):
    channels: int
    """The axis of the weight that has the output channels."""
    inputs: int
    """The axis of the weight that groups divide."""
    activations: int
    """The axis of inputs and outputs that has the channels, from the end: there may be a batch or none."""


_AXES: Mapping[str, _Axes] = {
    "Linear": _Axes(0, 1, -1),
    "Embedding": _Axes(0, 1, -1),
    **{f"Conv{axes}d": _Axes(0, 1, -1 - axes) for axes in (1, 2, 3)},
    **{f"ConvTranspose{axes}d": _Axes(1, 0, -1 - axes) for axes in (1, 2, 3)},
}
"""The types all tensors of which it quantizes, but for the inputs of embeddings, which are indices."""

OUTPUTS = ("ReLU", "ReLU6", "GELU", "SiLU", "Sigmoid", "Tanh", "Softmax", "LayerNorm")
"""The types of which an export quantizes the outputs: those of modules, as it does not know their operations.

Others are left out where it does not see the operation, as that of Hardswish, and so changes nothing in silence.
"""

BITS = (2, 4, 6, 8)

TORCH_ONLY = 6
"""Integers of so many bits it quantizes to, but does not write for Core AI or Core ML."""

ATTENTION_PROJECTION = "NonDynamicallyQuantizableLinear"
"""The last layer of torch's attention, which never runs by itself: the attention takes its weight."""

_MOST_DIGITS = 17


def _export(request: Request, options: GroupOptions) -> dict[str, Any]:
    """Return the config of each kind that was resolved, under the key that its reader asks for."""
    kinds = {resolved.config_list.kind for resolved in request.parts}
    document: dict[str, Any] = {}
    if "pruning" in kinds:
        document["magnitude_pruning_config"] = _pruning(request)
    if "quantization" in kinds:
        document["quantization_config"] = _quantization(request, options)
    return document


# Pruning.


def _pruning(request: Request) -> dict[str, Any]:
    ratios = engine_ratios(request, _masked)
    specs = {ratio: {"op_state_spec": None, **_of_module({"target_sparsity": ratio})} for ratio in ratios.values()}
    settings = {position: specs[ratio] for position, ratio in ratios.items()}
    return {"global_config": None, "module_name_configs": _by_name(request, settings)}


def _masked(numel: int, ratio: float) -> int:
    """Return how many elements it masks: the product is a binary float."""
    return math.floor(numel * ratio)


def engine_ratios(
    request: Request, masked: Callable[[int, float], int], types: Sequence[str] | None = None
) -> dict[int, float]:
    """Return the ratio to write for each pruned layer, by its position, so that an engine masks the exact count.

    Layers that are not of `types`, where that is given, are left out and reported.

    `masked` says how many of so many elements the engine masks for a ratio. Where that is the count for the ratio of
    the list, or the number of elements is not known, the ratio is that of the list; else the shortest decimal that
    gives the count. Where none does, which is said in a note, it is the ratio of the list.
    """
    found: dict[int, float] = {}
    ratios = functools.cache(partial(_ratio, masked))
    for part in request.pruned(types):
        for position in part.positions:
            numel = request.inventory.numel(position)
            ratio = part.sparsity if numel is None else ratios(numel, part.sparsity)
            if ratio is None:
                message = f"'{request.engine.name}' counts in single precision: a few elements more or fewer are masked"
                request.lose(part.decision, Code.LOSSY_DETAIL, message, positions=[position])
            found[position] = part.sparsity if ratio is None else ratio
    for resolved in request.parts:
        add_tied(resolved, found, types)
    return found


def _ratio(masked: Callable[[int, float], int], numel: int, sparsity: float) -> float | None:
    """Return `sparsity` or the shortest decimal for which `masked` is the count of it; None without one."""
    count = masked_count(numel, sparsity)
    if masked(numel, sparsity) == count:
        return sparsity
    for digits in range(_MOST_DIGITS):
        scale: int = 10**digits
        first = -(-count * scale // numel)
        for ratio in (first / scale, (first + 1) / scale):
            if masked(numel, ratio) == count:
                return ratio
    # Ratios from count/numel to the next count give the count: the middle is the farthest from both.
    middle = (count + 0.5) / numel
    return middle if masked(numel, middle) == count else None


# Quantization.


def _quantization(request: Request, options: GroupOptions) -> dict[str, Any]:
    scheme = QuantizationOptions(group_size=options.group_size)
    parts = [here for part in request.quantized(scheme, (*_AXES, *OUTPUTS)) for here in _by_type(request, part)]
    check_group_sizes(request, (part for axes, part in parts if axes), scheme)
    settings: dict[int, dict[str, Any]] = {}
    for axes, part in parts:
        given = {kind: _spec(request, part, kind, axes) for kind in part.tensors}
        specs = {kind: spec for kind, spec in given.items() if spec is not None}
        if specs:
            setting = _setting(specs) if axes else {**_setting({}), "module_output_spec": {"*": specs["output"]}}
            if part.decision.settings.start_step:
                setting["qat_schedule"] = {"enable_fake_quant": part.decision.settings.start_step}
            settings.update(dict.fromkeys(part.positions, setting))
    names = _by_name(request, settings)
    # As a graph it would merge what is quantized between two layers, and move outputs past activations.
    return {"execution_mode": "eager", "global_config": None, "module_name_configs": names}


def _by_type(request: Request, part: Quantized) -> Iterator[tuple[_Axes | None, Quantized]]:
    """Yield the layers of a scheme by type, with its axes or None for `OUTPUTS`; report what is not applied to them."""
    by_type: dict[str, list[int]] = {}
    for position in part.positions:
        by_type.setdefault(request.inventory.types[position], []).append(position)
    for name, positions in by_type.items():
        if name == ATTENTION_PROJECTION:
            lose_projection(request, part, positions)
            continue
        tensors = dict(part.tensors)
        if name.endswith("Embedding") and tensors.pop("input", None) is not None:
            message = "the inputs of embeddings are indices, which 'coreai-opt' does not quantize"
            request.lose(part.decision, Code.LOSSY_SETTING, message, key="quant_types", positions=positions)
        axes = next((axes for kind, axes in _AXES.items() if name.endswith(kind)), None)
        if axes is None and tensors.keys() - {"output"}:
            message = f"'coreai-opt' quantizes only the outputs of a '{name}' layer"
            request.lose(part.decision, Code.LOSSY_SETTING, message, key="quant_types", positions=positions)
            tensors = {kind: tensor for kind, tensor in tensors.items() if kind == "output"}
        yield axes, Quantized(part.decision, tensors, positions)


def lose_projection(request: Request, part: Quantized, positions: Sequence[int]) -> None:
    """Report projections of torch's attention, which Apple's engines do not quantize."""
    message = f"a '{ATTENTION_PROJECTION}' layer never runs by itself, so '{request.engine.name}' leaves it unchanged"
    request.lose(part.decision, Code.TYPE_NOT_APPLIED, message, hint=NARROW, key="op_types", positions=positions)


def _spec(request: Request, part: Quantized, kind: QuantType, axes: _Axes | None) -> dict[str, Any] | None:
    """Return the spec of one tensor; None, which is reported, without one for its bits."""
    tensor: Tensor = part.tensors[kind]
    lose = partial(request.lose, part, key="quant_bits")
    if tensor.bits not in BITS:
        lose(Code.LOSSY_SETTING, f"'coreai-opt' has integers of 2, 4, 6 or 8 bits, not {tensor.bits} ({kind})")
        return None
    if tensor.bits == TORCH_ONLY:
        lose(Code.LOSSY_DETAIL, f"'coreai-opt' writes {TORCH_ONLY}-bit integers neither for Core AI nor for Core ML")
    granularity: dict[str, Any] = {"type": "per_tensor"}
    if axes is None:
        if tensor.per == "channel":
            message = "it depends on the model which axis of an output has the channels, so there is one scale for all"
            request.lose(part, Code.LOSSY_SETTING, message, key="quant_scheme")
    elif tensor.per == "group":
        granularity = {"type": "per_block", "axis": axes.inputs, "block_size": tensor.group_size}
    elif tensor.per == "channel":
        axis = axes.channels if kind == "weight" else axes.activations
        granularity = {"type": "per_channel", "axis": axis}
    return {
        "dtype": f"{'int' if tensor.signed else 'uint'}{tensor.bits}",
        "qscheme": "symmetric" if tensor.symmetric else "asymmetric",
        "granularity": granularity,
    }


# Settings by name.


def _setting(specs: Mapping[QuantType, dict[str, Any]]) -> dict[str, Any]:
    """Return the setting of a layer. What is left out would be quantized to 8 bits.

    Inputs and outputs are those of the operation in the layer: an input of the module would be quantized for all
    modules that take the same tensor.
    """
    return {
        "op_input_spec": {"*": specs["input"]} if "input" in specs else None,
        "op_output_spec": {"*": specs["output"]} if "output" in specs else None,
        "op_state_spec": None,
        **(_of_module(specs["weight"]) if "weight" in specs else {}),
    }


def _of_module(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the setting of a weight: that of the module, whichever operation takes it, and of none inside of it."""
    return {"module_state_spec": {"weight": spec}}


def _by_name(request: Request, settings: Mapping[int, dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    """Return the settings by regexes. Settings of layers that are inside of others come after those of the others."""
    written, numbers = numbered((setting, [position]) for position, setting in settings.items())
    depths = _depths(request, settings)
    outcomes = {position: (depths.get(position, 0), number) for position, number in numbers.items()}
    off = len(written)
    outcomes |= {position: (depth, off) for position, depth in depths.items() if position not in settings}
    named = request.named(outcomes, exact=re.escape, regex=str)
    return {
        regex: None if number == off else written[number]
        for (_, number), regexes in sorted(named.items(), key=lambda item: item[0][0])
        for regex in regexes
    }


def _depths(request: Request, targeted: Collection[int]) -> dict[int, int]:
    """Return for each layer inside of targeted ones how many of them it is in, by its position."""
    names = request.inventory.names
    outer = {names[position] for position in targeted}
    depths: dict[int, int] = {}
    for position, name in enumerate(names):
        depth = sum(path[:-1] in outer for path in paths_of(name))
        if depth:
            depths[position] = depth
    return depths


ENGINE = Engine(
    name="coreai-opt",
    reads="a quantization_config and a magnitude_pruning_config, in YAML",
    version="coreai-opt 0.4.0",
    kinds=("pruning", "quantization"),
    options=GroupOptions,
    export=_export,
)
