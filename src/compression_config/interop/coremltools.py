"""coremltools: the configs of its magnitude pruner and of its post-training quantizer of weights, in YAML.

Both name layers by regexes that match a name in full, the first of which decides. A config that names no layer would
be for all of them, so that one for the model itself is written there. Its `LinearQuantizer` is left out: it knows
names only, quantizes what is not named, and has its successor in coreai-opt.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from compression_config.findings import Code
from compression_config.interop.base import (
    NARROW,
    Engine,
    GroupOptions,
    QuantizationOptions,
    Quantized,
    Request,
    is_a,
    numbered,
)
from compression_config.interop.coreai_opt import ATTENTION_PROJECTION, engine_ratios, lose_projection
from compression_config.interop.serving import check_group_sizes

__all__ = ["ENGINE"]

PRUNED = ("Linear", "Conv1d", "Conv2d", "Conv3d")
TRANSPOSED = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
QUANTIZED = (*PRUNED, *TRANSPOSED)
"""The types that the quantizer takes as a whole: it does not look inside of them for layers."""

BITS = (4, 8)

NOTHING = "^$"
"""Matches the name of the model itself."""


def _export(request: Request, options: GroupOptions) -> dict[str, Any]:
    """Return the config; of a two-part list the config of each part, under its name."""
    kinds = {resolved.config_list.kind for resolved in request.parts}
    documents: dict[str, dict[str, Any]] = {}
    if "pruning" in kinds:
        documents["pruning"] = _pruning(request)
    if "quantization" in kinds:
        documents["quantization"] = _quantization(request, options)
    return documents if len(documents) > 1 else next(iter(documents.values()))


def _by_name(request: Request, configs: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Return the config for layers, given by position."""
    written, outcomes = numbered((config, [position]) for position, config in configs.items())
    named = request.named(outcomes, exact=re.escape, regex=str)
    by_regex: dict[str, Any] = {regex: written[number] for number, regexes in named.items() for regex in regexes}
    return {"module_name_configs": by_regex or {NOTHING: None}}


# Pruning.


def _pruning(request: Request) -> dict[str, Any]:
    ratios = engine_ratios(request, _masked, PRUNED)
    return _by_name(request, {position: {"target_sparsity": ratio} for position, ratio in ratios.items()})


def _masked(numel: int, ratio: float) -> int:
    """Return how many elements the pruner masks: it multiplies in single precision, and rounds up what it keeps."""
    return numel - math.ceil(_single(_single(numel) * _single(1 - ratio))) if ratio else 0


def _single(number: float) -> float:
    """Return the nearest number of single precision."""
    nearest: float = struct.unpack("f", struct.pack("f", number))[0]
    return nearest


# Quantization.


def _quantization(request: Request, options: GroupOptions) -> dict[str, Any]:
    request.lose_start_steps()
    scheme = QuantizationOptions(group_size=options.group_size)
    quantized = [
        part
        for whole in request.quantized(scheme, QUANTIZED)
        if (part := _reached(request, _weights_alone(request, whole))).positions
    ]
    check_group_sizes(request, quantized, scheme)
    symmetric = _one_scheme(request, quantized)
    configs: dict[int, dict[str, Any]] = {}
    for part in quantized:
        for granularity, positions in _granularities(request, part):
            weight = part.tensors["weight"]
            config = {
                "weight_dtype": f"{'int' if weight.signed else 'uint'}{weight.bits}",
                "quantization_scheme": "symmetric" if symmetric else "affine",
                **granularity,
            }
            configs.update(dict.fromkeys(positions, config))
    return _by_name(request, configs)


def _weights_alone(request: Request, part: Quantized) -> Quantized:
    """Return the weights of a scheme that the quantizer has integers for, and report the rest."""
    lose = partial(request.lose, part, Code.LOSSY_SETTING)
    hint = "export with 'coreai-opt'"
    for kind in ("input", "output"):
        if kind in part.tensors:
            lose(f"'coremltools' quantizes weights only, not {kind}s", hint=hint, key="quant_types")
    weight = part.tensors.get("weight")
    if weight is not None and weight.bits not in BITS:
        lose(f"'coremltools' has weights of 4 or 8 bits, not {weight.bits}", key="quant_bits")
    fine = weight is not None and weight.bits in BITS
    return Quantized(part.decision, part.tensors, part.positions if fine else ())


def _reached(request: Request, part: Quantized) -> Quantized:
    """Return the layers of a scheme that the quantizer looks for, and report the others."""
    positions = []
    for position in part.positions:
        around = _layer_around(request, position)
        if request.inventory.types[position] == ATTENTION_PROJECTION:
            lose_projection(request, part, [position])
        elif around is not None:
            message = f"'coremltools' does not look inside of a '{around}' layer"
            request.lose(
                part.decision, Code.TYPE_NOT_APPLIED, message, hint=NARROW, key="op_types", positions=[position]
            )
        else:
            positions.append(position)
    return Quantized(part.decision, part.tensors, positions)


def _layer_around(request: Request, position: int) -> str | None:
    """Return the type of the layer around one that the quantizer takes as a whole; None where there is none.

    A wrapper may have the name of such a type, but does not hold the weight itself.
    """
    inventory, name = request.inventory, request.inventory.names[position]
    end = name.find(".")
    while end >= 0:
        outer = inventory.position(name[:end])
        if outer is not None and is_a(inventory, outer, *QUANTIZED) and "weight" in inventory.parameters(outer):
            return inventory.types[outer]
        end = name.find(".", end + 1)
    return None


def _one_scheme(request: Request, quantized: Sequence[Quantized]) -> bool:
    """Return whether most layers are symmetric; the others, which get that scheme too, are reported."""
    counts = {True: 0, False: 0}
    for part in quantized:
        counts[part.tensors["weight"].symmetric] += len(part.positions)
    symmetric = counts[True] >= counts[False]
    for part in quantized:
        if part.tensors["weight"].symmetric is not symmetric:
            message = f"'coremltools' needs one scheme for all layers, which are {_scheme(symmetric)} in the document"
            hint = f"write a 'quant_scheme' that is {_scheme(symmetric)}, or export these layers by themselves"
            request.lose(part, Code.LOSSY_SETTING, message, hint=hint, key="quant_scheme")
    return symmetric


def _scheme(symmetric: bool) -> str:
    return "symmetric" if symmetric else "affine"


def _granularities(request: Request, part: Quantized) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Yield what shares a scale, with the layers for which it is written so."""
    weight = part.tensors["weight"]
    if weight.group_size is None:
        yield {"granularity": f"per_{weight.per}"}, list(part.positions)
        return
    whole: list[int] = []
    grouped: list[int] = []
    for position in part.positions:
        outputs, inputs = _axes(request, position)
        # One group of all inputs is a channel: a layer that has no more than that would be left alone.
        (whole if inputs == weight.group_size else grouped).append(position)
        transposed = is_a(request.inventory, position, *TRANSPOSED)
        divided = outputs is None or (outputs > weight.group_size and outputs % weight.group_size == 0)
        if transposed and not divided and inputs != weight.group_size:
            message = "groups of transposed convolutions have to divide their outputs too, into more than one"
            request.lose(part.decision, Code.GROUP_SIZE, message, hint=NARROW, positions=[position])
    if whole:
        yield {"granularity": "per_channel"}, whole
    if grouped:
        yield {"granularity": "per_block", "block_size": weight.group_size}, grouped


def _axes(request: Request, position: int) -> tuple[int | None, int | None]:
    """Return the numbers of outputs and inputs of a layer, as far as the shape of its weight is known."""
    shape = request.inventory.weight_shapes[position]
    if shape is None or len(shape) == 1:
        return None, None
    transposed = is_a(request.inventory, position, *TRANSPOSED)
    return (shape[1], shape[0]) if transposed else (shape[0], shape[1])


ENGINE = Engine(
    name="coremltools",
    reads="a MagnitudePrunerConfig or a PostTrainingQuantizerConfig, in YAML",
    version="coremltools 9.0",
    kinds=("pruning", "quantization"),
    options=GroupOptions,
    export=_export,
)
