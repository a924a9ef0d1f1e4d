"""The public functions that take a model or its weights: resolve, check and verify. They are thin."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, cast, get_args, overload

from compression_config.configs.config_list import CompressionConfig, PruningConfigList, QuantizationConfigList
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import Kind, SubConfig
from compression_config.errors import InvalidConfig, UnmatchedSelector, UnmatchedSelectorWarning, UsageError, chosen
from compression_config.findings import Finding, Severity, SeverityLevels, has_errors
from compression_config.inventory import Inventory, LayerLike, SupportsNamedModules, as_inventory
from compression_config.loading import AnyConfig, ConfigData, load, validate
from compression_config.resolution import CompressionResolution, Resolution, Unmatched
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.settings import PruningSettings, QuantizationSettings
from compression_config.verification import Tolerance, Verification
from compression_config.verification import verify as verify_resolved

__all__ = ["Model", "Options", "answer", "check", "resolve", "verify"]


Model: TypeAlias = Inventory | SupportsNamedModules | Iterable[LayerLike]
"""A torch model or anything else with `named_modules()`, an inventory, or layers or pairs (name, type)."""


class Options(TypedDict, total=False):
    """The options of `resolve` besides `kind`, which decides what it returns."""

    unmatched: Unmatched
    strict: bool
    severity: SeverityLevels | None


@overload
def resolve(
    config: PruningConfigList | Sequence[PruningConfig],
    model: Model,
    *,
    kind: Literal["pruning"] | None = None,
    **options: Unpack[Options],
) -> Resolution[PruningSettings]: ...
@overload
def resolve(
    config: QuantizationConfigList | Sequence[QuantizationConfig],
    model: Model,
    *,
    kind: Literal["quantization"] | None = None,
    **options: Unpack[Options],
) -> Resolution[QuantizationSettings]: ...
@overload
def resolve(
    config: ConfigData, model: Model, *, kind: Literal["pruning"], **options: Unpack[Options]
) -> Resolution[PruningSettings]: ...
@overload
def resolve(
    config: ConfigData, model: Model, *, kind: Literal["quantization"], **options: Unpack[Options]
) -> Resolution[QuantizationSettings]: ...
@overload
def resolve(
    config: CompressionConfig | Mapping[str, Any], model: Model, *, kind: None = None, **options: Unpack[Options]
) -> CompressionResolution: ...
@overload
def resolve(
    config: Sequence[Mapping[str, Any] | SubConfig], model: Model, *, kind: None = None, **options: Unpack[Options]
) -> Resolution[Any]: ...
def resolve(
    config: ConfigData,
    model: Model,
    *,
    kind: Kind | None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: SeverityLevels | None = None,
) -> Resolution[Any] | CompressionResolution:
    """Return for every layer of `model` what `config` means for it, and why.

    `unmatched` sets what becomes of errors about selectors that select nothing (D14): "warn" makes them
    warnings and issues one `UnmatchedSelectorWarning`, "ignore" drops them. `kind`, `strict` and `severity`
    are those of `validate`; a level that is set for a code comes before `unmatched`.

    Raises `InvalidConfig` for a config list that breaks a rule, `UnmatchedSelector` with all findings for one
    that selects what the model does not have, `InvalidInventory` for something that is not a model, `UsageError`
    for a wrong option. Every other error, an infeasible group or what `strict` makes one, is in `.findings`.

    >>> resolution = resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}], [("fc1", "Linear")])
    >>> resolution["fc1"].settings.sparsity
    0.8
    """
    chosen(unmatched, get_args(Unmatched), "'unmatched'")
    validated = validate(config, kind=kind, strict=strict, severity=severity)
    resolution = answer(validated, as_inventory(model), unmatched)
    if unmatched == "error" and has_errors(resolution.unmatched):
        raise UnmatchedSelector(resolution.findings)
    left = [finding for finding in resolution.unmatched if finding.severity is not Severity.NOTE]
    if unmatched == "warn" and left:
        warnings.warn(UnmatchedSelectorWarning(str(UnmatchedSelector(left))), stacklevel=2)
    return resolution


def answer(config: AnyConfig, inventory: Inventory, unmatched: Unmatched) -> Resolution[Any] | CompressionResolution:
    """Return the answer with its findings, and raise nothing: errors are among them."""
    if not isinstance(config, CompressionConfig):
        return Resolution(Resolved(config, inventory), unmatched)
    pruning, quantization = (
        Resolution[Any](Resolved(p, inventory), unmatched) for p in (config.pruning, config.quantization)
    )
    return CompressionResolution(pruning, quantization)


def check(
    config: str | os.PathLike[str] | ConfigData,
    model: Model | None = None,
    *,
    kind: Kind | None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: SeverityLevels | None = None,
) -> tuple[Finding, ...]:
    """Return everything worth knowing about a config list, or the file at a path, in document order.

    With a `model`, that includes what the selectors find in it, what the list does to it, and its budget.
    A bad list raises nothing: its errors are among the findings. `unmatched` is that of `resolve`. Raises
    `UsageError` for a wrong option and `InvalidInventory` for something that is not a model.

    >>> [finding.code.value for finding in check([{"op_types": ["Linear"], "sparsity": 1.5}])]
    ['out-of-range']
    """
    chosen(unmatched, get_args(Unmatched), "'unmatched'")
    validated: AnyConfig
    try:
        # The type, not `isinstance`: an object can claim any class.
        if issubclass(type(config), str | os.PathLike):
            validated = load(cast("str", config), kind=kind, strict=strict, severity=severity)
        else:
            validated = validate(cast("ConfigData", config), kind=kind, strict=strict, severity=severity)
    except InvalidConfig as error:
        return error.findings
    if model is None:
        return validated.findings
    return answer(validated, as_inventory(model), unmatched).findings


def verify(
    resolution: Resolution[Any] | CompressionResolution, weights: object, *, tolerance: Tolerance = "element"
) -> Verification:
    """Return whether `weights` are what `resolution` asks for: configured against achieved, layer by layer.

    `weights` is a torch model, a state dict, masks by layer as in `{"fc1": {"weight": mask}}`, arrays by layer,
    or the path of a safetensors file or of a directory of them. `tolerance` says by how much a count may be
    off: "exact", "element" (one in each layer and group), "channel" (less than one row along an axis of the
    weight), or a share of the elements.

    Raises `UsageError` for another resolution, weights or tolerance. What is wrong is in `.findings`;
    `raise_for_findings()` raises it.

    >>> resolution = resolve([{"op_names": ["fc1"], "sparsity_per_layer": 0.5}], [("fc1", "Linear")])
    >>> verification = verify(resolution, {"fc1": [1.0, 0.0, 2.0, 3.0]}, tolerance="exact")
    >>> [finding.code.value for finding in verification.findings]
    ['sparsity-missed']
    """
    if not isinstance(resolution, Resolution | CompressionResolution):
        raise UsageError(f"pass a resolution, cc.resolve(config_list, model), not {type(resolution).__name__!r}")
    if isinstance(resolution, CompressionResolution):
        pruning, quantization = resolution.pruning.resolved, resolution.quantization.resolved
        return verify_resolved(pruning, weights, beside=quantization, tolerance=tolerance)
    return verify_resolved(resolution.resolved, weights, tolerance=tolerance)
