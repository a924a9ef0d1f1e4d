"""Validate, resolve and explain neural-network compression config lists before the job starts.

The front door: names only. A name is fetched from its module when it is first asked for, so that a program
that imports this package and never uses it does not wait for pydantic.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compression_config.api import check, export, import_list, resolve, verify
    from compression_config.configs.config_list import CompressionConfig, PruningConfigList, QuantizationConfigList
    from compression_config.configs.json_schema import json_schema
    from compression_config.configs.pruning import PruningConfig
    from compression_config.configs.quantization import QuantizationConfig
    from compression_config.errors import (
        CompressionConfigError,
        FindingsError,
        InvalidConfig,
        InvalidInventory,
        LossyExport,
        LossyExportWarning,
        UnknownLayer,
        UnknownNumel,
        UnmatchedSelector,
        UnmatchedSelectorWarning,
        UsageError,
    )
    from compression_config.findings import Code, Finding, Severity
    from compression_config.interop import Engine, Export, Import, engines
    from compression_config.inventory import Inventory, Layer
    from compression_config.loading import load, loads, validate
    from compression_config.resolution import (
        CompressedLayer,
        CompressionLayer,
        CompressionResolution,
        LayerResolution,
        Resolution,
        SubConfigResolution,
    )
    from compression_config.resolving.resolved import Status
    from compression_config.resolving.settings import PruningSettings, QuantizationSettings
    from compression_config.verification import Verification

__version__ = "0.2.0"

__all__ = [
    "Code",
    "CompressedLayer",
    "CompressionConfig",
    "CompressionConfigError",
    "CompressionLayer",
    "CompressionResolution",
    "Engine",
    "Export",
    "Finding",
    "FindingsError",
    "Import",
    "InvalidConfig",
    "InvalidInventory",
    "Inventory",
    "Layer",
    "LayerResolution",
    "LossyExport",
    "LossyExportWarning",
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
    "engines",
    "export",
    "import_list",
    "json_schema",
    "load",
    "loads",
    "resolve",
    "validate",
    "verify",
]

_HOMES = {
    "api": ("check", "export", "import_list", "resolve", "verify"),
    "configs.config_list": ("CompressionConfig", "PruningConfigList", "QuantizationConfigList"),
    "configs.pruning": ("PruningConfig",),
    "configs.quantization": ("QuantizationConfig",),
    "errors": (
        "CompressionConfigError",
        "FindingsError",
        "InvalidConfig",
        "InvalidInventory",
        "LossyExport",
        "LossyExportWarning",
        "UnknownLayer",
        "UnknownNumel",
        "UnmatchedSelector",
        "UnmatchedSelectorWarning",
        "UsageError",
    ),
    "findings": ("Code", "Finding", "Severity"),
    "interop": ("Engine", "Export", "Import", "engines"),
    "inventory": ("Inventory", "Layer"),
    "loading": ("load", "loads", "validate"),
    "resolving.resolved": ("Status",),
    "configs.json_schema": ("json_schema",),
    "resolving.settings": ("PruningSettings", "QuantizationSettings"),
    "verification": ("Verification",),
    "resolution": (
        "CompressedLayer",
        "CompressionLayer",
        "CompressionResolution",
        "LayerResolution",
        "Resolution",
        "SubConfigResolution",
    ),
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
