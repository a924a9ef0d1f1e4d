"""NNI 3.0: its config lists, one for a pruner and one for a quantizer.

A config selects layers by names, regexes that match the start of a name, and types, less what its own excludes take
away. It configures *targets* of a layer: its weight, its bias, its inputs and outputs. The first config of a target
stays, so that configs of several targets add up. A group is named by an id, in as many configs as one likes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from compression_config.budget.counting import masked_count
from compression_config.configs.dialects import nni_dialect
from compression_config.configs.sub_config import Kind
from compression_config.configs.value_rules import QuantType
from compression_config.findings import Code
from compression_config.interop.base import (
    Decision,
    Engine,
    Options,
    Pruned,
    QuantizationOptions,
    Quantized,
    Request,
    Tensor,
    numbered,
)
from compression_config.interop.nni_reading import ACTIVATIONS, PRUNED, QUANTIZED, TARGETS, read_list
from compression_config.text import listed

__all__ = ["ENGINE"]

# Export.


def _export(request: Request, options: Options) -> Any:  # noqa: ANN401, ARG001 - plain data; it has no options
    """Return the config list; for a two-part document the two lists."""
    lists: dict[Kind, list[dict[str, Any]]] = {}
    for kind in request.engine.kinds:
        if any(resolved.config_list.kind == kind for resolved in request.parts):
            lists[kind] = list(_configs(request, _pruned(request) if kind == "pruning" else _quantized(request)))
    return lists if len(lists) > 1 else next(iter(lists.values()))


class _Settings(NamedTuple):
    """The layers of one config, and its keys without the selector."""

    positions: Sequence[int]
    keys: Mapping[str, Any]


def _configs(request: Request, parts: Iterable[_Settings]) -> Iterator[dict[str, Any]]:
    """Yield the configs: those with equal keys are one."""
    different, outcomes = numbered((part.keys, part.positions) for part in parts)
    exact = request.named(outcomes)
    # It matches the start of a name with a regex.
    written = request.named(outcomes, regex=r"{}\Z".format)
    for number, keys in enumerate(different):
        if number in written:
            selector = "op_names" if written[number] == exact[number] else "op_names_re"
            yield {selector: written[number], **keys}


def _pruned(request: Request) -> Iterator[_Settings]:
    """Yield what is pruned. The masks of biases, which follow those of weights unless told otherwise, are left out."""
    for part in request.pruned(PRUNED, groups=True, subclasses=False):
        if not part.positions:
            continue
        keys: dict[str, Any] = {"target_names": ["weight"], "sparse_ratio": float(part.sparsity)}
        if part.group:
            keys["global_group_id"] = f"group_{part.decision.index}"
            cap = part.decision.settings.max_sparsity
            if cap is not None:
                keys["max_sparse_ratio"] = float(cap)
        _lose_elements(request, part)
        yield _Settings(part.positions, keys)


def _lose_elements(request: Request, part: Pruned) -> None:
    """Report where other elements are masked than the list asks for: by caps, shared weights and rounding."""
    decision, inventory, positions = part.decision, request.inventory, part.positions
    if part.group and decision.settings.max_sparsity is not None:
        message = "'nni' compares the caps with the budget as a whole only, so it may mask more of a single layer"
        hint = "allocate the budget: allocate=True, or --allocate"
        key = "max_sparsity_per_layer"
        request.lose(decision, Code.LOSSY_APPROXIMATION, message, hint=hint, key=key, positions=positions)
    if part.group and len({inventory.weight_owner(position) for position in positions}) < len(positions):
        message = "'nni' gives each layer a weight of its own, so a shared one counts several times in the budget"
        request.lose(decision, Code.LOSSY_APPROXIMATION, message, key="total_sparsity", positions=positions)
    numels = [inventory.numel(position) or 0 for position in positions]
    truncated = functools.cache(_truncated)
    if part.group:
        other = truncated(part.sparsity, sum(numels))
        affected = list(positions) if other else []
    else:
        affected = [p for p, numel in zip(positions, numels, strict=True) if truncated(part.sparsity, numel)]
    message = "'nni' rounds ratios as binary floats, which masks one element less"
    key = "total_sparsity" if part.group else "sparsity_per_layer"
    request.lose(decision, Code.LOSSY_DETAIL, message, key=key, positions=affected)


def _truncated(ratio: float, numel: int) -> bool:
    """Return whether NNI masks another number of elements than `masked_count` says."""
    return int(numel * float(ratio)) != masked_count(numel, ratio)


def _quantized(request: Request) -> Iterator[_Settings]:
    """Yield what is quantized, each target with all that the list says."""
    for part in request.quantized(QuantizationOptions(), QUANTIZED, subclasses=False):
        types = request.inventory.types
        by_form: dict[tuple[bool, bool], list[int]] = {}
        for position in part.positions:
            kind = types[position]
            by_form.setdefault((kind in ACTIVATIONS, kind.startswith("ConvTranspose")), []).append(position)
        for (activation, transposed), positions in by_form.items():
            tensors = _possible(request, part, positions, activation=activation)
            if tensors:
                yield _Settings(positions, _written(tensors, transposed=transposed))
    _lose_start_steps(request)


def _possible(
    request: Request, part: Quantized, positions: Sequence[int], *, activation: bool
) -> dict[QuantType, Tensor]:
    """Return the tensors that can be quantized; report the others."""
    tensors: dict[QuantType, Tensor] = {}
    for kind in TARGETS:
        tensor = part.tensors.get(kind)
        if tensor is None:
            continue
        if kind == "weight" and activation:
            message, key = f"'nni' quantizes only inputs and outputs of {listed(ACTIVATIONS)} layers", "quant_types"
        elif tensor.bits == 1 and tensor.signed:
            message, key = f"'nni' has only one value for signed integers of 1 bit ({kind})", "quant_bits"
        else:
            tensors[kind] = tensor
            continue
        request.lose(part.decision, Code.LOSSY_SETTING, message, key=key, positions=positions)
    return tensors


def _written(tensors: Mapping[QuantType, Tensor], *, transposed: bool) -> dict[str, Any]:
    """Return the keys of a config; what all targets have in common is written once."""
    settings = {TARGETS[kind]: _setting(tensor, kind, transposed=transposed) for kind, tensor in tensors.items()}
    first = next(iter(settings.values()))
    names = {"target_names": list(settings)}
    if all(setting == first for setting in settings.values()):
        return {**names, **first}
    # Its schema wants the type beside the settings of each target.
    return {**names, "quant_dtype": first["quant_dtype"], "target_settings": settings}


def _setting(tensor: Tensor, kind: QuantType, *, transposed: bool) -> dict[str, Any]:
    setting = {
        "quant_dtype": f"{'int' if tensor.signed else 'uint'}{tensor.bits}",
        "quant_scheme": "symmetric" if tensor.symmetric else "affine",
    }
    if tensor.per == "channel":
        # The outputs of a transposed convolution are the second axis of its weight, which NNI calls so.
        of_weight = "in_channel" if transposed else "out_channel"
        setting["granularity"] = of_weight if kind == "weight" else "per_channel"
    return setting


def _lose_start_steps(request: Request) -> None:
    """Report each start step: all layers of a quantizer have the same."""
    decision: Decision[Any]
    for decision in request.decisions("quantization"):
        step = decision.settings.start_step
        if step:
            message = "'nni' has no start step in a config list: it is an argument of QATQuantizer, for all layers"
            hint = f"pass quant_start_step={step} to QATQuantizer"
            request.lose(decision, Code.LOSSY_DETAIL, message, hint=hint, key="quant_start_step")


# What NNI is.


def _recognizes(document: Any) -> bool:  # noqa: ANN401
    """Return whether a document is a config list of NNI 3.0, or two of them."""
    if isinstance(document, Mapping):
        kinds = {"pruning", "quantization"}
        return bool(document) and kinds.issuperset(document) and all(map(_recognizes, document.values()))
    return nni_dialect(document) == "nni"


ENGINE = Engine(
    name="nni",
    reads="a config list of NNI 3.0, for a pruner or a quantizer",
    version="nni 3.0",
    kinds=("pruning", "quantization"),
    export=_export,
    read=read_list,
    recognizes=_recognizes,
)
