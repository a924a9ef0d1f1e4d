"""Exports without any engine: lists with one sub-config, their documents, and what these lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import compression_config as cc

__all__ = ["NARROW", "PER_CHANNEL", "Exports", "pruned", "quantized"]

PER_CHANNEL = "per_channel_symmetric"
NARROW = " (exclude these layers, or narrow 'op_types')"
"""The hint that most losses about types have."""


def quantized(names: str | list[str], bits: Any, scheme: Any = PER_CHANNEL, **keys: Any) -> list[dict[str, Any]]:
    """Return a list that quantizes weights to `bits`, or each quant type to its own; a scheme of None is left out."""
    bits = bits if isinstance(bits, dict) else {"weight": bits}
    names = [names] if isinstance(names, str) else names
    config = {"op_names": names, "quant_types": list(bits), "quant_bits": bits, **keys}
    return [config if scheme is None else {**config, "quant_scheme": scheme}]


def pruned(names: list[str], sparsity: float = 0.5) -> list[dict[str, Any]]:
    return [{"op_names": names, "sparsity_per_layer": sparsity}]


@dataclass(frozen=True)
class Exports:
    """Exports of lists that were resolved against one model, unless they are given another one."""

    model: Any
    hidden: str = ""
    """A part of findings that is left out."""

    def losses(self, config: Any, engine: str, model: Any = None, **options: Any) -> list[str]:
        """Return what is lost, as text; also where it is so much that the export is refused."""
        try:
            found = cc.export(self._resolved(config, model), engine, **options).findings
        except cc.LossyExport as error:
            found = error.findings
        return [str(finding).replace(self.hidden, "") for finding in found]

    def document(self, config: Any, engine: str, model: Any = None, **options: Any) -> Any:
        """Return the document, whatever is lost."""
        return cc.export(self._resolved(config, model), engine, on_loss="ignore", **options).document

    def _resolved(self, config: Any, model: Any) -> Any:
        return cc.resolve(config, self.model if model is None else model)
