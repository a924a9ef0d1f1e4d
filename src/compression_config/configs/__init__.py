"""What a sub-config may say, and what is reported when it says something else.

Both kinds are defined as soon as anything here is imported: each recognizes the keys of the other.
"""

from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig

__all__ = ["PruningConfig", "QuantizationConfig"]
