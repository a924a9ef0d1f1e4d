"""Texts and files to documents, whichever the format. The only module that opens the files of config lists."""

from __future__ import annotations

import codecs
import errno
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from compression_config.documents.document import DEFAULT_LIMITS, TOO_MUCH_MEMORY, Document, Limits, not_read
from compression_config.documents.json_reader import read_json
from compression_config.documents.yaml_reader import read_yaml
from compression_config.errors import UsageError
from compression_config.findings import Code, Finding
from compression_config.locations import Place

__all__ = ["Format", "decode", "read_file", "read_text"]

Format: TypeAlias = Literal["yaml", "json"]

_REASONS: Mapping[int, tuple[str, str | None]] = MappingProxyType(
    {
        errno.ENOENT: ("there is no such file", "write the path as seen from the working directory"),
        errno.ENOTDIR: ("there is no such file", "write the path as seen from the working directory"),
        errno.EISDIR: ("this is a directory, not a file", "write the path of a file in it"),
        errno.EACCES: ("this user may not read the file", "change its permissions"),
    }
)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)


def decode(data: bytes, name: str) -> str | Finding:
    r"""Return the text of the file `name`, or the finding `unreadable-file` that says why it has none.

    UTF-8, or with a byte order mark UTF-8, UTF-16 or UTF-32; the mark is dropped.

    >>> decode(b"\xff\xfea\0", "a.yaml")
    'a'
    """
    mark, codec, encoding = next((known for known in _MARKS if data.startswith(known[0])), (b"", "utf-8", "UTF-8"))
    try:
        return data[len(mark) :].decode(codec)
    except UnicodeDecodeError as error:
        offset = len(mark) + error.start
        message = f"the file is not valid {encoding}: unexpected byte 0x{data[offset]:02x} at offset {offset:,}"
        return Finding.at(Place((), None, name), Code.UNREADABLE_FILE, message, "save the file as UTF-8")


def read_text(
    text: str,
    format: Format,  # noqa: A002 -- the word that users look for
    name: str,
    limits: Limits = DEFAULT_LIMITS,
) -> Document:
    """Return the document that `text` is in `format`; findings use `name` as its file name.

    Whatever is wrong with `text` is in the findings. Raises `UsageError` for another format.

    >>> read_text('[{"exclude": true}]', "json", "a.json").value
    [{'exclude': True}]
    """
    if format == "json":
        document = read_json(text, name, limits)
        return replace(document, source=replace(document.source, notation="json"))
    if format == "yaml":
        return read_yaml(text, name, limits)
    raise UsageError(f"a format is 'yaml' or 'json', not {format!r}")


def read_file(path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Document:
    """Return the document in the file `path`: JSON when its name ends in `.json`, YAML otherwise.

    A file that cannot be read gives a document with the finding `unreadable-file`. Raises nothing.
    """
    name = os.fspath(path)
    try:
        with Path(name).open("rb") as file:
            # One byte more than the limit tells a file that is too long, and no more of it is read.
            data = file.read(limits.bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        number = error.errno if isinstance(error, OSError) else None
        message, hint = _REASONS.get(number or 0, (f"the file cannot be read: {error}", None))
        missing = number in (errno.ENOENT, errno.ENOTDIR)
        return replace(not_read(name, Code.UNREADABLE_FILE, message, hint), missing=missing)
    except MemoryError:
        return not_read(name, Code.TOO_LARGE, TOO_MUCH_MEMORY)
    if len(data) > limits.bytes:
        return not_read(name, Code.TOO_LARGE, limits.size_message)
    text = decode(data, name)
    if isinstance(text, Finding):
        return not_read(name, text.code, text.message, text.hint)
    return read_text(text, "json" if name.lower().endswith(".json") else "yaml", name, limits)
