"""Inventories: the lists of a model's layers, without weights; from live models, pairs and files."""

from compression_config.inventory.inventory import Inventory, LayerLike, as_inventory
from compression_config.inventory.layer import Layer, Shape
from compression_config.inventory.torch_modules import SupportsNamedModules

__all__ = ["Inventory", "Layer", "LayerLike", "Shape", "SupportsNamedModules", "as_inventory"]
