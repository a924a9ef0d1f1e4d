"""Validate, resolve and explain neural-network compression config lists before the job starts."""

from compression_config.asking import check, resolve
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
from compression_config.settings import PruningSettings, QuantizationSettings
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
    "check",
    "load",
    "loads",
    "resolve",
    "validate",
]
