"""Plain data to sub-configs, and pydantic's errors to findings: the one place where that happens."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from compression_config.configs.dialects import FOREIGN_KEYS, foreign_document
from compression_config.configs.plain_data import Remark, plain, remarks_of, shown
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import PLAIN_DATA, Kind, SubConfig
from compression_config.errors import CompressionConfigError
from compression_config.findings import Code, Finding
from compression_config.locations import Place, Provenance
from compression_config.text import nearest, printable

__all__ = ["CONFIG_TYPES", "KINDS", "inferred_kind", "placed", "total", "validated"]

T = TypeVar("T")

CONFIG_TYPES: Mapping[Kind, type[SubConfig]] = {"pruning": PruningConfig, "quantization": QuantizationConfig}
KINDS: tuple[Kind, ...] = ("pruning", "quantization")


def total(ask: Callable[[object], T], data: object) -> T:
    """Return `ask(data)`, or `ask` of the data in Python's own types where methods of its objects raise."""
    try:
        return ask(data)
    except CompressionConfigError:
        raise
    except Exception:  # noqa: BLE001 - objects that are no plain data run code of their own
        return ask(plain(data))


def validated(data: object, kind: Kind) -> tuple[tuple[Any, ...] | None, list[Remark]]:
    """Return the sub-configs of `data`, or None and everything that is to be said of it, in list order.

    Paths start at the list. What is said holds the warnings and notes of the sound sub-configs too.
    """
    items = data if isinstance(data, list | tuple) else plain(data)
    if not isinstance(items, list | tuple):
        return None, [_no_list(items)]
    try:
        return _adapter(kind).validate_python(items, context=PLAIN_DATA), []
    except ValidationError as error:
        return None, list(_all_said(items, kind, remarks_of(error)))


def _all_said(items: Iterable[object], kind: Kind, errors: Iterable[Remark]) -> Iterator[Remark]:
    """Yield what is wrong, and in between the warnings and notes of the sound sub-configs, in list order."""
    wrong: dict[object, list[Remark]] = {}
    for remark in errors:
        wrong.setdefault(remark.path[0], []).append(remark)
    for index, item in enumerate(items):
        if isinstance(item, SubConfig) and item.kind != kind:
            message = f"a {item.kind} sub-config cannot stand in a {kind} list"
            yield Remark(Code.MIXED_KINDS, message, "write two lists, under 'pruning:' and 'quantization:'", (index,))
        elif index in wrong:
            yield from wrong[index]
        else:
            for remark in CONFIG_TYPES[kind].model_validate(item, context=PLAIN_DATA).remarks():
                yield remark._replace(path=(index, *remark.path))


@functools.cache
def _adapter(kind: Kind) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[PruningConfig, ...] if kind == "pruning" else tuple[QuantizationConfig, ...])


def _no_list(data: object) -> Remark:
    if isinstance(data, Mapping):
        if data.get("format") == "compression-config-inventory":
            hint = "give the inventory as the model, and a config list in its place"
            return Remark(Code.NOT_A_LIST, "a config list is a list, not an inventory", hint)
        if (found := foreign_document(data)) is not None:
            key, foreign = found
            message = f"'{key}' stands in a document of {foreign.dialect}; a config list is a list"
            return Remark(Code.OTHER_DIALECT, message, foreign.remedy, (key,), at_key=True)
        if any(key in config.model_fields or key in FOREIGN_KEYS for key in data for config in CONFIG_TYPES.values()):
            hint = "put it in [ ], or write '- ' before its first key and indent the others"
            return Remark(Code.NOT_A_LIST, "a config list is a list, not a single sub-config", hint)
        hint = "write a list of sub-configs, or two of them under 'pruning:' and 'quantization:'"
        name = printable(str(next(iter(data), "")))
        if len(data) == 1 and isinstance(data[next(iter(data))], list | tuple):
            hint = f"delete the line '{name}:', or write it 'pruning:' or 'quantization:'"
        if data and all(isinstance(part, Mapping) for part in data.values()):
            hint = f"write one sub-config for each of its keys, such as op_names: [{name}]"
        return Remark(Code.NOT_A_LIST, "a config list is a list, not a mapping", hint)
    if data is None:
        hint = "write [] if nothing is to be compressed"
        return Remark(Code.NOT_A_LIST, "a config list is a list, not nothing", hint)
    return Remark(Code.NOT_A_LIST, f"a config list is a list, not {shown(data)}", "write a list of sub-configs")


def inferred_kind(data: object) -> Kind | None:
    """Return the kind that the keys of a list speak for, or None when nothing in it compresses (D12).

    The first key that is a setting decides; what belongs to the other kind is reported at its key.
    A misspelt or foreign key counts for the kind it resembles, where no legal key speaks; then the class of
    a sub-config that only excludes.
    """
    items = data if isinstance(data, list | tuple) else plain(data)
    guess: Kind | None = None
    excluding: Kind | None = None
    for item in items if isinstance(items, list | tuple) else ():
        if isinstance(item, SubConfig):
            if not item.exclude:
                return item.kind
            excluding = excluding or item.kind
        if not isinstance(item, Mapping):
            continue
        for key in item:
            for kind, config_type in CONFIG_TYPES.items():
                if key in config_type.setting_keys():
                    return kind
        guess = guess or _resembling(item)
    return guess or excluding


def _resembling(item: Mapping[Any, object]) -> Kind | None:
    """Return the kind that the unknown keys of `item` look like, or None."""
    return next(filter(None, map(_resembled, (str(key) for key in item if key not in SubConfig.model_fields))), None)


@functools.lru_cache(maxsize=1024)
def _resembled(key: str) -> Kind | None:
    """Return the kind of which an unknown key looks like a setting, or None."""
    meant = FOREIGN_KEYS[key].stands_for if key in FOREIGN_KEYS else ()
    for kind, config_type in CONFIG_TYPES.items():
        settings = config_type.setting_keys()
        if not settings.isdisjoint(meant) or nearest(key, settings):
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
    read_as = "a boolean" if raw.lower() in ("true", "false") else "a number"
    return remark._replace(message=f"{raw} is read as {read_as}, not as a {one}", hint=f'write "{raw}"')
