"""Checkpoints: the tensors of safetensors files by name, each read when it is looked up.

A file is the length of its header (8 bytes, little-endian), the header in JSON, which gives the type, the shape and the
place of each tensor, and the bytes of the tensors. Numpy does the reading, torch is not needed: types that numpy does
not have, the 16-bit brain float and the 8-bit floats, come as 32-bit floats of the same values.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from compression_config.errors import InvalidInventory, UsageError
from compression_config.inventory.layer import checked_shape
from compression_config.text import represented
from compression_config.verification.tensors import numpy

__all__ = ["Checkpoint", "read_checkpoint"]

Array: TypeAlias = Any
"""A numpy array; numpy is not imported before a checkpoint is read."""

Json: TypeAlias = Any
"""What JSON holds."""

_STORED_AS = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": "<u2",
    "F8_E4M3": "u1",
    "F8_E5M2": "u1",
}
"""Types of the format -> how numpy reads their bytes."""

_LARGEST_HEADER = 100_000_000
"""In bytes; the format itself sets this limit."""

_READING = "reading a checkpoint"
"""What needs numpy."""

_LENGTH = 8
"""How many bytes the length of the header takes."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a header says of one tensor."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    """Where its bytes start in the file."""
    size: int
    """How many bytes it takes."""


class Checkpoint(Mapping[str, Array]):
    """The tensors of one or several safetensors files by name; each look-up reads that one tensor again."""

    def __init__(self, entries: Mapping[str, _Entry]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Array:
        return _array(name, self._entries[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __repr__(self) -> str:
        return f"<Checkpoint of {len(self)} tensors>"


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Return the tensors in the safetensors file `path`, or in those of the directory `path`.

    A directory may hold an index (`*.safetensors.index.json`), which then says which file has which tensor. Only the
    headers are read at once. Raises `UsageError` when there is no such file or it breaks a rule of the format, and
    `CompressionConfigError` where numpy is not installed.
    """
    numpy(_READING)
    place = Path(path)
    try:
        if place.is_dir():
            return Checkpoint(_directory(place))
        return Checkpoint(_header(place))
    except UsageError:
        raise
    except (OSError, ValueError) as error:  # a name, also one in an index, that no file can have
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"the checkpoint {str(path)!r} cannot be read: {reason}") from error


def _directory(place: Path) -> dict[str, _Entry]:
    """Return what all files of a directory hold, those alone that its index names if it has one."""
    indices = sorted(place.glob("*.safetensors.index.json"))
    if len(indices) > 1:
        _refuse(place, f"it holds {len(indices)} indices, {indices[0].name!r} and {indices[1].name!r} among them")
    if indices:
        return _indexed(indices[0])
    files = sorted(place.glob("*.safetensors"))
    if not files:
        _refuse(place, "it holds no safetensors file")
    entries: dict[str, _Entry] = {}
    for file in files:
        for name, entry in _header(file).items():
            if name in entries:
                _refuse(place, f"both {entries[name].path.name!r} and {file.name!r} hold {represented(name)}")
            entries[name] = entry
    return entries


def _indexed(index: Path) -> dict[str, _Entry]:
    try:
        files = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        pairs = [(str(name), str(file)) for name, file in files.items()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _refuse(index, "it is not an index with a 'weight_map'", error)
    headers: dict[str, dict[str, _Entry]] = {}
    entries: dict[str, _Entry] = {}
    for name, file in pairs:
        if Path(file).name != file:
            _refuse(index, f"{represented(file)} is not the name of a file beside it")
        if file not in headers:
            headers[file] = _header(index.parent / file)
        if name not in headers[file]:
            _refuse(index, f"{represented(file)} does not hold {represented(name)}")
        entries[name] = headers[file][name]
    return entries


def _header(path: Path) -> dict[str, _Entry]:
    """Return what the header of a file says; refuse what the reader of the format's own library refuses."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(_LENGTH), "little")
        if size < _LENGTH or length > min(_LARGEST_HEADER, size - _LENGTH):
            _refuse(path, "it is not a safetensors file: its first 8 bytes are not the length of a header")
        text = file.read(length)
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        _refuse(path, "it is not a safetensors file: its header is not JSON", error)
    if not isinstance(pairs, _Pairs):
        _refuse(path, "it is not a safetensors file: its header is not a mapping")
    start = _LENGTH + length
    entries: dict[str, _Entry] = {}
    for name, fields in pairs:
        if name in entries:
            _refuse(path, f"its header has {represented(name)} twice")
        if name != "__metadata__":
            entries[name] = _entry(path, name, fields, start)
    end = start
    # The tensors fill the file without a hole: no bytes belong to two tensors or to nothing.
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].size)):
        if entry.start != end:
            _refuse(path, f"the bytes of {represented(name)} do not start where those of the tensor before it end")
        end += entry.size
    if end != size:
        _refuse(path, f"its tensors take {end - start:,} bytes, and {size - start:,} follow the header")
    return entries


class _Pairs(list[tuple[str, Json]]):
    """A mapping of JSON as it is written, repeated keys included."""


def _entry(path: Path, name: str, fields: Json, start: int) -> _Entry:
    known = dict(fields) if isinstance(fields, _Pairs) else {}
    dtype, given, offsets = known.get("dtype"), known.get("shape"), known.get("data_offsets")
    begin, end = offsets if type(offsets) is list and list(map(type, offsets)) == [int, int] else (1, 0)
    try:
        shape = checked_shape(given, ("shape",)) if type(given) is list else None
    except InvalidInventory:
        shape = None
    if not isinstance(dtype, str) or shape is None or not 0 <= begin <= end:
        _refuse(path, f"its header does not give dtype, shape and data_offsets of {represented(name)}")
    stored = _STORED_AS.get(dtype)
    if stored is not None and numpy(_READING).dtype(stored).itemsize * math.prod(shape) != end - begin:
        _refuse(path, f"{represented(name)} does not take as many bytes as its dtype and shape")
    return _Entry(path, dtype, shape, start + begin, end - begin)


def _array(name: str, entry: _Entry) -> Array:
    np = numpy(_READING)
    stored = _STORED_AS.get(entry.dtype)
    if stored is None:
        raise UsageError(f"{name!r} is stored as {entry.dtype!r}, which cannot be read here")
    dtype = np.dtype(stored)
    try:
        flat = np.fromfile(entry.path, dtype=dtype, count=entry.size // dtype.itemsize, offset=entry.start)
    except OSError as error:
        raise UsageError(f"{str(entry.path)!r} cannot be read: {error.strerror or error}") from error
    if entry.dtype == "BF16":
        flat = (flat.astype("<u4") << 16).view("<f4")  # the upper half of a 32-bit float
    elif entry.dtype == "F8_E5M2":
        flat = (flat.astype("<u2") << 8).view("<f2").astype("<f4")  # the upper half of a 16-bit float
    elif entry.dtype == "F8_E4M3":
        flat = np.array([_e4m3(code) for code in range(256)], dtype="<f4")[flat]
    return flat.reshape(entry.shape)


def _e4m3(code: int) -> float:
    """Return the 8-bit float `code`: a sign, 4 bits of exponent (bias 7), 3 of fraction, no infinities."""
    exponent, fraction = code >> 3 & 15, (code & 7) / 8
    if code & 0x7F == 0x7F:  # noqa: PLR2004 - all ones: not a number
        return math.nan
    value = math.ldexp(fraction, -6) if exponent == 0 else math.ldexp(1 + fraction, exponent - 7)
    return -value if code & 0x80 else value


def _refuse(path: Path, reason: str, cause: Exception | None = None) -> NoReturn:
    raise UsageError(f"the checkpoint {str(path)!r} cannot be used: {reason}") from cause
