"""Explanations as text."""

from __future__ import annotations

from compression_config.budget import Budget
from compression_config.resolving import Resolved

__all__ = ["explanation"]


def explanation(resolved: Resolved, budget: Budget, position: int) -> str:
    """Return in words what a layer gets."""
    return resolved.inventory.names[position]
