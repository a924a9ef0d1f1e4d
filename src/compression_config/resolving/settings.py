"""What a compressed layer gets: the meaning of its sub-config, under whichever of its spellings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantDtype, QuantizationConfig, QuantScheme
from compression_config.configs.sub_config import SubConfig
from compression_config.configs.value_rules import ByQuantType, QuantType

__all__ = ["AnySettings", "PruningSettings", "QuantizationSettings", "settings_of"]


@dataclass(frozen=True, slots=True)
class PruningSettings:
    """How much of a layer's weight is masked: either a ratio of its own, or a share in a group's budget.

    Spec: sparsity_per_layer, total_sparsity, max_sparsity_per_layer.
    """

    sparsity: float | None
    """The share masked in this layer, from 0 to below 1; None in a group."""
    total_sparsity: float | None = None
    """The share masked in all layers of the group together; None outside one."""
    group: int | None = None
    """The index of the sub-config whose layers share the budget; None outside a group."""
    max_sparsity: float | None = None
    """The largest share of this layer that the group's budget may take; None where nothing limits it."""


@dataclass(frozen=True, slots=True)
class QuantizationSettings:
    """Which tensors of a layer are quantized, and how. Spec: The Keys in Quantization Config List."""

    bits: Mapping[QuantType, int]
    """The number of bits for exactly the quant types of the layer, in the order written."""
    start_step: int = 0
    """How many steps the model runs before quantization begins."""
    dtype: Mapping[QuantType, QuantDtype] | None = None
    """Signed or unsigned, by quant type; a type that the config leaves open is absent. None when it says nothing."""
    scheme: Mapping[QuantType, QuantScheme] | None = None
    """The scheme by quant type, likewise; None when the config says nothing."""


AnySettings: TypeAlias = PruningSettings | QuantizationSettings
V = TypeVar("V")


def settings_of(config: SubConfig, index: int) -> AnySettings | None:
    """Return what `config`, the sub-config `index` of its list, means for a layer it wins; None for `exclude`."""
    if isinstance(config, PruningConfig):
        return _pruning(config, index)
    return _quantization(cast("QuantizationConfig", config))


def _pruning(config: PruningConfig, index: int) -> PruningSettings | None:
    if config.total_sparsity is not None:
        return PruningSettings(None, config.total_sparsity + 0.0, index, config.max_sparsity_per_layer)
    if config.ratio_per_layer is not None:
        return PruningSettings(config.ratio_per_layer + 0.0)  # -0.0 becomes 0.0: they mean the same
    return None


def _quantization(config: QuantizationConfig) -> QuantizationSettings | None:
    if config.quant_types is None:
        return None
    types = cast("tuple[QuantType, ...]", tuple(config.quant_types))
    bits = _for_each(config.quant_bits, types)
    return QuantizationSettings(
        bits={} if bits is None else bits,
        start_step=config.quant_start_step or 0,
        dtype=_for_each(config.quant_dtype, types),
        scheme=_for_each(config.quant_scheme, types),
    )


def _for_each(value: V | Mapping[QuantType, V] | None, types: tuple[QuantType, ...]) -> Mapping[QuantType, V] | None:
    """Return `value` by quant type, for those of `types` that it speaks of; None when it says nothing."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        spoken = {quant_type: value[quant_type] for quant_type in types if quant_type in value}
        return ByQuantType(spoken) if spoken else None
    return ByQuantType(dict.fromkeys(types, value))
