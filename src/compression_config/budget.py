"""Budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compression_config.findings import Finding
from compression_config.resolving import Resolved

__all__ = ["Budget", "budget_findings", "budget_of"]


@dataclass(frozen=True, slots=True)
class Budget:
    """The counts."""


def budget_of(resolved: Resolved) -> Budget:
    """Return the budget."""
    return Budget()


def budget_findings(resolved: Resolved, budget: Budget) -> Iterator[Finding]:
    """Yield what is to be said of it."""
    return iter(())
