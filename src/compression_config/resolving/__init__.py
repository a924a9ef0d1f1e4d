"""A config list against an inventory: which sub-config selects and decides each layer, and what it gets."""
