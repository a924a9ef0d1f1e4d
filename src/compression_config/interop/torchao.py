"""torchao: an `FqnToConfig` as JSON, which `quantize_`, transformers and vLLM read.

Its keys are names or, after `re:`, regexes that match a name in full; `_default` is for all other Linear layers. A name
comes before a regex, that of a parameter before that of its layer, and among regexes the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field

from compression_config.configs.value_rules import QuantType
from compression_config.findings import Code
from compression_config.interop.base import Engine, QuantizationOptions, Quantized, Request, Tensor, is_a, numbered
from compression_config.interop.importing import Import, Reading, quantization_keys
from compression_config.interop.serving import EXPERTS, VLLM, check_fused, check_group_sizes, fused_names
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath

__all__ = ["ENGINE", "TorchaoOptions"]

APPLIED = ("Linear", "Embedding", "Conv2d")
"""The types whose weights it quantizes; inputs only of the first."""

MOST_BITS = 8
DEFAULT = "_default"


class TorchaoOptions(QuantizationOptions):
    """What a list leaves open to torchao, which quantizes inputs at run time only."""

    # Static inputs are scales, which are not part of a document.
    inputs: Literal["dynamic"] = Field(
        default="dynamic", title="'dynamic' for torchao", description="The scales of inputs are found for each token."
    )


def _export(request: Request, options: TorchaoOptions) -> dict[str, Any]:
    """Return the `FqnToConfig` for a resolution."""
    request.lose_start_steps()
    quantized = list(request.quantized(options, APPLIED))
    check_group_sizes(request, quantized, options)
    check_fused(request, quantized)
    configs, outcomes = numbered(found for part in quantized for found in _configs(request, part))
    further: dict[str, int] = {}
    if request.serve is not None:
        _check_served(request, quantized)
        further = fused_names(request, outcomes)
    named = request.named(outcomes, exact=partial(_exact, request), regex=partial(_regex, request), further=further)
    keys = {key: configs[number] for number, written in named.items() for key in written}
    return {"_type": "FqnToConfig", "_version": 1, "_data": {"fqn_to_config": keys}}


def _exact(request: Request, name: str) -> str:
    return _regex(request, re.escape(name)) if name == DEFAULT or name.startswith("re:") else name


def _regex(request: Request, pattern: str) -> str:
    # A key that is the name of a layer as well fails an assertion of torchao.
    while request.inventory.position(f"re:{pattern}") is not None:
        pattern = f"(?:{pattern})"
    return f"re:{pattern}"


def _check_served(request: Request, quantized: Sequence[Quantized]) -> None:
    """Report what vLLM leaves alone."""
    for part in quantized:
        names = request.inventory.names
        left = [p for p in part.positions if EXPERTS in names[p] or not is_a(request.inventory, p, "Linear")]
        message = f"{VLLM} quantizes with torchao linear layers only, not embeddings, convolutions or experts"
        hint = "exclude these layers, or serve with compressed-tensors"
        request.lose(part.decision, Code.UNSERVABLE, message, hint=hint, key="op_types", positions=left)


def _configs(request: Request, part: Quantized) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Yield the configs for the layers of a scheme: linear ones apart, as inputs are quantized of these alone."""
    linear = [position for position in part.positions if is_a(request.inventory, position, "Linear")]
    others = [position for position in part.positions if not is_a(request.inventory, position, "Linear")]
    for positions in filter(None, (linear, others)):
        here = Quantized(part.decision, part.tensors, positions)
        weight = _weight(request, here)
        if weight is not None:
            inputs = _input(request, here, linear=positions is linear)
            yield _config(request, here, weight, inputs, linear=positions is linear), positions


def _weight(request: Request, part: Quantized) -> Tensor | None:
    """Return how the weights are quantized; None, which is reported, where torchao cannot."""
    weight = request.weight_of(part)
    if weight is None:
        return None
    if weight.bits > MOST_BITS:
        message = f"'torchao' has weights of 1 to {MOST_BITS} bits, not {weight.bits}"
        request.lose(part, Code.LOSSY_SETTING, message, key="quant_bits")
        return None
    request.lose_sign(part, "weight")
    return weight


def _input(request: Request, part: Quantized, *, linear: bool) -> Tensor | None:
    """Return how the inputs are quantized; None where they are not, which is reported if they were to be."""
    lose = partial(request.lose, part, Code.LOSSY_SETTING)
    if "output" in part.tensors:
        lose("'torchao' does not quantize outputs", key="quant_types")
    inputs = part.tensors.get("input")
    if inputs is None:
        return None
    if not linear:
        lose("'torchao' quantizes the inputs of linear layers only", key="quant_types")
        return None
    if inputs.bits != MOST_BITS:
        lose(f"'torchao' quantizes inputs to {MOST_BITS} bits, not {inputs.bits}", key="quant_bits")
        return None
    request.lose_sign(part, "input")
    request.lose_dynamic(part)
    return inputs


def _config(
    request: Request, part: Quantized, weight: Tensor, inputs: Tensor | None, *, linear: bool
) -> dict[str, Any]:
    """Return the config of torchao for tensors; what it approximates is reported."""

    def approximate(message: str) -> None:
        code, positions = Code.LOSSY_APPROXIMATION, part.positions
        request.lose(part.decision, code, message, key="quant_scheme", positions=positions)

    eight = linear and weight.bits == MOST_BITS and weight.symmetric and weight.per != "group"
    if eight and (weight.per == "tensor" or (inputs is not None and inputs.symmetric)):
        per = _object("PerTensor") if weight.per == "tensor" else _object("PerRow", dim=-1)
        if inputs is None:
            return _object("Int8WeightOnlyConfig", 2, granularity=per)
        granularity = [_object("PerRow", dim=-1), per]
        mapping = _mapping(symmetric=inputs.symmetric)
        return _object("Int8DynamicActivationInt8WeightConfig", 2, act_mapping_type=mapping, granularity=granularity)
    if weight.per == "tensor":
        approximate("weights have one scale for each channel; one for all 'torchao' has for symmetric 8 bits only")
    elif any(is_a(request.inventory, position, "Conv2d") for position in part.positions):
        approximate("the weights of convolutions have a scale for each channel and place of the kernel")
    if inputs is not None and inputs.symmetric:
        approximate("inputs are affine; symmetric ones 'torchao' has only beside symmetric 8-bit weights")
    size = weight.group_size
    per = _object("PerAxis", axis=0) if size is None else _object("PerGroup", group_size=size)
    dtype = {"_type": "torch.dtype", "_data": f"int{weight.bits}"}
    mapping = _mapping(symmetric=weight.symmetric)
    if inputs is None:
        return _object("IntxWeightOnlyConfig", 2, weight_dtype=dtype, granularity=per, mapping_type=mapping)
    data = {"weight_dtype": dtype, "weight_granularity": per, "weight_mapping_type": mapping}
    return _object("Int8DynamicActivationIntxWeightConfig", 2, **data)


def _object(kind: str, version: int = 1, **data: object) -> dict[str, Any]:
    return {"_type": kind, "_version": version, "_data": data}


def _mapping(*, symmetric: bool) -> dict[str, Any]:
    return {"_type": "MappingType", "_data": "SYMMETRIC" if symmetric else "ASYMMETRIC"}


# Import.


def _read(document: Any, inventory: Inventory | None) -> Import:  # noqa: ANN401 - foreign data
    """Return the config list for a config of torchao, or for the config.json that has one."""
    reading = Reading("torchao", inventory)
    config = reading.mapping(_config_of(document), ())
    path: ConfigPath = ("_data", "fqn_to_config")
    if config.get("_type") in _BY_NAME:
        data = reading.mapping(config.get("_data"), path[:1])
        table = reading.mapping(data.get("fqn_to_config") or data.get("module_fqn_to_config") or {}, path)
    else:
        # Any other config is one for all linear layers.
        table, path = {DEFAULT: config}, ()
    regexes = {key: reading.regex(key.removeprefix("re:"), in_full=True) for key in table if key.startswith("re:")}
    keys: dict[str, dict[str, Any]] = {}
    for position, kind in enumerate(reading.inventory.types):
        key = _chosen(reading.inventory, position, table, regexes)
        if key is None or table[key] is None:
            continue
        place = (*path, key) if path else ()
        if not kind.endswith(APPLIED):
            reading.lose(Code.LOSSY_SETTING, f"torchao cannot quantize a '{kind}' layer, which this matches", place)
            continue
        if key not in keys:
            keys[key] = _keys(reading, reading.mapping(table[key], place), place)
        if keys[key]:
            reading.enter("quantization", position, keys[key])
    return reading.done()


_BY_NAME = ("FqnToConfig", "ModuleFqnToConfig")


def _recognizes(document: Any) -> bool:  # noqa: ANN401
    """Return whether a document is a config of torchao."""
    config = _config_of(document)
    return isinstance(config, Mapping) and "_type" in config and "_data" in config


def _config_of(document: Any) -> Any:  # noqa: ANN401
    """Return the config in a document: transformers has it as the default of `quant_type`."""
    for key in ("quantization_config", "quant_type", "default"):
        if isinstance(document, Mapping) and key in document:
            document = document[key]
    return document


def _chosen(
    inventory: Inventory, position: int, table: Mapping[str, Any], regexes: Mapping[str, Callable[[str], object]]
) -> str | None:
    """Return the key that `quantize_` takes for the weight of a layer; None without one."""
    name = inventory.names[position]
    parameters = [f"{name}.{parameter}" for parameter in inventory.parameters(position) or ("weight",)]
    weight = f"{name}.weight"
    exact = [parameter for parameter in parameters if parameter in table]
    if exact:
        return weight if weight in table else None
    if name in table:
        return name
    matched = {p: key for p in parameters for key, matches in regexes.items() if matches(p)}
    if matched:
        return next((key for key, matches in regexes.items() if matches(weight)), None)
    for key, matches in regexes.items():
        if matches(name):
            return key
    kind = inventory.types[position]
    # The projection of torch's attention is a Linear that torchao leaves alone.
    by_default = kind.endswith("Linear") and kind != "NonDynamicallyQuantizableLinear"
    return DEFAULT if table.get(DEFAULT) and by_default else None


_KNOWN: Mapping[str, tuple[int | None, str, int | None, str | None]] = {
    "IntxWeightOnlyConfig": (None, "symmetric", None, None),
    "Int8DynamicActivationIntxWeightConfig": (None, "symmetric", 8, "affine"),
    "Int8WeightOnlyConfig": (8, "symmetric", None, None),
    "Int8DynamicActivationInt8WeightConfig": (8, "symmetric", 8, "symmetric"),
    "Int4WeightOnlyConfig": (4, "affine", None, None),
    "Float8WeightOnlyConfig": (8, "symmetric", None, None),
    "Float8DynamicActivationFloat8WeightConfig": (8, "symmetric", 8, "symmetric"),
    "Float8DynamicActivationInt4WeightConfig": (4, "symmetric", 8, "symmetric"),
}
"""Bits and scheme of weights and of inputs, as far as the type of a config fixes them; else these are the defaults."""

_GROUPS = {"Int4WeightOnlyConfig": 128, "Int8DynamicActivationIntxWeightConfig": 32}
"""The configs that have groups where they do not say otherwise."""


def _keys(reading: Reading, config: Mapping[str, Any], path: ConfigPath) -> dict[str, Any]:
    """Return the keys of a quantization sub-config for a config of torchao; empty for one that is not known."""
    kind, data = str(config.get("_type")), reading.mapping(config.get("_data") or {}, (*path, "_data"))
    if kind not in _KNOWN:
        reading.lose(Code.LOSSY_SETTING, f"a config list cannot express '{kind}'", path)
        return {}
    if kind.startswith("Float8"):
        reading.lose_floats((*path, "_type"))
    bits, scheme, input_bits, input_scheme = _KNOWN[kind]
    if bits is None:
        dtype = str(_value(data.get("weight_dtype"), "int8"))
        found = re.fullmatch("int([1-8])", dtype)
        if found is None:
            reading.lose(Code.LOSSY_SETTING, f"'{kind}' has 'int1' to 'int8', not '{dtype}'", (*path, "_data"))
            return {}
        bits = int(found[1])
    mapping = _value(data.get("mapping_type", data.get("weight_mapping_type")))
    if mapping is not None:
        scheme = "affine" if mapping == "ASYMMETRIC" else "symmetric"
    schemes: dict[QuantType, str] = {"weight": f"{_per(reading, kind, data, path)}_{scheme}"}
    if input_bits is None:
        return quantization_keys({"weight": bits}, schemes)
    mapping = _value(data.get("act_mapping_type"))
    if mapping is not None:
        input_scheme = "affine" if mapping == "ASYMMETRIC" else "symmetric"
    reading.lose_dynamic((*path, "_type"))
    schemes["input"] = f"per_tensor_{input_scheme}"
    return quantization_keys({"weight": bits, "input": input_bits}, schemes)


def _per(reading: Reading, kind: str, data: Mapping[str, Any], path: ConfigPath) -> str:
    """Return what shares one scale of a weight; groups are reported."""
    given = data.get("granularity", data.get("weight_granularity"))
    # A list has the granularity of inputs first.
    granularity = given[-1] if isinstance(given, list) and given else given
    where = granularity if isinstance(granularity, Mapping) else {}
    if where.get("_type") == "PerTensor":
        return "per_tensor"
    inner = where.get("_data")
    size = inner.get("group_size") if isinstance(inner, Mapping) else None
    if not where:
        size = data.get("group_size", _GROUPS.get(kind))
    if size is not None:
        reading.lose_groups(size, path)
    return "per_channel"


def _value(encoded: object, default: object = None) -> object:
    """Return what an encoded dtype or member of an enum stands for."""
    return encoded.get("_data", default) if isinstance(encoded, Mapping) else default


ENGINE = Engine(
    name="torchao",
    reads="an FqnToConfig, in JSON",
    version="torchao 0.18.0",
    kinds=("quantization",),
    serves=("vllm",),
    options=TorchaoOptions,
    export=_export,
    read=_read,
    recognizes=_recognizes,
)
