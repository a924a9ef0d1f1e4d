"""Sub-configs and config lists: their keys and values, validation, and the JSON Schema made from the same tables.

Both kinds are defined as soon as anything here is imported: each recognizes the keys of the other.
"""

from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig

__all__ = ["PruningConfig", "QuantizationConfig"]
