"""The answer and nothing else: which layers share what. Two resolutions are equal when this is (D18)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from compression_config.configs.sub_config import Kind
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.settings import AnySettings, PruningSettings, plain_settings, written_settings

__all__ = ["Share", "canonical_list", "fingerprint", "fingerprint_of", "shares"]


@dataclass(frozen=True, slots=True)
class Share:
    """Layers that get the same: a group, all layers of equal settings outside one, or all excluded ones."""

    status: Status
    settings: AnySettings | None
    """Without the index of a group's sub-config, which is not part of the answer; None unless compressed."""
    names: tuple[str, ...]
    """In the model's order."""


def shares(resolved: Resolved) -> Iterator[Share]:
    """Yield the shares of all layers, untouched ones included, in the order in which the model meets them."""
    members: dict[tuple[Status, AnySettings | None, int | None], list[str]] = {}
    # Settings are compared once for each sub-config, not for each layer.
    by_index: dict[int, list[str]] = {}
    for position, (name, index) in enumerate(zip(resolved.inventory.names, resolved.decided_by, strict=True)):
        if index not in by_index:
            settings, group = resolved.settings(position), None
            if isinstance(settings, PruningSettings):
                settings, group = replace(settings, group=None), settings.group
            by_index[index] = members.setdefault((resolved.status(position), settings, group), [])
        by_index[index].append(name)
    for (status, settings, _), names in members.items():
        yield Share(status, settings, tuple(names))


def canonical_list(resolved: Resolved) -> list[dict[str, Any]]:
    """Return the config list that says the answer outright: exact, disjoint names, in any order the same.

    Each group is one sub-config, layers of equal settings share one, and so do the excluded layers.
    """
    return [
        {"op_names": list(share.names), **_keys(share.settings)}
        for share in shares(resolved)
        if share.status is not Status.UNTOUCHED
    ]


def _keys(settings: AnySettings | None) -> dict[str, Any]:
    """Return the keys of a sub-config that give layers these settings; `exclude` for None."""
    if settings is None:
        return {"exclude": True}
    if isinstance(settings, PruningSettings):
        return dict(written_settings(settings))
    return {"quant_types": list(settings.bits), **dict(written_settings(settings))}


def fingerprint(resolved: Resolved) -> str:
    """Return a digest of the answer: 64 hexadecimal digits, equal wherever and in whatever order it was computed."""
    return fingerprint_of(resolved.config_list.kind, shares(resolved))


def fingerprint_of(kind: Kind, answer: Iterable[Share]) -> str:
    """Return the digest of the shares of all layers, untouched ones included."""
    digested = sorted(
        json.dumps(
            [share.status.value, share.settings and plain_settings(share.settings), sorted(share.names)],
            sort_keys=True,
        )
        for share in answer
    )
    return hashlib.sha256("\n".join([kind, *digested]).encode()).hexdigest()
