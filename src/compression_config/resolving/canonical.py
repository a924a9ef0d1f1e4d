"""The answer and nothing else: which layers share what. Two resolutions are equal when this is (D18)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from compression_config.configs.sub_config import Kind
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.settings import AnySettings, PruningSettings, QuantizationSettings

__all__ = ["Share", "canonical_list", "fingerprint", "fingerprint_of", "settings_to_dict", "shares"]


@dataclass(frozen=True, slots=True)
class Share:
    """Layers that get the same: a group, all layers of equal settings outside one, or all excluded ones."""

    status: Status
    settings: AnySettings | None
    """Without the index of a group's sub-config, which is no part of the answer; None unless compressed."""
    names: tuple[str, ...]
    """In the model's order."""


def shares(resolved: Resolved) -> Iterator[Share]:
    """Yield the shares of all layers, untouched ones included, in the order in which the model meets them."""
    members: dict[tuple[Status, AnySettings | None, int | None], list[str]] = {}
    by_winner: dict[int, list[str]] = {}
    for name, index, position in zip(
        resolved.inventory.names, resolved.decided_by, range(len(resolved.inventory)), strict=True
    ):
        if index not in by_winner:
            status, settings = resolved.status(position), resolved.settings(position)
            group = settings.group if isinstance(settings, PruningSettings) else None
            plain = replace(settings, group=None) if isinstance(settings, PruningSettings) else settings
            by_winner[index] = members.setdefault((status, plain, group), [])
        by_winner[index].append(name)
    for (status, settings, _), names in members.items():
        yield Share(status, settings, tuple(names))


def settings_to_dict(settings: AnySettings) -> dict[str, Any]:
    """Return settings as plain data, under the names of their attributes; what says nothing is left out."""
    values: dict[str, Any]
    if isinstance(settings, PruningSettings):
        values = {
            "sparsity": settings.sparsity,
            "total_sparsity": settings.total_sparsity,
            "group": settings.group,
            "max_sparsity": settings.max_sparsity,
        }
    else:
        values = {
            "bits": dict(settings.bits),
            "start_step": settings.start_step,
            "dtype": settings.dtype and dict(settings.dtype),
            "scheme": settings.scheme and dict(settings.scheme),
        }
    return {key: value for key, value in values.items() if value is not None}


def canonical_list(resolved: Resolved) -> list[dict[str, Any]]:
    """Return the config list that says the answer outright: exact, disjoint names, in any order the same.

    Each group is one sub-config, layers of equal settings share one, and so do the excluded layers.
    """
    return [
        {"op_names": list(share.names), **_keys(share)}
        for share in shares(resolved)
        if share.status is not Status.UNTOUCHED
    ]


def _keys(share: Share) -> Mapping[str, Any]:
    """Return the keys of the specification that say what a share gets."""
    settings = share.settings
    if settings is None:
        return {"exclude": True}
    values: Mapping[str, Any]
    if isinstance(settings, QuantizationSettings):
        values = {
            "quant_types": list(settings.bits),
            "quant_bits": dict(settings.bits),
            "quant_start_step": settings.start_step or None,
            "quant_dtype": settings.dtype and dict(settings.dtype),
            "quant_scheme": settings.scheme and dict(settings.scheme),
        }
    else:
        values = {
            "sparsity_per_layer": settings.sparsity,
            "total_sparsity": settings.total_sparsity,
            "max_sparsity_per_layer": settings.max_sparsity,
        }
    return {key: value for key, value in values.items() if value is not None}


def fingerprint(resolved: Resolved) -> str:
    """Return a digest of the answer: 64 hexadecimal digits, equal wherever and in whatever order it was computed."""
    return fingerprint_of(resolved.config_list.kind, shares(resolved))


def fingerprint_of(kind: Kind, answer: Iterable[Share]) -> str:
    """Return the digest of the shares of all layers, untouched ones included."""
    digested = sorted(
        json.dumps(
            [share.status.value, share.settings and settings_to_dict(share.settings), sorted(share.names)],
            sort_keys=True,
        )
        for share in answer
    )
    return hashlib.sha256("\n".join([kind, *digested]).encode()).hexdigest()
