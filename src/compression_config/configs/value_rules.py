"""The kinds of value that a key can have: what is wrong with one, how it is kept, and its JSON Schema.

Each rule is stated once, in `faults`, which decides and explains at the same time. Rules are given plain data
(`plain_data.plain`): exact built-in types, and `Opaque` for everything else. A rule is a pydantic annotation
too, which gives its key to serialization and to the JSON Schema of pydantic.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypeGuard

from pydantic_core import CoreSchema, core_schema

from compression_config.configs.dialects import foreign_value
from compression_config.configs.plain_data import Opaque, shown
from compression_config.findings import Code, Hint, Line, LocalFinding
from compression_config.frozen import FrozenMapping
from compression_config.text import listed, nearest, shortened

__all__ = [
    "QUANT_TYPES",
    "Choice",
    "ExcludeRule",
    "IntegerRule",
    "JsonSchema",
    "NamesRule",
    "PerQuantTypeRule",
    "QuantType",
    "QuantTypesRule",
    "RatioRule",
    "ValueRule",
    "maps_bits",
]

JsonSchema: TypeAlias = dict[str, Any]


class ValueRule(abc.ABC):
    """What the value of a key may be."""

    @abc.abstractmethod
    def faults(self, key: str, value: object) -> Sequence[LocalFinding]:
        """Return what is wrong with `value`; nothing when `key` takes it. Paths start at the key."""

    @abc.abstractmethod
    def schema(self) -> JsonSchema:
        """Return the same rule as JSON Schema."""

    def kept(self, value: Any) -> object:
        """Return a value that has no faults as a sub-config keeps it: immutable and hashable."""
        return value

    def takes(self, value: object) -> bool:
        """Return whether `value` has no faults."""
        return not self.faults("", value)

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        # The sub-config has applied the rule before pydantic sees the value (`SubConfig.checked`).
        return core_schema.any_schema(serialization=core_schema.plain_serializer_function_ser_schema(_dumped))

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> JsonSchema:
        return self.schema()


@dataclass(frozen=True, slots=True)
class NamesRule(ValueRule):
    """A list of names or types: at least one, none of them empty (D1)."""

    one: str
    """What an element is called in a message: "type", "name", "partial name"."""
    example: str

    def schema(self) -> JsonSchema:
        # That it may be empty beside `exclude` is said where the keys of a sub-config are put together.
        return {"type": "array", "items": {"type": "string", "minLength": 1}}

    def kept(self, value: Any) -> object:
        return tuple(value)

    def faults(self, key: str, value: object) -> Sequence[LocalFinding]:
        if not isinstance(value, list):
            what = f"the string {shown(value)}" if isinstance(value, str) else shown(value)
            meant = self._meant(value)
            hint = Hint("write {}", Line(key, meant))
            found = LocalFinding(Code.WRONG_TYPE, f"'{key}' must be a list, not {what}", hint, (key,))
            if isinstance(value, str) and ", ".join(meant) == value:
                found = found.replacing(meant)
            return [found]
        if not value:
            message = f"'{key}' must name at least one {self.one}"
            instead = "name one, or delete the key to select by the other keys"
            return [LocalFinding(Code.EMPTY_SELECTOR, message, instead, (key,))]
        return [
            fault._replace(path=(key, position))
            for position, element in enumerate(value)
            if (fault := self._fault(key, element)) is not None
        ]

    def _fault(self, key: str, element: object) -> LocalFinding | None:
        """Return what is wrong with one element, or None."""
        if isinstance(element, str):
            if not element:
                message = f"an empty string is not a {self.one}"
                return LocalFinding(Code.EMPTY_SELECTOR, message, f"write a {self.one}, or delete it")
            if not element.isascii() and any("\ud800" <= character <= "\udfff" for character in element):
                message = f"an element of '{key}' has half of a surrogate pair, which is not a character"
                return LocalFinding(Code.WRONG_TYPE, message, f"retype the {self.one}")
            return None
        message = f"'{key}' must contain strings, not {shown(element)}"
        if element is None:
            message = f"an element of '{key}' has no value"
            return LocalFinding(Code.EMPTY_VALUE, message, f"write a {self.one}, or delete it")
        if isinstance(element, bool | int | float):
            found = LocalFinding(Code.UNQUOTED_NAME, message, f'write "{shown(element)}"')
            # Of a float or a boolean the text is not known: the 1.1 may be written 1.10.
            return found.replacing(shown(element)) if type(element) is int else found
        if self.one == "type" and isinstance(element, Opaque) and element.class_name is not None:
            return LocalFinding(Code.WRONG_TYPE, message, f'write "{shortened(element.class_name)}"')
        return LocalFinding(
            Code.WRONG_TYPE, message, Hint(f"write one {self.one}, as in {{}}", Line(key, [self.example]))
        )

    def _meant(self, value: object) -> list[str]:
        """Return the list that was meant where something else was written, or an example."""
        names: list[str] = []
        if isinstance(value, str):
            names = list(filter(None, _BETWEEN_NAMES.split(value)))
        elif isinstance(value, dict):
            names = list(value)
        elif self.one == "type" and isinstance(value, Opaque) and value.class_name is not None:
            names = [value.class_name]
        short = len(names) <= _FEW and all(name and shortened(name) == name for name in names)
        return names if names and short else [self.example]


@dataclass(frozen=True, slots=True)
class ExcludeRule(ValueRule):
    """`true` and nothing else (D4)."""

    def schema(self) -> JsonSchema:
        return {"const": True}

    def faults(self, key: str, value: object) -> Sequence[LocalFinding]:
        if value is True:
            return ()
        if value is False:
            hint = "delete the key; leaving it out means the same"
            # Not safe: before its release 1.4 NNI read it as this does, and after that as true (D4).
            return [LocalFinding(Code.EXCLUDE_FALSE, f"'{key}' takes only true", hint, (key,), fix=("delete", None))]
        written = Hint("write {}", Line(key, value=True))
        if isinstance(value, list) and 0 < len(value) <= _FEW and all(isinstance(name, str) for name in value):
            written = Hint("write a later sub-config with {} and {}", Line("op_names", value), Line(key, value=True))
        return [LocalFinding(Code.WRONG_TYPE, f"'{key}' takes only true, not {shown(value)}", written, (key,))]


@dataclass(frozen=True, slots=True)
class RatioRule(ValueRule):
    """A share of weight elements: from 0 up to but not including 1, or a cap: above 0, up to 1 (D6)."""

    cap: bool = False

    def schema(self) -> JsonSchema:
        if self.cap:
            return {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
        return {"type": "number", "minimum": 0, "exclusiveMaximum": 1}

    def kept(self, value: Any) -> object:
        return float(value)

    def faults(self, key: str, value: object) -> Sequence[LocalFinding]:
        if isinstance(value, bool) or not isinstance(value, _NUMBERS):
            message = f"'{key}' must be a number, not {shown(value)}"
            hint, number = self._number_meant(value)
            return [LocalFinding(Code.WRONG_TYPE, message, hint, (key,)).replacing(number)]
        if self._in_range(value):
            return ()
        span = "above 0 and at most 1" if self.cap else "at least 0 and below 1"
        message = f"'{key}' must be {span}, not {shown(value)}"
        hint, number = self._range_meant(key, value)
        # Not safe: a 5 may be a percentage, or a slip for 0.5.
        return [LocalFinding(Code.OUT_OF_RANGE, message, hint, (key,)).guessing(number)]

    def _in_range(self, value: float) -> bool:
        return 0 < value <= 1 if self.cap else 0 <= value < 1

    def _number_meant(self, value: object) -> tuple[str, float | None]:
        """Return the hint about a value that is not a number, and the number that it stands for, or None."""
        if isinstance(value, dict) and "_value" in value:
            return "a search space is not a config list: let the experiment fill in a number first", None
        if not isinstance(value, str):
            return _SOME_RATIO, None
        percent = value.strip().endswith("%")
        try:
            number = float(value.strip().removesuffix("%").replace(",", "."))
        except ValueError:
            return _SOME_RATIO, None
        if not percent and self._in_range(number):
            return f"write {number!r}" + ("" if "," in value else " without quotes"), number
        if self._in_range(number / 100):
            share = f"{number / 100:g}"
            return f"write {share}", float(share) if percent else None
        return (_EVERY_WEIGHT if number in (1, 100) else _SOME_RATIO), None

    def _range_meant(self, key: str, value: float) -> tuple[str, float | None]:
        """Return the hint about a number that is out of range, and the ratio that it stands for, or None."""
        if 2 <= value <= 100 and self._in_range(value / 100):  # noqa: PLR2004 - a percentage
            share = f"{value / 100:g}"
            return f"ratios are not percentages: write {share}", float(share)
        if value in (1, 100):
            return _EVERY_WEIGHT, None
        if value == 0:
            return f"to mask nothing write a ratio of 0 and delete '{key}'", None
        return _SOME_RATIO, None


_NUMBERS: Final = (int, float)
_SOME_RATIO: Final = "write a ratio such as 0.5"
_EVERY_WEIGHT: Final = (
    "a ratio of 1 would mask every weight; to leave the layers untouched use 'exclude', else write 0.99"
)
_BETWEEN_NAMES: Final = re.compile(r"[\s,;\[\]]+")
"""What cannot be in the name of a layer: several names were written as one string."""
_FEW: Final = 8
"""How many names a hint writes out."""


@dataclass(frozen=True, slots=True)
class IntegerRule(ValueRule):
    """A whole number from `least` to `most` (None: the largest integer that every reader can hold)."""

    least: int
    most: int | None = None

    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most or _LARGEST}

    def faults(self, key: str, value: object) -> Sequence[LocalFinding]:
        span = f"at least {self.least}" if self.most is None else f"from {self.least} to {self.most}"
        if isinstance(value, bool) or not isinstance(value, int):
            message = f"'{key}' must be a whole number {span}, not {shown(value)}"
            number = self._number(value)
            hint = f"write {number}" if number is not None else self._hint(value)
            return [LocalFinding(Code.WRONG_TYPE, message, hint, (key,)).replacing(number)]
        if self._in_range(value):
            return ()
        span = f"at most {_LARGEST}" if value > _LARGEST else span
        hint = self._hint(value)
        if self.most is not None and value > self.most:
            hint = "to leave these layers unquantized use 'exclude'"  # D9
        return [LocalFinding(Code.OUT_OF_RANGE, f"'{key}' must be {span}, not {shown(value)}", hint, (key,))]

    def _in_range(self, value: int) -> bool:
        return self.least <= value <= (self.most or _LARGEST)

    def _number(self, value: object) -> int | None:
        """Return the whole number that `value` stands for where it is not one, or None."""
        number = None
        if isinstance(value, float) and value.is_integer():
            number = int(value)
        elif isinstance(value, str) and not self._is_of_floats(value):
            found = _ONE_NUMBER.fullmatch(value)
            number = None if found is None else int(found[1])
        return number if number is not None and self._in_range(number) else None

    def _is_of_floats(self, value: str) -> bool:
        return self.most is not None and _OF_FLOATS.match(value) is not None

    def _hint(self, value: object) -> str:
        """Return the hint for a value that does not stand for a whole number."""
        if isinstance(value, str) and self._is_of_floats(value):
            return "a config list quantizes to integers: to leave these layers floats use 'exclude'"
        return f"write {self.least}" if self.most is None else f"write a whole number such as {_USUAL_BITS}"


_ONE_NUMBER: Final = re.compile(r"[^0-9.-]*([0-9]{1,15})[^0-9.]*", re.ASCII)
"""A text with one whole number in it, as in "int4" or "8 bit"."""
_OF_FLOATS: Final = re.compile(r"(?:b|n|mx|nv)?f(?:p|loat)?_?[0-9]", re.ASCII | re.IGNORECASE)
_USUAL_BITS: Final = 8
_LARGEST: Final = 2**63 - 1
"""The largest integer that every reader of JSON and YAML can hold."""


@dataclass(frozen=True, slots=True)
class Choice(ValueRule):
    """One of a few words."""

    words: tuple[str, ...]
    instead: tuple[tuple[str, str], ...] = ()
    """Other words that users write, each with the hint for it."""

    def schema(self) -> JsonSchema:
        return {"enum": list(self.words)}

    def faults(self, key: str, value: object) -> Sequence[LocalFinding]:
        if isinstance(value, str) and value in self.words:
            return ()
        message = f"'{key}' must be {listed(self.words, last='or')}, not {shown(value)}"
        if not isinstance(value, str):
            return [LocalFinding(Code.WRONG_TYPE, message, _ONE_OF_THESE, (key,))]
        return [LocalFinding(Code.UNKNOWN_VALUE, message, self.hint(value), (key,)).guessing(self.meant(value))]

    def meant(self, value: str) -> str | None:
        """Return the word that a misspelt one resembles, or None."""
        if value.lower() in dict(self.instead) or foreign_value(value) is not None:
            return None
        return nearest(shortened(value), self.words)

    def hint(self, value: str) -> Hint | str:
        """Return what to write instead of a word that is not one of these."""
        known = dict(self.instead).get(value.lower()) or foreign_value(value)
        if known is not None:
            return known
        starting = [word for word in self.words if value and word.startswith(value.lower())]
        if len(starting) > 1:
            return Hint(f"write {' or '.join('{}' for _ in starting)}", *starting)
        close = self.meant(value)
        return Hint("write {}", close) if close else _ONE_OF_THESE


_ONE_OF_THESE: Final = "write one of these"


QuantType: TypeAlias = Literal["weight", "input", "output"]
"""The tensors of a layer that can be quantized."""
QUANT_TYPES: tuple[QuantType, ...] = ("weight", "input", "output")
_QUANT_TYPE: Final = Choice(
    QUANT_TYPES,
    instead=(
        *((word, "biases are not quantized: delete it") for word in ("bias", "biases")),
        *((word, "write 'input' or 'output', or both") for word in ("activation", "activations", "act", "acts")),
    ),
)
_BETWEEN_WORDS: Final = re.compile(r"[\s,;+&/|\[\]]+")


def _dumped(value: object) -> object:
    """Return what a sub-config keeps as `model_dump` gives it out."""
    return dict(value) if isinstance(value, FrozenMapping) else value


@dataclass(frozen=True, slots=True)
class QuantTypesRule(ValueRule):
    """One quant type, or a list of them without repeats (D9)."""

    def schema(self) -> JsonSchema:
        one = _QUANT_TYPE.schema()
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}

    def kept(self, value: Any) -> object:
        return (value,) if isinstance(value, str) else tuple(value)

    def faults(self, key: str, value: object) -> Sequence[LocalFinding]:
        example = Hint("write {}", Line(key, ["weight", "input"]))
        if isinstance(value, str):
            words = list(dict.fromkeys(filter(None, _BETWEEN_WORDS.split(value))))
            found = _QUANT_TYPE.faults(key, value)
            if len(words) > 1 and set(words) <= set(QUANT_TYPES):
                found = [fault._replace(hint=Hint("write {}", Line(key, words))).replacing(words) for fault in found]
            return found
        if maps_bits(value):
            example = Hint("write {} and {}", Line(key, list(value)), Line("quant_bits", value))
        if not isinstance(value, list):
            return [LocalFinding(Code.WRONG_TYPE, f"'{key}' must be a list, not {shown(value)}", example, (key,))]
        if not value:
            return [LocalFinding(Code.EMPTY_VALUE, f"'{key}' must name at least one quant type", example, (key,))]
        faults: list[LocalFinding] = []
        seen: set[object] = set()
        for position, element in enumerate(value):
            found = _QUANT_TYPE.faults(key, element)
            faults += (fault._replace(path=(key, position)) for fault in found)
            if not found and element in seen:
                message = f"'{key}' names {shown(element)} twice"
                repetition = LocalFinding(Code.REPEATED_QUANT_TYPE, message, "delete one of the two", (key, position))
                faults.append(repetition._replace(fix=("delete", None), safe=True))
            if not found:
                seen.add(element)
        return faults


def maps_bits(value: object) -> TypeGuard[dict[str, int]]:
    """Return whether a value maps quant types to bits: what is right in `quant_bits`, and wrong in `quant_types`."""
    return isinstance(value, dict) and bool(value) and not PerQuantTypeRule(IntegerRule(1, 31)).faults("", value)


@dataclass(frozen=True, slots=True)
class PerQuantTypeRule(ValueRule):
    """One value for all quant types, or a mapping with one for each (D9, D11)."""

    each: ValueRule

    def schema(self) -> JsonSchema:
        mapping = {
            "type": "object",
            "properties": {quant_type: self.each.schema() for quant_type in QUANT_TYPES},
            "additionalProperties": False,
            "minProperties": 1,
        }
        return {"anyOf": [self.each.schema(), mapping]}

    def kept(self, value: Any) -> object:
        if not isinstance(value, dict):
            return self.each.kept(value)
        return FrozenMapping({quant_type: self.each.kept(part) for quant_type, part in value.items()})

    def faults(self, key: str, value: object) -> Sequence[LocalFinding]:
        if not isinstance(value, dict):
            found = self.each.faults(key, value)
            if isinstance(value, list):
                by_type = "write one value for all quant types, or a mapping with one for each"
                found = [fault._replace(hint=by_type) for fault in found]
            return found
        if not value:
            message = f"'{key}' must have a value for each quant type"
            return [LocalFinding(Code.EMPTY_VALUE, message, "write one value for all, or one for each", (key,))]
        faults: list[LocalFinding] = []
        for quant_type, part in value.items():
            if quant_type not in QUANT_TYPES:
                message = f"'{key}' takes {listed(QUANT_TYPES, last='or')} as keys, not {shown(quant_type)}"
                hint = _QUANT_TYPE.hint(quant_type)
                fault = LocalFinding(Code.UNKNOWN_VALUE, message, hint, (key, quant_type), at_key=True)
                meant = _QUANT_TYPE.meant(quant_type)
                if meant is not None and meant not in value:
                    fault = fault._replace(fix=("rename", meant), safe=True)
                faults.append(fault)
            elif part is None:
                message = f"'{key}' has no value for '{quant_type}'"
                instead = "write a value, or delete it"
                faults.append(LocalFinding(Code.EMPTY_VALUE, message, instead, (key, quant_type), at_key=True))
            else:
                faults += (fault._replace(path=(key, quant_type)) for fault in self.each.faults(key, part))
        return faults
