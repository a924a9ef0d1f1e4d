"""Plain data to sub-configs, and pydantic's errors to findings: the one place where that happens."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from compression_config.configs.base import PLAIN_DATA, Kind, SubConfig
from compression_config.configs.dialects import FOREIGN_KEYS
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.remarks import Remark, remarks_of, shown
from compression_config.configs.values import plain
from compression_config.findings import Code, Finding
from compression_config.spans import Place, Provenance
from compression_config.spelling import nearest

__all__ = ["CONFIG_TYPES", "KINDS", "inferred_kind", "placed", "validated"]

CONFIG_TYPES: Mapping[Kind, type[SubConfig]] = {"pruning": PruningConfig, "quantization": QuantizationConfig}
KINDS: tuple[Kind, ...] = ("pruning", "quantization")


def validated(data: object, kind: Kind) -> tuple[tuple[Any, ...] | None, list[Remark]]:
    """Return the sub-configs of `data`, or None and everything that is to be said of it, in list order.

    Paths start at the list. What is said holds the warnings and notes of the sound sub-configs too.
    """
    if (complaint := _not_a_list(data)) is not None:
        return None, [complaint]
    items = data if isinstance(data, list | tuple) else list(data)  # type: ignore[call-overload]
    try:
        return _adapter(kind).validate_python(items, context=PLAIN_DATA), []
    except ValidationError:
        return None, list(_one_by_one(items, kind))


def _one_by_one(items: Iterable[object], kind: Kind) -> Iterator[Remark]:
    for index, item in enumerate(items):
        if isinstance(item, SubConfig) and item.kind != kind:
            message = f"a {item.kind} sub-config cannot stand in a {kind} list"
            yield Remark(Code.MIXED_KINDS, message, "write two lists, under 'pruning:' and 'quantization:'", (index,))
            continue
        try:
            remarks = CONFIG_TYPES[kind].model_validate(item, context=PLAIN_DATA).remarks()
        except ValidationError as error:
            remarks = iter(remarks_of(error))
        for remark in remarks:
            yield remark._replace(path=(index, *remark.path))


@functools.cache
def _adapter(kind: Kind) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[PruningConfig, ...] if kind == "pruning" else tuple[QuantizationConfig, ...])


def _not_a_list(data: object) -> Remark | None:
    if isinstance(data, Mapping):
        if any(key in config.model_fields or key in FOREIGN_KEYS for key in data for config in CONFIG_TYPES.values()):
            return Remark(Code.NOT_A_LIST, "a config list is a list, not a single sub-config", "put it in [ ]")
        hint = "write a list of sub-configs, or two of them under 'pruning:' and 'quantization:'"
        return Remark(Code.NOT_A_LIST, "a config list is a list, not a mapping", hint)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes | bytearray | memoryview):
        return None
    what = "nothing" if data is None else shown(plain(data))
    hint = "write [] if nothing is to be compressed" if data is None else "write a list of sub-configs"
    return Remark(Code.NOT_A_LIST, f"a config list is a list, not {what}", hint)


def inferred_kind(data: object) -> Kind | None:
    """Return the kind that the keys of a list speak for, or None when nothing in it compresses (D12).

    The first sub-config that has a setting decides; what belongs to the other kind is reported at its key.
    A misspelt or foreign key counts for the kind it resembles, where no legal key speaks.
    """
    if not isinstance(data, Sequence) or isinstance(data, str | bytes | bytearray | memoryview):
        return None
    guess: Kind | None = None
    for item in data:
        if isinstance(item, SubConfig) and not item.exclude:
            return item.kind
        if not isinstance(item, Mapping):
            continue
        for kind, other in zip(KINDS, reversed(KINDS), strict=True):
            if not CONFIG_TYPES[other].foreign.isdisjoint(item):
                return kind
        guess = guess or _resembling(item)
    return guess


def _resembling(item: Mapping[Any, object]) -> Kind | None:
    """Return the kind that the unknown keys of `item` look like, or None."""
    for key in map(str, item):
        said = FOREIGN_KEYS[key].remedy if key in FOREIGN_KEYS else ""
        for kind, other in zip(KINDS, reversed(KINDS), strict=True):
            settings = CONFIG_TYPES[other].foreign
            if any(f"'{setting}" in said for setting in settings) or nearest(key, settings):
                return kind
    return None


def placed(remarks: Iterable[Remark], provenance: Provenance) -> Iterator[Finding]:
    """Yield `remarks` as findings at their places; a name that YAML read as a number is shown as it is written."""
    for remark in remarks:
        place = provenance.place(remark.path, key=remark.at_key)
        if remark.code is Code.UNQUOTED_NAME and place.span is not None:
            remark = _as_written(remark, place)  # noqa: PLW2901 - the same remark, better worded
        yield Finding.at(place, remark.code, remark.message, remark.hint)


def _as_written(remark: Remark, place: Place) -> Remark:
    """Return the remark with the text of the file in it: `1.10`, not the 1.1 that it became (D15)."""
    if place.span is None or place.excerpt is None or place.span.start.line != place.span.end.line:
        return remark
    raw = place.excerpt[place.span.start.column - 1 : place.span.end.column - 1]
    one = {"op_types": "type", "op_names": "name", "op_partial_names": "partial name"}[str(remark.path[-2])]
    read_as = "true or false" if raw.lower() in ("true", "false") else "a number"
    return remark._replace(message=f"{raw} is read as {read_as}, not as a {one}", hint=f'write "{raw}"')
