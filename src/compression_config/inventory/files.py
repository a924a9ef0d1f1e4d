"""Files: inventories as JSON or YAML, gzipped or not; the ending of the file's name says which."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from compression_config.documents import Document, Limits, paused_collector, read_json, read_yaml
from compression_config.errors import InvalidInventory, UsageError
from compression_config.inventory.layer import (
    Layer,
    OwnParameters,
    WrongField,
    checked_parameters,
    checked_texts,
    derived_parameters,
)
from compression_config.locations import ConfigPath, format_path
from compression_config.text import listed, nearest, printable, represented, shortened
from compression_config.writing import write_whole

__all__ = ["ENDINGS", "FORMAT", "MAX_BYTES", "VERSION", "Contents", "read_file", "write_file"]

FORMAT = "compression-config-inventory"
VERSION = 1

_HEADING = ("format", "version", "model", "only_root", "root", "bases", "layers")
_ROOT = ("parameters", "parameter_dtypes", "parameter_ties")
_ENTRY = Layer._fields
_ENTRY_KEYS = frozenset(_ENTRY)


# Limits. A million layers stay well within them; without them a file of a megabyte takes all memory.

MAX_BYTES = 256 * 2**20
"""How long the text of an inventory may be after unpacking."""

_MAX_VALUES = 20_000_000
"""How many values a JSON text may have, counted before it is parsed: each takes up to 72 bytes once it is."""

_MAX_RATIO = 100
"""How many times its size a gzipped file may unpack to, beyond `_ANY_RATIO` bytes; real inventories reach 39."""

_ANY_RATIO = 16 * 2**20

_LIMITS = Limits(bytes=MAX_BYTES, elements=2_000_000, depth=8, nodes=40_000_000)


class Contents(NamedTuple):
    """What an inventory file says."""

    layers: Sequence[Layer]
    model: str | None = None
    only_root: bool = False
    root: OwnParameters | None = None
    bases: Mapping[str, tuple[str, ...]] = MappingProxyType({})


# Reading.


def read_file(path: str | PathLike[str]) -> Contents:
    """Return what the file `path` says; whether its layers agree with one another is not checked.

    Raises `UsageError` for an ending that stands for no format, and `InvalidInventory` for everything
    that is wrong with the file, beginning with that it cannot be read.
    """
    path = Path(path)
    name = printable(str(path))
    file_format, packed = _format_of(path)
    text = _read_text(path, name, packed=packed)
    with paused_collector():
        data = file_format.parse(text, name)
        try:
            return _contents_of(data)
        except _WrongEntry as error:
            # Reading with positions takes many times as long, so it is only done once one is needed.
            start = file_format.read(text, name, _LIMITS).source.tree.span(error.path).start
            raise InvalidInventory(f"{name}:{start.line}:{start.column}: {error}") from error


def _read_text(path: Path, name: str, *, packed: bool) -> str:
    most = MAX_BYTES
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            if packed:
                most = min(most, max(_ANY_RATIO, _MAX_RATIO * os.fstat(file.fileno()).st_size))
            data = file.read(most + 1)
    except gzip.BadGzipFile as error:
        raise InvalidInventory(f"{name} is not gzipped, although its name says so: {error}") from error
    except OSError as error:
        raise InvalidInventory(f"{name} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise InvalidInventory(f"{name} cannot be unpacked: {error}") from error
    except ValueError as error:  # a path with a NUL in it
        raise InvalidInventory(f"{name} cannot be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise InvalidInventory(f"{name}: an inventory has at most {MAX_BYTES:,} bytes after unpacking")
    if len(data) > most:
        raise InvalidInventory(f"{name}: a gzipped inventory unpacks to at most {_MAX_RATIO} times its size")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInventory(f"{name} is not UTF-8: {error}") from error


def _parse_json(text: str, name: str) -> object:
    """Return the plain data that `text` is: at the speed of `json`, whose errors say less."""
    # Each value comes after one of these characters; those in strings count too, which does no harm.
    if sum(map(text.count, "[{,")) > _MAX_VALUES:
        raise InvalidInventory(f"{name}: an inventory has at most {_MAX_VALUES:,} values")
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        _refuse_text(read_json(text, name, _LIMITS), f"{name} is not valid JSON: {error}")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key is written twice in one mapping")
    return mapping


def _parse_yaml(text: str, name: str) -> object:
    document = read_yaml(text, name, _LIMITS)
    if document.findings:
        _refuse_text(document)
    return document.value


def _refuse_text(document: Document, otherwise: str = "") -> NoReturn:
    """Raise what is wrong with the text of `document`, or `otherwise` when its reader found nothing."""
    raise InvalidInventory(str(document.findings[0]) if document.findings else otherwise)


class _WrongEntry(InvalidInventory):
    """Data that is not an inventory: `path` leads to the fault, `rule` is the sentence about it."""

    def __init__(self, path: ConfigPath, rule: str) -> None:
        self.path = path
        self.rule = rule
        super().__init__(path, rule)

    def __str__(self) -> str:
        return f"{shortened(format_path(self.path))}: {self.rule}" if self.path else self.rule


def _contents_of(data: object) -> Contents:
    """Return what `data`, the whole of a file, says. Raises `_WrongEntry` for the first fault."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _WrongEntry((), f"an inventory is a mapping with 'format: {FORMAT}'")
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        rule = f"this release reads version {VERSION} of the format, not {represented(version)}"
        raise _WrongEntry(("version",), rule)
    _check_keys(data, _HEADING, ())
    model, only_root, entries = data.get("model"), data.get("only_root", False), data.get("layers")
    if model is not None and not isinstance(model, str):
        raise _WrongEntry(("model",), f"the name of a model is a string, not {represented(model)}")
    if not isinstance(entries, list):
        raise _WrongEntry(("layers",), "the layers are a list")
    if not isinstance(only_root, bool) or (only_root and entries):
        raise _WrongEntry(("only_root",), "'only_root' is true or false, and not true beside layers")
    layers = [_layer(entry, index) for index, entry in enumerate(entries)]
    return Contents(layers, model, only_root, _root(data.get("root")), _bases(data.get("bases", {})))


def _root(entry: object) -> OwnParameters | None:
    """Return the root's own parameters; None in the files of earlier releases, which do not have them."""
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise _WrongEntry(("root",), f"the root is a mapping with 'parameters', not {represented(entry)}")
    _check_keys(entry, _ROOT, ("root",))
    try:
        shapes = checked_parameters(entry.get("parameters", {}))
        dtypes, ties = (checked_texts(entry.get(key, {}), key, shapes, weight=True) for key in _ROOT[1:])
    except WrongField as error:
        raise _WrongEntry(("root", *error.path), error.rule) from error
    return OwnParameters(shapes, dtypes, ties)


def _bases(given: object) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(given, dict):
        raise _WrongEntry(
            ("bases",), f"'bases' maps types to the names of their bases, and is not {represented(given)}"
        )
    for name, bases in given.items():
        if not isinstance(name, str) or not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
            raise _WrongEntry(
                ("bases",), f"the bases of {represented(name)} are a list of names, not {represented(bases)}"
            )
    return {name: tuple(bases) for name, bases in given.items()}


def _layer(entry: object, index: int) -> Layer:
    if not isinstance(entry, dict):
        rule = f"a layer is a mapping with 'name' and 'type', not {represented(entry)}"
        raise _WrongEntry(("layers", index), rule)
    if not entry.keys() <= _ENTRY_KEYS:
        _check_keys(entry, _ENTRY, ("layers", index))
    if "name" not in entry or "type" not in entry:
        entry = {"name": None, "type": None} | entry
    try:
        return Layer(**entry)
    except WrongField as error:
        raise _WrongEntry(("layers", index, *error.path), error.rule) from error


def _check_keys(mapping: dict[Any, Any], known: Sequence[str], path: ConfigPath) -> None:
    """Refuse a key that is not among `known`."""
    for key in mapping:
        if key not in known:
            meant = nearest(shortened(key), known) if isinstance(key, str) else None
            hint = f"did you mean {meant!r}?" if meant else f"the keys are {listed(known)}"
            where = {0: "an inventory", 1: "the root"}.get(len(path), "a layer")
            raise _WrongEntry(path, f"unknown key {represented(key)} in {where}: {hint}")


# Writing.


def write_file(path: str | PathLike[str], contents: Contents) -> None:
    """Write `contents` to the file `path`, all of it or nothing: equal contents give equal bytes.

    Raises `UsageError` for an ending that stands for no format and for a file that cannot be written, and
    `InvalidInventory` for a name that YAML cannot hold.
    """
    path = Path(path)
    file_format, packed = _format_of(path)
    try:
        data = file_format.write(contents).encode()
    except UnicodeEncodeError as error:
        raise InvalidInventory(
            f"{printable(str(path))}: half of a surrogate pair cannot be written as YAML (write JSON)"
        ) from error
    write_whole(path, _gzipped(data) if packed else data)


def _gzipped(data: bytes) -> bytes:
    """Return `data` packed without time and name, which would differ from file to file."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()


def _heading_of(contents: Contents) -> dict[str, Any]:
    """Return what a file says before the layers."""
    heading: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    if contents.model is not None:
        heading["model"] = contents.model
    if contents.only_root:
        heading["only_root"] = True
    if contents.root is not None:
        texts = {"parameter_dtypes": dict(contents.root.dtypes), "parameter_ties": dict(contents.root.ties)}
        heading["root"] = {"parameters": dict(contents.root.shapes)} | {key: of for key, of in texts.items() if of}
    if contents.bases:
        heading["bases"] = dict(contents.bases)
    return heading


def _entries_of(layers: Iterable[Layer]) -> Iterator[dict[str, Any]]:
    """Yield one entry per layer, in the model's order; what can be derived from the rest is left out."""
    for layer in layers:
        entry: dict[str, Any] = {"name": layer.name, "type": layer.type}
        if layer.weight_shape is not None:
            entry["weight_shape"] = layer.weight_shape
        elif layer.has_weight is not None:
            entry["has_weight"] = layer.has_weight
        if layer.dtype is not None:
            entry["dtype"] = layer.dtype
        derived = derived_parameters(layer.weight_shape)
        if layer.parameters is not derived and layer.parameters != derived:
            entry["parameters"] = dict(layer.parameters)
        if layer.tied_to is not None:
            entry["tied_to"] = layer.tied_to
        if layer.aliases:
            entry["aliases"] = layer.aliases
        if layer.parameter_dtypes:
            entry["parameter_dtypes"] = dict(layer.parameter_dtypes)
        if layer.parameter_ties:
            entry["parameter_ties"] = dict(layer.parameter_ties)
        yield entry


def _write_json(contents: Contents) -> str:
    heading = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in _heading_of(contents).items())
    lines = ",\n".join(f"    {json.dumps(entry)}" for entry in _entries_of(contents.layers))
    return f'{{\n{heading}  "layers": [\n{lines}\n  ]\n}}\n' if lines else f'{{\n{heading}  "layers": []\n}}\n'


def _write_yaml(contents: Contents) -> str:
    heading = "".join(f"{key}: {_flow(value)}\n" for key, value in _heading_of(contents).items())
    lines = "".join(f"- {_flow(entry)}\n" for entry in _entries_of(contents.layers))
    return f"{heading}layers:\n{lines}" if lines else f"{heading}layers: []\n"


def _flow(value: object) -> str:
    """Return `value` as YAML on one line: as JSON, but for the characters that YAML breaks or refuses."""
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


# Formats.


class _Format(NamedTuple):
    """How one kind of text is read and written."""

    parse: Callable[[str, str], object]
    """Text and file name -> plain data."""
    read: Callable[[str, str, Limits], Document]
    """Text and file name -> plain data with positions."""
    write: Callable[[Contents], str]


_JSON = _Format(_parse_json, read_json, _write_json)
_YAML = _Format(_parse_yaml, read_yaml, _write_yaml)
_FORMATS = {".json": _JSON, ".yaml": _YAML, ".yml": _YAML}

ENDINGS = tuple(f"{ending}{packed}" for ending in _FORMATS for packed in ("", ".gz"))
"""How the names of inventory files end."""


def _format_of(path: Path) -> tuple[_Format, bool]:
    """Return the format that the name of `path` stands for, and whether it is gzipped."""
    packed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if packed else path).suffix.lower()
    if suffix not in _FORMATS:
        raise UsageError(f"the name of an inventory file ends in {listed(_FORMATS, last='or')}, each also with '.gz'")
    return _FORMATS[suffix], packed
