"""Bytes of a file to text."""

from __future__ import annotations

import codecs

from compression_config.findings import Code, Finding
from compression_config.locations import Place

__all__ = ["decode"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)


def decode(data: bytes, name: str) -> str | Finding:
    r"""Return the text that the file `name` holds, or the finding `unreadable-file` that says why not.

    UTF-8, or with a byte order mark UTF-8, UTF-16 or UTF-32; the mark is no part of the text.

    >>> decode(b"\xff\xfea\0", "a.yaml")
    'a'
    """
    mark, codec, encoding = next((known for known in _MARKS if data.startswith(known[0])), (b"", "utf-8", "UTF-8"))
    try:
        return data[len(mark) :].decode(codec)
    except UnicodeDecodeError as error:
        offset = len(mark) + error.start
        message = f"the file is not {encoding}: the byte 0x{data[offset]:02x} at offset {offset:,} does not fit"
        place = Place((), None, name)
        return Finding.at(place, Code.UNREADABLE_FILE, message, "save the file as UTF-8")
