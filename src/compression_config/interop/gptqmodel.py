"""GPTQModel: the arguments of its `QuantizeConfig`, which has one setting for all layers and `dynamic` with exceptions.

The keys of `dynamic` are regexes that match from the start of a name: after `+:` for layers that get other settings,
after `-:` for layers that are left alone. The first that matches counts, those with `-:` before the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from compression_config.findings import Code
from compression_config.interop.base import Engine, QuantizationOptions, Quantized, Request
from compression_config.interop.defaults import LEFT_ALONE, defaulted, untied
from compression_config.interop.serving import check_fused, check_group_sizes, fused_names
from compression_config.text import joined

__all__ = ["ENGINE"]

APPLIED = ("Linear", "Conv1D")
"""The types that it quantizes; the second is the transposed linear layer of transformers."""

REACHED = (*APPLIED, "Conv1d", "Conv2d")
"""The types that its definition of a model may name."""

BITS = range(2, 9)
PLANES = frozenset({3, 5, 6, 7})
"""The bits that are packed as planes of 32 numbers: 3 only where a layer of the model has 5, 6 or 7."""
PLANE = 32

GROUP_SIZES = (16, 32, 64, 128, 256, 512, 1024)
NOTHING: Mapping[str, Any] = {"bits": 4, "group_size": -1, "sym": True}
"""The default of a document in which every layer is an exception."""

HEAD = "lm_head"
"""The only layer outside of blocks that it quantizes, and this only where it is told to."""


def _export(request: Request, options: QuantizationOptions) -> dict[str, Any]:
    """Return the arguments of a `QuantizeConfig` for a resolution."""
    request.lose_start_steps()
    quantized = list(request.quantized(options, APPLIED))
    check_group_sizes(request, quantized, options)
    check_fused(request, quantized)
    _check_blocks(request, quantized)
    found = defaulted(request, _packed(request, list(_settings(request, quantized))), REACHED)
    exceptions = found.exceptions
    heads = [p for p, outcome in found.outcomes.items() if outcome != LEFT_ALONE and _is_head(request, p)]
    # It has 8 bits for an output layer of which `dynamic` says nothing, whatever the default is.
    exceptions.update((position, found.outcomes[position]) for position in heads)
    further = fused_names(request, exceptions) if request.serve is not None else {}
    named = request.named(
        exceptions, exact=lambda name: f"^{re.escape(name)}$", regex=lambda pattern: f"^{pattern}$", further=further
    )
    left_alone: dict[str, dict[str, Any]] = {f"-:{key}": {} for key in named.pop(LEFT_ALONE, ())}
    others = {f"+:{key}": dict(found.settings[number]) for number, keys in named.items() for key in keys}
    default = NOTHING if found.default is None else found.settings[found.default]
    return {**default, "lm_head": bool(heads), "dynamic": {**left_alone, **others}}


def _is_head(request: Request, position: int) -> bool:
    return request.inventory.names[position].rpartition(".")[2] == HEAD


def _check_blocks(request: Request, quantized: Sequence[Quantized]) -> None:
    """Report layers that no definition of a model can name: these are of numbered blocks."""
    for part in quantized:
        parents = ((p, request.inventory.names[p].split(".")[:-1]) for p in part.positions)
        outside = [p for p, path in parents if not any(map(str.isdigit, path)) and not _is_head(request, p)]
        message = f"'gptqmodel' quantizes the layers of numbered blocks and '{HEAD}' only"
        request.lose(part.decision, Code.LOSSY_SETTING, message, hint="exclude these layers", positions=outside)


def _settings(request: Request, quantized: Sequence[Quantized]) -> Iterator[tuple[Quantized, dict[str, Any]]]:
    """Yield the settings of GPTQModel for the layers of each scheme; what it cannot express is reported."""
    for whole in quantized:
        part = untied(request, whole)
        lose = partial(request.lose, part, Code.LOSSY_SETTING)
        for kind in ("input", "output"):
            if kind in part.tensors:
                lose(f"'gptqmodel' does not quantize {kind}s", key="quant_types")
        weight = part.tensors.get("weight")
        if weight is None:
            continue
        if weight.bits not in BITS:
            lose(f"'gptqmodel' has weights of 2 to 8 bits, not {weight.bits}", key="quant_bits")
            continue
        if weight.group_size is not None and weight.group_size not in GROUP_SIZES:
            sizes = joined(map(str, GROUP_SIZES), "or")
            lose(f"'gptqmodel' has groups of {sizes}, not {weight.group_size}", hint="choose one of these group sizes")
            continue
        if weight.per == "tensor":
            message = "weights have one scale for each channel, not one for all"
            code, key = Code.LOSSY_APPROXIMATION, "quant_scheme"
            request.lose(part, code, message, key=key)
        request.lose_sign(part, "weight")
        size = -1 if weight.group_size is None else weight.group_size
        yield part, {"bits": weight.bits, "group_size": size, "sym": weight.symmetric}


def _packed(
    request: Request, settings: Sequence[tuple[Quantized, dict[str, Any]]]
) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Yield settings and their layers without those that GPTQModel cannot pack, which are reported."""
    used = {given["bits"] for part, given in settings if part.positions}
    planes = PLANES if used.intersection(PLANES - {3}) else ()
    for part, given in settings:
        unpacked = []
        if given["bits"] in planes:
            shapes = ((position, request.inventory.weight_shapes[position]) for position in part.positions)
            unpacked = [position for position, shape in shapes if shape and any(side % PLANE for side in shape)]
            message = f"'gptqmodel' packs {given['bits']} bits only where inputs and outputs are multiples of {PLANE}"
            hint = "write 2, 4 or 8 bits for these layers, or exclude them"
            code, key = Code.LOSSY_SETTING, "quant_bits"
            request.lose(part.decision, code, message, hint=hint, key=key, positions=unpacked)
        yield given, [position for position in part.positions if position not in unpacked]


ENGINE = Engine(
    name="gptqmodel",
    reads="the arguments of a QuantizeConfig, with exceptions in `dynamic`",
    version="GPTQModel 7.6.0",
    kinds=("quantization",),
    serves=("vllm",),
    options=QuantizationOptions,
    export=_export,
)
