"""torch itself: a plan for `torch.nn.utils.prune`, and two functions that compress a model in place.

Importing this module does not import torch; calling `prune_` or `fake_quantize_` does.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from compression_config.budget import budget_of
from compression_config.budget.counting import masked_count
from compression_config.errors import UnknownNumel, UsageError
from compression_config.interop.base import Engine, Options, Request
from compression_config.resolution import CompressionResolution, Resolution
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.settings import PruningSettings, QuantizationSettings

__all__ = ["ENGINE", "add_tied", "fake_quantize_", "masked_counts", "prune_"]

T = TypeVar("T")


def _export(request: Request, options: Options) -> list[dict[str, Any]]:  # noqa: ARG001 - it has none
    """Return the plan: for each layer the arguments of a pruning function, with the count as a whole number."""
    names = request.inventory.names
    counts = masked_counts(request)
    return [{"module": names[position], "name": "weight", "amount": counts[position]} for position in sorted(counts)]


def masked_counts(request: Request, types: Sequence[str] | None = None) -> dict[int, int]:
    """Return how many elements to mask, for each pruned layer by its position; counts of groups are allocated.

    Layers that are not of `types`, where that is given, are left out and reported.

    Raises `UnknownNumel` when a layer's number of elements is not known.
    """
    counts: dict[int, int] = {}
    unknown: list[str] = []
    count = functools.cache(masked_count)
    for part in request.pruned(types):
        for position in part.positions:
            numel = request.inventory.numel(position)
            if numel is None:
                unknown.append(request.inventory.names[position])
            else:
                counts[position] = count(numel, part.sparsity)
    if unknown:
        raise UnknownNumel(unknown)
    for resolved in request.parts:
        add_tied(resolved, counts, types)
    return counts


def add_tied(resolved: Resolved, counts: dict[int, T], types: Sequence[str] | None = None) -> None:
    """Add the layers that share a weight with a counted one, as far as they are of `types`: each has its own mask."""
    all_types = resolved.inventory.types
    for position, first in budget_of(resolved).weights.counted_for.items():
        fits = types is None or all_types[position].endswith(tuple(types))
        if first in counts and fits and isinstance(resolved.settings(position), PruningSettings):
            counts.setdefault(position, counts[first])


# In place, on a model.


def prune_(  # pragma: no cover - needs torch: tests/interop runs it
    model: Any,  # noqa: ANN401 - a torch.nn.Module
    resolution: Resolution[PruningSettings] | CompressionResolution,
    scores: Mapping[str, float] | None = None,
) -> Mapping[str, int]:
    """Mask in each layer exactly as many elements as `resolution` says, those nearest to zero; return the counts.

    The masks are those of `torch.nn.utils.prune`, whose `remove` makes them permanent. The budget of a group is divided
    by the number of elements, or by `scores` as in `Budget.allocate`. What was masked before stays so and counts.

    Raises `UsageError` when the model lacks one of the layers, and what `Budget.counts` raises.
    """
    import torch  # noqa: PLC0415
    from torch.nn.utils import prune  # noqa: PLC0415

    resolved = (resolution.pruning if isinstance(resolution, CompressionResolution) else resolution).resolved
    if resolved.config_list.kind != "pruning":
        raise UsageError("this resolution is of a quantization list: pass it to fake_quantize_")
    names = resolved.inventory.names
    by_name = budget_of(resolved).counts(scores)
    counts = {position: by_name[name] for position, name in enumerate(names) if name in by_name}
    add_tied(resolved, counts)
    modules = {position: _module(model, names[position]) for position in sorted(counts)}
    for position, module in modules.items():
        mask = getattr(module, "weight_mask", None)
        before = 0 if mask is None else int(torch.sum(mask == 0))
        prune.l1_unstructured(module, "weight", amount=max(0, counts[position] - before))
    return MappingProxyType({names[position]: counts[position] for position in modules})


def fake_quantize_(  # pragma: no cover - needs torch: tests/interop runs it
    model: Any,  # noqa: ANN401 - a torch.nn.Module
    resolution: Resolution[QuantizationSettings] | CompressionResolution,
) -> tuple[str, ...]:
    """Round the weights of each layer to the values that its bits and scheme leave; return the names of the layers.

    Inputs and outputs stay as they are: their scales need data. A scale covers the whole range of what shares it, and
    the values of unsigned integers are those of signed ones. Layers whose weights are not quantized are left out.

    Raises `UsageError` when the model lacks one of the layers, or one has a mask that is not yet permanent.
    """
    import torch  # noqa: PLC0415

    resolved = (resolution.quantization if isinstance(resolution, CompressionResolution) else resolution).resolved
    if resolved.config_list.kind != "quantization":
        raise UsageError("this resolution is of a pruning list: pass it to prune_")
    done: dict[str, Any] = {}
    seen: set[int] = set()
    for position, name in enumerate(resolved.inventory.names):
        settings = resolved.settings(position)
        quantized = isinstance(settings, QuantizationSettings) and "weight" in settings.bits
        if quantized and resolved.inventory.has_weight(position) is not False:
            done[name] = position, settings
    modules = {name: _module(model, name) for name in done}
    for name in done:
        if hasattr(modules[name], "weight_orig"):
            raise UsageError(f"{name!r} has a mask: make it permanent first, with torch.nn.utils.prune.remove")
    for name, (position, settings) in done.items():
        weight = modules[name].weight
        # A weight that several layers share is rounded once, as the first of them says.
        if id(weight) not in seen:
            seen.add(id(weight))
            with torch.no_grad():
                weight.copy_(_rounded(weight, settings, _channel_axis(resolved.inventory.types[position])))
    return tuple(done)


def _module(model: Any, name: str) -> Any:  # noqa: ANN401 - torch.nn.Modules  # pragma: no cover
    try:
        module = model.get_submodule(name)
    except AttributeError:
        module = None
    if getattr(module, "weight", None) is None:
        raise UsageError(f"the model has no layer {name!r} with a weight; pass the model that was resolved")
    return module


def _channel_axis(layer_type: str) -> int:  # pragma: no cover
    """Return along which axis the outputs are: the second of transposed convolutions and of transformers' Conv1D."""
    return 1 if layer_type.startswith(("ConvTranspose", "Conv1D")) else 0


def _rounded(weight: Any, settings: QuantizationSettings, axis: int) -> Any:  # noqa: ANN401 - tensors  # pragma: no cover
    """Return `weight` with no more distinct values than its bits tell apart, in all or in each channel."""
    import torch  # noqa: PLC0415

    scheme = (settings.scheme or {}).get("weight", "per_channel_symmetric")
    if "weight" not in (settings.scheme or {}) and (settings.dtype or {}).get("weight") == "uint":
        scheme = "per_channel_affine"
    # In double precision, as a float cannot tell apart the values of more than 24 bits.
    values = weight.detach().to(torch.float64)
    others = [place for place in range(values.dim()) if place != axis]
    if scheme.startswith("per_tensor") or not others:
        others = list(range(values.dim()))
    if not values.numel():
        return values
    levels = 2 ** settings.bits["weight"]
    low, high = values.amin(others, keepdim=True).clamp(max=0), values.amax(others, keepdim=True).clamp(min=0)
    if scheme.endswith("symmetric"):
        least, most = -levels // 2, levels // 2 - 1
        scale = torch.maximum(-low / -least, high / max(most, 1))
    else:
        least, most = 0, levels - 1
        scale = (high - low) / most
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    zero = torch.zeros_like(scale) if scheme.endswith("symmetric") else torch.round(-low / scale)
    return (torch.clamp(torch.round(values / scale) + zero, least, most) - zero) * scale


ENGINE = Engine(
    name="torch",
    reads="a plan for torch.nn.utils.prune: module, name and amount of each layer",
    version="torch 2.13.0",
    kinds=("pruning",),
    export=_export,
)
