"""What a runtime can serve, as tables: no runtime is imported. Checked with vLLM 0.33.0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from compression_config.findings import Code, Severity
from compression_config.interop.base import Decision, QuantizationOptions, Quantized, Request
from compression_config.linting.fused import EXPERTS, FUSED, FUSED_INTO, fusions, merged_words, parent_of
from compression_config.text import listed

__all__ = ["EXPERTS", "VLLM", "check_fused", "check_group_sizes", "check_serving", "fused_names"]

VLLM = "vLLM 0.33"

SPLIT_INPUTS = ("o_proj", "out_proj", "down_proj", "dense_4h_to_h", "wo", "w2", "fc2", "c_proj")
"""Layers whose inputs, not outputs, are divided among devices."""

GROUP_SIZES = (32, 64, 128)


def check_serving(request: Request, quantized: Iterable[Quantized]) -> None:
    """Say what the runtime that the caller named cannot serve; without one, note what most could not."""
    layers = list(quantized)
    check_fused(request, layers)
    if request.serve is None:
        return
    for part in layers:
        missing = _missing_kernel(part)
        if missing is not None:
            message, hint = missing
            text = f"{VLLM} {message}"
            positions = part.positions
            request.lose(part.decision, Code.UNSERVABLE, text, hint=hint, key="quant_bits", positions=positions)


def _missing_kernel(part: Quantized) -> tuple[str, str | None] | None:
    """Return what vLLM does not serve of a scheme, and what to write instead; None where it serves it."""
    weight, inputs, output = (part.tensors.get(kind) for kind in ("weight", "input", "output"))
    if weight is None:
        return "serves no layer whose weights are not quantized", "add weight to 'quant_types'"
    if weight.per == "group" and weight.group_size not in GROUP_SIZES:
        sizes = listed(map(str, GROUP_SIZES), last="or")
        return f"has no kernel for groups of {weight.group_size}", f"export with a group_size of {sizes}"
    if inputs is None and output is None:
        return _weights_alone(weight.bits, weight.per)
    what = f"has no kernel for {weight.bits}-bit weights"
    if inputs is None:
        return f"{what} with quantized outputs and unquantized inputs", "quantize the weights alone"
    how = "dynamic" if inputs.dynamic else "static"
    if output is not None:
        fine = 2 <= weight.bits <= 8 and inputs.bits == output.bits == 8 and not inputs.dynamic  # noqa: PLR2004
        both = f"{what} with {how} {inputs.bits}-bit inputs and {output.bits}-bit outputs"
        return None if fine else (both, "quantize the weights alone")
    if (weight.bits, inputs.bits) not in ((8, 8), (4, 8)):
        return f"{what} with {how} {inputs.bits}-bit inputs", "quantize the weights alone"
    if not weight.symmetric:
        return f"{what} that are affine, with {how} 8-bit inputs", "write a symmetric 'quant_scheme' for weight"
    if weight.bits == 4:  # noqa: PLR2004 - W4A8
        if not inputs.dynamic:
            hint = "export with inputs='dynamic', or quantize the weights alone"
            return f"{what} with static 8-bit inputs", hint
        fine = weight.per != "tensor"
    else:
        fine = weight.per != "group"
    per = "one scale per tensor" if weight.per == "tensor" else "scales per group"
    return None if fine else (f"{what} with {per} and {how} 8-bit inputs", "quantize the weights alone")


def _weights_alone(bits: int, per: str) -> tuple[str, str | None] | None:
    if not 2 <= bits <= 8:  # noqa: PLR2004 - W2A16 to W8A16
        return f"has no kernel for {bits}-bit weights", "write from 2 to 8 bits"
    if per == "tensor":
        return f"has no kernel for {bits}-bit weights with one scale per tensor", "write per_channel_symmetric"
    return None


# Layers that are merged.


def check_fused(request: Request, quantized: Sequence[Quantized]) -> None:
    """Say which merged layers are not given one setting: of the last sub-config that decides about one of them."""
    if not quantized:
        return
    resolved = quantized[0].decision.resolved
    keys = {part.decision.index: part.key for part in quantized}
    conflicts: dict[tuple[str, int], list[int]] = {}
    for (fused, _), (first, indices) in fusions(resolved).items():
        if len({keys.get(index) for index in indices}) > 1:
            conflicts.setdefault((fused, max(indices)), []).append(first)
    for (fused, index), firsts in conflicts.items():
        names = request.inventory.names
        several = _and_more(parent_of(names[firsts[0]], fused) or "the model", len(firsts))
        message = (
            f"{VLLM} merges {merged_words(fused)} into '{fused}' and needs one setting for them, but {several} several"
        )
        request.lose(
            Decision(resolved, index, resolved.settings_of(index), firsts),
            Code.FUSED_CONFLICT,
            message,
            hint="give them the same settings",
            severity=None if request.serve else Severity.NOTE,
            counted=False,
        )


def _and_more(name: str, count: int) -> str:
    return f"'{name}' has" if count == 1 else f"'{name}' and {count - 1:,} more have"


def fused_names(request: Request, outcomes: Mapping[int, int]) -> dict[str, int]:
    """Return the names under which vLLM looks for layers that it merges, where all of them have one outcome."""
    inventory = request.inventory
    found: dict[str, int] = {}
    for position, outcome in outcomes.items():
        parent, dot, last = inventory.names[position].rpartition(".")
        fused = FUSED_INTO.get(last)
        if fused is None or f"{parent}{dot}{fused}" in found:
            continue
        merged = [inventory.position(f"{parent}{dot}{shard}") for shard in FUSED[fused]]
        if all(shard is None or outcomes.get(shard) == outcome for shard in merged):
            found[f"{parent}{dot}{fused}"] = outcome
    return {name: outcome for name, outcome in found.items() if inventory.position(name) is None}


# Groups of weights.


def check_group_sizes(request: Request, quantized: Iterable[Quantized], options: QuantizationOptions) -> None:
    """Say which layers have inputs that groups do not divide, on each device where the served model is split."""
    for part in quantized:
        weight = part.tensors.get("weight")
        if weight is None or weight.group_size is None:
            continue
        for position in part.positions:
            shape = request.inventory.weight_shapes[position]
            if shape is None:
                continue
            # Of a convolution, as of a linear layer, the second axis; of a transposed one and of `Conv1D` the first.
            kind = request.inventory.types[position]
            axis = 0 if "Transpose" in kind or kind.endswith("Conv1D") else min(1, len(shape) - 1)
            inputs, devices = shape[axis], 1
            if request.inventory.names[position].endswith(SPLIT_INPUTS):
                devices = options.tensor_parallel
            if inputs % (weight.group_size * devices):
                message = f"groups of {weight.group_size} do not divide {inputs:,} inputs"
                if devices > 1:
                    message += f" on {devices} devices"
                hint = "choose a group_size that divides them, or exclude the layers"
                request.lose(part.decision, Code.GROUP_SIZE, message, hint=hint, positions=[position])
