"""Files: inventories as JSON or YAML, gzipped or not; the ending of the file's name says which."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple, NoReturn

from compression_config.documents import Document, Limits, paused_collector, read_json, read_yaml
from compression_config.errors import InvalidInventory, UsageError
from compression_config.inventory.entries import Contents, WrongEntry, contents_of, entries_of, heading_of
from compression_config.naming.spelling import listed

__all__ = ["MAX_BYTES", "read_file", "write_file"]

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
