"""A resolution that was saved as JSON, read back: a lock file, with which a later answer is compared.

What is read is what a comparison needs: what every layer gets, which sub-config decided that, and the counts of the
model. The fingerprint is computed again, so that a file that was edited is found out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compression_config.configs.quantization import QuantDtype, QuantScheme
from compression_config.configs.sub_config import Kind
from compression_config.configs.value_rules import QuantType
from compression_config.differences import AnswerTable, Decision
from compression_config.errors import UsageError
from compression_config.frozen import FrozenMapping
from compression_config.locations import format_path
from compression_config.resolving.canonical import Share, fingerprint_of
from compression_config.resolving.resolved import Status
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import AnySettings, PruningSettings, QuantizationSettings
from compression_config.serialization import FORMAT_VERSION, RESOLUTION_FORMAT

__all__ = ["is_saved", "read_saved", "saved_answers"]


_CHANGED = "'{}' was changed after it was written: its fingerprint is not that of its layers"
_Index = Annotated[int, Field(ge=0)]


class _Saved(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Settings(_Saved):
    """Those of either kind; which of them are there tells the kind."""

    sparsity: float | None = None
    total_sparsity: float | None = None
    group: _Index | None = None
    max_sparsity: float | None = None
    bits: dict[QuantType, int] | None = None
    start_step: int = 0
    dtype: dict[QuantType, QuantDtype] | None = None
    scheme: dict[QuantType, QuantScheme] | None = None


class _Layer(_Saved):
    name: str
    status: Annotated[Status, Field(strict=False)]
    index: _Index | None
    settings: _Settings | None


class _Counts(_Saved):
    """The counts of the model; a name that this version does not know is kept."""

    model: dict[str, float | int | None]


class _Answer(_Saved):
    format: str
    version: int
    kind: Kind
    model: str | None
    fingerprint: str
    layers: list[_Layer]
    budget: _Counts


def is_saved(data: object) -> bool:
    """Return whether plain data is a resolution, or the two of a two-part document, and no config list."""
    return isinstance(data, Mapping) and any(
        isinstance(part, Mapping) and part.get("format") == RESOLUTION_FORMAT
        for part in (data, data.get("pruning"), data.get("quantization"))
    )


def read_saved(path: str | os.PathLike[str]) -> Mapping[str, Any] | None:
    """Return the resolution that was saved to a file; None for a file that holds anything else, or is not there."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = json.loads(text) if RESOLUTION_FORMAT in text else None
    except (OSError, ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", data) if is_saved(data) else None


def saved_answers(data: Mapping[str, Any], name: str) -> dict[Kind, AnswerTable]:
    """Return the answers in a saved resolution by their kinds, pruning first.

    `name`, which is printable, is how it is called in errors. Raises `UsageError` for another version of the format,
    and for data that was changed after it was written.
    """
    single = data.get("format") == RESOLUTION_FORMAT
    parts = [data] if single else [data.get("pruning"), data.get("quantization")]
    answers = [_answer_table(part, name, two_parts=not single) for part in parts]
    return {answer.kind: answer for answer in answers}


def _answer_table(data: object, name: str, *, two_parts: bool) -> AnswerTable:
    version = data.get("version") if isinstance(data, Mapping) else None
    if version != FORMAT_VERSION and isinstance(version, int):
        raise UsageError(
            f"'{name}' has version {version} of the format, and this release reads version "
            f"{FORMAT_VERSION}: write it again with 'resolve --format json'"
        )
    try:
        saved = _Answer.model_validate(data)
    except ValidationError as error:
        place = format_path(tuple(error.errors()[0]["loc"]))
        raise UsageError(f"'{name}' is not a saved resolution: {place or 'a part'} is wrong") from error
    table = AnswerTable(
        saved.kind,
        saved.model,
        saved.fingerprint,
        tuple(layer.name for layer in saved.layers),
        [UNDECIDED if layer.index is None else layer.index for layer in saved.layers],
        _decisions(saved, name, saved.kind if two_parts else ""),
        None,
        saved.budget.model,
    )
    if _fingerprint(table) != saved.fingerprint:
        raise UsageError(_CHANGED.format(name))
    return table


def _decisions(saved: _Answer, name: str, prefix: str) -> dict[int, Decision]:
    members: dict[int, list[_Layer]] = {}
    for layer in saved.layers:
        members.setdefault(UNDECIDED if layer.index is None else layer.index, []).append(layer)
    for first, *others in members.values():
        if any((layer.status, layer.settings) != (first.status, first.settings) for layer in others):
            raise UsageError(_CHANGED.format(name))
    return {
        index: Decision(
            layers[0].status,
            _settings(layers[0].settings),
            None if index == UNDECIDED else index,
            None if index == UNDECIDED else f"{prefix}[{index}]",
            group=frozenset(layer.name for layer in layers) if _in_group(layers[0]) else None,
        )
        for index, layers in members.items()
    }


def _in_group(layer: _Layer) -> bool:
    return layer.settings is not None and layer.settings.total_sparsity is not None


def _settings(saved: _Settings | None) -> AnySettings | None:
    if saved is None:
        return None
    if saved.bits is None:
        return PruningSettings(saved.sparsity, saved.total_sparsity, saved.group, saved.max_sparsity)
    return QuantizationSettings(
        FrozenMapping(saved.bits),
        saved.start_step,
        saved.dtype and FrozenMapping(saved.dtype),
        saved.scheme and FrozenMapping(saved.scheme),
    )


def _fingerprint(table: AnswerTable) -> str:
    """Return the digest of what the layers of a saved answer get."""
    names: dict[tuple[object, ...], list[str]] = {}
    decisions: dict[tuple[object, ...], Decision] = {}
    for name, index in zip(table.names, table.decided_by, strict=True):
        decision = table.decisions[index]
        names.setdefault(decision.answer, []).append(name)
        decisions.setdefault(decision.answer, decision)
    shares = [
        Share(decisions[answer].status, decisions[answer].plain_settings, tuple(members))
        for answer, members in names.items()
    ]
    return fingerprint_of(table.kind, shares)
