"""Validate, resolve and explain neural-network compression config lists before the job starts.

The front door: names only. A name is fetched from its module when it is first asked for, so that a program
that imports this package and never uses it does not wait for pydantic.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compression_config.asking import check, resolve, verify
    from compression_config.configs.config_list import CompressionConfig, PruningConfigList, QuantizationConfigList
    from compression_config.configs.pruning import PruningConfig
    from compression_config.configs.quantization import QuantizationConfig
    from compression_config.errors import (
        CompressionConfigError,
        FindingsError,
        InvalidConfig,
        InvalidInventory,
        UnknownLayer,
        UnknownNumel,
        UnmatchedSelector,
        UnmatchedSelectorWarning,
        UsageError,
    )
    from compression_config.findings import Code, Finding, Severity
    from compression_config.inventory import Inventory, Layer
    from compression_config.loading import load, loads, validate
    from compression_config.resolution import CompressionLayer, CompressionResolution, Resolution
    from compression_config.resolving import Status
    from compression_config.schema import json_schema
    from compression_config.settings import PruningSettings, QuantizationSettings
    from compression_config.verification import Verification
    from compression_config.views import CompressedLayer, LayerResolution, SubConfigResolution

__version__ = "0.1.0"

__all__ = [
    "Code",
    "CompressedLayer",
    "CompressionConfig",
    "CompressionConfigError",
    "CompressionLayer",
    "CompressionResolution",
    "Finding",
    "FindingsError",
    "InvalidConfig",
    "InvalidInventory",
    "Inventory",
    "Layer",
    "LayerResolution",
    "PruningConfig",
    "PruningConfigList",
    "PruningSettings",
    "QuantizationConfig",
    "QuantizationConfigList",
    "QuantizationSettings",
    "Resolution",
    "Severity",
    "Status",
    "SubConfigResolution",
    "UnknownLayer",
    "UnknownNumel",
    "UnmatchedSelector",
    "UnmatchedSelectorWarning",
    "UsageError",
    "Verification",
    "check",
    "json_schema",
    "load",
    "loads",
    "resolve",
    "validate",
    "verify",
]

_HOMES = {
    "asking": ("check", "resolve", "verify"),
    "configs.config_list": ("CompressionConfig", "PruningConfigList", "QuantizationConfigList"),
    "configs.pruning": ("PruningConfig",),
    "configs.quantization": ("QuantizationConfig",),
    "errors": (
        "CompressionConfigError",
        "FindingsError",
        "InvalidConfig",
        "InvalidInventory",
        "UnknownLayer",
        "UnknownNumel",
        "UnmatchedSelector",
        "UnmatchedSelectorWarning",
        "UsageError",
    ),
    "findings": ("Code", "Finding", "Severity"),
    "inventory": ("Inventory", "Layer"),
    "loading": ("load", "loads", "validate"),
    "resolution": ("CompressionLayer", "CompressionResolution", "Resolution"),
    "resolving": ("Status",),
    "schema": ("json_schema",),
    "settings": ("PruningSettings", "QuantizationSettings"),
    "verification": ("Verification",),
    "views": ("CompressedLayer", "LayerResolution", "SubConfigResolution"),
}
"""The modules that the names come from."""

_MODULE_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # a type checker that saw it would take every misspelt name for an attribute

    def __getattr__(name: str) -> object:
        """Return a name of `__all__`, fetched from its module and kept."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
        return value


def __dir__() -> list[str]:
    """Return all names, also those that nobody has asked for yet."""
    return sorted({*globals(), *__all__})
