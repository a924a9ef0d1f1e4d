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

import yaml

from compression_config.errors import InvalidInventory, UsageError
from compression_config.inventory.entries import Contents, contents_of, entries_of, heading_of

__all__ = ["MAX_BYTES", "read_file", "write_file"]

MAX_BYTES = 256 * 2**20
"""How long the text of an inventory may be after unpacking."""


def write_file(path: str | PathLike[str], contents: Contents) -> None:
    """Write `contents` to the file `path`: equal contents give equal bytes.

    Raises `UsageError` for an ending that stands for no format, `InvalidInventory` for a name that YAML
    cannot hold, and `OSError` when the file cannot be written.
    """
    path = Path(path)
    _, write, packed = _format_of(path)
    try:
        data = write(contents).encode()
    except UnicodeEncodeError as error:
        raise InvalidInventory(f"{path}: half of a surrogate pair cannot be written as YAML (write JSON)") from error
    path.write_bytes(_gzipped(data) if packed else data)


def read_file(path: str | PathLike[str]) -> Contents:
    """Return what the file `path` says.

    Raises `UsageError` for an ending that stands for no format, and `InvalidInventory` for everything
    that is wrong with the file, beginning with that it cannot be read.
    """
    path = Path(path)
    parse, _, packed = _format_of(path)
    try:
        return contents_of(parse(_read_bytes(path, packed=packed).decode("utf-8-sig")))
    except InvalidInventory as error:
        raise InvalidInventory(f"{path}: {error}") from error
    except OSError as error:
        raise InvalidInventory(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise InvalidInventory(f"{path} cannot be unpacked: {error}") from error
    except RecursionError as error:
        raise InvalidInventory(f"{path} is nested too deeply for an inventory") from error
    # Both parsers and the decoder of bytes say what they do not understand, and where.
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidInventory(f"{path} cannot be understood: {error}") from error


def _read_bytes(path: Path, *, packed: bool) -> bytes:
    with gzip.open(path) if packed else path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidInventory(f"an inventory has at most {MAX_BYTES} bytes after unpacking")
    return data


def _gzipped(data: bytes) -> bytes:
    """Return `data` packed without time and name, which would differ from file to file."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()


def _parse_json(text: str) -> object:
    return json.loads(text, object_pairs_hook=_without_repeats)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        raise InvalidInventory(f"the key {max(keys, key=keys.count)!r} stands twice in one mapping")
    return mapping


def _write_json(contents: Contents) -> str:
    heading = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in heading_of(contents).items())
    lines = ",\n".join(f"    {json.dumps(entry)}" for entry in entries_of(contents.columns))
    return f'{{\n{heading}  "layers": [\n{lines}\n  ]\n}}\n' if lines else f'{{\n{heading}  "layers": []\n}}\n'


def _parse_yaml(text: str) -> object:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _write_yaml(contents: Contents) -> str:
    heading = "".join(f"{key}: {_flow(value)}\n" for key, value in heading_of(contents).items())
    lines = "".join(f"- {_flow(entry)}\n" for entry in entries_of(contents.columns))
    return f"{heading}layers:\n{lines}" if lines else f"{heading}layers: []\n"


def _flow(value: object) -> str:
    """Return `value` as YAML on one line: as JSON, but for the characters that YAML breaks or refuses."""
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _format_of(path: Path) -> tuple[Callable[[str], object], Callable[[Contents], str], bool]:
    """Return what parses and what writes the format that the name of `path` stands for, and whether it is gzipped."""
    packed = path.suffix == ".gz"
    suffix = path.with_suffix("").suffix if packed else path.suffix
    try:
        return *_FORMATS[suffix], packed
    except KeyError:
        raise UsageError(
            f"the name of an inventory file ends in {', '.join(_FORMATS)}, or in one of these and .gz"
        ) from None


_FORMATS = {
    ".json": (_parse_json, _write_json),
    ".yaml": (_parse_yaml, _write_yaml),
    ".yml": (_parse_yaml, _write_yaml),
}
