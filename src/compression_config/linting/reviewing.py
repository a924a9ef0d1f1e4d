"""The review: everything that is worth saying about what a list as a whole does to a model."""

from __future__ import annotations

from collections.abc import Iterator

from compression_config.findings import Finding
from compression_config.linting.boundaries import boundary_findings
from compression_config.linting.coverage import coverage_findings
from compression_config.linting.dropping import dropping_findings
from compression_config.linting.overwriting import overwriting_findings
from compression_config.linting.ties import tie_findings
from compression_config.linting.weights import weight_findings
from compression_config.resolving import Resolved

__all__ = ["review"]


def review(resolved: Resolved) -> Iterator[Finding]:
    """Yield what the list as a whole does to the model, family by family and within one in list order.

    No part of it asks every sub-config about every layer: the cost stays near that of resolving.
    """
    yield from overwriting_findings(resolved)
    yield from dropping_findings(resolved)
    yield from boundary_findings(resolved)
    yield from coverage_findings(resolved)
    yield from weight_findings(resolved)
    yield from tie_findings(resolved)
