"""Texts and files to documents, whichever the format. The only module that opens the files of config lists."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from compression_config.documents.decoding import decode
from compression_config.documents.document import DEFAULT_LIMITS, Document, Limits
from compression_config.documents.json_reader import read_json
from compression_config.documents.problems import not_read, size_words
from compression_config.documents.yaml_reader import read_yaml
from compression_config.errors import UsageError
from compression_config.findings import Code, Finding

__all__ = ["Format", "read_file", "read_text"]

Format: TypeAlias = Literal["yaml", "json"]

_REASONS: Mapping[int, tuple[str, str | None]] = MappingProxyType(
    {
        errno.ENOENT: ("there is no such file", "write the path as seen from the working directory"),
        errno.ENOTDIR: ("there is no such file", "write the path as seen from the working directory"),
        errno.EISDIR: ("this is a directory, not a file", "write the path of a file in it"),
        errno.EACCES: ("the file may not be read by this user", "change its permissions"),
    }
)


def read_text(
    text: str,
    format: Format,  # noqa: A002 -- the word that users look for
    name: str,
    limits: Limits = DEFAULT_LIMITS,
) -> Document:
    """Return the document that `text` is in `format`; `name` stands for it in findings.

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
            data = file.read(limits.bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        number = error.errno if isinstance(error, OSError) else None
        message, hint = _REASONS.get(number or 0, (f"the file cannot be read: {error}", None))
        return not_read(name, Code.UNREADABLE_FILE, message, hint)
    except MemoryError:
        return not_read(name, Code.TOO_LARGE, "the document does not fit into memory", size_words(limits)[1])
    if len(data) > limits.bytes:
        return not_read(name, Code.TOO_LARGE, *size_words(limits))
    text = decode(data, name)
    if isinstance(text, Finding):
        return not_read(name, text.code, text.message, text.hint)
    return read_text(text, "json" if name.lower().endswith(".json") else "yaml", name, limits)
