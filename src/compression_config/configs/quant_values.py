"""The values of quantization keys: quant types, and what is given once for all of them or for each (D9, D11)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic_core import CoreSchema, core_schema

from compression_config.configs.remarks import Remark, shown
from compression_config.configs.values import Choice, JsonSchema, ValueRule, sequence_of
from compression_config.findings import Code
from compression_config.naming.spelling import listed, nearest

__all__ = ["QUANT_TYPES", "ByQuantType", "PerQuantTypeRule", "QuantType", "QuantTypesRule"]

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
