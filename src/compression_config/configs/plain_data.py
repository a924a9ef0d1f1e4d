"""Plain data: what users and config frameworks hand over, in Python's own types, and as messages show it (D6)."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Final, TypeAlias

from pydantic import BaseModel

from compression_config.text import printable, shortened

__all__ = ["Opaque", "plain", "shown"]


@dataclass(frozen=True, slots=True)
class Opaque:
    """Stands for an object that is not plain data: what a message can say about it."""

    type_name: str
    class_name: str | None = None
    """The name of the class, where the object is a class: `nn.Linear` written for "Linear"."""
    is_path: bool = False
    unreadable: bool = False
    """Whether reading it raised an error, of which `type_name` is the type."""


_LONGEST: Final = 1_000_000
"""The greatest length that a foreign sequence or mapping may claim to have, such as `range(10**15)`."""
_MOST: Final = 10_000_000
"""How many values are converted in one call: nesting multiplies lengths, and a list may hold itself twice."""
_FOREIGN: Final = 10
"""How many times a value of a foreign container counts: reading it runs code of its class, which may be slow."""
_DEEPEST: Final = 8

_Bytes: TypeAlias = bytes | bytearray | memoryview
"""Sequences of numbers in Python, but not in a config list."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


class _TooManyError(Exception):
    """More values than `_MOST`."""


def plain(value: object) -> object:
    """Return `value` in Python's own types: mappings as dicts, sequences as lists, numbers as int or float.

    Pydantic models are returned as they are. `Opaque` stands for everything else: objects of other types, objects
    that raise when they are read, and what is nested deeper or is longer than any config list. Raises nothing.
    """
    if type(value) in _SCALARS:
        return value
    try:
        return _Conversion().plain(value, _DEEPEST)
    except _TooManyError:
        return Opaque(f"{type(value).__name__} with more than {_MOST:,} values")


class _Conversion:
    """One call of `plain`: counts the values that it has converted."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST

    def plain(self, value: object, depth: int) -> object:
        try:
            # Python's own containers come first: they are all that most lists are made of.
            if depth and type(value) is dict:
                return self._mapping(value.items(), len(value), depth - 1)
            if depth and (type(value) is list or type(value) is tuple):
                return self._sequence(value, len(value), depth - 1)
            return self._converted(value, depth)
        except _TooManyError:
            raise
        except Exception:  # noqa: BLE001 - the value's own methods run here, and may raise anything
            return Opaque(type(value).__name__)

    def _converted(self, value: object, depth: int) -> object:
        # An object may claim any class by `__class__`: what is returned as it is, is asked for its type.
        if value is None or issubclass(type(value), BaseModel | bool | Opaque):
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return int.__int__(value)
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real | Decimal):
            return _as_float(value)
        if depth and isinstance(value, Mapping | Sequence) and not isinstance(value, _Bytes):
            length = len(value)
            if isinstance(value, list | tuple | dict) or length <= _LONGEST:
                self._count(length * (_FOREIGN - 1))
                # No more than its length: the iterator of a foreign class may have no end.
                parts = itertools.islice(value, length)
                if isinstance(value, Mapping):
                    return self._mapping(((key, _read(value, key)) for key in parts), length, depth - 1)
                return self._sequence(parts, length, depth - 1)
        if issubclass(type(value), type):
            return Opaque("type", class_name=_class_name(value))
        return Opaque(type(value).__name__, is_path=isinstance(value, os.PathLike))

    def _mapping(self, pairs: Iterable[tuple[object, object]], length: int, depth: int) -> dict[str, object]:
        self._count(length)
        return {
            key if type(key) is str and key.isascii() else _key(key): part
            if type(part) in _SCALARS
            else self.plain(part, depth)
            for key, part in pairs
        }

    def _sequence(self, parts: Iterable[object], length: int, depth: int) -> list[object]:
        self._count(length)
        return [part if type(part) in _SCALARS else self.plain(part, depth) for part in parts]

    def _count(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            raise _TooManyError


def _read(mapping: Mapping[object, object], key: object) -> object:
    """Return a value of a foreign mapping: frameworks raise for one that is missing, or cannot be interpolated."""
    try:
        return mapping[key]
    except Exception as error:  # noqa: BLE001 - a method of a foreign class may raise anything
        return Opaque(type(error).__name__, unreadable=True)


def _as_float(value: Real | Decimal) -> float:
    """Return a number by its shortest decimal text: `numpy.float32(0.7)` is 0.7, not 0.699999988 (D8)."""
    try:
        number = float(str(value))
        return number if type(value)(number) == value else float(value)  # type: ignore[call-arg]
    except (ValueError, TypeError):  # the text of a Fraction is not a float
        return float(value)


def _class_name(value: object) -> str:
    name: str = type.__dict__["__name__"].__get__(value)
    return name


def _key(key: object) -> str:
    known = plain(key)
    text = known if isinstance(known, str) else shown(known)
    # pydantic refuses half of a surrogate pair in a path.
    return text.encode(errors="backslashreplace").decode()


_SHOWN: Final = 40
"""How many characters of a value a message repeats."""


def shown(value: object) -> str:
    """Return plain data as a config file writes it, cut: what a message repeats of it.

    >>> shown(True), shown("0.5"), shown([1, 2])
    ('true', '"0.5"', '[1, 2]')
    """
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return shortened(_number(value), _SHOWN)
    if isinstance(value, str):
        return printable(_json(shortened(value, _SHOWN - 2)))  # its quotes close, also where it is cut
    if isinstance(value, bool | list | dict) or value is None:
        return shortened(printable(_json(value)), _SHOWN)
    if isinstance(value, Opaque) and value.class_name is not None:
        return f"the class {shortened(printable(value.class_name), _SHOWN)}"
    if isinstance(value, Opaque) and value.unreadable:
        return f"a value that cannot be read ({printable(value.type_name)})"
    return f"an object of type {printable(_type_name(value))}"


def _number(value: float) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of more digits than Python prints
        return "a number of thousands of digits"


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=_type_name)
    except (ValueError, TypeError, RecursionError):  # cycles, keys that are not strings, deep nesting
        return "a mapping" if isinstance(value, Mapping) else "a list"


def _type_name(value: object) -> str:
    return value.type_name if isinstance(value, Opaque) else type(value).__name__
