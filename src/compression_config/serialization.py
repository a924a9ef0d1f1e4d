"""Answers as versioned plain data, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from compression_config.budget import Budget, LayerBudget
from compression_config.findings import Edit, Finding
from compression_config.locations import format_path
from compression_config.resolving.canonical import fingerprint
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import plain_settings

__all__ = [
    "FORMAT_VERSION",
    "RESOLUTION_FORMAT",
    "budget_to_dict",
    "finding_to_dict",
    "model_budget_to_dict",
    "resolution_to_dict",
]


RESOLUTION_FORMAT = "compression-config-resolution"
"""The `format` of a saved resolution."""

FORMAT_VERSION = 2
"""Of every JSON document that this package writes; raised when a reader of the old one would be misled."""


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain data: code, where that is documented, severity, message, hint, fix, and the place."""
    span = finding.span and {
        "start": finding.span.start._asdict(),
        "end": finding.span.end._asdict(),
    }
    return {
        "code": finding.code.value,
        "docs": f"docs/codes.md#{finding.code.value}",
        "severity": finding.severity.value,
        "message": finding.message,
        "hint": finding.hint,
        "fix": finding.fix and [_edit_to_dict(edit) for edit in finding.fix],
        "safe": finding.safe,
        "path": list(finding.path),
        "at": format_path(finding.path),
        "source": finding.source,
        "span": span,
    }


def _edit_to_dict(edit: Edit) -> dict[str, Any]:
    return {"action": edit.action, "path": list(edit.path), "value": edit.value}


def resolution_to_dict(resolved: Resolved, findings: Iterable[Finding], budget: Budget) -> dict[str, Any]:
    """Return an answer as plain data: its sub-configs, and every layer with its status, index and settings."""
    inventory = resolved.inventory
    selected = resolved.selection.selected_counts()
    return {
        "format": RESOLUTION_FORMAT,
        "version": FORMAT_VERSION,
        "kind": resolved.config_list.kind,
        "model": inventory.model,
        "fingerprint": fingerprint(resolved),
        "sub_configs": [
            {
                "index": index,
                "config": config,
                "selected": selected[index],
                "decided": len(resolved.decided[index]),
                "shadowed": resolved.shadowed(index),
            }
            for index, config in enumerate(resolved.config_list.to_list())
        ],
        "budget": budget_to_dict(budget),
        "layers": [_layer_to_dict(resolved, position) for position in range(len(inventory))],
        "findings": [finding_to_dict(finding) for finding in findings],
    }


def _layer_to_dict(resolved: Resolved, position: int) -> dict[str, Any]:
    index, settings = resolved.decided_by[position], resolved.settings(position)
    shape = resolved.inventory.weight_shapes[position]
    return {
        "name": resolved.inventory.names[position],
        "type": resolved.inventory.types[position],
        "weight_shape": shape and list(shape),
        "numel": resolved.inventory.numel(position),
        "status": resolved.status(position).value,
        "index": None if index == UNDECIDED else index,
        "settings": settings and plain_settings(settings),
    }


_COUNTS_OF_LAYER = tuple(field.name for field in fields(LayerBudget))
_COUNTS_OF_GROUP = ("index", "numel", "demanded", "reachable", "granted", "slack")
_COUNTS_OF_MODEL = (
    *("numel", "parameters", "reachable", "excluded", "untouched", "besides", "coverage"),
    *("masked", "masked_share", "masked_share_of_all", "mean_bits", "bytes_before", "bytes_after"),
)


def budget_to_dict(budget: Budget) -> dict[str, Any]:
    """Return a budget as plain data, ready for JSON: layers, groups, the model, and what is not known."""
    return {
        "layers": [{count: getattr(layer, count) for count in _COUNTS_OF_LAYER} for layer in budget.layers],
        "groups": [
            {**{count: getattr(group, count) for count in _COUNTS_OF_GROUP}, "layers": list(group.names)}
            for group in budget.groups
        ],
        "model": model_budget_to_dict(budget),
        "unknown": list(budget.unknown),
    }


def model_budget_to_dict(budget: Budget) -> dict[str, Any]:
    """Return the counts of the whole model as plain data, ready for JSON."""
    return {count: getattr(budget.model, count) for count in _COUNTS_OF_MODEL}
