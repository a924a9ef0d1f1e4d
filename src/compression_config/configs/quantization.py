"""Quantization sub-configs. Spec: The Keys in Quantization Config List."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from compression_config.configs.sub_config import Kind, Needs, Rivals, SubConfig
from compression_config.configs.value_rules import (
    ByQuantType,
    Choice,
    IntegerRule,
    PerQuantTypeRule,
    QuantType,
    QuantTypesRule,
)
from compression_config.findings import Code, Hint, Line, LocalFinding
from compression_config.text import listed

__all__ = ["QuantDtype", "QuantScheme", "QuantizationConfig"]

QuantDtype: TypeAlias = Literal["int", "uint"]
QuantScheme: TypeAlias = Literal[
    "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric"
]
_DTYPES = ("int", "uint")
_SCHEMES = ("per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric")
_SCHEME_WORDS = tuple((f"per_{part}_asymmetric", f"write per_{part}_affine") for part in ("tensor", "channel"))
_SETTINGS = ("quant_types", "quant_bits", "quant_start_step", "quant_dtype", "quant_scheme")
_MAPPED = ("quant_bits", "quant_dtype", "quant_scheme")
_EXCLUDE_HINT = "keep 'exclude' to leave the layers alone, or delete it to quantize them"
_TYPES = Line("quant_types", ["weight", "input"])
_BITS = Line("quant_bits", 8)
_TYPES_HINT = Hint("write {}", _TYPES)


class QuantizationConfig(SubConfig):
    """Which layers to quantize, which of their tensors, and to how many bits."""

    kind: ClassVar[Kind] = "quantization"
    no_setting_hint: ClassVar = Hint("write {} and {}, or {}", _TYPES, _BITS, Line("exclude", value=True))
    rivals: ClassVar = tuple(Rivals(frozenset({"exclude", key}), _EXCLUDE_HINT) for key in _SETTINGS)  # D4
    needs: ClassVar = (
        Needs("quant_types", ("quant_bits", "exclude"), Hint("write {}", _BITS)),  # D9
        Needs("quant_bits", ("quant_types", "exclude"), _TYPES_HINT),
        Needs("quant_start_step", ("quant_types", "exclude"), _TYPES_HINT),
        Needs("quant_dtype", ("quant_types", "exclude"), _TYPES_HINT),
        Needs("quant_scheme", ("quant_types", "exclude"), _TYPES_HINT),
    )

    quant_types: Annotated[QuantType | Sequence[QuantType], QuantTypesRule()] | None = Field(
        default=None,
        description="Which tensors of the layer to quantize: `weight`, `input`, `output`, or a list of them. "
        "Weight and input are meant to be quantized together.",
        examples=[["weight", "input"]],
    )
    quant_bits: Annotated[int | Mapping[QuantType, int], PerQuantTypeRule(IntegerRule(1, 31))] | None = Field(
        default=None,
        description="The number of bits, from 1 to 31: one for all of `quant_types`, or a mapping with one for each.",
        examples=[8, {"weight": 4, "input": 8}],
    )
    quant_start_step: Annotated[int, IntegerRule(0)] | None = Field(
        default=None,
        description="How many steps the model runs before quantization begins (for the QAT quantizer); 0 when absent.",
        examples=[1000],
    )
    quant_dtype: Annotated[QuantDtype | Mapping[QuantType, QuantDtype], PerQuantTypeRule(Choice(_DTYPES))] | None = (
        Field(
            default=None,
            description="Signed (`int`) or unsigned (`uint`): one for all `quant_types`, or a mapping by quant type.",
            examples=["int", {"weight": "int", "input": "uint"}],
        )
    )
    quant_scheme: (
        Annotated[QuantScheme | Mapping[QuantType, QuantScheme], PerQuantTypeRule(Choice(_SCHEMES, _SCHEME_WORDS))]
        | None
    ) = Field(
        default=None,
        description="One scale for the tensor or one for each channel, with a zero point (affine) or without "
        "(symmetric): one for all of `quant_types`, or a mapping by quant type.",
        examples=["per_channel_symmetric"],
    )

    @classmethod
    def value_faults(cls, values: Mapping[str, Any]) -> Sequence[LocalFinding]:
        """Return the quant types for which a mapping of bits has no entry (D9)."""
        bits = values.get("quant_bits")
        if not isinstance(bits, ByQuantType):
            return ()
        missing = [quant_type for quant_type in values.get("quant_types", ()) if quant_type not in bits]
        if not missing:
            return ()
        hint = Hint(f"write {{}} in it, or remove '{missing[0]}' from 'quant_types'", Line(missing[0], 8))
        return [
            LocalFinding(Code.MISSING_BITS, f"'quant_bits' has no bits for {listed(missing)}", hint, ("quant_bits",))
        ]

    def remarks(self) -> Iterator[LocalFinding]:
        """Yield values for types that are not quantized (D9), weight without input (D10), and those of all."""
        yield from super().remarks()
        if self.quant_types is None:
            return
        for key in _MAPPED:
            value = getattr(self, key)
            for extra in (part for part in value if part not in self.quant_types) if isinstance(value, Mapping) else ():
                message = f"'{key}' has an entry for '{extra}', which 'quant_types' does not list"
                hint = f"add '{extra}' to 'quant_types', or delete the entry"
                yield LocalFinding(Code.UNUSED_QUANT_TYPE, message, hint, (key, extra), at_key=True)
        for one, other in (("weight", "input"), ("input", "weight")):
            if one in self.quant_types and other not in self.quant_types:
                message = f"'{one}' is quantized without '{other}'; the two are meant to be quantized together"
                hint = f"add '{other}' to 'quant_types', or silence unpaired-quant-types if '{one}' alone is meant"
                yield LocalFinding(Code.UNPAIRED_QUANT_TYPES, message, hint, ("quant_types",))
