"""Files: inventories as JSON or YAML, gzipped or not; the ending of the file's name says which."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from compression_config.documents import Document, Limits, read_json, read_yaml
from compression_config.documents.collecting import paused_collector
from compression_config.errors import InvalidInventory, UsageError
from compression_config.inventory.columns import Columns, ParameterPairs, linked, packed
from compression_config.inventory.layer import Shape
from compression_config.locations import ConfigPath, format_path
from compression_config.text import listed, nearest

__all__ = [
    "FORMAT",
    "MAX_BYTES",
    "VERSION",
    "Contents",
    "WrongEntry",
    "contents_of",
    "entries_of",
    "heading_of",
    "read_file",
    "write_file",
]


MAX_BYTES = 256 * 2**20
"""How long the text of an inventory may be after unpacking."""

_LIMITS = Limits(bytes=MAX_BYTES, elements=2_000_000, depth=8, nodes=40_000_000)


def write_file(path: str | PathLike[str], contents: Contents) -> None:
    """Write `contents` to the file `path`: equal contents give equal bytes.

    Raises `UsageError` for an ending that stands for no format, `InvalidInventory` for a name that YAML
    cannot hold, and `OSError` when the file cannot be written.
    """
    path = Path(path)
    file_format, packed = _format_of(path)
    try:
        data = file_format.write(contents).encode()
    except UnicodeEncodeError as error:
        raise InvalidInventory(f"{path}: half of a surrogate pair cannot be written as YAML (write JSON)") from error
    path.write_bytes(_gzipped(data) if packed else data)


def read_file(path: str | PathLike[str]) -> Contents:
    """Return what the file `path` says.

    Raises `UsageError` for an ending that stands for no format, and `InvalidInventory` for everything
    that is wrong with the file, beginning with that it cannot be read.
    """
    path = Path(path)
    file_format, packed = _format_of(path)
    text = _read_text(path, packed=packed)
    with paused_collector():
        data = file_format.parse(text, str(path))
        try:
            return contents_of(data)
        except WrongEntry as error:
            # Only now are positions worth the time that it takes to read with them.
            start = file_format.read(text, str(path), _LIMITS).source.tree.span(error.path).start
            raise InvalidInventory(f"{path}:{start.line}:{start.column}: {error}") from error
        except InvalidInventory as error:
            raise InvalidInventory(f"{path}: {error}") from error


def _read_text(path: Path, *, packed: bool) -> str:
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except gzip.BadGzipFile as error:
        raise InvalidInventory(f"{path} is not gzipped, although its name says so: {error}") from error
    except OSError as error:
        raise InvalidInventory(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise InvalidInventory(f"{path} cannot be unpacked: {error}") from error
    except ValueError as error:  # a path with a NUL in it
        raise InvalidInventory(f"{path} cannot be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise InvalidInventory(f"{path}: an inventory has at most {MAX_BYTES} bytes after unpacking")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInventory(f"{path} is not UTF-8: {error}") from error


def _gzipped(data: bytes) -> bytes:
    """Return `data` packed without time and name, which would differ from file to file."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()


def _parse_json(text: str, name: str) -> object:
    """Return the plain data that `text` is: at the speed of `json`, which says less of what is wrong."""
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        _refuse(read_json(text, name, _LIMITS), f"{name} is no JSON: {error}")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key stands twice in one mapping")
    return mapping


def _parse_yaml(text: str, name: str) -> object:
    document = read_yaml(text, name, _LIMITS)
    if document.findings:
        _refuse(document)
    return document.value


def _refuse(document: Document, otherwise: str = "") -> NoReturn:
    """Raise what is wrong with the text of `document`, or `otherwise` when it has nothing to say."""
    raise InvalidInventory(str(document.findings[0]) if document.findings else otherwise)


def _write_json(contents: Contents) -> str:
    heading = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in heading_of(contents).items())
    lines = ",\n".join(f"    {json.dumps(entry)}" for entry in entries_of(contents.columns))
    return f'{{\n{heading}  "layers": [\n{lines}\n  ]\n}}\n' if lines else f'{{\n{heading}  "layers": []\n}}\n'


def _write_yaml(contents: Contents) -> str:
    heading = "".join(f"{key}: {_flow(value)}\n" for key, value in heading_of(contents).items())
    lines = "".join(f"- {_flow(entry)}\n" for entry in entries_of(contents.columns))
    return f"{heading}layers:\n{lines}" if lines else f"{heading}layers: []\n"


def _flow(value: object) -> str:
    """Return `value` as YAML on one line: as JSON, but for the characters that YAML breaks or refuses."""
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


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


def _format_of(path: Path) -> tuple[_Format, bool]:
    """Return the format that the name of `path` stands for, and whether it is gzipped."""
    packed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if packed else path).suffix.lower()
    if suffix not in _FORMATS:
        raise UsageError(f"the name of an inventory file ends in {listed(_FORMATS, last='or')}, each also with '.gz'")
    return _FORMATS[suffix], packed


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
        _entries_refuse((), f"an inventory is a mapping with 'format: {FORMAT}'")
    if type(data.get("version")) is not int or data["version"] != VERSION:
        _entries_refuse(
            ("version",), f"this release reads version {VERSION} of the format, not {data.get('version')!r}"
        )
    _check_keys(data, _HEADING, ())
    model, only_root, entries = data.get("model"), data.get("only_root", False), data.get("layers")
    if model is not None and not isinstance(model, str):
        _entries_refuse(("model",), f"the name of a model is a string, not {model!r}")
    if not isinstance(entries, list):
        _entries_refuse(("layers",), "the layers are a list")
    if not isinstance(only_root, bool) or (only_root and entries):
        _entries_refuse(("only_root",), "'only_root' is true or false, and not true beside layers")
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
            _entries_refuse(("layers", index), f"a layer is a mapping with 'name' and 'type', not {entry!r}")
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
        _entries_refuse(("layers", index, "has_weight"), f"true or false is expected, not {known!r}")
    if shape is None:
        return known
    if known is False:
        _entries_refuse(("layers", index, "has_weight"), "it cannot be false beside a 'weight_shape'")
    return True


def _parameters(entry: dict[str, Any], index: int) -> dict[str, Shape | None]:
    given = entry["parameters"]
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        _entries_refuse(("layers", index, "parameters"), f"names with shapes are expected, not {given!r}")
    return {name: None if shape is None else _shape(shape, index, "parameters", name) for name, shape in given.items()}


def _aliases(entry: dict[str, Any], index: int) -> list[str]:
    given = entry["aliases"]
    if not isinstance(given, list) or not all(isinstance(alias, str) and alias for alias in given):
        _entries_refuse(("layers", index, "aliases"), f"a list of names is expected, not {given!r}")
    return given


def _shape(given: object, index: int, *path: str) -> Shape:
    if type(given) is not list or not all(type(length) is int and length >= 0 for length in given):
        _entries_refuse(("layers", index, *path), f"a shape is a list of whole numbers from 0, not {given!r}")
    return tuple(given)


def _check_keys(mapping: dict[Any, Any], known: Sequence[str], path: ConfigPath) -> None:
    """Refuse a key that is not among `known`."""
    for key in mapping:
        if key not in known:
            meant = nearest(key, known) if isinstance(key, str) else []
            remedy = f"did you mean {meant[0]!r}?" if meant else f"the keys are {listed(known)}"
            _entries_refuse(path, f"{key!r} is no key of {'a layer' if path else 'an inventory'}: {remedy}")


def _refuse_text(value: object, path: ConfigPath) -> NoReturn:
    remedy = " (put it in quotes)" if isinstance(value, bool | int | float) else ""
    _entries_refuse(path, f"a string that is not empty is expected, not {value!r}{remedy}")


def _entries_refuse(path: ConfigPath, rule: str) -> NoReturn:
    raise WrongEntry(path, rule)
