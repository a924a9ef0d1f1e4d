"""What a YAML scalar means: the core schema of YAML 1.2, not the guesses of YAML 1.1 (D15).

`1e-1` is a number, only true and false are booleans, `010` is ten, and nothing is a date or a
sexagesimal number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

__all__ = ["COLLECTION_TAGS", "SCALAR_TAGS", "is_number", "plain_value"]

_WORDS: Mapping[str, object] = MappingProxyType(
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
    | {sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
    | dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan)
)
_NUMBER_STARTS = frozenset("+-.0123456789")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def is_number(text: str) -> bool:
    """Return whether the plain scalar `text` is written as an integer or a float."""
    return text[:1] in _NUMBER_STARTS and any(pattern.fullmatch(text) for pattern, _ in _NUMBERS)


def plain_value(text: str) -> object:
    """Return what the plain (unquoted, untagged) scalar `text` means: None, a bool, a number, or itself.

    Python converts no integer of thousands of digits: the caller checks `is_number` first for a long text.

    >>> [plain_value(text) for text in ("1e-1", "yes", "010", "0x1F", "~", "1.10", "1:30")]
    [0.1, 'yes', 10, 31, None, 1.1, '1:30']
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    for pattern, convert in _NUMBERS:
        if pattern.fullmatch(text):
            return convert(text)
    return text


def _int_of_base(text: str) -> int:
    return int(text, 0)


_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (_DECIMAL, int),
    (_FLOAT, float),
    (_OTHER_BASE, _int_of_base),
)


def _as_int(text: str) -> object:
    value = plain_value(text)
    if type(value) is not int:
        raise ValueError("an integer")
    return value


def _as_float(text: str) -> object:
    value = plain_value(text)
    if type(value) is float:
        return value
    if not _DECIMAL.fullmatch(text):
        raise ValueError("a number")
    return float(text)


def _as_bool(text: str) -> object:
    value = plain_value(text)
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def _as_null(text: str) -> object:
    if plain_value(text) is not None:
        raise ValueError("null")
    return None


_STANDARD = "tag:yaml.org,2002:"

SCALAR_TAGS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "!": str,
        _STANDARD + "str": str,
        _STANDARD + "int": _as_int,
        _STANDARD + "float": _as_float,
        _STANDARD + "bool": _as_bool,
        _STANDARD + "null": _as_null,
    }
)
"""The tags that a scalar may have, and what they make of its text.

Each raises `ValueError` with what it takes when the text is something else.
"""

COLLECTION_TAGS: Mapping[str, type] = MappingProxyType(
    {_STANDARD + "map": dict, _STANDARD + "seq": list},
)
"""The tags that a collection may have, and of which kind it then must be."""
