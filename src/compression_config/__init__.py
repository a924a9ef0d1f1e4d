"""Validate, resolve and explain neural-network compression config lists before the job starts.

The front door: names only. A name is fetched from its module when it is first asked for, so that a program
that imports this package and never uses it does not wait for pydantic.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"

_MODULES = {
    "api": "check compare export import_list resolve verify",
    "comparison": "Comparison",
    "configs.config_list": "CompressionConfig PruningConfigList QuantizationConfigList",
    "configs.json_schema": "json_schema",
    "configs.pruning": "PruningConfig",
    "configs.quantization": "QuantizationConfig",
    "differences": "Change Decision Difference",
    "errors": (
        "CompressionConfigError FindingsError InvalidConfig InvalidInventory LossyExport LossyExportWarning "
        "UnknownLayer UnknownNumel UnmatchedSelector UnmatchedSelectorWarning UsageError"
    ),
    "findings": "Code Edit Finding Severity",
    "interop": "Engine Export Import engines",
    "inventory": "Inventory Layer",
    "loading": "load loads validate",
    "resolution": (
        "CompressedLayer CompressionLayer CompressionResolution LayerResolution Resolution SubConfigResolution"
    ),
    "resolving.resolved": "Status",
    "resolving.settings": "PruningSettings QuantizationSettings",
    "verification": "Verification",
}
"""The modules and the names that come from them. Type checkers read the block below; a test holds the two together."""

_MODULE_OF = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605 - a list; the names are stated once, above

if TYPE_CHECKING:  # "as" makes a name public to them, which cannot read a computed __all__
    from compression_config.api import check as check
    from compression_config.api import compare as compare
    from compression_config.api import export as export
    from compression_config.api import import_list as import_list
    from compression_config.api import resolve as resolve
    from compression_config.api import verify as verify
    from compression_config.comparison import Comparison as Comparison
    from compression_config.configs.config_list import CompressionConfig as CompressionConfig
    from compression_config.configs.config_list import PruningConfigList as PruningConfigList
    from compression_config.configs.config_list import QuantizationConfigList as QuantizationConfigList
    from compression_config.configs.json_schema import json_schema as json_schema
    from compression_config.configs.pruning import PruningConfig as PruningConfig
    from compression_config.configs.quantization import QuantizationConfig as QuantizationConfig
    from compression_config.differences import Change as Change
    from compression_config.differences import Decision as Decision
    from compression_config.differences import Difference as Difference
    from compression_config.errors import CompressionConfigError as CompressionConfigError
    from compression_config.errors import FindingsError as FindingsError
    from compression_config.errors import InvalidConfig as InvalidConfig
    from compression_config.errors import InvalidInventory as InvalidInventory
    from compression_config.errors import LossyExport as LossyExport
    from compression_config.errors import LossyExportWarning as LossyExportWarning
    from compression_config.errors import UnknownLayer as UnknownLayer
    from compression_config.errors import UnknownNumel as UnknownNumel
    from compression_config.errors import UnmatchedSelector as UnmatchedSelector
    from compression_config.errors import UnmatchedSelectorWarning as UnmatchedSelectorWarning
    from compression_config.errors import UsageError as UsageError
    from compression_config.findings import Code as Code
    from compression_config.findings import Edit as Edit
    from compression_config.findings import Finding as Finding
    from compression_config.findings import Severity as Severity
    from compression_config.interop import Engine as Engine
    from compression_config.interop import Export as Export
    from compression_config.interop import Import as Import
    from compression_config.interop import engines as engines
    from compression_config.inventory import Inventory as Inventory
    from compression_config.inventory import Layer as Layer
    from compression_config.loading import load as load
    from compression_config.loading import loads as loads
    from compression_config.loading import validate as validate
    from compression_config.resolution import CompressedLayer as CompressedLayer
    from compression_config.resolution import CompressionLayer as CompressionLayer
    from compression_config.resolution import CompressionResolution as CompressionResolution
    from compression_config.resolution import LayerResolution as LayerResolution
    from compression_config.resolution import Resolution as Resolution
    from compression_config.resolution import SubConfigResolution as SubConfigResolution
    from compression_config.resolving.resolved import Status as Status
    from compression_config.resolving.settings import PruningSettings as PruningSettings
    from compression_config.resolving.settings import QuantizationSettings as QuantizationSettings
    from compression_config.verification import Verification as Verification

else:  # a type checker that saw this would take every misspelt name for an attribute

    def __getattr__(name: str) -> object:
        """Return a name of `__all__`, fetched from its module and kept."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
        return value


def __dir__() -> list[str]:
    """Return all names, also those that have not been fetched yet."""
    return sorted({*globals(), *__all__})
