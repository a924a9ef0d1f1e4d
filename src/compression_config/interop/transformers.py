"""transformers: a `quantization_config` with one setting for all linear layers, and a list of those that it skips.

What a key of the list matches is skipped: as a regex from the start of a name to a dot or the end, or as its end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic import Field

from compression_config.findings import Code
from compression_config.interop.base import Engine, Options, QuantizationOptions, Quantized, Request, Tensor
from compression_config.interop.defaults import defaulted, untied
from compression_config.text import joined

__all__ = ["ENGINE", "TransformersOptions"]

LINEAR, TRANSPOSED = "Linear", "Conv1D"
"""The types that are quantized; the second only by bitsandbytes."""

MOST_MATCHES = 1_000_000
"""How many matches of a name with a key are tried at most, to write keys that are plain names."""


class TransformersOptions(Options):
    """What a list leaves open to transformers: with which of its methods it quantizes."""

    method: Literal["bitsandbytes", "quanto"] = Field(
        default="bitsandbytes",
        title="'bitsandbytes' or 'quanto'",
        description="The method that quantizes. bitsandbytes has 4 and 8 bits, quanto 2, 4 and 8.",
    )


@dataclass(frozen=True, slots=True)
class _Method:
    """A method of transformers: which bits it has for all layers, and how they and the skipped layers are written."""

    settings: Mapping[int, Mapping[str, Any]]
    skipped: str
    types: Sequence[str]
    subclasses: bool
    """Whether it quantizes layers of subclasses too."""
    check: Callable[[Request, Quantized, Tensor], None]
    """Reports what the method makes of the settings of layers; their bits are those of all."""


def _export(request: Request, options: TransformersOptions) -> dict[str, Any]:
    """Return the `quantization_config` for a resolution."""
    request.lose_start_steps()
    method = METHODS[options.method]
    given = QuantizationOptions(inputs="dynamic")
    parts = list(request.quantized(given, method.types, subclasses=method.subclasses, own_scheme=True))
    weights = list(_weights(request, parts, options.method))
    counts = Counter(dict.fromkeys(method.settings, 0))
    for part, weight in weights:
        counts[weight.bits] += len(part.positions)
    bits = counts.most_common(1)[0][0]
    quantized = list(_uniform(request, weights, bits, options.method))
    _note_head(request, quantized)
    found = defaulted(request, [(method.settings[bits], part.positions) for part in quantized], (LINEAR, TRANSPOSED))
    # A key is looked for at the end of names as well, where a name may have the very same characters.
    regex = partial(_key, [name for name in request.inventory.names if name.endswith("$")])
    named = request.named(found.exceptions, exact=_exact(request, len(found.exceptions), regex), regex=regex)
    skipped = [key for keys in named.values() for key in keys]
    return {"quant_method": options.method, **method.settings[bits], method.skipped: skipped}


def _weights(request: Request, parts: Sequence[Quantized], method: str) -> Iterator[tuple[Quantized, Tensor]]:
    """Yield the layers whose weights are quantized to bits that the method has; report the others."""
    known = METHODS[method].settings
    for whole in parts:
        part = untied(request, whole)
        lose = partial(request.lose, part, Code.LOSSY_SETTING)
        if "output" in part.tensors:
            lose(f"'{method}' does not quantize outputs", key="quant_types")
        weight = request.weight_of(part, method)
        if weight is None:
            continue
        if weight.bits not in known:
            there_are = joined(map(str, sorted(known)), "or")
            lose(f"'{method}' has {there_are} bits, not {weight.bits}", key="quant_bits")
        elif part.positions:
            yield part, weight


def _uniform(
    request: Request, weights: Sequence[tuple[Quantized, Tensor]], bits: int, method: str
) -> Iterator[Quantized]:
    """Yield the layers of the bits that most layers get; report the others, which are not quantized."""
    for part, weight in weights:
        if weight.bits != bits:
            message = f"'{method}' quantizes all layers to the same bits, here {bits}, not {weight.bits}"
            hint = "write one number of bits for all layers, or exclude these"
            code, key = Code.LOSSY_SETTING, "quant_bits"
            request.lose(part, code, message, hint=hint, key=key)
            continue
        METHODS[method].check(request, part, weight)
        yield part


def _note_head(request: Request, quantized: Sequence[Quantized]) -> None:
    """Note that the output layer is quantized, which without a list of skipped layers it would not be."""
    last = max((p for p in range(len(request.inventory)) if request.inventory.has_weight(p)), default=None)
    for part in quantized:
        message = "transformers leaves the last layer of a model unquantized by default; this export quantizes it"
        positions = [position for position in part.positions if position == last]
        request.lose(part.decision, Code.LOSSY_DETAIL, message, hint="exclude it", positions=positions)


def _exact(request: Request, count: int, regex: Callable[[str], str]) -> Callable[[str], str]:
    """Return how a name is written: as it is where transformers finds no other layer by it, else as a regex."""
    inventory = request.inventory
    layers = [inventory.names[p] for p in range(len(inventory)) if inventory.types[p].endswith((LINEAR, TRANSPOSED))]

    def written(name: str) -> str:
        fine = count * len(layers) <= MOST_MATCHES and re.fullmatch(r"[\w.]+", name) is not None
        return name if fine and _skipped(name, layers) == [name] else regex(re.escape(name))

    return written


def _skipped(key: str, names: Sequence[str]) -> list[str]:
    """Return the names that a key matches, as `should_convert_module` of transformers does."""
    regex = re.compile(rf"(?:{key})(?:(?<=\.)|(?=\.|$))")
    return [name for name in names if name.endswith(key) or regex.match(name)]


def _key(ending: Sequence[str], pattern: str) -> str:
    """Return a regex that matches a whole name, and that no name ends with; `ending` are the names that end in `$`."""
    while any(name.endswith(f"^{pattern}$") for name in ending):
        pattern = f"(?:{pattern})"
    return f"^{pattern}$"


# What the methods make of settings.


def _approximate(request: Request, part: Quantized, message: str, key: str | None = None) -> None:
    request.lose(part, Code.LOSSY_APPROXIMATION, message, key=key)


def _check_bitsandbytes(request: Request, part: Quantized, weight: Tensor) -> None:
    """Report what bitsandbytes has in place of the scheme that is asked for."""
    lose = partial(request.lose, part, Code.LOSSY_SETTING)
    inputs = part.tensors.get("input")
    if weight.bits == 4:  # noqa: PLR2004 - the other is 8
        _approximate(request, part, "weights of 4 bits are NormalFloats in blocks of 64, not integers", "quant_scheme")
        if inputs is not None:
            lose("'bitsandbytes' does not quantize the inputs of 4-bit layers", key="quant_types")
        return
    _check_symmetric(request, part, weight, "bitsandbytes")
    if inputs is None:
        _approximate(request, part, "inputs of 8-bit layers are quantized as well, except for outliers")
    elif inputs.bits != weight.bits:
        lose(f"'bitsandbytes' quantizes inputs to 8 bits, not {inputs.bits}", key="quant_bits")
    else:
        _approximate(request, part, "inputs are quantized per token at run time, except for outliers", "quant_scheme")


def _check_quanto(request: Request, part: Quantized, weight: Tensor) -> None:
    """Report what quanto has in place of the scheme that is asked for."""
    if "input" in part.tensors:
        message = "transformers does not quantize inputs with 'quanto'"
        code, key = Code.LOSSY_SETTING, "quant_types"
        request.lose(part, code, message, key=key)
    if weight.bits == 8:  # noqa: PLR2004 - the others are 2 and 4
        _check_symmetric(request, part, weight, "quanto")
    else:
        message = f"weights of {weight.bits} bits are affine, in groups of at most 128 inputs"
        _approximate(request, part, message, "quant_scheme")


def _check_symmetric(request: Request, part: Quantized, weight: Tensor, method: str) -> None:
    """Report weights of 8 bits that are not to be symmetric with a scale for each channel."""
    if not weight.symmetric:
        message, code = f"'{method}' has symmetric weights of 8 bits only", Code.LOSSY_SETTING
        hint = "write per_channel_symmetric for weight"
        request.lose(part, code, message, hint=hint, key="quant_scheme")
    if weight.per == "tensor":
        _approximate(request, part, "weights have one scale for each channel, not one for all", "quant_scheme")
    if weight.symmetric:
        request.lose_sign(part, "weight")


METHODS: Mapping[str, _Method] = {
    "bitsandbytes": _Method(
        settings={4: {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, 8: {"load_in_8bit": True}},
        skipped="llm_int8_skip_modules",
        types=(LINEAR, TRANSPOSED),
        subclasses=False,
        check=_check_bitsandbytes,
    ),
    "quanto": _Method(
        settings={4: {"weights": "int4"}, 2: {"weights": "int2"}, 8: {"weights": "int8"}},
        skipped="modules_to_not_convert",
        types=(LINEAR,),
        subclasses=True,
        check=_check_quanto,
    ),
}

ENGINE = Engine(
    name="transformers",
    reads="a quantization_config with a list of layers that are skipped",
    version="transformers 5.24.0",
    kinds=("quantization",),
    options=TransformersOptions,
    export=_export,
)
