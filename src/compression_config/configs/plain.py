"""Plain data: what config frameworks and numpy hand out, in Python's own types (D6)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TypeAlias

from pydantic import BaseModel

from compression_config.configs.remarks import Opaque, shown

__all__ = ["plain"]

Bytes: TypeAlias = bytes | bytearray | memoryview
"""Sequences of numbers to Python, and of nothing to a config list."""


def plain(value: object) -> object:
    """Return `value` in Python's own types: mappings as dicts, sequences as lists, numbers as int or float.

    Config frameworks and numpy hand out types of their own (D6). `Opaque` stands for what is none of these, for
    what raises when it is looked at, and for what is nested deeper or is longer than any config list. Raises
    nothing.
    """
    return _plain(value, _DEEPEST)


_DEEPEST = 8
_LONGEST = 1_000_000
"""How many parts are asked of what only claims to have them, such as `range(10**15)`."""


def _plain(value: object, depth: int) -> object:
    try:
        return _converted(value, depth)
    except Exception:  # noqa: BLE001 - the value's own methods run here; whatever they raise, it is no plain data
        return Opaque(type(value).__name__)


def _converted(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | BaseModel):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if depth and isinstance(value, Mapping | Sequence) and not isinstance(value, Bytes):
        parts = itertools.islice(value, len(value))
        if isinstance(value, list | tuple | dict) or len(value) <= _LONGEST:
            if isinstance(value, Mapping):
                return {_key(key): _plain(value[key], depth - 1) for key in parts}
            return [_plain(part, depth - 1) for part in parts]
    return Opaque(type(value).__name__)


def _key(key: object) -> str:
    known = plain(key)
    text = known if isinstance(known, str) else shown(known)
    return text.encode(errors="backslashreplace").decode()  # pydantic takes no halves of surrogate pairs
