"""The two questions of the front door: what does a config list make of a model, and is anything wrong with it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast, get_args, overload

from compression_config.configs.base import Kind, SubConfig
from compression_config.configs.config_list import CompressionConfig, PruningConfigList, QuantizationConfigList
from compression_config.configs.validation import total
from compression_config.errors import InvalidConfig, UnmatchedSelector, UnmatchedSelectorWarning, UsageError
from compression_config.findings import Finding, Severity, SeverityLevel
from compression_config.inventory import Inventory, LayerLike, SupportsNamedModules, as_inventory
from compression_config.loading import AnyConfig, ConfigData, load, validate
from compression_config.resolution import CompressionResolution, Resolution, Unmatched
from compression_config.resolving import Resolved
from compression_config.settings import PruningSettings, QuantizationSettings
from compression_config.spelling import listed

__all__ = ["Model", "check", "resolve"]

Model: TypeAlias = Inventory | SupportsNamedModules | Iterable[LayerLike]
"""A torch model or anything else with `named_modules()`, an inventory, or layers or pairs (name, type)."""


@overload
def resolve(
    config: PruningConfigList,
    model: Model,
    *,
    kind: Literal["pruning"] | None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> Resolution[PruningSettings]: ...
@overload
def resolve(
    config: QuantizationConfigList,
    model: Model,
    *,
    kind: Literal["quantization"] | None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> Resolution[QuantizationSettings]: ...
@overload
def resolve(
    config: ConfigData,
    model: Model,
    *,
    kind: Literal["pruning"],
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> Resolution[PruningSettings]: ...
@overload
def resolve(
    config: ConfigData,
    model: Model,
    *,
    kind: Literal["quantization"],
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> Resolution[QuantizationSettings]: ...
@overload
def resolve(
    config: CompressionConfig | Mapping[str, Any],
    model: Model,
    *,
    kind: None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> CompressionResolution: ...
@overload
def resolve(
    config: Sequence[Mapping[str, Any] | SubConfig],
    model: Model,
    *,
    kind: None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> Resolution[Any]: ...
def resolve(
    config: ConfigData,
    model: Model,
    *,
    kind: Kind | None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> Resolution[Any] | CompressionResolution:
    """Return what `config` makes of `model`: for every layer what it gets and why.

    `unmatched` says what becomes of errors about selectors that select nothing (D14): "warn" makes them
    warnings and issues one `UnmatchedSelectorWarning`, "ignore" drops them. `kind`, `strict` and `severity`
    are those of `validate`.

    Raises `InvalidConfig` for a config list that breaks a rule, `UnmatchedSelector` for one that selects
    what the model does not have, `InvalidInventory` for a model that is none, `UsageError` for a wrong
    option. Every other error, an infeasible group included, is in `.findings`.

    >>> resolution = resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}], [("fc1", "Linear")])
    >>> resolution["fc1"].settings.sparsity
    0.8
    """
    if unmatched not in get_args(Unmatched):
        raise UsageError(f"'unmatched' is {listed(get_args(Unmatched), last='or')}, not {unmatched!r}")
    validated = validate(config, kind=kind, strict=strict, severity=severity)
    resolution = _resolution(validated, as_inventory(model), unmatched)
    if unmatched == "ignore":
        return resolution
    if unmatched == "error":
        errors = [finding for finding in resolution.unmatched if finding.severity is Severity.ERROR]
        if errors:
            raise UnmatchedSelector(errors)
    elif resolution.unmatched:
        warnings.warn(UnmatchedSelectorWarning(str(UnmatchedSelector(resolution.unmatched))), stacklevel=2)
    return resolution


def _resolution(
    config: AnyConfig, inventory: Inventory, unmatched: Unmatched
) -> Resolution[Any] | CompressionResolution:
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
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> tuple[Finding, ...]:
    """Return everything worth knowing about a config list, or the file at a path, in document order.

    With a `model`, that includes what the selectors find in it, what the list does to it, and its budget.
    A bad list raises nothing: its errors are among the findings. A wrong option raises `UsageError`, a model
    that is none `InvalidInventory`.

    >>> [finding.code.value for finding in check([{"op_types": ["Linear"], "sparsity": 1.5}])]
    ['out-of-range']
    """

    def judged(given: object) -> AnyConfig:
        if isinstance(given, str | os.PathLike):
            return load(given, kind=kind, strict=strict, severity=severity)
        return validate(cast("ConfigData", given), kind=kind, strict=strict, severity=severity)

    try:
        validated = total(judged, config)
    except InvalidConfig as error:
        return error.findings
    if model is None:
        return validated.findings
    return _resolution(validated, as_inventory(model), "error").findings
