"""The kinds of value that a key can have: what is wrong with one, how it is kept, and its JSON Schema.

Each rule is stated once, in `faults`, which decides and explains at the same time. Rules are given plain data
(`plain_data.plain`): exact built-in types, and `Opaque` for everything else. A rule is a pydantic annotation
too, which gives its key to serialization and to the JSON Schema of pydantic.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeAlias, TypeGuard, TypeVar

from pydantic_core import CoreSchema, core_schema

from compression_config.configs.dialects import foreign_value
from compression_config.configs.plain_data import Opaque, shown
from compression_config.findings import Code, Hint, Line, LocalFinding
from compression_config.text import listed, nearest, shortened

__all__ = [
    "QUANT_TYPES",
    "ByQuantType",
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
            hint = Hint("write {}", Line(key, self._meant(value)))
            return [LocalFinding(Code.WRONG_TYPE, f"'{key}' must be a list, not {what}", hint, (key,))]
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
            return LocalFinding(Code.UNQUOTED_NAME, message, f'write "{shown(element)}"')
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
            return [LocalFinding(Code.EXCLUDE_FALSE, f"'{key}' takes only true", hint, (key,))]
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
            return [LocalFinding(Code.WRONG_TYPE, message, self._number_hint(value), (key,))]
        if self._in_range(value):
            return ()
        span = "above 0 and at most 1" if self.cap else "at least 0 and below 1"
        message = f"'{key}' must be {span}, not {shown(value)}"
        return [LocalFinding(Code.OUT_OF_RANGE, message, self._range_hint(key, value), (key,))]

    def _in_range(self, value: float) -> bool:
        return 0 < value <= 1 if self.cap else 0 <= value < 1

    def _number_hint(self, value: object) -> str:
        if isinstance(value, dict) and "_value" in value:
            return "a search space is not a config list: let the experiment fill in a number first"
        if not isinstance(value, str):
            return _SOME_RATIO
        percent = value.strip().endswith("%")
        try:
            number = float(value.strip().removesuffix("%").replace(",", "."))
        except ValueError:
            return _SOME_RATIO
        if not percent and self._in_range(number):
            return f"write {number!r}" + ("" if "," in value else " without quotes")
        if self._in_range(number / 100):
            return f"write {number / 100:g}"
        return _EVERY_WEIGHT if number in (1, 100) else _SOME_RATIO

    def _range_hint(self, key: str, value: float) -> str:
        if 2 <= value <= 100 and self._in_range(value / 100):  # noqa: PLR2004 - a percentage
            return f"ratios are not percentages: write {value / 100:g}"
        if value in (1, 100):
            return _EVERY_WEIGHT
        if value == 0:
            return f"to mask nothing write a ratio of 0 and delete '{key}'"
        return _SOME_RATIO


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
            return [LocalFinding(Code.WRONG_TYPE, message, f"write {self._meant(value)}", (key,))]
        if self._in_range(value):
            return ()
        span = f"at most {_LARGEST}" if value > _LARGEST else span
        hint = f"write {self._meant(value)}"
        if self.most is not None and value > self.most:
            hint = "to leave these layers unquantized use 'exclude'"  # D9
        return [LocalFinding(Code.OUT_OF_RANGE, f"'{key}' must be {span}, not {shown(value)}", hint, (key,))]

    def _in_range(self, value: int) -> bool:
        return self.least <= value <= (self.most or _LARGEST)

    def _meant(self, value: object) -> int:
        """Return the whole number that `value` stands for, or one that the key takes."""
        number = None
        if isinstance(value, str) or (isinstance(value, float) and value.is_integer()):
            try:
                number = int(value)
            except ValueError:  # no digits, or more of them than Python reads
                number = None
        if number is not None and self._in_range(number):
            return number
        return self.least if self.most is None else _USUAL_BITS


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
        return [LocalFinding(Code.UNKNOWN_VALUE, message, self.hint(value), (key,))]

    def hint(self, value: str) -> Hint | str:
        """Return what to write instead of a word that is not one of these."""
        known = dict(self.instead).get(value.lower()) or foreign_value(value)
        if known is not None:
            return known
        close = nearest(shortened(value), self.words)
        return Hint("write {}", close[0]) if close else _ONE_OF_THESE


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
V = TypeVar("V")


class ByQuantType(Mapping[QuantType, V], Generic[V]):
    """One value for each of some quant types, in the order written; hashable, equal to any mapping like it."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[QuantType, V]) -> None:
        self._values = dict(values)

    def __getitem__(self, quant_type: QuantType) -> V:
        return self._values[quant_type]

    def __iter__(self) -> Iterator[QuantType]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return repr(self._values)


def _dumped(value: object) -> object:
    """Return what a sub-config keeps as `model_dump` gives it out."""
    return dict(value) if isinstance(value, ByQuantType) else value


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
                found = [fault._replace(hint=Hint("write {}", Line(key, words))) for fault in found]
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
                faults.append(LocalFinding(Code.REPEATED_QUANT_TYPE, message, "delete one of the two", (key, position)))
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
        return ByQuantType({quant_type: self.each.kept(part) for quant_type, part in value.items()})

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
                faults.append(LocalFinding(Code.UNKNOWN_VALUE, message, hint, (key, quant_type), at_key=True))
            elif part is None:
                message = f"'{key}' has no value for '{quant_type}'"
                instead = "write a value, or delete it"
                faults.append(LocalFinding(Code.EMPTY_VALUE, message, instead, (key, quant_type), at_key=True))
            else:
                faults += (fault._replace(path=(key, quant_type)) for fault in self.each.faults(key, part))
        return faults
