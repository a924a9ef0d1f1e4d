"""What is to be said of a sub-config, before anybody knows where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from compression_config.findings import Code
from compression_config.naming.spelling import printable
from compression_config.spans import ConfigPath

__all__ = ["Opaque", "Remark", "remarks_of", "shown", "validation_error"]

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
