"""What a compressed layer gets: the meaning of its sub-config, whichever way it is written.

A field that is written with a key carries it, and its default means that the key is absent. Plain data, the
canonical list, fingerprints, explanations and tie conflicts read the fields, so that a new field reaches all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar, cast

from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantDtype, QuantizationConfig, QuantScheme
from compression_config.configs.sub_config import SubConfig
from compression_config.configs.value_rules import QuantType
from compression_config.frozen import FrozenMapping

__all__ = [
    "AnySettings",
    "PruningSettings",
    "QuantizationSettings",
    "plain_settings",
    "settings_of",
    "written_settings",
]


@dataclass(frozen=True, slots=True)
class PruningSettings:
    """How much of a layer's weight is masked: either a ratio of its own, or a share in a group's budget.

    Spec: sparsity_per_layer, total_sparsity, max_sparsity_per_layer.
    """

    sparsity: float | None = field(metadata={"key": "sparsity_per_layer"})
    """The share masked in this layer, from 0 to below 1; None in a group."""
    total_sparsity: float | None = field(default=None, metadata={"key": "total_sparsity"})
    """The share masked in all layers of the group together; None outside one."""
    group: int | None = None
    """The index of the sub-config whose layers share the budget; None outside a group."""
    max_sparsity: float | None = field(default=None, metadata={"key": "max_sparsity_per_layer"})
    """The largest share of this layer that the group's budget may take; None where nothing limits it."""


@dataclass(frozen=True, slots=True)
class QuantizationSettings:
    """Which tensors of a layer are quantized, and how. Spec: The Keys in Quantization Config List."""

    bits: Mapping[QuantType, int] = field(metadata={"key": "quant_bits"})
    """The number of bits for exactly the quant types of the layer, in the order written."""
    start_step: int = field(default=0, metadata={"key": "quant_start_step"})
    """How many steps the model runs before quantization begins."""
    dtype: Mapping[QuantType, QuantDtype] | None = field(default=None, metadata={"key": "quant_dtype"})
    """Signed or unsigned, by quant type; a type that the config leaves open is absent. None when it says nothing."""
    scheme: Mapping[QuantType, QuantScheme] | None = field(default=None, metadata={"key": "quant_scheme"})
    """The scheme by quant type, likewise; None when the config says nothing."""


AnySettings: TypeAlias = PruningSettings | QuantizationSettings
"""What the layers of a list of either kind get."""
V = TypeVar("V")

# Asked for each layer of a model, which `dataclasses.fields` is too slow for.
_NAMES: Mapping[type[object], tuple[str, ...]] = {
    PruningSettings: tuple(one.name for one in dataclasses.fields(PruningSettings)),
    QuantizationSettings: tuple(one.name for one in dataclasses.fields(QuantizationSettings)),
}


def settings_of(config: SubConfig, index: int) -> AnySettings | None:
    """Return what `config`, the sub-config `index` of its list, means for the layers it decides; None for `exclude`."""
    if isinstance(config, PruningConfig):
        return _pruning(config, index)
    return _quantization(cast("QuantizationConfig", config))


def _pruning(config: PruningConfig, index: int) -> PruningSettings | None:
    # Adding 0.0 turns -0.0 into 0.0: they mean the same and must not differ in a fingerprint.
    if config.total_sparsity is not None:
        return PruningSettings(None, config.total_sparsity + 0.0, index, config.max_sparsity_per_layer)
    if config.ratio_per_layer is not None:
        return PruningSettings(config.ratio_per_layer + 0.0)
    return None


def _quantization(config: QuantizationConfig) -> QuantizationSettings | None:
    if config.quant_types is None:
        return None
    types = cast("tuple[QuantType, ...]", tuple(config.quant_types))
    return QuantizationSettings(
        bits=_for_each(config.quant_bits, types) or {},
        start_step=config.quant_start_step or 0,
        dtype=_for_each(config.quant_dtype, types),
        scheme=_for_each(config.quant_scheme, types),
    )


def _for_each(value: V | Mapping[QuantType, V] | None, types: tuple[QuantType, ...]) -> Mapping[QuantType, V] | None:
    """Return `value` by quant type, for those of `types` for which there is one; otherwise None."""
    if value is None:
        return None
    by_type = value if isinstance(value, Mapping) else dict.fromkeys(types, value)
    return FrozenMapping({quant_type: by_type[quant_type] for quant_type in types if quant_type in by_type}) or None


def plain_settings(settings: AnySettings) -> dict[str, Any]:
    """Return settings as plain data, under the names of their attributes; what is None is left out."""
    return {name: _plain(value) for name in _NAMES[type(settings)] if (value := getattr(settings, name)) is not None}


def written_settings(settings: AnySettings) -> Iterator[tuple[str, Any]]:
    """Yield the keys with which settings are written and their values, by quant type where there is one for each.

    Left out are keys that mean nothing else than their absence, and `quant_types`, which `quant_bits` implies.
    """
    for one in dataclasses.fields(settings):
        value = getattr(settings, one.name)
        if "key" in one.metadata and value is not None and value != one.default:
            yield one.metadata["key"], _plain(value)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value
