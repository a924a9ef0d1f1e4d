"""What the selectors find in the model, and what they do not (D14, D17)."""

from __future__ import annotations

from collections.abc import Iterator

from compression_config.findings import Code, Finding
from compression_config.resolving import Resolved

__all__ = ["selection_findings"]


def selection_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield what is to be said of the selectors."""
    for unmatched in resolved.selection.unmatched:
        yield Finding.at(resolved.config_list.provenance.place(unmatched.path), Code.UNMATCHED_NAME, "placeholder")
