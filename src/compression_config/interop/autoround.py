"""AutoRound: the arguments `scheme` and `layer_config` of its `AutoRound`.

The scheme is for the layers of blocks; others are quantized where `layer_config` names them. So that it does not matter
what a block is, it names all. A key is the name of a layer, or a regex that is searched for in names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field

from compression_config.findings import Code
from compression_config.interop.base import Engine, QuantizationOptions, Quantized, Request, Tensor
from compression_config.interop.defaults import LEFT_ALONE, defaulted, untied
from compression_config.interop.serving import check_fused, check_group_sizes
from compression_config.inventory import Inventory

__all__ = ["ENGINE", "AutoRoundOptions"]

APPLIED = ("Linear", "Conv1D")
"""The very classes that it quantizes; the second is the transposed linear layer of transformers."""

BITS = range(2, 9)
UNQUANTIZED = 16
MULTIPLE = 32
"""What both sides of a weight must be a multiple of, unless the default has quantized inputs."""

SKIPPED: Mapping[str, Any] = {
    "bits": UNQUANTIZED,
    "data_type": "float",
    "act_bits": UNQUANTIZED,
    "act_data_type": "float",
}
NOTHING: Mapping[str, Any] = {
    "bits": 4,
    "group_size": -1,
    "sym": True,
    "data_type": "int",
    "act_bits": UNQUANTIZED,
    "act_data_type": "float",
}
"""The scheme of a document in which no layer is quantized."""


class AutoRoundOptions(QuantizationOptions):
    """What a list leaves open to AutoRound, which quantizes inputs at run time."""

    # AutoRound has static integers as inputs in its fake format only.
    inputs: Literal["dynamic"] = Field(
        default="dynamic", title="'dynamic' for autoround", description="The scales of inputs are found for each token."
    )


def _export(request: Request, options: AutoRoundOptions) -> dict[str, Any]:
    """Return the arguments of an `AutoRound` for a resolution."""
    request.lose_start_steps()
    quantized = list(request.quantized(options, APPLIED, subclasses=False))
    check_group_sizes(request, quantized, options)
    check_fused(request, quantized)
    parts = list(_settings(request, quantized))
    found = defaulted(request, [(given, part.positions) for part, given in parts], APPLIED)
    scheme = NOTHING if found.default is None else found.settings[found.default]
    outcomes = dict(found.outcomes)
    if scheme["act_bits"] == UNQUANTIZED:
        for part, _ in parts:
            outcomes.update(dict.fromkeys(_misshapen(request, part), LEFT_ALONE))
    named = request.named(outcomes, regex=partial(_regex, request))
    words = {number: SKIPPED if number == LEFT_ALONE else found.settings[number] for number in named}
    layers = {key: dict(words[number]) for number, keys in named.items() for key in keys}
    return {"scheme": dict(scheme), "layer_config": layers}


def _regex(request: Request, pattern: str) -> str:
    # It escapes each dot of a regex once more, also one that is escaped; in brackets one is a dot both ways.
    dotted = re.sub(r"\\(.)", lambda found: "[.]" if found[1] == "." else found[0], pattern, flags=re.DOTALL)
    # A key that is the name of a layer is not read as a regex.
    while request.inventory.position(f"^{dotted}$") is not None:
        dotted = f"(?:{dotted})"
    return f"^{dotted}$"


def _misshapen(request: Request, part: Quantized) -> list[int]:
    """Return the layers that AutoRound leaves at 16 bits without a word, whatever `layer_config` says; report them."""
    inventory: Inventory = request.inventory
    shapes = ((position, inventory.weight_shapes[position]) for position in part.positions)
    found = [position for position, shape in shapes if shape and any(side % MULTIPLE for side in shape[:2])]
    message = f"'autoround' leaves a layer unquantized unless its inputs and outputs are multiples of {MULTIPLE}"
    hint = "exclude these layers, or export with another engine"
    request.lose(part.decision, Code.LOSSY_SETTING, message, hint=hint, positions=found)
    return found


def _settings(request: Request, quantized: Sequence[Quantized]) -> Iterator[tuple[Quantized, dict[str, Any]]]:
    """Yield the settings of AutoRound for the layers of each scheme; what it cannot express is reported."""
    for whole in quantized:
        part = untied(request, whole)
        weight = _weight(request, part)
        if weight is None:
            continue
        per = {"tensor": 0, "channel": -1}
        size = per[weight.per] if weight.group_size is None else weight.group_size
        given = {"bits": weight.bits, "group_size": size, "sym": weight.symmetric, "data_type": "int"}
        yield part, {**given, **_inputs(request, part)}


def _weight(request: Request, part: Quantized) -> Tensor | None:
    """Return how the weights are quantized; None, which is reported, where AutoRound cannot."""
    weight = request.weight_of(part)
    lose = partial(request.lose, part, Code.LOSSY_SETTING)
    if weight is None:
        return None
    if weight.bits not in BITS:
        lose(f"'autoround' has weights of 2 to 8 bits, not {weight.bits}", key="quant_bits")
        return None
    if weight.bits == BITS[-1] and not weight.symmetric:
        hint = "write a symmetric 'quant_scheme', or 7 bits"
        lose("'autoround' refuses affine weights of 8 bits", hint=hint, key="quant_scheme")
        return None
    request.lose_sign(part, "weight")
    return weight


def _inputs(request: Request, part: Quantized) -> dict[str, Any]:
    """Return the settings of the inputs."""
    lose = partial(request.lose, part, Code.LOSSY_SETTING)
    if "output" in part.tensors:
        lose("'autoround' does not quantize outputs", key="quant_types")
    inputs = part.tensors.get("input")
    if inputs is not None and inputs.bits not in BITS:
        lose(f"'autoround' has inputs of 2 to 8 bits, not {inputs.bits}", key="quant_bits")
        inputs = None
    if inputs is None:
        return {"act_bits": UNQUANTIZED, "act_data_type": "float"}
    request.lose_sign(part, "input")
    request.lose_dynamic(part)
    given = {"act_bits": inputs.bits, "act_group_size": -1, "act_sym": inputs.symmetric}
    return {**given, "act_data_type": "int", "act_dynamic": True}


ENGINE = Engine(
    name="autoround",
    reads="the arguments `scheme` and `layer_config` of an AutoRound",
    version="auto-round 0.16.1",
    kinds=("quantization",),
    options=AutoRoundOptions,
    export=_export,
)
