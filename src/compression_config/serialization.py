"""Answers as versioned plain data, ready for JSON."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Any

from compression_config.budget.budget import Budget
from compression_config.budget.counting import masked_count
from compression_config.budget.storage import bits_of_dtype
from compression_config.findings import Finding
from compression_config.locations import format_path
from compression_config.resolving.canonical import fingerprint, settings_to_dict
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.selection import NOBODY
from compression_config.resolving.settings import PruningSettings, QuantizationSettings
from compression_config.text import layers_words

__all__ = ["FORMAT_VERSION", "budget_to_dict", "finding_to_dict", "resolution_to_dict", "share_in_words"]


FORMAT_VERSION = 2
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
        "index": None if index == NOBODY else index,
        "settings": settings and settings_to_dict(settings),
    }


def budget_to_dict(budget: Budget) -> dict[str, Any]:
    """Return a budget as plain data, ready for JSON: layers, groups, the model, and what is not known."""
    model = budget.model
    return {
        "layers": [
            {
                "layer": layer.layer,
                "numel": layer.numel,
                "masked": layer.masked,
                "minimum": layer.minimum,
                "maximum": layer.maximum,
                "cap": layer.cap,
                "group": layer.group,
            }
            for layer in budget.layers
        ],
        "groups": [
            {
                "index": group.index,
                "numel": group.numel,
                "demanded": group.demanded,
                "reachable": group.reachable,
                "granted": group.granted,
                "slack": group.slack,
                "layers": list(group.names),
            }
            for group in budget.groups
        ],
        "model": {
            "numel": model.numel,
            "compressed": model.compressed,
            "masked": model.masked,
            "outside": model.outside,
            "masked_share": model.masked_share,
            "masked_share_of_all": model.masked_share_of_all,
            "mean_weight_bits": model.mean_weight_bits,
            "bytes_before": model.bytes_before,
            "bytes_after": model.bytes_after,
        },
        "unknown": list(budget.unknown),
    }


def share_in_words(resolved: Resolved, budget: Budget, position: int) -> str | None:
    """Return what the budget means for the layer at `position`, as a sentence without a full stop.

    None for a layer that is not compressed or has no weight.
    """
    inventory = resolved.inventory
    if resolved.status(position) is not Status.COMPRESSED or inventory.has_weight(position) is False:
        return None
    if position in budget.tally.stand_in:
        return f"its weight is that of '{inventory.names[budget.tally.stand_in[position]]}' and counted there"
    numel = budget.tally.numels[position]
    if numel is None:
        return "its number of weight elements is not known"
    settings = resolved.settings(position)
    if isinstance(settings, QuantizationSettings):
        return _quantized(numel, settings.bits.get("weight"), inventory.dtypes[position])
    if isinstance(settings, PruningSettings) and settings.sparsity is not None:
        return f"{masked_count(numel, settings.sparsity):,} of its {numel:,} weight elements are masked"
    return _in_group(resolved, budget, position)


def _in_group(resolved: Resolved, budget: Budget, position: int) -> str:
    """Return the interval that a group leaves one of its layers."""
    group = next(group for group in budget.groups if group.index == resolved.decided_by[position])
    layer = group.layers[bisect.bisect_left(budget.tally.decided[group.index], position)]
    if layer.minimum is None or layer.maximum is None or group.granted is None:
        known = f"at most {layer.cap:,} of its {layer.numel:,} weight elements are masked"
        return f"{known}; '{group.unknown[0]}', which shares the budget, has an unknown number"
    interval = f"{layer.minimum:,} to {layer.maximum:,}" if layer.minimum < layer.maximum else f"{layer.maximum:,}"
    return (
        f"{interval} of its {layer.numel:,} weight elements are masked; "
        f"the group of {layers_words(len(group.names))} masks {group.granted:,} of {group.numel:,}"
    )


def _quantized(numel: int, bits: int | None, dtype: str | None) -> str:
    """Return what a weight takes, before if that is known, and quantized."""
    if bits is None:
        return f"its {numel:,} weight elements are not quantized"
    width = bits_of_dtype(dtype or "")
    before = "" if width is None else f" instead of {-(-numel * width // 8):,}"
    return f"its {numel:,} weight elements take {-(-numel * bits // 8):,} bytes{before}"
