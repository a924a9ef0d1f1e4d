"""What is to be said of a sub-config, before anybody knows where it stands."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import NamedTuple, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from compression_config.findings import Code
from compression_config.locations import ConfigPath
from compression_config.text import printable

__all__ = ["Opaque", "Remark", "plain", "remarks_of", "shown", "validation_error"]


_LONGEST_SHOWN = 40
"""How many characters of a value a message repeats."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Stands for an object that is no plain data: all that is known of it is its type."""

    type_name: str


class Remark(NamedTuple):
    """A finding that has no place yet: its path starts at the sub-config."""

    code: Code
    message: str
    hint: str | None = None
    path: ConfigPath = ()
    at_key: bool = False
    """Whether the key itself is meant, not the value behind it."""


def validation_error(title: str, remarks: Iterable[Remark]) -> ValidationError:
    """Return the pydantic error that says `remarks`, each at its key: what direct construction raises."""
    return ValidationError.from_exception_data(
        title,
        [
            InitErrorDetails(
                type=PydanticCustomError(
                    remark.code.value,
                    "{message} ({hint})" if remark.hint else "{message}",
                    {
                        "message": printable(remark.message),
                        "hint": remark.hint and printable(remark.hint),
                        "at_key": remark.at_key,
                    },
                ),
                loc=remark.path,
                input=None,
            )
            for remark in remarks
        ],
    )


def remarks_of(error: ValidationError) -> list[Remark]:
    """Return what a pydantic error says; the inverse of `validation_error`, with the paths that nesting gave."""
    remarks = []
    for details in error.errors(include_url=False, include_input=False):
        said = details["ctx"]
        remarks.append(Remark(Code(details["type"]), said["message"], said["hint"], details["loc"], said["at_key"]))
    return remarks


def shown(value: object) -> str:
    """Return `value` as a config file writes it, shortened: what a message repeats of it.

    >>> shown(True), shown("0.5"), shown([1, 2])
    ('true', '"0.5"', '[1, 2]')
    """
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        text = _number(value)
    elif isinstance(value, str | bool | list | dict) or value is None:
        text = _json(value)
    else:
        text = f"an object of type {_type_name(value)}"
    text = printable(text)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _number(value: float) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of more digits than Python prints
        return "a number of thousands of digits"


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=_type_name)
    except (ValueError, TypeError, RecursionError):  # cycles, keys that are no strings, deep nesting
        return "a mapping" if isinstance(value, Mapping) else "a list"


def _type_name(value: object) -> str:
    return value.type_name if isinstance(value, Opaque) else type(value).__name__


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
