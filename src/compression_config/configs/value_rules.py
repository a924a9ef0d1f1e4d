"""The kinds of value a key can have: what is accepted, what a schema says of it, how a refusal is worded.

Each class is a pydantic annotation. pydantic's core decides in one call and without Python in between;
`explain` is asked only for what the core refused, and words why. D6 holds for all of them: numbers are
`numbers.Real` except bool, lists are any sequence but a string.
"""

from __future__ import annotations

import abc
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from compression_config.configs.dialects import foreign_value
from compression_config.configs.plain_data import Remark, shown
from compression_config.findings import Code
from compression_config.text import listed, nearest

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
    "sequence_of",
]


JsonSchema: TypeAlias = dict[str, Any]


class ValueRule(abc.ABC):
    """What the value of a key may be. A subclass says it three times: to the core, to a schema, to people."""

    @abc.abstractmethod
    def core(self) -> CoreSchema:
        """Return the schema by which pydantic's core accepts or refuses a value."""

    @abc.abstractmethod
    def schema(self) -> JsonSchema:
        """Return the same as JSON Schema."""

    @abc.abstractmethod
    def explain(self, key: str, value: object) -> Iterator[Remark]:
        """Yield why the core refused `value` for `key`: paths start at the key."""

    def accepts(self, value: object) -> bool:
        """Return whether the core takes `value`."""
        return _validator(self).isinstance_python(value)

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        """Hand the core its schema, whatever type the annotation shows to type checkers."""
        return self.core()


@dataclass(frozen=True, slots=True)
class NamesRule(ValueRule):
    """A list of names or types: at least one, none of them empty (D1)."""

    one: str
    """What an element is called in a message: "type", "name", "partial name"."""
    example: str

    def core(self) -> CoreSchema:
        return sequence_of(core_schema.str_schema(strict=True, min_length=1))

    def schema(self) -> JsonSchema:
        return {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}

    def explain(self, key: str, value: object) -> Iterator[Remark]:
        if isinstance(value, str):
            hint = f"write {key}: [{value or self.example}]"
            yield Remark(Code.WRONG_TYPE, f"'{key}' must be a list, not the string {shown(value)}", hint, (key,))
        elif not isinstance(value, list | tuple):
            named = ", ".join(value) if isinstance(value, dict) and len(value) <= _FEW else ""
            hint = f"write {key}: [{named or self.example}]"
            yield Remark(Code.WRONG_TYPE, f"'{key}' must be a list, not {shown(value)}", hint, (key,))
        elif not value:
            message = f"'{key}' must name at least one {self.one}"
            yield Remark(
                Code.EMPTY_SELECTOR, message, "name one, or delete the line to select by the other keys", (key,)
            )
        else:
            for position, element in enumerate(value):
                yield from self._explain_element(key, position, element)

    def _explain_element(self, key: str, position: int, element: object) -> Iterator[Remark]:
        path = (key, position)
        if element is None:
            yield Remark(
                Code.EMPTY_VALUE, f"an element of '{key}' has no value", f"write a {self.one}, or delete it", path
            )
        elif isinstance(element, bool | int | float):
            message = f"'{key}' must hold strings, not {shown(element)}"
            yield Remark(Code.UNQUOTED_NAME, message, f'write "{shown(element)}"', path)
        elif not isinstance(element, str):
            message = f"'{key}' must hold strings, not {shown(element)}"
            yield Remark(Code.WRONG_TYPE, message, f"write one {self.one}, as in {key}: [{self.example}]", path)
        elif not element:
            message = f"an empty string is no {self.one}"
            yield Remark(Code.EMPTY_SELECTOR, message, f"write a {self.one}, or delete it", path)
        elif any("\ud800" <= letter <= "\udfff" for letter in element):
            message = f"an element of '{key}' holds half of a surrogate pair, which is no character"
            yield Remark(Code.WRONG_TYPE, message, f"write the {self.one} anew", path)


@dataclass(frozen=True, slots=True)
class ExcludeRule(ValueRule):
    """`true` and nothing else (D4)."""

    def core(self) -> CoreSchema:
        # A literal alone would take 1 and 1.0 as well, which equal True.
        return core_schema.chain_schema([core_schema.bool_schema(strict=True), core_schema.literal_schema([True])])

    def schema(self) -> JsonSchema:
        return {"const": True}

    def explain(self, key: str, value: object) -> Iterator[Remark]:
        if value is False:
            hint = "delete the line; leaving it out means the same"
            yield Remark(Code.EXCLUDE_FALSE, f"'{key}' takes only true", hint, (key,))
        else:
            hint = f"write {key}: true"
            if isinstance(value, list) and len(value) <= _FEW and all(isinstance(name, str) for name in value):
                hint = f"write a later sub-config with op_names: [{', '.join(value)}] and {key}: true"
            yield Remark(Code.WRONG_TYPE, f"'{key}' takes only true, not {shown(value)}", hint, (key,))


@dataclass(frozen=True, slots=True)
class RatioRule(ValueRule):
    """A share of weight elements: from 0 up to but not including 1, or a cap: above 0, up to 1 (D6)."""

    cap: bool = False

    def core(self) -> CoreSchema:
        if self.cap:
            return _only(Real, core_schema.float_schema(gt=0, le=1, strict=True))
        return _only(Real, core_schema.float_schema(ge=0, lt=1, strict=True))

    def schema(self) -> JsonSchema:
        if self.cap:
            return {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
        return {"type": "number", "minimum": 0, "exclusiveMaximum": 1}

    @property
    def span(self) -> str:
        """The range in words."""
        return "above 0 and at most 1" if self.cap else "at least 0 and below 1"

    def explain(self, key: str, value: object) -> Iterator[Remark]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield Remark(
                Code.WRONG_TYPE, f"'{key}' must be a number, not {shown(value)}", self._number_hint(value), (key,)
            )
        else:
            message = f"'{key}' must be {self.span}, not {shown(value)}"
            yield Remark(Code.OUT_OF_RANGE, message, self._range_hint(key, value), (key,))

    def _number_hint(self, value: object) -> str:
        if isinstance(value, Mapping) and "_value" in value:
            return "a search space is not a config list: let the experiment fill in a number first"
        if isinstance(value, str):
            percent = value.strip().endswith("%")
            try:
                number = float(value.strip().removesuffix("%").replace(",", "."))
            except ValueError:
                return _SOME_RATIO
            if not percent and self.accepts(number):
                return f"write {number!r}" + ("" if "," in value else " without quotes")
            if 0 < number <= 100:  # noqa: PLR2004 - a percentage
                return f"write {number / 100:g}"
        return _SOME_RATIO

    def _range_hint(self, key: str, value: float) -> str:
        if 2 <= value <= 100:  # noqa: PLR2004 - a percentage
            return f"ratios are not percentages: write {value / 100:g}"
        if value == 1:
            return "a ratio of 1 would mask every weight; to leave the layers untouched use 'exclude', else write 0.99"
        if value == 0:
            return f"to mask nothing write a ratio of 0 and delete '{key}'"
        return _SOME_RATIO


_SOME_RATIO = "write a ratio such as 0.5"
_FEW = 8
"""How many names a hint writes out."""


@dataclass(frozen=True, slots=True)
class IntegerRule(ValueRule):
    """A whole number from `least` to `most` (None: no bound but that of all integers, 2**63 - 1)."""

    least: int
    most: int | None = None

    def core(self) -> CoreSchema:
        return core_schema.int_schema(ge=self.least, le=self.most or _LARGEST, strict=True)

    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most or _LARGEST}

    @property
    def span(self) -> str:
        """The range in words."""
        return f"at least {self.least}" if self.most is None else f"from {self.least} to {self.most}"

    def explain(self, key: str, value: object) -> Iterator[Remark]:
        if isinstance(value, bool) or not isinstance(value, int):
            message = f"'{key}' must be a whole number {self.span}, not {shown(value)}"
            yield Remark(Code.WRONG_TYPE, message, f"write {self._meant(value)}", (key,))
        else:
            span = f"at most {_LARGEST}" if value > _LARGEST else self.span
            message = f"'{key}' must be {span}, not {shown(value)}"
            yield Remark(Code.OUT_OF_RANGE, message, self._range_hint(value), (key,))

    def _meant(self, value: object) -> int:
        """Return the whole number that `value` stands for, or one that would do."""
        if isinstance(value, float | str):
            try:
                number = int(value) if isinstance(value, str) or value.is_integer() else None
            except ValueError:  # no digits, or more of them than Python reads
                number = None
            if number is not None and self.accepts(number):
                return number
        return self.least if self.most is None else _USUAL_BITS

    def _range_hint(self, value: int) -> str:
        if self.most is not None and value > self.most:
            return "to leave these layers unquantized use exclude"  # D9
        return f"write {self._meant(value)}"


_USUAL_BITS = 8
_LARGEST = 2**63 - 1
"""The largest integer that every reader of JSON and YAML can hold."""


@dataclass(frozen=True, slots=True)
class Choice(ValueRule):
    """One of a few words."""

    words: tuple[str, ...]

    def core(self) -> CoreSchema:
        return core_schema.literal_schema(list(self.words))

    def schema(self) -> JsonSchema:
        return {"enum": list(self.words)}

    def explain(self, key: str, value: object) -> Iterator[Remark]:
        message = f"'{key}' must be {listed(self.words, last='or')}, not {shown(value)}"
        code = Code.UNKNOWN_VALUE if isinstance(value, str) else Code.WRONG_TYPE
        yield Remark(code, message, self._hint(value), (key,))

    def _hint(self, value: object) -> str:
        if not isinstance(value, str):
            return "write one of these"
        close = nearest(value, self.words)
        return foreign_value(value) or (f"write {close[0]}" if close else "write one of these")


def sequence_of(element: CoreSchema) -> CoreSchema:
    """Return the schema of a list or tuple of one or more elements, kept as a tuple; other sequences become lists."""
    elements = core_schema.tuple_schema([element], variadic_item_index=0, min_length=1, fail_fast=True, strict=False)
    return _only((list, tuple), elements)


def _only(kind: type | tuple[type, ...], schema: CoreSchema) -> CoreSchema:
    """Return `schema` for Python values of a kind: by itself the core takes whatever converts."""
    checked = core_schema.chain_schema([core_schema.is_instance_schema(kind), schema])
    return core_schema.json_or_python_schema(json_schema=schema, python_schema=checked)


@functools.cache
def _validator(rule: ValueRule) -> SchemaValidator:
    return SchemaValidator(rule.core())


QuantType: TypeAlias = Literal["weight", "input", "output"]
QUANT_TYPES: tuple[QuantType, ...] = ("weight", "input", "output")
_BETWEEN_WORDS = re.compile(r"[\s,;+&/|\[\]]+")
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


@dataclass(frozen=True, slots=True)
class QuantTypesRule(ValueRule):
    """One quant type, or a list of them without repeats (D9)."""

    def core(self) -> CoreSchema:
        one = core_schema.literal_schema(list(QUANT_TYPES))
        many = sequence_of(one)
        unique = core_schema.no_info_after_validator_function(_without_repeats, many)
        return core_schema.no_info_before_validator_function(_one_or_many, unique)

    def schema(self) -> JsonSchema:
        one = {"enum": list(QUANT_TYPES)}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}

    def explain(self, key: str, value: object) -> Iterator[Remark]:
        if isinstance(value, str):
            words = tuple(filter(None, _BETWEEN_WORDS.split(value)))
            for remark in Choice(QUANT_TYPES).explain(key, value):
                several = len(words) > 1 and set(words) <= set(QUANT_TYPES)
                yield remark._replace(hint=f"write {key}: [{', '.join(dict.fromkeys(words))}]") if several else remark
        elif not isinstance(value, list | tuple):
            yield Remark(
                Code.WRONG_TYPE, f"'{key}' must be a list, not {shown(value)}", f"write {key}: [weight, input]", (key,)
            )
        elif not value:
            yield Remark(
                Code.EMPTY_VALUE, f"'{key}' must name at least one quant type", f"write {key}: [weight, input]", (key,)
            )
        else:
            yield from self._explain_elements(key, value)

    def _explain_elements(self, key: str, value: Sequence[object]) -> Iterator[Remark]:
        seen: list[object] = []
        for position, element in enumerate(value):
            if not isinstance(element, str) or element not in QUANT_TYPES:
                for remark in Choice(QUANT_TYPES).explain(key, element):
                    yield remark._replace(path=(key, position))
            elif element in seen:
                message = f"'{key}' names {shown(element)} twice"
                yield Remark(Code.REPEATED_QUANT_TYPE, message, "delete one of the two", (key, position))
            seen.append(element)


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _without_repeats(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("a quant type is repeated")
    return value


@dataclass(frozen=True, slots=True)
class PerQuantTypeRule(ValueRule):
    """One value for all quant types, or a mapping with one for each (D9, D11)."""

    each: ValueRule

    def core(self) -> CoreSchema:
        mapping = core_schema.dict_schema(
            core_schema.literal_schema(list(QUANT_TYPES)), self.each.core(), min_length=1, max_length=len(QUANT_TYPES)
        )
        frozen = core_schema.no_info_after_validator_function(
            ByQuantType, mapping, serialization=core_schema.plain_serializer_function_ser_schema(dict)
        )
        return core_schema.tagged_union_schema({"each": frozen, "all": self.each.core()}, _each_or_all)

    def schema(self) -> JsonSchema:
        mapping = {
            "type": "object",
            "properties": {quant_type: self.each.schema() for quant_type in QUANT_TYPES},
            "additionalProperties": False,
            "minProperties": 1,
        }
        return {"anyOf": [self.each.schema(), mapping]}

    def explain(self, key: str, value: object) -> Iterator[Remark]:
        if not isinstance(value, Mapping):
            for remark in self.each.explain(key, value):
                many = "write one value for all, or a mapping by quant type, as in {weight: ..., input: ...}"
                yield remark._replace(hint=many) if isinstance(value, list) else remark
            return
        if not value:
            message = f"'{key}' must have a value for each quant type"
            yield Remark(Code.EMPTY_VALUE, message, f"write one value for all, or {key}: {{weight: ...}}", (key,))
        for quant_type, part in value.items():
            if quant_type not in QUANT_TYPES:
                close = nearest(str(quant_type), QUANT_TYPES)
                hint = f"write {close[0]}" if close else "write one of these"
                message = f"'{key}' takes {listed(QUANT_TYPES, last='or')} as keys, not {shown(quant_type)}"
                yield Remark(Code.UNKNOWN_VALUE, message, hint, (key, str(quant_type)), at_key=True)
            elif part is None:
                message = f"'{key}' has no value for '{quant_type}'"
                yield Remark(Code.EMPTY_VALUE, message, "write a value, or delete it", (key, quant_type), at_key=True)
            elif not self.each.accepts(part):
                for remark in self.each.explain(key, part):
                    yield remark._replace(path=(key, quant_type))


def _each_or_all(value: object) -> str:
    return "each" if isinstance(value, Mapping) else "all"
