"""Texts and files to documents, whichever the format. The only module that opens the files of config lists."""

from __future__ import annotations

import codecs
import errno
import io
import os
import tokenize
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from compression_config.documents.comments import yaml_comments
from compression_config.documents.document import (
    DEFAULT_LIMITS,
    SPLIT_THE_LIST,
    TOO_MUCH_MEMORY,
    Document,
    Limits,
    not_read,
)
from compression_config.documents.json_reader import read_json
from compression_config.documents.python_reader import Script, read_script
from compression_config.documents.yaml_reader import read_yaml
from compression_config.errors import UsageError
from compression_config.findings import Code, Finding
from compression_config.locations import Place

__all__ = [
    "NO_SUCH_FILE",
    "Format",
    "TextFile",
    "decode",
    "format_of",
    "read_file",
    "read_script_file",
    "read_text",
    "read_text_file",
]

Format: TypeAlias = Literal["yaml", "json"]
"""How a text is written."""

NO_SUCH_FILE = "there is no such file"
_REASONS: Mapping[int, tuple[str, str | None]] = MappingProxyType(
    {
        errno.ENOENT: (NO_SUCH_FILE, "write the path as seen from the working directory"),
        errno.ENOTDIR: (NO_SUCH_FILE, "write the path as seen from the working directory"),
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


_GZIP = b"\x1f\x8b"


def decode(data: bytes, name: str) -> str | Finding:
    r"""Return the text of the file `name`, or the finding `unreadable-file` that says why it has none.

    UTF-8, or with a byte order mark UTF-8, UTF-16 or UTF-32; the mark is dropped.

    >>> decode(b"\xff\xfea\0", "a.yaml")
    'a'
    """
    found = _decoded(data, name)
    return found if isinstance(found, Finding) else found.text


class TextFile(NamedTuple):
    """The text of a file, and how it is written there."""

    text: str
    codec: str = "utf-8"
    mark: bytes = b""
    """The byte order mark, which is not in the text."""

    def encoded(self, text: str) -> bytes:
        """Return the bytes that the file would have with another text. Raises `UnicodeEncodeError`."""
        return self.mark + text.encode(self.codec)


def _decoded(data: bytes, name: str) -> TextFile | Finding:
    mark, codec, encoding = next((known for known in _MARKS if data.startswith(known[0])), (b"", "utf-8", "UTF-8"))
    try:
        return TextFile(data[len(mark) :].decode(codec), codec, mark)
    except UnicodeDecodeError as error:
        offset = len(mark) + error.start
        message = f"the file is not valid {encoding}: unexpected byte 0x{data[offset]:02x} at offset {offset:,}"
        hint = "unpack it: it is compressed with gzip" if data.startswith(_GZIP) else "save the file as UTF-8"
        return Finding.at(Place((), None, name), Code.UNREADABLE_FILE, message, hint)


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
        document = read_yaml(text, name, limits)
        return replace(document, source=replace(document.source, comments=yaml_comments(document.source.text)))
    raise UsageError(f"a format is 'yaml' or 'json', not {format!r}")


def read_file(
    path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS, *, worth_reading: Callable[[str], bool] | None = None
) -> Document:
    """Return the document in the file `path`: JSON when its name ends in `.json`, YAML otherwise.

    A text that is not `worth_reading` is taken for an empty one. A file that cannot be read gives a document with the
    finding `unreadable-file`. Raises nothing.
    """
    name = os.fspath(path)
    data = _bytes_of(name, limits)
    text = decode(data, name) if isinstance(data, bytes) else data
    if isinstance(text, Finding):
        return not_read(name, text.code, text.message, text.hint)
    if worth_reading is not None and not worth_reading(text):
        text = ""
    ending = Path(name).suffix.lower()
    if ending == ".ipynb":
        hint = "convert it with 'jupyter nbconvert --to script', and name the script"
        return not_read(name, Code.UNREADABLE_FILE, "config lists are not read from notebooks", hint)
    document = read_text(text, format_of(name), name, limits)
    return _of_another_format(document, ending) if ending in _OTHER_ENDINGS else document


_OTHER_ENDINGS = frozenset({".cfg", ".csv", ".html", ".ini", ".md", ".rst", ".sh", ".toml", ".xml"})
"""Of files that are not meant to be YAML: advice about their text does not help."""


def _of_another_format(document: Document, ending: str) -> Document:
    hint = f"it is read as YAML, which a file ending in '{ending}' is not: pass a config list in YAML or JSON"
    findings = (replace(found, hint=hint) if found.code is Code.SYNTAX else found for found in document.findings)
    return replace(document, findings=tuple(findings))


def format_of(name: str) -> Format:
    """Return the format of a document, by the name of its file."""
    return "json" if name.lower().endswith(".json") else "yaml"


def read_text_file(path: str, *, is_script: bool) -> TextFile | Finding:
    """Return the text of a file, or why it has none; the encoding of a script is the one that it declares."""
    data = _bytes_of(path, DEFAULT_LIMITS)
    if isinstance(data, Finding):
        return data
    return _script_decoded(data, path) if is_script else _decoded(data, path)


def read_script_file(
    path: str | os.PathLike[str],
    wanted: Callable[[Collection[str]], bool],
    *,
    worth_parsing: Callable[[str], bool] = bool,
) -> Script:
    """Return the lists in the Python script `path`; see `read_script`. Raises nothing.

    A script whose text is not `worth_parsing` has none. Its encoding is the one that it declares, else UTF-8.
    """
    name = os.fspath(path)
    found = read_text_file(name, is_script=True)
    if isinstance(found, Finding):
        return Script(name, problem=found)
    return read_script(found.text, name, wanted) if worth_parsing(found.text) else Script(name)


def _script_decoded(data: bytes, name: str) -> TextFile | Finding:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return TextFile(data.decode(encoding), encoding)
    except (SyntaxError, LookupError, UnicodeDecodeError):
        return _decoded(data, name)


def _bytes_of(name: str, limits: Limits) -> bytes | Finding:
    """Return what is in a file, or the finding that says why it cannot be read."""
    try:
        with Path(name).open("rb") as file:
            # One byte more than the limit tells a file that is too long, and no more of it is read.
            data = file.read(limits.bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        number = error.errno if isinstance(error, OSError) else None
        message, hint = _REASONS.get(number or 0, (f"the file cannot be read: {error}", None))
        return _unread(name, Code.UNREADABLE_FILE, message, hint)
    except MemoryError:
        return _unread(name, Code.TOO_LARGE, TOO_MUCH_MEMORY)
    return _unread(name, Code.TOO_LARGE, limits.size_message) if len(data) > limits.bytes else data


def _unread(name: str, code: Code, message: str, hint: str | None = SPLIT_THE_LIST) -> Finding:
    return Finding.at(Place((), None, name), code, message, hint)
