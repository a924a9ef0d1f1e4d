"""Linting: what a config list as a whole does to a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from compression_config.findings import Finding
from compression_config.linting.coverage import coverage_findings, reach_findings
from compression_config.linting.fused import fused_findings
from compression_config.linting.names import boundary_findings
from compression_config.linting.overlaps import (
    dropping_findings,
    exclude_findings,
    overwriting_findings,
    tie_findings,
)
from compression_config.linting.weights import weight_findings
from compression_config.resolving.resolved import Resolved

__all__ = ["CHECKS", "review"]

CHECKS: tuple[Callable[[Resolved], Iterator[Finding]], ...] = (
    overwriting_findings,
    exclude_findings,
    dropping_findings,
    boundary_findings,
    coverage_findings,
    reach_findings,
    weight_findings,
    tie_findings,
    fused_findings,
)
"""The checks of a review. Each yields its findings in list order, and none asks every sub-config about every layer:
the cost stays near that of resolving."""


def review(resolved: Resolved) -> Iterator[Finding]:
    """Yield what the list as a whole does to the model, check by check and within one in list order."""
    for check in CHECKS:
        yield from check(resolved)
