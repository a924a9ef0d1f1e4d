"""Answers as versioned plain data, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from compression_config.budget import Budget, budget_to_dict
from compression_config.canonical import fingerprint, settings_to_dict
from compression_config.findings import Finding
from compression_config.resolving import Resolved
from compression_config.selection import NOBODY
from compression_config.spans import format_path

__all__ = ["FORMAT_VERSION", "finding_to_dict", "resolution_to_dict"]

FORMAT_VERSION = 1
"""Of every JSON document that this package writes; raised when a reader of the old one would be misled."""


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain data: code, severity, message, hint, path, where it is written, source, span."""
    span = finding.span and {
        "start": finding.span.start._asdict(),
        "end": finding.span.end._asdict(),
    }
    return {
        "code": finding.code.value,
        "severity": finding.severity.value,
        "message": finding.message,
        "hint": finding.hint,
        "path": list(finding.path),
        "at": format_path(finding.path),
        "source": finding.source,
        "span": span,
    }


def resolution_to_dict(resolved: Resolved, findings: Iterable[Finding], budget: Budget) -> dict[str, Any]:
    """Return an answer as plain data: its sub-configs, and every layer with its status, index and settings."""
    inventory = resolved.inventory
    selected = resolved.selection.selected_counts()
    return {
        "format": "compression-config-resolution",
        "version": FORMAT_VERSION,
        "kind": resolved.config_list.kind,
        "model": inventory.model,
        "fingerprint": fingerprint(resolved),
        "sub_configs": [
            {
                "index": index,
                "config": config,
                "selected": selected[index],
                "won": len(resolved.won[index]),
                "shadowed": resolved.shadowed(index),
            }
            for index, config in enumerate(resolved.config_list.to_list())
        ],
        "budget": budget_to_dict(budget),
        "layers": [_layer_to_dict(resolved, position) for position in range(len(inventory))],
        "findings": [finding_to_dict(finding) for finding in findings],
    }


def _layer_to_dict(resolved: Resolved, position: int) -> dict[str, Any]:
    index, settings = resolved.winners[position], resolved.settings(position)
    shape = resolved.inventory.weight_shapes[position]
    return {
        "name": resolved.inventory.names[position],
        "type": resolved.inventory.types[position],
        "weight_shape": shape and list(shape),
        "numel": resolved.inventory.numel(position),
        "status": resolved.status(position).value,
        "index": None if index == NOBODY else index,
        "settings": settings and settings_to_dict(settings),
    }
