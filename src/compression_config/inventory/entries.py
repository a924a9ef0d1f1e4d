"""Entries: an inventory as plain data, the way its files hold it, and every check of such data.

An entry is a mapping with the words of `Layer`; `name` and `type` have to be there, and all others are
left out where they follow from the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

from compression_config.errors import InvalidInventory
from compression_config.inventory.columns import Columns, ParameterPairs, linked, packed
from compression_config.inventory.layer import Shape
from compression_config.naming.spelling import listed, nearest
from compression_config.spans import ConfigPath, format_path

__all__ = ["FORMAT", "VERSION", "Contents", "WrongEntry", "contents_of", "entries_of", "heading_of"]

FORMAT = "compression-config-inventory"
VERSION = 1

_HEADING = ("format", "version", "model", "only_root", "layers")
_ENTRY = ("name", "type", "weight_shape", "has_weight", "dtype", "parameters", "tied_to", "aliases")
_ENTRY_KEYS = frozenset(_ENTRY)


class Contents(NamedTuple):
    """What an inventory file says."""

    columns: Columns
    model: str | None = None
    only_root: bool = False


class WrongEntry(InvalidInventory):
    """Data that is no inventory: `path` leads to the fault, `rule` is the sentence about it."""

    def __init__(self, path: ConfigPath, rule: str) -> None:
        self.path = path
        self.rule = rule
        super().__init__(path, rule)

    def __str__(self) -> str:
        return f"{format_path(self.path)}: {self.rule}" if self.path else self.rule


def heading_of(contents: Contents) -> dict[str, Any]:
    """Return what a file says before the layers."""
    heading: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    if contents.model is not None:
        heading["model"] = contents.model
    if contents.only_root:
        heading["only_root"] = True
    return heading


def entries_of(columns: Columns) -> Iterator[dict[str, Any]]:
    """Return one entry per layer, in the model's order."""
    for layer, pairs in zip(columns.layers(range(len(columns.names))), columns.parameters, strict=True):
        entry: dict[str, Any] = {"name": layer.name, "type": layer.type}
        if layer.weight_shape is not None:
            entry["weight_shape"] = list(layer.weight_shape)
        elif layer.has_weight is not None:
            entry["has_weight"] = layer.has_weight
        if layer.dtype is not None:
            entry["dtype"] = layer.dtype
        if pairs is not None:
            entry["parameters"] = {name: None if shape is None else list(shape) for name, shape in pairs}
        if layer.tied_to is not None:
            entry["tied_to"] = layer.tied_to
        if layer.aliases:
            entry["aliases"] = list(layer.aliases)
        yield entry


def contents_of(data: object) -> Contents:
    """Return what `data`, the whole of a file, says.

    Raises `WrongEntry` for the first fault, and `InvalidInventory` where layers contradict one another.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        _refuse((), f"an inventory is a mapping with 'format: {FORMAT}'")
    if type(data.get("version")) is not int or data["version"] != VERSION:
        _refuse(("version",), f"this release reads version {VERSION} of the format, not {data.get('version')!r}")
    _check_keys(data, _HEADING, ())
    model, only_root, entries = data.get("model"), data.get("only_root", False), data.get("layers")
    if model is not None and not isinstance(model, str):
        _refuse(("model",), f"the name of a model is a string, not {model!r}")
    if not isinstance(entries, list):
        _refuse(("layers",), "the layers are a list")
    if not isinstance(only_root, bool) or (only_root and entries):
        _refuse(("only_root",), "'only_root' is true or false, and not true beside layers")
    return Contents(_columns(entries), model, only_root)


def _columns(entries: list[Any]) -> Columns:
    """Return the columns that `entries` stand for; no `Layer` is made on the way."""
    names: list[str] = []
    types: list[str] = []
    weight_shapes: list[Shape | None] = []
    has_weight: list[bool | None] = []
    dtypes: list[str | None] = []
    parameters: list[ParameterPairs | None] = []
    tied_to: list[str | None] = []
    aliases: list[list[str]] = []
    same_shapes: dict[Shape, Shape] = {}
    for index, entry in enumerate(entries):
        if type(entry) is not dict:
            _refuse(("layers", index), f"a layer is a mapping with 'name' and 'type', not {entry!r}")
        if not entry.keys() <= _ENTRY_KEYS:
            _check_keys(entry, _ENTRY, ("layers", index))
        shape = entry.get("weight_shape")
        if shape is not None:
            shape = _shape(shape, index, "weight_shape")
            shape = same_shapes.setdefault(shape, shape)
        names.append(_needed(entry, "name", index))
        types.append(_needed(entry, "type", index))
        dtypes.append(_text(entry, "dtype", index))
        tied_to.append(_text(entry, "tied_to", index))
        weight_shapes.append(shape)
        has_weight.append(_has_weight(entry, shape, index))
        parameters.append(None if "parameters" not in entry else packed(_parameters(entry, index), shape))
        aliases.append(_aliases(entry, index) if "aliases" in entry else [])
    return Columns(
        names=tuple(names),
        types=tuple(types),
        weight_shapes=weight_shapes,
        has_weight=has_weight,
        dtypes=dtypes,
        parameters=parameters,
        **linked(names, weight_shapes, tied_to, aliases),
    )


def _needed(entry: dict[str, Any], key: str, index: int) -> str:
    text = entry.get(key)
    if type(text) is not str or not text:
        _refuse_text(text, ("layers", index, key))
    return text


def _text(entry: dict[str, Any], key: str, index: int) -> str | None:
    text = entry.get(key)
    if text is not None and type(text) is not str:
        _refuse_text(text, ("layers", index, key))
    return text


def _has_weight(entry: dict[str, Any], shape: Shape | None, index: int) -> bool | None:
    known = entry.get("has_weight")
    if known is not None and not isinstance(known, bool):
        _refuse(("layers", index, "has_weight"), f"true or false is expected, not {known!r}")
    if shape is None:
        return known
    if known is False:
        _refuse(("layers", index, "has_weight"), "it cannot be false beside a 'weight_shape'")
    return True


def _parameters(entry: dict[str, Any], index: int) -> dict[str, Shape | None]:
    given = entry["parameters"]
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        _refuse(("layers", index, "parameters"), f"names with shapes are expected, not {given!r}")
    return {name: None if shape is None else _shape(shape, index, "parameters", name) for name, shape in given.items()}


def _aliases(entry: dict[str, Any], index: int) -> list[str]:
    given = entry["aliases"]
    if not isinstance(given, list) or not all(isinstance(alias, str) and alias for alias in given):
        _refuse(("layers", index, "aliases"), f"a list of names is expected, not {given!r}")
    return given


def _shape(given: object, index: int, *path: str) -> Shape:
    if type(given) is not list or not all(type(length) is int and length >= 0 for length in given):
        _refuse(("layers", index, *path), f"a shape is a list of whole numbers from 0, not {given!r}")
    return tuple(given)


def _check_keys(mapping: dict[Any, Any], known: Sequence[str], path: ConfigPath) -> None:
    """Refuse a key that is not among `known`."""
    for key in mapping:
        if key not in known:
            meant = nearest(key, known) if isinstance(key, str) else []
            remedy = f"did you mean {meant[0]!r}?" if meant else f"the keys are {listed(known)}"
            _refuse(path, f"{key!r} is no key of {'a layer' if path else 'an inventory'}: {remedy}")


def _refuse_text(value: object, path: ConfigPath) -> NoReturn:
    remedy = " (put it in quotes)" if isinstance(value, bool | int | float) else ""
    _refuse(path, f"a string that is not empty is expected, not {value!r}{remedy}")


def _refuse(path: ConfigPath, rule: str) -> NoReturn:
    raise WrongEntry(path, rule)
